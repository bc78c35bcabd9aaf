-- DANE over real servers: zones signed by the spec, NSD, Unbound that
-- validates them, and hosts with STARTTLS and without.

local directsend = require "directsend"
local pki = require "support.pki"
local servers = require "support.servers"

local CASES = { "match", "wrong", "anchor", "unusable", "mixed", "none", "servfail" }

-- What comes of each: outcome, level and policy, with STARTTLS and without.
local DEFER, CLEAR = "deferred none", "delivered none default"
local EXPECTED = {
  secure = {
    match = { "delivered dane dane", DEFER }, wrong = { DEFER, DEFER }, anchor = { "delivered dane dane", DEFER },
    unusable = { "delivered encrypted dane", DEFER }, mixed = { "delivered dane dane", DEFER },
    none = { "delivered encrypted default", CLEAR }, servfail = { DEFER, DEFER },
  },
  insecure = {}, bogus = {},
}
for _, case in ipairs(CASES) do
  EXPECTED.insecure[case] = { "delivered encrypted default", CLEAR }
  EXPECTED.bogus[case] = { DEFER, DEFER }
end

describe("DANE, live,", function()
  local files, dns, tls, plain

  local function records(case, digest)
    local usable, rest = "3 1 1 " .. digest.mx, "3 1 1 " .. ("00"):rep(32)
    return ({
      match = { usable }, wrong = { rest }, anchor = { "2 1 1 " .. digest.ca }, unusable = { "1 1 1 " .. digest.mx, "0 0 1 " .. digest.ca },
      mixed = { "1 1 1 " .. digest.mx, rest, usable }, none = {},
    })[case]
  end

  local function zone(digest)
    local lines = { "lame A 127.0.0.9" }
    for _, case in ipairs(CASES) do
      lines[#lines + 1] = ("%s MX 10 mx.%s\nmx.%s A 127.0.0.1"):format(case, case, case)
      if case == "servfail" then -- whom this is delegated to is not there
        lines[#lines + 1] = "_tcp.mx.servfail NS lame"
      else
        for _, port in ipairs{ tls.port, plain.port } do
          for _, r in ipairs(records(case, digest)) do lines[#lines + 1] = ("_%d._tcp.mx.%s TLSA %s"):format(port, case, r) end
        end
      end
    end
    lines[#lines + 1] = "spoilt MX 10 mx.spoilt\nmx.spoilt A 127.0.0.1"
    for _, port in ipairs{ tls.port, plain.port } do
      lines[#lines + 1] = ("_%d._tcp.mx.spoilt TLSA 3 1 1 %s"):format(port, "11" .. ("22"):rep(31))
    end
    return table.concat(lines, "\n")
  end

  setup(function()
    files = pki.new()
    files:authority "ca"
    files:leaf("mx", { issuer = "ca", san = "DNS:mx.anchor.secure.test,DNS:mx.anchor.insecure.test" })
    files:run "cat mx.pem ca.pem >chain.pem"
    local digest = {}
    for _, name in ipairs{ "mx", "ca" } do
      files:run(("openssl x509 -in %s.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256 -r | cut -c-64 >%s.digest"):format(name, name))
      digest[name] = files:read(name .. ".digest"):sub(1, 64)
    end
    tls = servers.aiosmtpd{ certificate = { cert = files:path "chain.pem", key = files:path "mx.key" } }
    plain = servers.aiosmtpd{ tls = false }
    local text = zone(digest)
    dns = servers.unbound{
      ["secure.test"] = { state = "secure", text = text, spoil = function(signed)
        return (signed:gsub("11" .. ("22"):rep(31), "33" .. ("22"):rep(31))) -- not what was signed
      end },
      ["insecure.test"] = { state = "insecure", text = text },
      ["bogus.test"] = { state = "bogus", text = text },
    }
  end)
  teardown(function()
    servers.stop_all()
    files:remove()
  end)

  local function send(to, server, more)
    local c = { from = "a@client.test", hostname = "client.test", port = server.port, allow_private = true, mta_sts = false,
                dns = { servers = { "127.0.0.1:" .. dns.port }, trust_ad = true, timeout = 5, attempts = 1 } }
    for k, v in pairs(more or {}) do c[k] = v end
    local mailer = assert(directsend.new(c))
    local report, message, detail = mailer:send{ to = "b@" .. to, subject = to, text = "t" }
    mailer:close()
    return (report or detail.report)[1], message
  end

  local function how(row)
    return row.outcome .. " " .. row.tls.level .. (row.outcome == "delivered" and " " .. row.tls.policy or "")
  end

  it("is kept to in every case", function()
    local delivered = { [tls] = 0, [plain] = 0 }
    local cells = 0
    for state, cases in pairs(EXPECTED) do
      for case, expected in pairs(cases) do
        for i, server in ipairs{ tls, plain } do
          local to = case .. "." .. state .. ".test"
          local row, message = send(to, server)
          assert.equal(expected[i], how(row), to .. " " .. i .. ": " .. tostring(message))
          if row.outcome == "delivered" then delivered[server] = delivered[server] + 1 end
          cells = cells + 1
        end
      end
    end
    assert.equal(42, cells)
    assert.equal(delivered[tls], #tls:messages())
    assert.equal(delivered[plain], #plain:messages())
    for _, m in ipairs(tls:messages()) do assert.truthy(m.tls) end
  end)

  it("defers what a resolver finds forged", function()
    for _, server in ipairs{ tls, plain } do
      local before = #server:messages()
      local row, message = send("spoilt.secure.test", server)
      assert.equal(DEFER, how(row))
      assert.matches("TLSA records cannot be looked up", message)
      assert.equal(before, #server:messages())
    end
  end)

  it("is not believed of a resolver nobody trusts", function()
    for case in pairs(EXPECTED.secure) do
      local row = send(case .. ".secure.test", tls, { dns = { servers = { "127.0.0.1:" .. dns.port } } })
      assert.equal("delivered encrypted default", how(row))
    end
  end)

  it("may be insisted on", function()
    for case, outcome in pairs{ match = "delivered dane config", wrong = DEFER, anchor = "delivered dane config", unusable = DEFER,
                                mixed = "delivered dane config", none = DEFER, servfail = DEFER } do
      assert.equal(outcome, how((send(case .. ".secure.test", tls, { tls = "dane" }))), case)
      assert.equal(DEFER, how((send(case .. ".insecure.test", tls, { tls = "dane" }))), case)
    end
  end)

  it("is told by a plan", function()
    local plan = require "directsend.plan"
    local config = require "directsend.config"
    local c = assert(config.read{ port = tls.port, allow_private = true, dns = { servers = { "127.0.0.1:" .. dns.port }, trust_ad = true } })
    for case, level in pairs{ match = "dane dane", unusable = "required dane", none = "opportunistic default" } do
      local p = assert(plan(c, { from = "a@client.test", to = "b@" .. case .. ".secure.test", text = "t" }))
      local host = p.destinations[1].hosts[1]
      assert.equal(level, host.tls.level .. " " .. host.tls.policy)
    end
  end)
end)
