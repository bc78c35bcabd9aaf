local world = require "support.world"

local message = { body = "Subject: x\r\n\r\nx\r\n" }

local function fresh(mx)
  return world.new{ zone = { ["contoso.test"] = { MX = { { 1, "mx.contoso.test" } } },
                             ["fabrikam.test"] = { MX = { { 1, "mx.contoso.test" } } },
                             ["mx.contoso.test"] = { A = { "9.0.0.1" } } },
                    hosts = { ["9.0.0.1"] = mx or world.smtp{} } }
end

local function config(t)
  local c = { destination = "contoso.test", can = { "keep" }, keep = { idle = 10 } }
  for k, v in pairs(t or {}) do c[k] = v end
  return c
end

local function commands(session)
  local list = {}
  for i, line in ipairs(session.commands) do list[i] = line:match "^%a+" end
  return table.concat(list, " ")
end

describe("a session that is kept", function()
  it("says no QUIT, and serves the next delivery without a greeting", function()
    local w = fresh()
    for i = 1, 3 do
      local rows = w:deliver(config(), { message })
      assert.equal("delivered", rows[1].outcome)
      assert.equal("mx.contoso.test", rows[1].host)
      assert.equal("9.0.0.1", rows[1].ip)
      assert.equal(1, #w.kept, i)
    end
    local mx = w.hosts["9.0.0.1"]
    assert.equal(1, #mx.sessions)
    assert.equal(3, #mx.received)
    assert.equal("EHLO MAIL RCPT DATA MAIL RCPT DATA MAIL RCPT DATA", commands(mx.sessions[1]))
  end)

  it("is kept by its host, not by the destination", function()
    local w = fresh()
    w:deliver(config(), { message })
    w:deliver(config { destination = "fabrikam.test" }, { message })
    assert.equal(1, #w.connects)
  end)

  it("is another one for another port, level, name, source or interface", function()
    for _, other in ipairs{ { port = 26 }, { level = "off" }, { hostname = "d.example" }, { source = { "9.9.9.8" } },
                            { interface = "eth0" }, { pinned = true, destination = "mx.contoso.test" } } do
      local w = fresh()
      w:deliver(config(), { message })
      w:deliver(config(other), { message })
      assert.equal(2, #w.connects)
    end
  end)

  it("tells when it is to end, and how much it may still carry", function()
    local w = fresh(world.smtp{ EHLO = "250-mx\r\n250 LIMITS MAILMAX=3" })
    w:deliver(config(), { message, message })
    local op = w.kept[1].op
    assert.is_true(math.abs(op.idle_until - w.clock - 10) < 0.1)
    assert.is_true(op.dies_at > w.clock + 200)
    assert.equal(1, op.uses_left)
    w:deliver(config(), { message })
    assert.equal(0, #w.kept)
    assert.equal(1, #w.connects)
  end)

  it("is not kept beyond its life", function()
    local w = fresh()
    w:deliver(config { keep = { idle = 10, lifetime = 60 } }, { message })
    w.clock = w.clock + 61
    w:deliver(config { keep = { idle = 10, lifetime = 60 } }, { message })
    assert.equal(0, #w.kept)
    assert.equal("EHLO MAIL RCPT DATA MAIL RCPT DATA QUIT", commands(w.hosts["9.0.0.1"].sessions[1]))
  end)

  it("is replaced by a new one when it died meanwhile, and nobody notices", function()
    for _, last in ipairs{ "", "421 4.4.2 idle too long\r\n" } do
      local w = fresh()
      w:deliver(config(), { message })
      w.kept[1].conn.closed, w.kept[1].conn.out = true, last
      local rows = w:deliver(config(), { message })
      assert.equal("delivered", rows[1].outcome)
      assert.equal(2, #w.connects)
      assert.equal(2, #w.hosts["9.0.0.1"].received)
    end
  end)

  it("is replaced once only: the new one may fail as any other", function()
    local mx = world.smtp{}
    local w = fresh(mx)
    w:deliver(config(), { message })
    w.kept[1].conn.closed = true
    mx.MAIL = false
    local rows = w:deliver(config(), { message })
    assert.equal("deferred", rows[1].outcome)
    assert.equal(2, #w.connects)
  end)

  it("is not offered to who cannot keep it, or does not want to", function()
    for _, c in ipairs{ { can = {} }, { keep = { idle = 0 } } } do
      local w = fresh()
      w:deliver(config(c), { message })
      assert.equal(0, #w.kept)
      assert.equal("EHLO MAIL RCPT DATA QUIT", commands(w.hosts["9.0.0.1"].sessions[1]))
    end
  end)

  it("is not kept when it came to a bad end, or was cancelled", function()
    local w = fresh(world.smtp{ final = "421 4.3.2 going down" })
    w:deliver(config(), { message })
    assert.equal(0, #w.kept)
    w = fresh()
    w:deliver(config(), { message }, function(op) if op.op == "body" then return "cancel" end end)
    assert.equal(0, #w.kept)
    assert.equal(0, w.open)
  end)

  it("says farewell by itself, and ends when nobody has it", function()
    local w = fresh()
    w:deliver(config(), { message })
    local k = w.kept[1].session
    assert.equal("QUIT\r\n", k:farewell(w.clock))
    k:close()
    assert.equal("", k:farewell(w.clock))
    k:close()
    assert.error_matches(function()
      w:deliver(config(), { message })
    end, "this session is somebody's")
  end)

  it("is adopted by nobody who did not ask for one", function()
    local core = require "directsend.core"
    local w = fresh()
    w:deliver(config(), { message })
    local d = core.delivery{ destination = "[9.0.0.1]", hostname = "c.example" }
    d:step(1)
    local op = d:step(1, "message", { recipients = { "b@x.test" }, size = 3, tag = 7 })
    assert.equal("connect", op.op)
    assert.is_nil(op.reuse)
    assert.error_matches(function() d:step(1, "adopted", op.conn, w.kept[1].session) end, "no operation is open")
    assert.equal("QUIT\r\n", w.kept[1].session:farewell(w.clock))
  end)

  it("waits for replies before it is kept, and keeps what another host must do out of it", function()
    local w = world.new{ zone = { ["contoso.test"] = { MX = { { 1, "a.contoso.test" }, { 2, "b.contoso.test" } } },
                                  ["a.contoso.test"] = { A = { "9.0.0.1" } }, ["b.contoso.test"] = { A = { "9.0.0.2" } } },
                         hosts = { ["9.0.0.1"] = world.smtp{ EHLO = "250-mx\r\n250-PIPELINING\r\n250 SIZE 10" }, ["9.0.0.2"] = world.smtp{} } }
    local rows = w:deliver(config(), { { body = "small\r\n" }, { body = "much too large\r\n" } })
    assert.equal("delivered", rows[1].outcome)
    assert.equal("delivered", rows[2].outcome)
    assert.equal(1, #w.kept)
    assert.matches("^b.contoso.test", w.kept[1].key)
  end)
end)
