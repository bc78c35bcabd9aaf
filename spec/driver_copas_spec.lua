local core = require "directsend.core"
local loops = require "support.loops"
local servers = require "support.servers"

-- where Debian has no Copas the others' specs say so
local tried = loops.has "copas"

describe("the driver copas", function()
  after_each(servers.stop_all)

  it("is tried where there is a Copas", function()
    assert.is_true(tried or not loops.expected "copas")
    if not tried then
      assert.is_false((pcall(require, "directsend.driver.copas")))
    end
  end)

  if not tried then return end
  local driver = loops.driver "copas"

  it("holds deadlines in a Copas that has no timers", function()
    local server = servers.dialog({ { steps = { { side = "TIMEOUT" } } } }, { tls = false })
    local gave = loops.within("copas", function()
      local conn = assert(driver.connect { tcp = true, ip = "127.0.0.1", port = server.port })
      local time = core.now() + 0.05
      local said = { conn:receive(9, time) }
      conn:close()
      return said[2] == "timeout" and core.now() - time
    end)
    assert.is_true(gave[1] >= 0 and gave[1] < 5)
  end)

  it("says so when there is no watch to be had, or select cannot wait for it", function()
    local server = servers.dialog({ { steps = { { side = "TIMEOUT" } } } }, { tls = false })
    local watch = core.watch
    local function receiving(get)
      local said
      core.watch = watch
      loops.within("copas", function()
        local conn = assert(driver.connect { tcp = true, ip = "127.0.0.1", port = server.port })
        if conn.eye then conn.eye:close() conn.eye = nil end
        core.watch = get
        said = { conn:receive(9, core.now() + 5) }
        conn:close()
      end)
      core.watch = watch
      return said
    end
    assert.same({ nil, "local", "none" }, receiving(function() return nil, "none" end))
    local closed = 0
    local said = receiving(function()
      return { getfd = function() return 1024 end, close = function() closed = closed + 1 end }
    end)
    assert.equal("local", said[2])
    assert.matches("select", said[3])
    assert.equal(1, closed)
  end)
end)
