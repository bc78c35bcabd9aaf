local core = require "directsend.core"

describe("core.watch", function()
  it("takes what a watch can be told, and nothing else", function()
    local w = assert(core.watch())
    assert.equal("number", type(w:getfd()))
    assert.is_true(w:set(nil, nil, nil))
    assert.is_true(w:set(nil, "w", core.now()))
    assert.is_false(pcall(w.set, w, nil, "x"))
    assert.is_false(pcall(w.set, w, -2))
    assert.is_false(pcall(w.set, w, 2 ^ 31))
    assert.is_false(pcall(w.set, w, nil, nil, "soon"))
    assert.is_false(pcall(w.set, w, nil, nil, 0 / 0))
    assert.is_false(pcall(w.ready, core))
    w:close()
  end)

  it("says so when there is no such descriptor", function()
    local w = core.watch()
    local ok, why = w:set(9999999, "r")
    assert.is_nil(ok)
    assert.matches("descriptor", why)
    w:close()
  end)

  it("is closed once and for all", function()
    local w = core.watch()
    w:close()
    w:close()
    assert.equal(-1, w:getfd()) -- which LuaSocket's select passes over
    assert.has_error(function() w:ready() end)
    assert.has_error(function() w:set() end)
  end)

  it("is closed by the collector", function()
    local function descriptors()
      local pipe = io.popen "exec ls -l /proc/$PPID/fd"
      local text = pipe:read "*a"
      pipe:close()
      return select(2, text:gsub("timerfd", ""))
    end
    collectgarbage()
    local before = descriptors()
    for _ = 1, 3 do core.watch() end
    assert.is_true(descriptors() >= before)
    collectgarbage()
    collectgarbage()
    assert.equal(before, descriptors())
  end)
end)
