local driver = require "directsend.driver.luasocket"
local mailers = require "support.mailers"
local servers = require "support.servers"

describe("the driver luasocket", function()
  after_each(servers.stop_all)

  it("hands on what a body yields to those around", function()
    local server = servers.aiosmtpd { tls = false }
    local raw = "From: a@contoso.test\r\nTo: b@example.test\r\n\r\nhello\r\n"
    local m, at = mailers.to(server.port, { driver = "luasocket" }), 0
    local body = { size = #raw, rewind = function() at = 0 end }
    function body.read()
      if coroutine.yield("wait", at) ~= "on" then return nil, "woken by another" end
      at = at + 1
      return at <= #raw and raw:sub(at, at) or nil
    end
    local co, waits, said = coroutine.create(function() return m:send { raw = body } end), 0, nil
    local _, report, why = coroutine.resume(co)
    while coroutine.status(co) ~= "dead" do
      said, waits = report, waits + 1
      _, report, why = coroutine.resume(co, "on")
    end
    assert.is_table(report, why)
    assert.equal("delivered", report[1].outcome)
    assert.equal("wait", said)
    assert.is_true(waits >= #raw)
    assert.equal(raw, server:messages()[1].raw)
  end)

  it("says so when select cannot wait for one socket more", function()
    local server = servers.aiosmtpd { tls = false }
    local said
    local ok, why = driver.all { function()
      local conn = assert(driver.connect { tcp = true, ip = "127.0.0.1", port = server.port })
      local sock = conn.sock
      conn.sock = setmetatable({ getfd = function() return 1024 end }, { __index = function(_, name)
        return function(_, ...) return sock[name](sock, ...) end
      end })
      conn:receive(1000) -- the greeting
      said = { conn:receive(1000) }
      conn:close()
    end }
    assert.is_nil(ok, why)
    assert.same({ nil, "local", "more than 1024 descriptors: select(2) waits for no more" }, said)
  end)
end)
