-- deliver/peer: whom a session's TLS is for, and who may resume it.

local pki = require "support.pki"
local secured = require "support.secured"

describe("the peer of a TLS session", function()
  local files
  setup(function()
    files = pki.new()
    secured.make(files)
  end)
  teardown(function() files:remove() end)

  local function names(s)
    local out = {}
    for i, session in ipairs(s.host.sessions) do out[i] = session.server and session.server:name() end
    return out
  end

  it("is asked for by the host's name, and with DANE by that of its records", function()
    local s = secured.new(files)
    s:deliver()
    assert.same({ "mx.contoso.test" }, names(s))
    s = secured.new(files, { secure = true })
    s:tlsa "match"
    local zone = s.world.zone
    zone["mx.contoso.test"], zone["real.contoso.test"] = { CNAME = "real.contoso.test", secure = true }, { A = { "9.0.0.1" }, secure = true }
    zone["_25._tcp.real.contoso.test"] = zone["_25._tcp.mx.contoso.test"]
    assert.equal("dane", s:deliver().tls.level)
    assert.same({ "real.contoso.test" }, names(s))
  end)

  -- whether a second delivery goes on with the session of a first
  local function resumed(first, second, t)
    local s = secured.new(files, t)
    s:deliver(first)
    s:deliver(second)
    local sessions = s.host.sessions
    return sessions[#sessions].server:resumed()
  end

  it("resumes with the same peer, and with no other", function()
    assert.is_true(resumed())
    assert.is_true(resumed(nil, nil, { sts = true }))
    assert.is_false(resumed(nil, { level = "required", policy = "config" }))
    assert.is_false(resumed({ level = "required", policy = "config" }, { level = "verified", policy = "config" }))
    assert.is_false(resumed(nil, { hostname = "d.example" }))
    assert.is_false(resumed(nil, { port = 2525 }))
  end)

  it("resumes nothing where that is off, for all or for some", function()
    assert.is_false(resumed({ resumption = false }, { resumption = false }))
    assert.is_false(resumed({ fresh = { "contoso.test" } }, { fresh = { "contoso.test" } }))
    assert.is_false(resumed({ fresh = { "x.test", "mx.contoso.test" } }, { fresh = { "x.test", "mx.contoso.test" } }))
    assert.is_true(resumed({ fresh = { "ntoso.test" } }, { fresh = { "ntoso.test" } }))
  end)
end)
