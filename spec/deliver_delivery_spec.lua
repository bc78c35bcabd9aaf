local world = require "support.world"

local body = "Subject: s\r\n\r\nhello\r\n"

local function alert(t)
  local m = { body = body }
  for k, v in pairs(t or {}) do m[k] = v end
  return { m }
end

local function contoso(hosts, zone)
  return world.new{
    zone = zone or { ["contoso.test"] = { MX = { { 10, "mx1.contoso.test" }, { 20, "mx2.contoso.test" } } },
                     ["mx1.contoso.test"] = { A = { "9.0.0.1" } },
                     ["mx2.contoso.test"] = { A = { "9.0.0.2" } } },
    hosts = hosts,
  }
end

local to = { destination = "contoso.test", hostname = "client.example" }

describe("a delivery", function()
  it("takes one alert from the DNS question to the report", function()
    local mx = world.smtp{}
    local w = contoso{ ["9.0.0.1"] = mx }
    local rows = w:deliver(to, alert())
    assert.equal(1, #rows)
    local r = rows[1]
    assert.equal("delivered", r.outcome)
    assert.equal(250, r.code)
    assert.equal("2.0.0", r.enhanced)
    assert.equal("4F00", r.queue_id)
    assert.equal("mx1.contoso.test", r.host)
    assert.equal("9.0.0.1", r.ip)
    assert.equal(25, r.port)
    assert.equal("none", r.tls.level)
    assert.is_false(r.temporary)
    assert.same({ { sender = "a@contoso.test", recipients = { "b@contoso.test" }, body = body } }, mx.received)
    assert.same({ "contoso.test MX", "mx1.contoso.test A" }, w.questions)
    assert.equal(0, w.open)
  end)

  it("writes three times to a host that pipelines: EHLO, the envelope, the rest", function()
    local mx = world.smtp{}
    contoso{ ["9.0.0.1"] = mx }:deliver(to, alert())
    assert.equal(3, mx.sessions[1].writes)
    assert.equal("EHLO client.example", mx.sessions[1].commands[1])
    assert.equal("QUIT", mx.sessions[1].commands[5])
  end)

  it("says one thing at a time to a host that does not", function()
    local mx = world.smtp{ EHLO = "250 mx" }
    assert.equal("delivered", contoso{ ["9.0.0.1"] = mx }:deliver(to, alert())[1].outcome)
    assert.equal(6, mx.sessions[1].writes)
  end)

  it("asks for a message before it asks for anything else", function()
    local w = contoso{}
    assert.same({}, w:deliver(to, {}))
    assert.same({ "next" }, w.ops)
  end)

  it("answers an address literal in EHLO when it has no name", function()
    local mx = world.smtp{}
    contoso{ ["9.0.0.1"] = mx }:deliver({ destination = "contoso.test" }, alert())
    assert.equal("EHLO [9.9.9.9]", mx.sessions[1].commands[1])
  end)

  it("gives every recipient an outcome of its own, in one transaction", function()
    local mx = world.smtp{ RCPT = { "250 ok", "550 5.1.1 no such user", "450 4.2.1 later", "250 ok" } }
    local rows = contoso{ ["9.0.0.1"] = mx }:deliver(to,
      alert{ recipients = { "a@x.test", "b@x.test", "c@x.test", "d@x.test" } })
    local outcome = {}
    for _, r in ipairs(rows) do outcome[r.recipient] = r.outcome end
    assert.same({ "delivered", "failed", "deferred", "delivered" }, outcome)
    assert.same({ "a@x.test", "d@x.test" }, mx.received[1].recipients)
  end)

  it("feeds many messages through one connection", function()
    local mx = world.smtp{}
    local w = contoso{ ["9.0.0.1"] = mx }
    local list = {}
    for i = 1, 20 do list[i] = { body = "X: " .. i .. "\r\n\r\n.dot\r\n" } end
    local rows = w:deliver(to, list)
    assert.equal(20, #rows)
    assert.equal(20, #mx.received)
    for i, m in ipairs(mx.received) do assert.equal(list[i].body, m.body) end
    assert.equal(1, #mx.sessions)
    -- the end of a body and the next envelope travel in one write
    assert.equal(22, mx.sessions[1].writes)
  end)

  it("goes on with the feed on a new connection when one is lost between messages", function()
    local mx = world.smtp{ MAIL = { "250 ok", "421 4.3.2 enough", "250 ok" } }
    local other = world.smtp{}
    local rows = contoso{ ["9.0.0.1"] = mx, ["9.0.0.2"] = other }:deliver(to,
      { { body = "1\r\n" }, { body = "2\r\n" }, { body = "3\r\n" } })
    for _, r in ipairs(rows) do assert.equal("delivered", r.outcome) end
    assert.equal(3, #rows)
    assert.equal(3, #mx.received + #other.received)
  end)

  describe("cut off", function()
    it("is unknown when no reply follows the end of the body", function()
      for _, final in ipairs{ "", false } do
        local r = contoso{ ["9.0.0.1"] = world.smtp{ final = final } }:deliver(to, alert())[1]
        assert.equal("unknown", r.outcome)
        assert.equal("final", r.stage)
        assert.is_true(r.temporary)
      end
    end)

    it("is delivered whatever follows the final 2xx", function()
      for _, quit in ipairs{ "", false, "500 what" } do
        assert.equal("delivered", contoso{ ["9.0.0.1"] = world.smtp{ QUIT = quit } }:deliver(to, alert())[1].outcome)
      end
    end)

    for _, stage in ipairs{ "greeting", "EHLO", "MAIL", "RCPT", "DATA" } do
      for name, reply in pairs{ closed = false, silent = "", ["421"] = "421 4.3.2 down" } do
        it("at " .. stage .. " (" .. name .. ") goes on at the next host", function()
          local first, second = world.smtp{ [stage] = reply }, world.smtp{}
          local w = contoso{ ["9.0.0.1"] = first, ["9.0.0.2"] = second }
          local rows = w:deliver(to, alert())
          assert.equal(1, #rows)
          assert.equal("delivered", rows[1].outcome)
          assert.equal("mx2.contoso.test", rows[1].host)
          assert.equal(body, second.received[1].body)
          assert.equal(0, #first.received)
          assert.equal(0, w.open)
        end)
      end
    end
  end)

  it("has its time: no host is tried beyond it", function()
    local w = contoso{ ["9.0.0.1"] = "silent", ["9.0.0.2"] = "silent" }
    local r = w:deliver({ destination = "contoso.test", timeout = { connect = 100, total = 150 } }, alert())[1]
    assert.equal("deferred", r.outcome)
    assert.equal("timeout", r.kind)
    assert.is_true(w.clock <= 1000 + 151)
  end)

  it("cuts the wait for the final reply by its own limit, not by the total", function()
    local w = contoso{ ["9.0.0.1"] = world.smtp{ final = "" } }
    local r = w:deliver({ destination = "contoso.test", timeout = { total = 5, final = 600 } }, alert())[1]
    assert.equal("unknown", r.outcome)
    assert.is_true(w.clock >= 1600)
  end)

  it("tells where it went without sending when it is a plan", function()
    local w = contoso({}, {
      ["contoso.test"] = { MX = { { 20, "mx2.contoso.test" }, { 10, "mx1.contoso.test" }, { 30, "gone.contoso.test" } } },
      ["mx1.contoso.test"] = { A = { "9.0.0.1" }, AAAA = { "2600::1" } },
      ["mx2.contoso.test"] = { A = { "10.0.0.2" } },
    })
    assert.same({}, w:deliver({ destination = "contoso.test", plan = true }, {}))
    local p = w.planned
    assert.equal(3, #p)
    assert.equal("mx1.contoso.test", p[1].name)
    assert.equal(10, p[1].preference)
    assert.same({ "9.0.0.1:25", "[2600::1]:25" }, p[1].addresses)
    assert.is_nil(p[1].refused)
    assert.same({}, p[2].addresses)
    assert.matches("10.0.0.2 %(private%)", p[2].refused)
    assert.equal("policy", p[2].kind)
    assert.matches("has no address", p[3].refused)
    assert.same({}, w.connects)
  end)

  it("plans every host, also those there was no time left for", function()
    local w = contoso({}, {
      ["contoso.test"] = { MX = { { 10, "mx1.contoso.test" }, { 20, "mx2.contoso.test" }, { 30, "mx3.contoso.test" } } },
      ["mx1.contoso.test"] = { A = { "9.0.0.1" }, AAAA = {} }, ["mx2.contoso.test"] = "silent", ["mx3.contoso.test"] = "silent" })
    w:deliver({ destination = "contoso.test", plan = true, timeout = { dns = 10, total = 12 } }, {})
    assert.equal(3, #w.planned)
    for i, name in ipairs{ "mx1.contoso.test", "mx2.contoso.test", "mx3.contoso.test" } do
      assert.equal(name, w.planned[i].name)
      assert.equal(i > 1 and "deferred" or nil, w.planned[i].outcome)
    end
    assert.is_true(w.clock < 1013)
  end)

  it("plans a host one of whose families is not known now as one for later", function()
    local w = contoso({}, { ["contoso.test"] = { MX = { { 10, "mx.contoso.test" } } },
                            ["mx.contoso.test"] = { A = { "10.0.0.1" }, AAAA = "servfail" } })
    w:deliver({ destination = "contoso.test", plan = true }, {})
    assert.equal("deferred", w.planned[1].outcome)
  end)

  it("plans a domain that takes no mail as one host that is refused", function()
    local w = contoso({}, { ["contoso.test"] = { MX = { { 0, "." } } } })
    w:deliver({ destination = "contoso.test", plan = true }, {})
    assert.equal(1, #w.planned)
    assert.equal("failed", w.planned[1].outcome)
    assert.matches("null MX", w.planned[1].refused)
  end)

  it("says no more to the wire once it is cancelled, not even the rest of a QUIT", function()
    -- one whose QUIT follows a delivery, one that would come again in clear
    for outcome, ehlo in pairs{ delivered = "250 mx", deferred = "250-mx\r\n250 STARTTLS" } do
      local w, cancelled = contoso{ ["9.0.0.1"] = world.smtp{ EHLO = ehlo } }, false
      w.context = require "directsend.tls".context{}
      local rows = w:deliver(to, alert(), function(op)
        if cancelled then assert.truthy(({ close = true, result = true })[op.op], op.op) end
        if op.op == "send" and op.data:find "QUIT" then
          cancelled = true
          return "cancel"
        end
      end)
      assert.is_true(cancelled)
      assert.equal(1, #rows)
      assert.equal(outcome, rows[1].outcome)
      assert.equal(outcome == "deferred" and "local" or nil, rows[1].kind)
    end
  end)

  -- what is done to a delivery at its n-th operation must never cost a row
  local function each_step(act)
    for n = 1, 200 do
      local mx = world.smtp{}
      local w = contoso{ ["9.0.0.1"] = mx, ["9.0.0.2"] = world.smtp{} }
      local reached = false
      local rows = w:deliver(to, alert{ recipients = { "a@x.test", "b@x.test" } }, function(op, i)
        if i == n then
          reached = true
          return act(op, w)
        end
      end)
      if not reached then
        assert.is_true(n > 10)
        return
      end
      local seen = {}
      for _, r in ipairs(rows) do
        assert.is_nil(seen[r.recipient])
        seen[r.recipient] = r.outcome
      end
      assert.is_true(#rows == 2 or (#rows == 0 and n == 1))
      assert.equal(0, w.open)
      if seen[1] == "delivered" then assert.is_true(#mx.received + #w.hosts["9.0.0.2"].received > 0) end
    end
    error "the delivery has too many steps"
  end

  it("can be cancelled at every step", function()
    each_step(function() return "cancel" end)
  end)

  it("refuses what cannot be a destination, a name or a port", function()
    local core = require "directsend.core"
    for field, value in pairs{ destination = "a..b", hostname = "bad name", port = 0 } do
      local t = { destination = "contoso.test", [field] = value }
      local d, message, at = core.delivery(t)
      assert.is_nil(d)
      assert.is_string(message)
      assert.equal(field, at)
    end
    assert.has_error(function() core.delivery{ destination = "a.test", tls = "required" } end,
                     "delivery: unknown key 'tls'")
    assert.has_error(function() core.delivery{ destination = 5 } end)
    assert.has_error(function() core.delivery{ destination = "a.test", level = "much" } end)
  end)
end)
