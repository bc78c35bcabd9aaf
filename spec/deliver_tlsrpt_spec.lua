-- deliver/tlsrpt: what TLS came to, as lines to be counted.

local pki = require "support.pki"
local secured = require "support.secured"

local REPORT = { can = { "recall", "report" } }
local MX, HERE, THERE = "mx.contoso.test", "9.9.9.9", "9.0.0.1"

describe("results for TLS reports", function()
  local files
  setup(function()
    files = pki.new()
    secured.make(files)
  end)
  teardown(function() files:remove() end)

  -- the fields of each line told: type, result, from, mx, to, reason, policy
  local function told(s)
    local out = {}
    for _, op in ipairs(s.world.remembered) do
      if op.space == "tlsrpt" then
        assert.equal("contoso.test", op.key)
        local f = {}
        for field in (op.value .. "\t"):gmatch "([^\t]*)\t" do f[#f + 1] = field end
        assert.equal(7, #f)
        out[#out + 1] = f
      end
    end
    return out
  end

  local function only(s)
    local all = told(s)
    assert.equal(1, #all)
    return all[1]
  end

  local function new(t) return secured.new(files, t) end

  it("are told of sessions under a policy, with the policy", function()
    local s = new{ sts = true }
    s.policy.mx = { MX, "*.x.test" }
    s:deliver(REPORT)
    assert.same({ "sts", "success", HERE, MX, THERE, "", "version: STSv1|mode: enforce|max_age: 86400|mx: " .. MX .. "|mx: *.x.test" }, only(s))
    s = new{ secure = true }
    s:tlsa("wrong", "match")
    s:deliver(REPORT)
    local f = only(s)
    assert.same({ "tlsa", "success", HERE, MX, THERE, "" }, { f[1], f[2], f[3], f[4], f[5], f[6] })
    assert.matches("^3 1 1 " .. ("0"):rep(64) .. "|3 1 1 " .. ("%x"):rep(64) .. "$", f[7])
  end)

  it("are told of nothing where nobody published a policy, or nobody asked", function()
    local s = new{}
    s:deliver(REPORT)
    assert.same({}, told(s))
    s = new{ sts = true }
    s.policy.mode = "none"
    s:deliver(REPORT)
    assert.same({}, told(s))
    s = new{ sts = true }
    s:deliver{ can = { "recall" } }
    assert.same({}, told(s))
  end)

  it("say what failed", function()
    local function fails(kind, result, words, t, change, config)
      local s = new(t)
      if change then change(s) end
      local c = {}
      for k, v in pairs(REPORT) do c[k] = v end
      for k, v in pairs(config or {}) do c[k] = v end
      s:deliver(c)
      local f = told(s)[1]
      assert.same({ kind, result }, { f[1], f[2] })
      assert.matches(words, f[6])
      return f
    end
    local sts = { sts = true }
    local f = fails("sts", "starttls-not-supported", "^$", sts, function(s) s.host.EHLO = "250 mx" end)
    assert.same({ HERE, MX, THERE }, { f[3], f[4], f[5] })
    fails("sts", "starttls-not-supported", "^454 4.7.0", sts, function(s) s.host.STARTTLS = "454 4.7.0 no" end)
    fails("sts", "certificate-host-mismatch", "mx%.contoso%.test", { sts = true, certificate = "other" })
    fails("sts", "certificate-expired", "expired", { sts = true, epoch = os.time() + 20 * 365 * 86400 }, function(s)
      s.world.memory["sts contoso.test"] = ("sts1 enforce 1 %d 31557600 %d - 0 %s"):format(s.epoch, s.epoch, MX)
    end)
    f = fails("sts", "validation-failure", "does not name this host", sts, function(s) s.policy.mx = { "x.test" } end)
    assert.same({ "", MX, "" }, { f[3], f[4], f[5] })
    f = fails("sts", "sts-policy-fetch-error", "HTTP status 404", sts, function(s) s.http = "HTTP/1.1 404 no\r\n\r\n" end)
    assert.same({ "", "", "", "" }, { f[3], f[4], f[5], f[7] })
    fails("sts", "sts-policy-fetch-error", "refused", sts, function(s) s.world.hosts["9.0.0.2"] = "refused" end)
    fails("sts", "sts-policy-invalid", "no mode", sts, function(s) s.http = s:answer():gsub("mode", "mood") end)
    fails("sts", "sts-webpki-invalid", "mta%-sts%.contoso%.test", sts, function(s) s.page.tls = s.host.tls end)
    local dane = { secure = true }
    fails("tlsa", "validation-failure", "TLSA", dane, function(s) s:tlsa "wrong" end)
    fails("tlsa", "tlsa-invalid", "^$", dane, function(s) s:tlsa "unusable" end)
    fails("tlsa", "dnssec-invalid", "SERVFAIL", dane, function(s) s.world.zone["_25._tcp." .. MX] = "servfail" end)
    fails("tlsa", "starttls-not-supported", "^$", dane, function(s) s:tlsa "match"; s.host.EHLO = "250 mx" end)
  end)

  it("count what a policy on trial would have stopped as failed", function()
    local s = new{ sts = true, certificate = "other" }
    s.policy.mode = "testing"
    assert.equal("delivered", s:deliver(REPORT).outcome)
    assert.equal("certificate-host-mismatch", only(s)[2])
    assert.matches("mode: testing", only(s)[7])
    s = new{ sts = true }
    s.policy.mode, s.policy.mx = "testing", { "x.test" }
    assert.equal("delivered", s:deliver(REPORT).outcome)
    assert.equal("validation-failure", only(s)[2])
  end)

  it("hold no more of a policy than is of use, and no ends of fields", function()
    local s = new{ sts = true }
    for i = 1, 500 do s.policy.mx[i + 1] = ("host-number-%d.of-many.contoso.test"):format(i) end
    s:deliver(REPORT)
    assert.is_true(#only(s)[7] < 5000)
    s = new{ sts = true }
    s.host.STARTTLS = "454 no\tway"
    s:deliver(REPORT)
    assert.matches("454 no.way", only(s)[6])
  end)
end)
