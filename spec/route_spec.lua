local config = require "directsend.config"
local destination = require "directsend.destination"

local function group(settings, recipients, sender)
  local c = assert(config.read(settings))
  return destination.group(c, { sender = sender or "a@contoso.test",
                                recipients = recipients })
end

describe("a route", function()
  it("leads nowhere for a domain no route names", function()
    local groups, refused = group({ route = { ["one.test"] = "mx" } },
                                  { "a@one.test", "b@two.test" })
    assert.equal(1, #groups)
    assert.is_nil(refused[1])
    assert.truthy(refused[2]:find("no route leads to two.test", 1, true))
  end)

  it("leads nowhere outside accepted_domains", function()
    local settings = { accepted_domains = { "contoso.test", "one.test" } }
    local _, refused = group(settings, { "a@one.test", "b@two.test",
                                         "c@sub.one.test" })
    assert.is_nil(refused[1])
    assert.truthy(refused[2]:find("two.test is not among", 1, true))
    assert.truthy(refused[3]:find("sub.one.test is not among", 1, true))
  end)

  it("leads nowhere for a sender outside them, but for the null sender", function()
    local settings = { accepted_domains = "one.test" }
    local groups, refused = group(settings, { "a@one.test" }, "x@two.test")
    assert.same({}, groups)
    assert.truthy(refused[1]:find("sender's domain two.test", 1, true))
    assert.equal(1, #group(settings, { "a@one.test" }, ""))
  end)

  it("is open to domains the route table names", function()
    local settings = { accepted_domains = "contoso.test",
                       route = { ["one.test"] = "mx", ["*"] = "mx" } }
    local groups, refused = group(settings, { "a@one.test", "b@two.test" })
    assert.equal(1, #groups)
    assert.is_nil(refused[1])
    assert.truthy(refused[2])
  end)
end)
