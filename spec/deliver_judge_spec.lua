local world = require "support.world"

local message = { { body = "Subject: x\r\n\r\nx\r\n" } }

local function two()
  return { ["contoso.test"] = { MX = { { 1, "mx.contoso.test" } } },
           ["mx.contoso.test"] = { A = { "9.0.0.1" }, AAAA = { "2600::1", "2600::2" } } }
end

local function run(hosts, config, messages, zone)
  local w = world.new{ zone = zone or two(), hosts = hosts }
  local c = { destination = "contoso.test", hostname = "c.example" }
  for k, v in pairs(config or {}) do c[k] = v end
  local rows = w:deliver(c, messages or message)
  return rows[1], w, rows
end

describe("a refusal of our IPv6 address", function()
  local replies = {
    MAIL = "550 5.7.25 [2600::9] The IP address sending this message does not have a PTR record",
    DATA = "450 4.7.26 Access denied, a message sent over IPv6 must pass SPF or DKIM",
    final = "550 5.7.510 Access denied, [contoso.test] does not accept email over IPv6",
    greeting = "554 5.7.25 no PTR",
    RCPT = "450 4.7.26 unauthenticated",
  }

  it("is answered with the same message over IPv4, at once", function()
    for where, reply in pairs(replies) do
      local four = world.smtp{}
      local r, w = run({ ["2600::1"] = world.smtp{ [where] = reply }, ["2600::2"] = world.smtp{ [where] = reply }, ["9.0.0.1"] = four },
                       { ip = "6first" })
      assert.equal("delivered", r.outcome, where)
      assert.equal("9.0.0.1", r.ip)
      assert.same({ "2600::1:25", "9.0.0.1:25" }, w.connects, where)
      assert.equal(message[1].body, four.received[1].body)
    end
  end)

  it("is the outcome where there is no IPv4", function()
    for where, reply in pairs(replies) do
      local zone = two()
      zone["mx.contoso.test"].A = nil
      local r = run({ ["2600::1"] = world.smtp{ [where] = reply } }, { ip = "6first" }, nil, zone)
      assert.equal(reply:sub(1, 1) == "5" and "failed" or "deferred", r.outcome, where)
      assert.equal(reply, r.reply)
    end
  end)

  it("is the outcome where IPv4 is not wanted", function()
    local r, w = run({ ["2600::1"] = world.smtp{ MAIL = replies.MAIL } }, { ip = "6" })
    assert.equal("failed", r.outcome)
    assert.equal(1, #w.connects)
  end)

  it("is that of the message when it comes over IPv4", function()
    local r, w = run({ ["9.0.0.1"] = world.smtp{ MAIL = replies.MAIL } })
    assert.equal("failed", r.outcome)
    assert.equal(1, #w.connects)
  end)

  it("takes all that was behind it over IPv4 as well", function()
    local four, n = world.smtp{}, 0
    local six = world.smtp{ final = function()
      n = n + 1
      return n == 2 and replies.final or "250 ok"
    end }
    local list = { message[1], message[1], message[1], message[1] }
    local _, w, rows = run({ ["2600::1"] = six, ["2600::2"] = six, ["9.0.0.1"] = four }, { ip = "6first" }, list)
    assert.equal(4, #rows)
    for _, r in ipairs(rows) do assert.equal("delivered", r.outcome) end
    assert.equal(4, #six.received + #four.received)
    assert.equal(2, #w.connects)
  end)
end)

describe("a host that lost count", function()
  local function pipelining(t)
    t.EHLO = "250-mx\r\n250 PIPELINING"
    return world.smtp(t)
  end

  local zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }

  -- takes what is said step by step, and nothing that is said ahead
  local function hasty()
    return pipelining{ DATA = function(_, s)
      return s.buffer == "" and s.mail_alone and "354 go" or "503 5.5.1 bad sequence"
    end, MAIL = function(_, s)
      s.mail_alone = s.buffer == ""
      return "250 ok"
    end }
  end

  it("is tried again at once, one command at a time", function()
    local mx = hasty()
    local r, w = run({ ["9.0.0.1"] = mx }, nil, nil, zone)
    assert.equal("delivered", r.outcome)
    assert.equal(2, #w.connects)
    assert.equal(1, #mx.received)
  end)

  it("is spoken to like that for a week, by whoever remembers", function()
    local mx = hasty()
    local w = world.new{ zone = zone, hosts = { ["9.0.0.1"] = mx } }
    local config = { destination = "contoso.test", hostname = "c.example", can = { "recall" } }
    w:deliver(config, message)
    assert.equal(2, #w.connects)
    assert.equal(1, #w.remembered)
    local op = w.remembered[1]
    assert.equal("careful", op.space)
    assert.equal("contoso.test:25", op.key)
    local core = require "directsend.core"
    local age = op.expires - (core.epoch() - core.now() + w.clock)
    assert.is_true(math.abs(age - 7 * 86400) < 10, age)
    assert.equal("delivered", w:deliver(config, message)[1].outcome)
    assert.equal(3, #w.connects)
    assert.equal(1, #w.remembered)
  end)

  it("fails when care does not help", function()
    local mx = pipelining{ DATA = "503 5.5.1 bad sequence" }
    local r, w = run({ ["9.0.0.1"] = mx }, nil, nil, zone)
    assert.equal("failed", r.outcome)
    assert.equal(503, r.code)
    assert.equal(2, #w.connects)
  end)

  it("is not tried again for what may have arrived", function()
    local mx = pipelining{ final = "354 what" }
    local r, w = run({ ["9.0.0.1"] = mx }, nil, nil, zone)
    assert.equal("unknown", r.outcome)
    assert.equal(1, #w.connects)
  end)

  it("means what it says where nothing was said ahead", function()
    local mx = world.smtp{ EHLO = "250 mx", DATA = "503 5.5.1 bad sequence" }
    local r, w = run({ ["9.0.0.1"] = mx }, nil, nil, zone)
    assert.equal("failed", r.outcome)
    assert.equal(1, #w.connects)
  end)
end)

describe("a refusal for the way a message came", function()
  local zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }

  it("is marked, for another route to be tried", function()
    for _, reply in ipairs{ "550 5.7.68 TenantInboundAttribution; Direct Send not allowed for this organization",
                            "550 5.7.1 refused; TenantInboundAttribution" } do
      for _, where in ipairs{ "MAIL", "RCPT", "DATA", "final" } do
        local r = run({ ["9.0.0.1"] = world.smtp{ [where] = reply } }, nil, nil, zone)
        assert.equal("failed", r.outcome)
        assert.is_true(r.reroute)
      end
    end
  end)

  it("is no other refusal", function()
    for _, reply in ipairs{ "550 5.1.1 no such user", "550 5.7.1 spam", "451 4.7.68 later" } do
      assert.is_nil(run({ ["9.0.0.1"] = world.smtp{ RCPT = reply } }, nil, nil, zone).reroute)
    end
    assert.is_nil(run({ ["9.0.0.1"] = world.smtp{ final = "250 5.7.68 fine" } }, nil, nil, zone).reroute)
  end)
end)
