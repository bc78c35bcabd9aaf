local core = require "directsend.core"
local loops = require "support.loops"
local mailers = require "support.mailers"
local process = require "support.process"
local servers = require "support.servers"
local uv = require "luv"

local driver = loops.driver "luv"

-- run this as a script of its own; {1} stands for a port
local function script(port, text)
  local name = os.tmpname()
  local file = io.open(name, "w")
  file:write((text:gsub("{1}", port)))
  file:close()
  local out, ok = process.run(name, {})
  os.remove(name)
  return out, ok
end

local prelude = [[
local uv = require "luv"
local directsend = require "directsend"
local m = assert(directsend.new { route = "127.0.0.1:{1}", hostname = "c.example", tls = "off", driver = "luv" })
local alert = { from = "a@contoso.test", to = "b@example.test", subject = "s", text = "hello" }
]]

describe("the driver luv", function()
  after_each(servers.stop_all)

  it("is found by itself in the loop's coroutines", function()
    local server = servers.aiosmtpd { tls = false }
    local m = mailers.to(server.port)
    local gave = loops.within("luv", function()
      local report, why = m:send(mailers.alert())
      return report and report[1].outcome or why
    end)
    assert.equal("delivered", gave[1])
  end)

  it("says what to do in a callback, which cannot yield", function()
    local server = servers.aiosmtpd { tls = false }
    local m, said = mailers.to(server.port), nil
    local timer = uv.new_timer()
    timer:start(0, 0, function()
      timer:close()
      said = { m:send(mailers.alert()) }
    end)
    uv.run()
    assert.is_nil(said[1])
    assert.matches("coroutine", said[2])
    assert.equal("usage", said[3].kind)
    assert.equal("driver", said[3].field)
    assert.equal(0, #server:commands())
  end)

  it("says so when it would be loaded too late", function()
    local out, ok = script(25, [[
      coroutine.wrap(function()
        local m, why = require "directsend".new { driver = "luv" }
        print(m, why)
      end)()
    ]])
    assert.is_true(ok, out)
    assert.matches("nil\tdriver: the driver luv does not load: .*outside coroutines", out)
  end)

  it("lets the process end as soon as a send has", function()
    local server = servers.aiosmtpd { tls = false }
    for _, last in ipairs { "uv.stop()", "os.exit(0, true)", "" } do
      local out, ok = script(server.port, prelude .. [[
        coroutine.wrap(function()
          print(assert(m:send(alert))[1].outcome)
          io.stdout:flush()
          ]] .. last .. [[ end)()
        uv.run()
      ]])
      assert.equal("delivered\n", out)
      assert.is_true(ok, last)
    end
    local out, ok = script(server.port, prelude .. "print(assert(m:send(alert))[1].outcome)")
    assert.equal("delivered\n", out)
    assert.is_true(ok)
  end)

  it("leaves to libuv what the caller's coroutine raises", function()
    local server = servers.aiosmtpd { tls = false }
    local out, ok = script(server.port, prelude .. [[
      coroutine.wrap(function()
        m:send(alert)
        error "a bug of the caller"
      end)()
      uv.run()
    ]])
    assert.is_false(ok)
    assert.matches("a bug of the caller", out)
  end)

  it("does not spin when a task waits for what never comes", function()
    local ok, why = pcall(driver.all, { function() coroutine.yield() end })
    assert.is_false(ok)
    assert.matches("not in the loop", why)
  end)

  it("holds no more than it must of what nobody asked for", function()
    local socket = require "socket"
    local listener = socket.bind("127.0.0.1", 0)
    local _, port = listener:getsockname()
    local ok, why = driver.all { function()
      local conn = assert(driver.connect { tcp = true, ip = "127.0.0.1", port = tonumber(port) })
      local peer = listener:accept()
      peer:settimeout(0)
      local text, sent, got = ("0123456789abcdef"):rep(65536), 0, {}
      for _ = 1, 20 do
        local n, _, part = peer:send(text, sent + 1)
        sent = n or part
        driver.sleep(core.now() + 0.005)
      end
      assert(conn.held < 2 * 65536 + 1, conn.held)
      peer:settimeout(5)
      local n = 0
      while n < sent do
        got[#got + 1] = assert(conn:receive(5000, core.now() + 5))
        assert(#got[#got] <= 5000)
        n = n + #got[#got]
      end
      assert(table.concat(got) == text:sub(1, sent))
      conn:close()
      peer:close()
    end }
    listener:close()
    assert.is_nil(ok, why)
  end)
end)
