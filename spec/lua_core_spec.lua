local core = require "directsend.core"
local process = require "support.process"

describe("core.next", function()
  it("visits every key once, also when they go as they come", function()
    local t, seen = { 1, 2, 3, x = 4, [0.5] = 5, [false] = 6 }, {}
    for key, v in core.next, t do
      assert.is_nil(seen[v])
      seen[v], t[key] = true, nil
    end
    assert.same({ true, true, true, true, true, true }, seen)
    assert.equal(1, select("#", core.next {}))
    assert.is_nil((core.next {}))
    assert.same({ "a", 1 }, { core.next { a = 1 } })
  end)

  it("sees no metamethod", function()
    local t = setmetatable({ a = 1 }, { __index = error, __pairs = error })
    for key, v in core.next, t do assert.equal("a1", key .. v) end
  end)

  it("raises as Lua's does", function()
    for _, v in ipairs { 1, "x", print, io.stdout } do
      local ok, why = pcall(core.next, v)
      assert.is_false(ok)
      assert.is_truthy(why:find("table expected", 1, true), why)
    end
    assert.is_false(pcall(core.next))
    assert.is_false(pcall(core.next, {}, "no key of it"))
  end)

  -- a crash takes many runs to happen, this is so in each
  if rawget(_G, "jit") then
    it("is how all traversals go that LuaJIT might compile", function()
      local text, ok = process.run("spec/support/traversed.lua", {})
      assert.is_true(ok, text)
      local traces, traversals = text:match "^(%d+)\t(%d+)\n$"
      assert.is_true(tonumber(traces) > 5, text)
      assert.equal("0", traversals)
    end)
  end
end)
