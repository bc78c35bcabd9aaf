local core = require "directsend.core"
local lookup = require "directsend.lookup"
local servers = require "support.servers"

describe("a lookup", function()
  local nsd

  setup(function()
    nsd = servers.nsd { ["example.test"] = "@ MX 10 mx\n@ MX 20 mx2\nmx A 192.0.2.1\nmx AAAA 2001:db8::1\n"
      .. "s1._domainkey TXT \"v=DKIM1; \" \"p=AAAA\"\n_25._tcp.mx TLSA 3 1 1 ("
      .. ("ab"):rep(32) .. ")\nalias CNAME mx\nlong TXT " .. ('"' .. ("x"):rep(255) .. '" '):rep(8) }
    nsd.kept = true
  end)

  teardown(function() nsd:stop() end)

  local function ask(name, type)
    return assert(lookup.ask(name, type, { dns = { servers = { "127.0.0.1:" .. nsd.port } } }))
  end

  it("gives the records, each with what its type has", function()
    assert.same({ { ttl = 60, text = "v=DKIM1; p=AAAA" } }, ask("s1._domainkey.example.test", "TXT").records)
    assert.same({ { ttl = 60, address = "192.0.2.1" } }, ask("mx.example.test", "A").records)
    assert.same({ { ttl = 60, address = "2001:db8::1" } }, ask("mx.example.test", "AAAA").records)
    assert.same({ { ttl = 60, address = "192.0.2.1" } }, ask("alias.example.test", "A").records)
    assert.same({ { ttl = 60, host = "ns.example.test" } }, ask("example.test", "NS").records)
    assert.same({ { ttl = 60, usage = 3, selector = 1, matching = 1, data = ("\171"):rep(32) } },
      ask("_25._tcp.mx.example.test", "TLSA").records)
    local mx = ask("example.test", "MX").records
    table.sort(mx, function(a, b) return a.preference < b.preference end)
    assert.same({ { ttl = 60, preference = 10, host = "mx.example.test" },
                  { ttl = 60, preference = 20, host = "mx2.example.test" } }, mx)
  end)

  it("comes by what is too long for a datagram", function()
    assert.equal(8 * 255, #ask("long.example.test", "TXT").records[1].text)
  end)

  it("tells no records from no name", function()
    local found = ask("mx.example.test", "TXT")
    assert.equal("noerror", found.status)
    assert.same({}, found.records)
    assert.is_false(found.secure)
    assert.equal("nxdomain", ask("none.example.test", "TXT").status)
  end)

  it("says how the servers failed", function()
    local found = ask("example.invalid", "TXT") -- not this server's
    assert.equal("servfail", found.status)
    assert.truthy(found.text:find("example.invalid TXT: ", 1, true), found.text)
    assert.truthy(found.text:find("REFUSED", 1, true), found.text)
  end)

  it("refuses what is no name", function()
    local found, why, detail = lookup.ask("a..b", "TXT")
    assert.is_nil(found)
    assert.equal("string", type(why))
    assert.same({ kind = "usage", field = "destination" }, detail)
    assert.has_error(function() lookup.ask("example.test", "BOGUS") end)
  end)

  it("goes through any driver", function()
    local asked = {}
    local function refused(op)
      asked[#asked + 1] = op.ip .. " " .. op.port
      return nil, "refused", "nobody there"
    end
    local found = assert(lookup.ask("example.test", "TXT", {
      dns = { servers = { "192.0.2.53:53" }, attempts = 1 },
      driver = { name = "mine", now = core.now, connect = refused,
                 capabilities = { race = false, peek = false, duplex = false, udp = true, bind = false,
                                  max_chunk = 1024 } },
    }))
    assert.same({ "192.0.2.53 53" }, asked)
    assert.equal("timeout", found.status)
    assert.same({}, found.records)
  end)

  it("is answered once, and then over, when it is cancelled", function()
    local delivery = core.delivery { destination = "example.test", question = "TXT",
                                     dns = { servers = { "192.0.2.53:53" } } }
    local op = delivery:step(0)
    assert.equal("connect", op.op)
    delivery:cancel(0)
    op = delivery:step(0)
    local seen = {}
    while op.op ~= "done" do
      seen[#seen + 1] = op.op
      if op.op == "answer" then assert.same({}, op.records) end
      op = delivery:step(0)
    end
    assert.same({ "answer" }, seen)
    delivery:close()
  end)
end)
