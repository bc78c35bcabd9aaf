local core = require "directsend.core"
local native = require "directsend.driver.native"
local servers = require "support.servers"
local tls = require "directsend.tls"
local world = require "support.world"

local offering = "250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN"

local function fresh(first, second)
  return world.new{ zone = { ["contoso.test"] = { MX = { { 1, "a.contoso.test" }, { 2, "b.contoso.test" } } },
                             ["a.contoso.test"] = { A = { "9.0.0.1" } }, ["b.contoso.test"] = { A = { "9.0.0.2" } } },
                    hosts = { ["9.0.0.1"] = first, ["9.0.0.2"] = second } }
end

local function letters(n)
  local list = {}
  for i = 1, n or 1 do list[i] = { body = ("Subject: %d\r\n\r\nx\r\n"):format(i) } end
  return list
end

local function config(auth, t)
  local c = { destination = "contoso.test", hostname = "c.example",
              auth = { user = "me", password = "secret", clear = true, mechanisms = { "plain" } } }
  for k, v in pairs(auth or {}) do c.auth[k] = v end
  for k, v in pairs(t or {}) do c[k] = v end
  return c
end

local function verbs(s)
  local list = {}
  for i, line in ipairs(s.commands) do list[i] = line:match "^%a+" end
  return table.concat(list, " ")
end

describe("who we are", function()
  it("is told before the first transaction, once a session", function()
    local mx = world.smtp{ EHLO = offering, AUTH = "235 2.7.0 welcome" }
    local rows = fresh(mx):deliver(config(), letters(3))
    assert.equal(3, #rows)
    for _, r in ipairs(rows) do assert.equal("delivered", r.outcome) end
    assert.matches("^EHLO AUTH MAIL RCPT DATA MAIL RCPT DATA", verbs(mx.sessions[1]))
    assert.equal("AUTH PLAIN AG1lAHNlY3JldA==", mx.sessions[1].commands[2])
  end)

  it("is not told to the next host when this one refuses it, nor again by the next message", function()
    local mx, other = world.smtp{ EHLO = offering, AUTH = "535 5.7.8 wrong" }, world.smtp{ EHLO = offering, AUTH = "235 ok" }
    local rows = fresh(mx, other):deliver(config(), letters(3))
    assert.equal(3, #rows)
    for _, r in ipairs(rows) do
      assert.equal("failed", r.outcome)
      assert.equal("auth", r.stage)
      assert.equal("535 5.7.8 wrong", r.reply)
      assert.equal("a.contoso.test", r.host)
    end
    assert.equal("EHLO AUTH QUIT", verbs(mx.sessions[1]))
    assert.equal(1, #mx.sessions)
    assert.equal(0, #other.sessions)
  end)

  it("is told to the next host when this one cannot hear it now, or does not want to", function()
    for _, t in ipairs{ { EHLO = offering, AUTH = "454 4.7.0 later" }, { EHLO = offering, AUTH = "421 4.3.2 going" }, { EHLO = "250 mx" } } do
      local other = world.smtp{ EHLO = offering, AUTH = "235 ok" }
      local rows = fresh(world.smtp(t), other):deliver(config(), letters())
      assert.equal("delivered", rows[1].outcome)
      assert.equal("b.contoso.test", rows[1].host)
    end
  end)

  it("is not told in clear but to whom the caller says so", function()
    local mx = world.smtp{ EHLO = offering, AUTH = "235 ok" }
    local rows = fresh(mx, mx):deliver(config { clear = false }, letters())
    assert.equal("failed", rows[1].outcome)
    assert.equal("policy", rows[1].kind)
    assert.matches("TLS", rows[1].text)
    for _, s in ipairs(mx.sessions) do assert.equal("EHLO QUIT", verbs(s)) end
  end)

  it("is nothing that shows in a trace", function()
    local mx = world.smtp{ EHLO = offering, AUTH = "235 ok" }
    local w = fresh(mx)
    w:deliver(config(nil, { trace = true }), letters())
    local text = table.concat(w.traces)
    assert.matches("C: AUTH PLAIN", text)
    assert.is_nil(text:find("AG1l", 1, true))
    assert.is_nil(text:find("secret", 1, true))
  end)

  it("is part of what a kept session is known by, and so is the password", function()
    local mx = world.smtp{ EHLO = offering, AUTH = "235 ok" }
    local keeping = { can = { "keep" }, keep = { idle = 10 } }
    local w = fresh(mx)
    w:deliver(config(nil, keeping), letters())
    w:deliver(config(nil, keeping), letters())
    assert.equal(1, #w.connects)
    w:deliver(config({ user = "you" }, keeping), letters())
    assert.equal(2, #w.connects)
    w:deliver(config({ password = "guess" }, keeping), letters())
    assert.equal(3, #w.connects)
  end)

  it("raises for what is no word of it", function()
    assert.error_matches(function() core.delivery(config { mechanisms = { "plain", "rot13" } }) end, "auth.mechanisms%[2%]")
    assert.error_matches(function() core.delivery(config { user = 5 }) end, "auth.user")
  end)
end)

-- one delivery to a real server; its rows, and the server
local function over(options, t)
  local server = servers.aiosmtpd(options)
  local c = { destination = "127.0.0.1", pinned = true, port = server.port, hostname = "client.example.test" }
  for k, v in pairs(t) do c[k] = v end
  local rows, given = {}, false
  local context = tls.context{}
  assert(native.run { { delivery = assert(core.delivery(c)), feed = {
    next = function()
      if given then return "no_more" end
      given = true
      return "message", { sender = "a@example.test", recipients = { "b@example.test" }, data = "Subject: x\r\n\r\nx\r\n", tag = 1 }
    end,
    context = function() return "context", context end,
    result = function(op) rows[#rows + 1] = op.row end,
  } } })
  return rows[1], server
end

describe("with a real server", function()
  after_each(servers.stop_all)

  it("AUTH follows STARTTLS", function()
    for _, mechanism in ipairs{ "plain", "login" } do
      local r, server = over({ auth = { user = "me", password = "secret" } }, { auth = { user = "me", password = "secret", mechanisms = { mechanism } } })
      assert.equal("delivered", r.outcome)
      assert.equal(1, #server:messages())
      server:stop()
    end
    local r = over({ auth = { user = "me", password = "secret" } }, { auth = { user = "me", password = "wrong" } })
    assert.equal("failed", r.outcome)
    assert.equal("auth", r.stage)
  end)

  it("TLS comes before the greeting", function()
    local r, server = over({ at_once = true }, { implicit_tls = true })
    assert.equal("delivered", r.outcome)
    assert.equal("TLSv1.3", r.tls.version)
    assert.equal("encrypted", r.tls.level)
    assert.equal(1, #server:messages())
  end)

  it("TLS before the greeting, and AUTH within it", function()
    local r = over({ at_once = true, auth = { user = "me", password = "secret" } }, { implicit_tls = true, auth = { user = "me", password = "secret" } })
    assert.equal("delivered", r.outcome)
  end)

  it("that speaks no TLS nothing is said where TLS comes first", function()
    local r, server = over({ tls = false }, { implicit_tls = true, timeout = { handshake = 1 } })
    assert.equal("deferred", r.outcome)
    assert.equal("handshake", r.stage)
    assert.equal(0, #server:commands())
  end)

  it("whose certificate does not hold nothing is said where it must", function()
    local r, server = over({ at_once = true }, { implicit_tls = true, level = "verified" })
    assert.equal("deferred", r.outcome)
    assert.equal("tls", r.kind)
    assert.equal(0, #server:commands())
  end)
end)
