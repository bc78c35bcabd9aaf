local world = require "support.world"

local message = { { body = "x\r\n" } }

local function run(zone, hosts, config)
  local w = world.new{ zone = zone, hosts = hosts }
  local c = { destination = "contoso.test", hostname = "c.example" }
  for k, v in pairs(config or {}) do c[k] = v end
  return w:deliver(c, message)[1], w
end

local ok = function() return world.smtp{} end

describe("resolving a destination", function()
  it("tries hosts by preference, whatever the order of the answer", function()
    local zone = { ["contoso.test"] = { MX = { { 30, "c.contoso.test" }, { 10, "a.contoso.test" }, { 20, "b.contoso.test" } } },
                   ["a.contoso.test"] = { A = { "9.0.0.1" } }, ["b.contoso.test"] = { A = { "9.0.0.2" } },
                   ["c.contoso.test"] = { A = { "9.0.0.3" } } }
    local r, w = run(zone, { ["9.0.0.1"] = "refused", ["9.0.0.2"] = "unreachable", ["9.0.0.3"] = ok() })
    assert.equal("delivered", r.outcome)
    assert.same({ "9.0.0.1:25", "9.0.0.2:25", "9.0.0.3:25" }, w.connects)
  end)

  it("takes the domain itself when there is no MX", function()
    local r = run({ ["contoso.test"] = { A = { "9.0.0.1" } } }, { ["9.0.0.1"] = ok() })
    assert.equal("delivered", r.outcome)
    assert.equal("contoso.test", r.host)
  end)

  it("never takes the domain itself when the MX could not be asked for", function()
    for _, fault in ipairs{ "servfail", "silent" } do
      local r, w = run({ ["contoso.test"] = { MX = fault, A = { "9.0.0.1" } } }, { ["9.0.0.1"] = ok() })
      assert.equal("deferred", r.outcome)
      assert.equal("dns", r.kind)
      assert.equal("dns", r.stage)
      assert.same({}, w.connects)
    end
  end)

  it("fails for good: no such domain, null MX, no usable host, no address", function()
    local cases = {
      { {}, "does not exist", "5.1.2" },
      { { ["contoso.test"] = { MX = { { 0, "." } } } }, "null MX", "5.1.10" },
      { { ["contoso.test"] = { MX = { { 10, "under_score!" } } } }, "name no usable host" },
      { { ["contoso.test"] = { MX = { { 10, "mx.contoso.test" } } } }, "mx.contoso.test has no address" },
      { { ["contoso.test"] = {} }, "no MX record and no address" },
    }
    for _, c in ipairs(cases) do
      local r, w = run(c[1], {})
      assert.equal("failed", r.outcome)
      assert.equal("dns", r.kind)
      assert.matches(c[2], r.text, 1, true)
      assert.equal(c[3], r.enhanced)
      assert.same({}, w.connects)
    end
  end)

  it("goes on when one host's address cannot be looked up, and defers when none can", function()
    local zone = { ["contoso.test"] = { MX = { { 10, "a.contoso.test" }, { 20, "b.contoso.test" } } },
                   ["a.contoso.test"] = { A = "servfail", AAAA = "servfail" }, ["b.contoso.test"] = { A = { "9.0.0.2" } } }
    assert.equal("delivered", run(zone, { ["9.0.0.2"] = ok() }).outcome)
    zone["b.contoso.test"] = nil
    local r = run(zone, {})
    assert.equal("deferred", r.outcome)
    assert.equal("dns", r.kind)
  end)

  it("asks for the second family only when the first is used up", function()
    local zone = { ["contoso.test"] = { A = { "9.0.0.1" }, AAAA = { "2600::1" } } }
    local _, w = run(zone, { ["9.0.0.1"] = ok() })
    assert.same({ "contoso.test MX", "contoso.test A" }, w.questions)
    local r
    r, w = run(zone, { ["9.0.0.1"] = "refused", ["2600::1"] = ok() })
    assert.equal("2600::1", r.ip)
    assert.same({ "9.0.0.1:25", "2600::1:25" }, w.connects)
  end)

  it("finds the one good address behind many that will not do", function()
    local list = {}
    for i = 1, 90 do list[i] = "10.0.0." .. i end
    list[91] = "9.0.0.1"
    assert.equal("delivered", run({ ["contoso.test"] = { A = list } }, { ["9.0.0.1"] = ok() }).outcome)
  end)

  it("keeps to the families it is told", function()
    local zone = { ["contoso.test"] = { A = { "9.0.0.1" }, AAAA = { "2600::1" } } }
    local both = function() return { ["9.0.0.1"] = ok(), ["2600::1"] = ok() } end
    assert.equal("9.0.0.1", run(zone, both(), { ip = "4first" }).ip)
    assert.equal("2600::1", run(zone, both(), { ip = "6first" }).ip)
    assert.equal("9.0.0.1", run(zone, both(), { ip = "4" }).ip)
    assert.equal("2600::1", run(zone, both(), { ip = "6" }).ip)
    local r = run({ ["contoso.test"] = { A = { "9.0.0.1" } } }, both(), { ip = "6" })
    assert.equal("failed", r.outcome)
    assert.matches("IPv6", r.text)
  end)

  it("takes no brackets for an address that hold none", function()
    local core = require "directsend.core"
    for _, name in ipairs{ "[mx.contoso.test]", "[9.0.0]", "[IPv6:9.0.0.1]", "[]", "[IPv6:]", "[fe80::1%eth0]" } do
      for _, pinned in ipairs{ false, true } do
        local d, why, field = core.delivery{ destination = name, pinned = pinned }
        assert.is_nil(d, name)
        assert.matches(name, why, 1, true)
        assert.equal("destination", field)
      end
    end
    for _, name in ipairs{ "[9.0.0.1]", "[IPv6:2600::1]", "[ipv6:2600::1]" } do
      assert.truthy(core.delivery{ destination = name })
    end
  end)

  it("looks a pinned host up without MX, and an address not at all", function()
    local _, w = run({ ["mx.contoso.test"] = { A = { "9.0.0.1" } } }, { ["9.0.0.1"] = ok() },
                     { destination = "mx.contoso.test", pinned = true })
    assert.same({ "mx.contoso.test A" }, w.questions)
    for _, d in ipairs{ { destination = "9.0.0.1", pinned = true }, { destination = "[9.0.0.1]" } } do
      local r
      r, w = run({}, { ["9.0.0.1"] = ok() }, d)
      assert.equal("delivered", r.outcome)
      assert.same({}, w.questions)
    end
  end)
end)
