local core = require "directsend.core"
local process = require "support.process"

local function temporary(text)
  local name = os.tmpname()
  local f = assert(io.open(name, "w"))
  f:write(text)
  f:close()
  return name
end

describe("this machine", function()
  it("has a clock that never goes back, and knows the time of day", function()
    local a = core.now()
    for _ = 1, 100 do
      local b = core.now()
      assert.is_true(b >= a)
      a = b
    end
    assert.is_true(math.abs(core.epoch() - os.time()) <= 1)
  end)

  it("takes a time zone of a day or more for UTC", function()
    local script = temporary [[
      print(require "directsend".message { from = "a@b.cd", to = "e@f.gh", text = "x", date = tonumber(arg[1]) }:tostring())]]
    for zone, shown in pairs { ["XXX+25:99"] = "+0000", ["XXX-24"] = "+0000", ["XXX+24:00"] = "+0000", ["XXX-23:59"] = "+2359",
                               ["XXX+23:59"] = "-2359", ["XXX-5:30"] = "+0530", ["<>:"] = "+0000", [""] = "+0000" } do
      for _, date in ipairs { 0, 1709164800, 1735689599 } do
        local text, ended = process.run(script, { env = "TZ='" .. zone .. "'" }, date)
        assert.is_true(ended, text)
        assert.equal(shown, text:match "^Date: [^\r\n]* ([+-]%d+)\r\n", zone)
      end
    end
    os.remove(script)
  end)

  it("knows its time zone at any time", function()
    for _, t in ipairs{ 0, 86399, 951782400, 1700000000, 1719792000 } do
      local l, u = os.date("*t", t), os.date("!*t", t)
      l.isdst = false
      local difference = os.time(l) - os.time(u)
      assert.equal(difference, core.zone(t))
    end
    assert.has_error(function() core.zone(0 / 0) end)
    assert.has_error(function() core.zone(1e300) end)
  end)

  it("gives random bytes, as many as asked for", function()
    for _, n in ipairs{ 0, 1, 16, 1024 } do assert.equal(n, #core.random(n)) end
    assert.not_equal(core.random(16), core.random(16))
    assert.has_error(function() core.random(-1) end)
    assert.has_error(function() core.random(1025) end)
  end)

  it("knows where packets to an address would leave from", function()
    assert.equal("127.0.0.1", core.local_ip "127.0.0.1")
    assert.equal("127.0.0.1", core.local_ip "127.1.2.3")
    assert.has_error(function() core.local_ip "localhost" end)
  end)

  it("knows its name", function()
    local f = io.popen "uname -n"
    assert.equal(f:read "*l", core.hostname())
    f:close()
  end)

  it("reads resolv.conf, whatever is in it", function()
    local name = temporary "search example.com\r\nnameserver 192.0.2.1\r\nnameserver 2001:db8::1\noptions timeout:3 attempts:4\n"
    assert.same({ servers = { "192.0.2.1:53", "[2001:db8::1]:53" }, timeout = 3, attempts = 4 }, core.resolv_conf(name))
    os.remove(name)
    for _, text in ipairs{ "", ("x"):rep(5000), "nameserver" } do
      name = temporary(text)
      assert.equal("127.0.0.1:53", core.resolv_conf(name).servers[1])
      os.remove(name)
    end
    assert.equal("127.0.0.1:53", core.resolv_conf("/no/such/file").servers[1])
    assert.equal("127.0.0.1:53", core.resolv_conf("/").servers[1])
  end)
end)
