local config = require "directsend.config"
local destination = require "directsend.destination"

local function group(settings, recipients, sender)
  local c = assert(config.read(settings))
  return destination.group(c, { sender = sender or "a@contoso.test",
                                recipients = recipients })
end

describe("destination", function()
  it("is a domain, whatever its letters", function()
    local groups, refused = group({}, { "a@one.test", "b@two.test",
                                        "c@ONE.test", "\"a@b\"@one.test" })
    assert.same({}, refused)
    assert.equal(2, #groups)
    assert.equal("one.test", groups[1].destination)
    assert.equal("mx", groups[1].route)
    assert.is_nil(groups[1].pin)
    assert.same({ 1, 3, 4 }, groups[1].recipients)
    assert.same({ 2 }, groups[2].recipients)
  end)

  it("is an endpoint several domains share", function()
    local groups = group({ port = 2525, route = {
      ["one.test"] = "mx.host.test", ["two.test"] = "MX.host.test:2525",
      ["three.test"] = { host = "mx.host.test", tls = "required" },
      ["four.test"] = { host = "mx.host.test", source_address = "192.0.2.1" },
      ["five.test"] = "mx.host.test:26" } },
      { "a@one.test", "b@two.test", "c@three.test", "d@four.test",
        "e@five.test" })
    assert.equal(4, #groups)
    assert.same({ 1, 2 }, groups[1].recipients)
    assert.equal("mx.host.test", groups[1].destination)
    assert.equal("mx.host.test:2525", groups[1].route)
    assert.equal("mx.host.test:26", groups[4].route)
  end)

  it("is an address where a recipient names one", function()
    local groups = group({}, { "b@[192.0.2.1]" })
    assert.equal("[192.0.2.1]", groups[1].destination)
  end)

  it("makes a delivery, or says what will not do", function()
    local c = assert(config.read { dns = { servers = "127.0.0.1" } })
    local driver = { capabilities = { max_chunk = 1024 } }
    local d = assert(destination.delivery(c, { destination = "one.test" },
                                          driver))
    assert.equal("next", d:step(0).op)
    d:close()
    local none, why, field = destination.delivery(
      c, { destination = "no domain" }, driver)
    assert.is_nil(none)
    assert.equal("string", type(why))
    assert.equal("destination", field)
  end)
end)
