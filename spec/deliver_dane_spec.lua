-- deliver/dane: TLSA records of hosts, as far as they may be believed, in a
-- world in memory with real TLS.  Live ones: live_dane_spec.

local core = require "directsend.core"
local pki = require "support.pki"
local secured = require "support.secured"

local MX = "mx.contoso.test"

describe("DANE", function()
  local files
  setup(function()
    files = pki.new()
    secured.make(files)
  end)
  teardown(function() files:remove() end)

  local function new(...)
    local s = secured.new(files, { secure = true })
    if select("#", ...) > 0 then s:tlsa(...) end
    return s
  end

  local function asked(s, question)
    local n = 0
    for _, q in ipairs(s.world.questions) do n = n + (q == question and 1 or 0) end
    return n
  end

  local function how(row)
    return { row.outcome, row.tls.level, row.tls.policy }
  end

  it("authenticates a host by a record that matches, alone or among others", function()
    for _, set in ipairs{ { "match" }, { "wrong", "match" }, { "unusable", "match" }, { "short", "wrong", "match" } } do
      local s = new((table.unpack or unpack)(set))
      assert.same({ "delivered", "dane", "dane" }, how(s:deliver()))
      assert.equal(1, asked(s, "_25._tcp." .. MX .. " TLSA"))
    end
  end)

  it("needs no trust store, and no name, for 3 1 1", function()
    local s = secured.new(files, { secure = true, certificate = "other" })
    s:tlsa "other"
    s.world.context = require "directsend.tls".context{ ca_file = "/nonexistent" }
    assert.same({ "delivered", "dane", "dane" }, how(s:deliver()))
  end)

  it("defers where none matches, whatever the level, and never sends in clear", function()
    for _, level in ipairs{ "opportunistic", "required", "verified", "dane" } do
      local s = new("wrong", "unusable")
      local row = s:deliver{ level = level }
      assert.same({ "deferred", "tls", "handshake" }, { row.outcome, row.kind, row.stage })
      assert.equal(0, #s.host.received)
      s = new "match"
      s.host.EHLO = "250 mx"
      row = s:deliver{ level = level }
      assert.same({ "deferred", "tls", "starttls" }, { row.outcome, row.kind, row.stage })
      assert.equal(0, #s.host.received)
      s = new "match"
      s.host.STARTTLS = "454 4.7.0 not now"
      assert.equal("deferred", s:deliver{ level = level }.outcome)
      assert.equal(0, #s.host.received)
    end
  end)

  it("with records that cannot be used makes encryption mandatory, and no more", function()
    for _, set in ipairs{ { "unusable" }, { "short" } } do
      local s = secured.new(files, { secure = true, certificate = "other" })
      s:tlsa(set[1])
      assert.same({ "delivered", "encrypted", "dane" }, how(s:deliver()))
      s.host.EHLO = "250 mx"
      assert.same({ "deferred", "none", "dane" }, how(s:deliver()))
      assert.equal("deferred", s:deliver{ level = "dane" }.outcome)
    end
  end)

  it("defers where the records cannot be looked up; the next host may do", function()
    for _, trouble in ipairs{ "servfail", "silent" } do
      local s = new()
      s.world.zone["_25._tcp." .. MX] = trouble
      local row = s:deliver()
      assert.same({ "deferred", "policy", "dns" }, { row.outcome, row.kind, row.stage })
      assert.matches("TLSA records cannot be looked up", row.text)
      assert.same({}, s.world.connects)
      assert.matches("%-%- DANE: _25%._tcp%.mx%.contoso%.test TLSA: 9%.1%.1%.1:53", table.concat(s.world.traces))
      table.insert(s.world.zone["contoso.test"].MX, { 20, "mx2.contoso.test" })
      s.world.zone["mx2.contoso.test"] = { A = { "9.0.0.1" }, secure = true }
      assert.same({ "delivered", "mx2.contoso.test" }, { s:deliver().outcome, s:deliver().host })
    end
  end)

  it("changes nothing where there are no records", function()
    local s = new()
    assert.same({ "delivered", "encrypted", "default" }, how(s:deliver()))
    s.host.EHLO = "250 mx"
    assert.same({ "delivered", "none", "default" }, how(s:deliver()))
    local row = s:deliver{ level = "dane" }
    assert.equal("deferred", row.outcome)
    assert.matches("publishes no TLSA records", row.text)
  end)

  it("believes only what is secure all the way", function()
    for _, insecure in ipairs{
      function(s) s.world.zone["contoso.test"].secure = false end,
      function(s) s.world.zone[MX].secure = false end,
      function(s) s.world.zone["_25._tcp." .. MX].secure = false end,
    } do
      local s = new "wrong"
      insecure(s)
      assert.same({ "delivered", "encrypted", "default" }, how(s:deliver()))
      assert.equal("deferred", s:deliver{ level = "dane" }.outcome)
    end
    local s = new "wrong"
    s.world.zone["contoso.test"].secure = false
    s:deliver()
    assert.equal(0, asked(s, "_25._tcp." .. MX .. " TLSA"))
  end)

  it("asks for nothing unless the name server is trusted", function()
    local s = new "wrong"
    assert.same({ "delivered", "encrypted", "default" }, how(s:deliver{ dns = { servers = { "9.1.1.1" } } }))
    assert.equal(0, asked(s, "_25._tcp." .. MX .. " TLSA"))
    s:deliver{ level = "off" }
    assert.equal(0, asked(s, "_25._tcp." .. MX .. " TLSA"))
    local d, text, field = core.delivery{ destination = "a.test", level = "dane", dns = { servers = { "9.1.1.1" } } }
    assert.is_nil(d)
    assert.equal("level", field)
    assert.matches("dns.trust_ad", text)
  end)

  it("asks at the port that is connected to", function()
    local s = new()
    s:deliver{ port = 2525 }
    assert.equal(1, asked(s, "_2525._tcp." .. MX .. " TLSA"))
  end)

  it("holds for hosts the user names, and for a domain that is its own host", function()
    local s = new "match"
    assert.same({ "delivered", "dane", "dane" }, how(s:deliver{ destination = MX, pinned = true }))
    s = new "match"
    assert.same({ "delivered", "dane", "dane" }, how(s:deliver{ destination = MX }))
    s = new "wrong"
    assert.equal("deferred", s:deliver{ destination = MX }.outcome)
    s = new "wrong"
    assert.same({ "delivered", "encrypted", "default" }, how(s:deliver{ destination = "9.0.0.1", pinned = true }))
  end)

  -- RFC 7672 §2.2.3: the end of a secure alias first, then the name itself
  describe("over aliases", function()
    local function aliased(t)
      local s = new()
      local zone = s.world.zone
      zone[MX] = { CNAME = "real.contoso.test", secure = t.alias ~= false }
      zone["real.contoso.test"] = { A = { "9.0.0.1" }, secure = t.real ~= false }
      s:tlsa "match"
      local good = zone["_25._tcp." .. MX]
      s:tlsa "wrong"
      local wrong = zone["_25._tcp." .. MX]
      zone["_25._tcp." .. MX] = ({ good = good, wrong = wrong })[t.at_alias] or t.at_alias
      zone["_25._tcp.real.contoso.test"] = ({ good = good, wrong = wrong })[t.at_real] or t.at_real
      return s
    end

    it("takes the records at the end of a secure one, and those alone", function()
      local s = aliased{ at_real = "good", at_alias = "wrong" }
      assert.same({ "delivered", "dane", "dane" }, how(s:deliver()))
      assert.equal(0, asked(s, "_25._tcp." .. MX .. " TLSA"))
      assert.equal("deferred", aliased{ at_real = "wrong", at_alias = "good" }:deliver().outcome)
    end)

    it("takes those at the name itself where there are none at the end", function()
      assert.same({ "delivered", "dane", "dane" }, how(aliased{ at_alias = "good" }:deliver()))
      assert.equal("deferred", aliased{ at_alias = "wrong" }:deliver().outcome)
      local s = aliased{}
      assert.same({ "delivered", "encrypted", "default" }, how(s:deliver()))
      assert.equal(1, asked(s, "_25._tcp.real.contoso.test TLSA"))
      assert.equal(1, asked(s, "_25._tcp." .. MX .. " TLSA"))
    end)

    it("that lead out of what is secure: those at the name itself", function()
      local s = aliased{ real = false, at_alias = "good", at_real = "wrong" }
      assert.same({ "delivered", "dane", "dane" }, how(s:deliver()))
      assert.equal(1, asked(s, MX .. " CNAME"))
      assert.equal(0, asked(s, "_25._tcp.real.contoso.test TLSA"))
    end)

    it("that are not secure themselves: none", function()
      for _, real in ipairs{ true, false } do
        local s = aliased{ alias = false, real = real, at_alias = "wrong", at_real = "wrong" }
        assert.same({ "delivered", "encrypted", "default" }, how(s:deliver()))
      end
    end)

    it("defer where that cannot be found out", function()
      assert.equal("deferred", aliased{ at_real = "servfail", at_alias = "good" }:deliver().outcome)
      local s = aliased{ real = false, at_alias = "good" }
      s.world.zone[MX].fails = { CNAME = "servfail" }
      assert.equal("deferred", s:deliver().outcome)
      assert.is_true(asked(s, MX .. " CNAME") > 0)
    end)

    it("of the domain need not be followed for its hosts", function()
      local s = new "match"
      s.world.zone["www.test"] = { CNAME = "contoso.test", secure = true }
      assert.same({ "delivered", "dane", "dane" }, how(s:deliver{ destination = "www.test" }))
      s.world.zone["www.test"].secure = false
      assert.same({ "delivered", "encrypted", "default" }, how(s:deliver{ destination = "www.test" }))
    end)
  end)

  -- RFC 7672 §3.2.2: which names an authority of one's own may vouch for
  it("takes of an anchor a certificate for the host, the domain or what it is an alias of", function()
    files:leaf("domain", { issuer = "ca", san = "DNS:contoso.test" })
    files:leaf("www", { issuer = "ca", san = "DNS:www.test" })
    files:run "cat domain.pem ca.pem >domain-chain.pem; cat www.pem ca.pem >www-chain.pem; cat mx.pem ca.pem >mx-chain.pem"
    files:run "cat other.pem ca.pem >other-chain.pem"
    for name, outcomes in pairs{ mx = { "delivered", "delivered" }, domain = { "delivered", "delivered" },
                                 www = { "deferred", "delivered" }, other = { "deferred", "deferred" } } do
      for i, to in ipairs{ "contoso.test", "www.test" } do
        local s = new "anchor"
        s.host.tls = { cert = files:path(name .. "-chain.pem"), key = files:path(name .. ".key") }
        s.world.zone["www.test"] = { CNAME = "contoso.test", secure = true }
        local row = s:deliver{ destination = to }
        assert.equal(outcomes[i], row.outcome, name .. " for " .. to .. ": " .. tostring(row.text))
      end
    end
  end)

  it("sends nothing unauthenticated, whatever fails on the way", function()
    local steps = 0
    new "match":deliver(nil, { { body = "x\r\n" } }, function(_, i) steps = i end)
    local delivered = 0
    for _, how_it_fails in ipairs{ "fail reset", "fail timeout", "fail local" } do
      for at = 1, steps do
        local s = new "match"
        local rows = s:deliver(nil, { { body = "x\r\n" } }, function(op, i)
          local answered = op.op == "connect" or op.op == "send" or op.op == "receive" or op.op == "context"
          if i == at and answered then return how_it_fails end
        end)
        assert.equal(1, #rows)
        if rows[1].outcome == "delivered" then
          delivered = delivered + 1
          assert.equal("dane", rows[1].tls.level)
        end
        for _, session in ipairs(s.host.sessions) do
          for _, line in ipairs(session.commands) do assert.is_true(not line:find "^MAIL" or session.server ~= nil) end
        end
      end
    end
    assert.is_true(delivered > 10)
  end)

  it("counts for more than an MTA-STS policy, which still says which hosts", function()
    local s = secured.new(files, { secure = true, certificate = "other", sts = true })
    s:tlsa "other"
    assert.same({ "delivered", "dane", "dane" }, how(s:deliver()))
    s = secured.new(files, { secure = true, sts = true })
    s:tlsa "wrong"
    assert.equal("deferred", s:deliver().outcome)
    s = secured.new(files, { secure = true, sts = true })
    s:tlsa "match"
    s.policy.mx = { "x.test" }
    assert.matches("does not name", s:deliver().text)
  end)
end)
