-- From the name of a domain to the host that takes its mail, with NSD as the
-- name server and real mail hosts behind it.

local directsend = require "directsend"
local servers = require "support.servers"

local function many_addresses()
  local lines = {}
  for i = 1, 40 do lines[i] = ("@ MX 10 host-with-a-rather-long-name-%d.big"):format(i) end
  for i = 1, 40 do lines[40 + i] = ("host-with-a-rather-long-name-%d.big A 127.0.0.1"):format(i) end
  return table.concat(lines, "\n"):gsub("%.big", "")
end

local zones = {
  ["several.test"] = "@ MX 30 last\n@ MX 10 dead\n@ MX 20 good\ndead A 127.0.0.2\ngood A 127.0.0.1\nlast A 127.0.0.3",
  ["ties.test"] = "@ MX 10 a\n@ MX 10 b\n@ MX 10 c\na A 127.0.0.1\nb A 127.0.0.1\nc A 127.0.0.1",
  ["null.test"] = "@ MX 0 .",
  ["no-address.test"] = "@ MX 10 nowhere\n@ MX 20 also-nowhere",
  ["no-mail.test"] = "www A 127.0.0.1",
  ["implicit.test"] = "@ A 127.0.0.1",
  ["alias.test"] = "mail CNAME real\nreal MX 10 mx\nmx A 127.0.0.1",
  ["alias-host.test"] = "@ MX 10 alias\nalias CNAME host\nhost A 127.0.0.1",
  ["second.test"] = "@ MX 10 mx\nmx A 127.0.0.2\nmx A 127.0.0.1",
  ["big.test"] = many_addresses(),
}

describe("over a real name server", function()
  local dns, mx

  setup(function()
    dns = servers.nsd(zones)
    mx = servers.aiosmtpd{ tls = false }
  end)
  teardown(servers.stop_all)

  local function send(to, config)
    local c = { from = "a@example.test", hostname = "client.example.test", port = mx.port, allow_private = true, tls = "off",
                dns = { servers = { "127.0.0.1:" .. dns.port } } }
    for k, v in pairs(config or {}) do c[k] = v end
    local mailer = assert(directsend.new(c))
    local report, message, detail = mailer:send{ to = to, subject = "s", text = "t" }
    mailer:close()
    return (report or detail.report)[1], message
  end

  it("takes the first host that answers, by preference", function()
    local row = send "b@several.test"
    assert.equal("delivered", row.outcome)
    assert.equal("good.several.test", row.host)
  end)

  it("shares the load among hosts of one preference", function()
    local seen, count = {}, 0
    for _ = 1, 60 do
      local host = send("b@ties.test").host
      if not seen[host] then
        seen[host], count = true, count + 1
        if count == 3 then break end
      end
    end
    assert.equal(3, count) -- by chance missed once in 10^10 runs
  end)

  it("knows a domain that takes no mail, one without a host, and one that is not there", function()
    for to, words in pairs{ ["b@null.test"] = "null MX", ["b@no-address.test"] = "has no address",
                            ["b@no-mail.test"] = "no MX record and no address" } do
      local row, message = send(to)
      assert.equal("failed", row.outcome)
      assert.equal("dns", row.kind)
      assert.matches(words, message)
    end
    local row = send "b@not-there.null.test"
    assert.equal("failed", row.outcome)
    assert.equal("5.1.2", row.enhanced)
  end)

  it("defers when the name server refuses to say", function()
    local row = send "b@somebody-elses.example"
    assert.equal("deferred", row.outcome)
    assert.equal("dns", row.kind)
  end)

  it("defers when no name server is there, and asks the next one when one is not", function()
    local row, message = send("b@implicit.test", { dns = { servers = { "127.0.0.1:1" }, timeout = 0.2, attempts = 1 } })
    assert.equal("deferred", row.outcome)
    assert.matches("127.0.0.1:1", message)
    row = send("b@implicit.test", { dns = { servers = { "127.0.0.1:1", "127.0.0.1:" .. dns.port } } })
    assert.equal("delivered", row.outcome)
  end)

  it("follows aliases of domains and of hosts", function()
    assert.equal("mx.alias.test", send("b@mail.alias.test").host)
    assert.equal("alias.alias-host.test", send("b@alias-host.test").host)
  end)

  it("tries a host's second address", function()
    local row = send "b@second.test"
    assert.equal("delivered", row.outcome)
    assert.equal("127.0.0.1", row.ip)
  end)

  it("takes an answer too big for a datagram over TCP", function()
    local row = send "b@big.test"
    assert.equal("delivered", row.outcome)
    assert.matches("^host%-with%-a%-rather%-long%-name", row.host)
  end)

  it("connects to no loopback address unless told to", function()
    local function greeted()
      local n = 0
      for _, c in ipairs(mx:commands()) do n = n + (c.line:find "^EHLO" and 1 or 0) end
      return n
    end
    local before = greeted()
    local row, message = send("b@implicit.test", { allow_private = false })
    assert.equal("failed", row.outcome)
    assert.equal("policy", row.kind)
    assert.matches("loopback", message)
    assert.equal(before, greeted())
    assert.equal("delivered", send("b@implicit.test", { allow_private = { "127.0.0.0/8" } }).outcome)
  end)
end)
