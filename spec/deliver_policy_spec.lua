local pki = require "support.pki"
local secured = require "support.secured"
local world = require "support.world"

local function run(ip, config, host)
  local w = world.new{ zone = { ["contoso.test"] = { MX = { { 10, "mx.contoso.test" } } },
                                ["mx.contoso.test"] = ip:find ":" and { AAAA = { ip } } or { A = { ip } } },
                       hosts = { [ip] = host or world.smtp{} } }
  local c = { destination = "contoso.test", hostname = "c.example" }
  for k, v in pairs(config or {}) do c[k] = v end
  return w:deliver(c, { { body = "x\r\n" } })[1], w
end

local special = { "127.0.0.1", "0.0.0.0", "169.254.169.254", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "224.0.0.1",
                  "240.0.0.1", "::1", "fc00::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::" }

describe("the delivery's policy", function()
  it("connects to no special address that the DNS names", function()
    for _, ip in ipairs(special) do
      local r, w = run(ip)
      assert.equal("failed", r.outcome, ip)
      assert.equal("policy", r.kind)
      assert.matches("allow_private", r.text)
      assert.same({}, w.connects)
    end
  end)

  it("does so when it is permitted, for all or for a network", function()
    assert.equal("delivered", run("10.1.2.3", { allow_private = true }).outcome)
    assert.equal("delivered", run("10.1.2.3", { allowed = { "10.0.0.0/8" } }).outcome)
    assert.equal("failed", run("192.168.1.1", { allowed = { "10.0.0.0/8", "fc00::/7" } }).outcome)
    assert.equal("delivered", run("fc00::1", { allowed = { "10.0.0.0/8", "fc00::/7" } }).outcome)
  end)

  it("permits a pinned host any address: the user named it", function()
    local w = world.new{ zone = { ["mx.contoso.test"] = { A = { "10.0.0.1" } } }, hosts = { ["10.0.0.1"] = world.smtp{} } }
    local rows = w:deliver({ destination = "mx.contoso.test", pinned = true }, { { body = "x\r\n" } })
    assert.equal("delivered", rows[1].outcome)
  end)

  it("refuses a private literal", function()
    local w = world.new{ hosts = { ["10.0.0.1"] = world.smtp{} } }
    local rows = w:deliver({ destination = "[10.0.0.1]" }, { { body = "x\r\n" } })
    assert.equal("failed", rows[1].outcome)
    assert.equal("policy", rows[1].kind)
  end)

  it("judges the address the socket has, not the one that was asked for", function()
    local core = require "directsend.core"
    local d = core.delivery{ destination = "[9.0.0.1]", hostname = "c.example" }
    assert.equal("next", d:step(1).op)
    local op = d:step(1, "message", { sender = "", recipients = { "b@x.test" }, size = 1 })
    assert.equal("connect", op.op)
    op = d:step(1, "connected", op.conn, "9.9.9.9", "127.0.0.1")
    assert.equal("close", op.op)
    op = d:step(1)
    assert.equal("result", op.op)
    assert.equal("policy", op.row.kind)
  end)

  it("sends in clear by default where STARTTLS is not offered, and says so", function()
    local r = run("9.0.0.1")
    assert.equal("delivered", r.outcome)
    assert.equal("none", r.tls.level)
    assert.matches("not offered", r.tls.note)
  end)

  it("sends nothing in clear when TLS is required and not offered", function()
    for _, level in ipairs{ "required", "verified" } do
      local mx = world.smtp{}
      local r = run("9.0.0.1", { level = level }, mx)
      assert.equal("deferred", r.outcome)
      assert.equal("tls", r.kind)
      assert.equal("starttls", r.stage)
      assert.equal(0, #mx.received)
      assert.same({ "EHLO c.example", "QUIT" }, mx.sessions[1].commands)
    end
  end)

  local with_tls = "250-mx\r\n250-PIPELINING\r\n250 STARTTLS"

  it("says no STARTTLS at all when TLS is off", function()
    local mx = world.smtp{ EHLO = with_tls }
    local r = run("9.0.0.1", { level = "off" }, mx)
    assert.equal("delivered", r.outcome)
    assert.is_nil(r.tls.note)
    for _, c in ipairs(mx.sessions[1].commands) do assert.not_equal("STARTTLS", c) end
  end)

  it("goes on in clear where this side has no TLS, unless it is required", function()
    local mx = world.smtp{ EHLO = with_tls }
    local r = run("9.0.0.1", nil, mx)
    assert.equal("delivered", r.outcome)
    assert.matches("no TLS in this world", r.tls.note)
    r = run("9.0.0.1", { level = "required" }, mx)
    assert.equal("deferred", r.outcome)
    assert.equal("local", r.kind)
    assert.equal(1, #mx.received)
  end)

  -- over real TLS, with all that policies can say
  describe("of TLS", function()
    local files
    setup(function()
      files = pki.new()
      secured.make(files)
    end)
    teardown(function() files:remove() end)

    local function how(row)
      return { row.outcome, row.tls.level, row.tls.policy }
    end

    local STRICT, LAX, PLAIN = { body = "s\r\n", require_tls = true }, { body = "l\r\n", tls_optional = true }, { body = "p\r\n" }

    local function outcomes(rows)
      local out = {}
      for _, row in ipairs(rows) do out[row.tag] = row.outcome .. " " .. row.tls.level end
      return out
    end

    it("verifies the hosts of big receivers", function()
      local s = secured.new(files)
      assert.same({ "delivered", "verified", "trusted" }, how(s:deliver{ trusted = { "contoso.test" } }))
      s = secured.new(files, { certificate = "other" })
      assert.same({ "deferred", "none", "trusted" }, how(s:deliver{ trusted = { "contoso.test" } }))
      assert.same({ "delivered", "encrypted", "default" }, how(s:deliver{ trusted = {} }))
      assert.same({ "delivered", "encrypted", "default" }, how(s:deliver()))
    end)

    it("only encrypts to them where nothing can be verified, and says so", function()
      local s = secured.new(files, { certificate = "other" })
      s.world.context = require "directsend.tls".context{ ca_file = "/nonexistent" }
      local row = s:deliver{ trusted = { "contoso.test" } }
      assert.same({ "delivered", "encrypted", "trusted" }, how(row))
      assert.matches("no trust store", row.tls.note)
      s = secured.new(files, { certificate = "other", epoch = 1000000000 })
      row = s:deliver{ trusted = { "contoso.test" } }
      assert.same({ "delivered", "encrypted", "trusted" }, how(row))
      assert.matches("clock", row.tls.note)
      s.host.EHLO = "250 mx"
      row = s:deliver{ trusted = { "contoso.test" } }
      assert.same({ "deferred", "none", "trusted" }, how(row))
      assert.matches("trusted_hosts", row.text)
    end)

    it("lets a message say that policies do not count for it", function()
      local s = secured.new(files, { certificate = "other", sts = true, secure = true })
      s.policy.mx = { "x.test" }
      s:tlsa "wrong"
      assert.same({ "delivered", "encrypted", "default" }, how(s:deliver(nil, { LAX })[1]))
      assert.same({ "deferred", "none", "config" }, how(s:deliver({ level = "verified", policy = "config" }, { LAX })[1]))
    end)

    it("lets a message require that host and way are sure", function()
      local s = secured.new(files) -- the MX might be anybody's
      local row = s:deliver(nil, { STRICT })[1]
      assert.same({ "failed", "policy", "5.7.30" }, { row.outcome, row.kind, row.enhanced })
      assert.same({}, s.world.connects)
      row = s:deliver({ level = "off", pinned = true, destination = "mx.contoso.test" }, { STRICT })[1]
      assert.same({ "failed", "5.7.30" }, { row.outcome, row.enhanced })
      for _, sure in ipairs{ { secure = true }, { sts = true } } do
        s = secured.new(files, sure)
        row = s:deliver(nil, { STRICT })[1]
        assert.same({ "delivered", "verified" }, { row.outcome, row.tls.level })
        s = secured.new(files, { secure = sure.secure, sts = sure.sts, certificate = "other" })
        assert.equal("deferred", s:deliver(nil, { STRICT })[1].outcome)
        assert.equal(0, #s.host.received)
        s = secured.new(files, sure)
        s.host.EHLO = "250 mx"
        row = s:deliver(nil, { STRICT })[1]
        assert.equal("deferred", row.outcome)
        assert.equal(0, #s.host.received)
      end
      s = secured.new(files)
      assert.equal("verified", s:deliver({ pinned = true, destination = "mx.contoso.test" }, { STRICT })[1].tls.level)
    end)

    it("gives those that need more a session of their own, and lets the others go", function()
      for _, order in ipairs{ { PLAIN, STRICT, PLAIN }, { STRICT, PLAIN, PLAIN }, { LAX, STRICT, PLAIN } } do
        local s = secured.new(files, { secure = true })
        local rows = outcomes(s:deliver(nil, order))
        for i, m in ipairs(order) do
          if m == STRICT then assert.equal("delivered verified", rows[i]) else assert.matches("^delivered", rows[i]) end
        end
        assert.equal(3, #s.host.received)
        s = secured.new(files, { secure = true, certificate = "other" })
        rows = outcomes(s:deliver(nil, order))
        for i, m in ipairs(order) do
          assert.equal(m == STRICT and "deferred none" or "delivered encrypted", rows[i])
        end
      end
    end)

    it("plans what a host must reach, and who says so", function()
      local s = secured.new(files, { sts = true })
      s.world.zone["contoso.test"].MX[2] = { 20, "other.test" }
      s.world.zone["other.test"] = { A = { "9.0.0.5" } }
      s:deliver({ plan = true }, {})
      local first, second = s.world.planned[1], s.world.planned[2]
      assert.same({ "mx.contoso.test", "verified", "mta-sts" }, { first.name, first.level, first.policy })
      assert.is_nil(first.outcome)
      assert.same({ "other.test", "deferred", "policy" }, { second.name, second.outcome, second.kind })
      assert.matches("does not name this host", second.refused)
      s = secured.new(files, { secure = true })
      s:tlsa "match"
      s:deliver({ plan = true }, {})
      assert.same({ "dane", "dane" }, { s.world.planned[1].level, s.world.planned[1].policy })
    end)
  end)
end)
