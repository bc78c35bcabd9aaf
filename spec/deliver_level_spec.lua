-- deliver/level: the terms for a host, over all that can be known of it.

local test = require "directsend.test"
local terms, trusted = test.policy.terms, test.policy.trusted

local LEVELS = { off = 0, opportunistic = 1, required = 2, verified = 3, dane = 4 }

-- every combination of these, as tables; how many there were
local function all(axes, visit)
  local names, count = {}, 0
  for name in pairs(axes) do names[#names + 1] = name end
  table.sort(names)
  local function go(i, facts)
    if i > #names then
      count = count + 1
      return visit(facts)
    end
    for _, v in ipairs(axes[names[i]]) do
      facts[names[i]] = v
      go(i + 1, facts)
    end
  end
  go(1, {})
  return count
end

local YES_NO = { true, false }
local AXES = {
  level = { "off", "opportunistic", "required", "verified", "dane" }, dane = { "unasked", "absent", "unusable", "usable", "failed" },
  sts = { "unknown", "none", "testing", "enforce" }, listed = YES_NO, trusted = YES_NO, store = YES_NO, clock = YES_NO,
  sure = YES_NO, require = YES_NO, optional = YES_NO,
}

-- The rules once more, as rows: { when, what it raises to, whose word it is };
-- the highest counts, of equals the first.
local RAISES = {
  { function(f) return f.dane == "usable" end, "dane", "dane" },
  { function(f) return f.dane == "unusable" end, "required", "dane" },
  { function(f) return f.sts == "enforce" end, "verified", "mta-sts" },
  { function(f) return f.trusted and f.store and f.clock end, "verified", "trusted" },
  { function(f) return f.trusted end, "required", "trusted" },
}
-- { when, outcome, status, words }; the first that holds
local REFUSALS = {
  { function(f, on) return on and f.dane == "failed" end, "deferred", "", "cannot be looked up" },
  { function(f, on) return on and f.sts == "enforce" and not f.listed end, "deferred", "", "policy does not name" },
  { function(f) return f.require and f.level == "off" end, "failed", "5.7.30", "off" },
  { function(f) return f.require and not f.sure and not (f.sts == "enforce" and f.listed) end, "failed", "5.7.30", "DNSSEC nor MTA" },
  { function(f) return f.level == "dane" and f.dane ~= "usable" end, "deferred", "", 'tls="dane"' },
}

local function expected(f)
  local t = { level = f.level, policy = f.policy, refused = "" }
  local on = f.level ~= "off" and not f.optional
  for _, r in ipairs(on and RAISES or {}) do
    if r[1](f) and LEVELS[r[2]] > LEVELS[t.level] then t.level, t.policy = r[2], r[3] end
  end
  for _, r in ipairs(REFUSALS) do
    if r[1](f, on) then
      t.refused, t.enhanced, t.why = r[2], r[3], r[4]
      break
    end
  end
  local sure = f.sure or f.sts == "enforce" and f.listed
  if f.require and f.level ~= "off" and sure and LEVELS[t.level] < LEVELS.verified then
    t.level, t.policy = "verified", "config"
  end
  return t
end

local function words(f)
  local out = {}
  for k, v in pairs(f) do out[#out + 1] = k .. "=" .. tostring(v) end
  table.sort(out)
  return table.concat(out, " ")
end

describe("deliver/level", function()
  it("follows its rules for everything that can be known", function()
    local refused = 0
    assert.equal(5 * 5 * 4 * 2 ^ 7, all(AXES, function(f)
      f.policy = f.level == "opportunistic" and "default" or "config"
      local got, want = terms(f), expected(f)
      local what = words(f)
      assert.equal(want.refused, got.refused == "pending" and "" or got.refused, what)
      if want.refused ~= "" then
        refused = refused + 1
        assert.truthy(got.why:find(want.why, 1, true), what)
        assert.equal(want.enhanced, got.enhanced, what)
        return
      end
      assert.equal("", got.why .. got.enhanced, what)
      assert.equal(want.level, got.level, what)
      assert.equal(want.policy, got.policy, what)
    end))
    assert.is_true(refused > 1000)
  end)

  it("never lowers what was asked for, and raises nothing that is off", function()
    all(AXES, function(f)
      f.policy = "config"
      local got = terms(f)
      assert.is_true(LEVELS[got.level] >= LEVELS[f.level])
      if f.level == "off" then assert.equal("off", got.level) end
      if got.level == f.level then assert.equal("config", got.policy) end
    end)
  end)

  it("sends nothing in clear where a TLSA record is usable, whatever else is known", function()
    all(AXES, function(f)
      f.policy = "default"
      if f.dane ~= "usable" or f.level == "off" or f.optional then return end
      local got = terms(f)
      assert.is_true(got.refused ~= "pending" or got.level == "dane")
    end)
  end)

  it("says so when a big receiver's host cannot be verified here", function()
    local f = { level = "opportunistic", policy = "default", dane = "unasked", sts = "unknown", trusted = true, clock = true, store = true }
    assert.same({ "verified", "trusted", "" }, { terms(f).level, terms(f).policy, terms(f).note })
    f.store = false
    assert.equal("required", terms(f).level)
    assert.matches("no trust store", terms(f).note)
    f.store, f.clock = true, false
    assert.equal("required", terms(f).level)
    assert.matches("clock", terms(f).note)
    f.level = "verified"
    assert.same({ "verified", "default", "" }, { terms(f).level, terms(f).policy, terms(f).note })
  end)

  it("knows the big receivers' hosts by the ends of their names", function()
    for host, known in pairs{
      ["contoso-com.mail.protection.outlook.com"] = true, ["Contoso-COM.mail.Protection.outlook.com"] = true,
      ["contoso-com.x-v1.mx.microsoft"] = true, ["aspmx.l.google.com"] = true, ["smtp.google.com"] = true, ["google.com"] = true,
      ["outlook.com"] = false, ["notgoogle.com"] = false, ["google.com.evil.test"] = false, ["mx.microsoft.com"] = false, ["com"] = false,
      ["oogle.com"] = false, [""] = false,
    } do
      assert.equal(known, trusted(host), host)
    end
    assert.is_true(trusted("mx.corp.test", { "corp.test" }))
    assert.is_false(trusted("smtp.google.com", { "corp.test" }))
    assert.is_false(trusted("smtp.google.com", {}))
  end)
end)
