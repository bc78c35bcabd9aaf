local world = require "support.world"

local message = { { body = "x\r\n" } }

local function addresses(n, first)
  local list, hosts = {}, {}
  for i = 1, n do list[i] = "9.0.0." .. (first or 0) + i end
  return list, hosts
end

local function run(zone, hosts, config, messages)
  local w = world.new{ zone = zone, hosts = hosts }
  local c = { destination = "contoso.test", hostname = "c.example" }
  for k, v in pairs(config or {}) do c[k] = v end
  local rows = w:deliver(c, messages or message)
  return rows[1], w, rows
end

local function two(first, second)
  return { ["contoso.test"] = { MX = { { 10, "a.contoso.test" }, { 20, "b.contoso.test" } } },
           ["a.contoso.test"] = { A = first }, ["b.contoso.test"] = { A = second } }
end

describe("attempts", function()
  it("connect at most five times to a host, then go to the next", function()
    local list = addresses(8)
    local r, w = run(two(list, { "9.0.1.1" }), { ["9.0.1.1"] = world.smtp{} })
    assert.equal("delivered", r.outcome)
    assert.equal(6, #w.connects)
    assert.equal("9.0.1.1:25", w.connects[6])
  end)

  it("greet a host at most twice, then go to the next", function()
    local list = addresses(4)
    local hosts = { ["9.0.1.1"] = world.smtp{} }
    for _, ip in ipairs(list) do hosts[ip] = world.smtp{ MAIL = "421 4.3.2 busy" } end
    local r, w = run(two(list, { "9.0.1.1" }), hosts)
    assert.equal("delivered", r.outcome)
    assert.equal(3, #w.connects)
  end)

  it("do not count a greeting that never came as a session", function()
    local list = addresses(4)
    local hosts = { ["9.0.0.4"] = world.smtp{} }
    for i = 1, 3 do hosts[list[i]] = world.smtp{ greeting = false } end
    local r, w = run(two(list, {}), hosts)
    assert.equal("delivered", r.outcome)
    assert.equal(4, #w.connects)
  end)

  it("do not ask another host about a recipient that was refused", function()
    for _, reply in ipairs{ "550 5.1.1 unknown", "450 4.2.0 greylisted" } do
      local other = world.smtp{}
      local r = run(two({ "9.0.0.1" }, { "9.0.0.2" }), { ["9.0.0.1"] = world.smtp{ RCPT = reply }, ["9.0.0.2"] = other })
      assert.equal(reply:sub(1, 1) == "5" and "failed" or "deferred", r.outcome)
      assert.equal("rcpt", r.stage)
      assert.equal("reply", r.kind)
      assert.equal(reply, r.reply)
      assert.equal(0, #other.sessions)
    end
  end)

  it("fail for good at the door only when every host says so", function()
    local no, later = world.smtp{ greeting = "554 5.7.1 go away" }, world.smtp{ greeting = "421 4.3.2 later" }
    local r = run(two({ "9.0.0.1" }, { "9.0.0.2" }), { ["9.0.0.1"] = no, ["9.0.0.2"] = no })
    assert.equal("failed", r.outcome)
    assert.equal(554, r.code)
    assert.equal("greeting", r.stage)
    r = run(two({ "9.0.0.1" }, { "9.0.0.2" }), { ["9.0.0.1"] = no, ["9.0.0.2"] = later })
    assert.equal("deferred", r.outcome)
    r = run(two({ "9.0.0.1" }, { "9.0.0.2" }), { ["9.0.0.1"] = later, ["9.0.0.2"] = no })
    assert.equal("deferred", r.outcome)
  end)

  it("look for another host when this one cannot take the message", function()
    local small, large = world.smtp{ EHLO = "250-mx\r\n250 SIZE 1" }, world.smtp{}
    local r = run(two({ "9.0.0.1" }, { "9.0.0.2" }), { ["9.0.0.1"] = small, ["9.0.0.2"] = large })
    assert.equal("delivered", r.outcome)
    r = run(two({ "9.0.0.1" }, { "9.0.0.2" }), { ["9.0.0.1"] = small, ["9.0.0.2"] = small })
    assert.equal("failed", r.outcome)
    assert.matches("SIZE", r.text)
    for _, s in ipairs(small.sessions) do
      for _, c in ipairs(s.commands) do assert.is_nil(c:match "^MAIL") end
    end
  end)

  it("tell the furthest failure, of equals the preferred host's", function()
    local r = run(two({ "9.0.0.1" }, { "9.0.0.2" }), { ["9.0.0.1"] = "refused", ["9.0.0.2"] = world.smtp{ EHLO = "421 4.0.0 no" } })
    assert.equal("ehlo", r.stage)
    assert.equal("b.contoso.test", r.host)
    r = run(two({ "9.0.0.1" }, { "9.0.0.2" }), { ["9.0.0.1"] = "refused", ["9.0.0.2"] = "unreachable" })
    assert.equal("connect", r.stage)
    assert.equal("connect", r.kind)
    assert.equal("a.contoso.test", r.host)
    assert.equal("9.0.0.1", r.ip)
    assert.matches("connection refused", r.text)
  end)

  it("give the body again, from its start, to the next host", function()
    local body = ("0123456789\r\n"):rep(9000)
    local good = world.smtp{}
    local w = world.new{ zone = two({ "9.0.0.1" }, { "9.0.0.2" }),
                         hosts = { ["9.0.0.1"] = world.smtp{ final = false }, ["9.0.0.2"] = good } }
    -- the first connection breaks in the middle of the body
    local sends = 0
    local rows = w:deliver({ destination = "contoso.test" }, { { body = body } }, function(op)
      if op.op == "send" then
        sends = sends + 1
        if sends == 6 then w.conns[op.conn].closed = true end
      end
    end)
    assert.equal("delivered", rows[1].outcome)
    assert.equal(body, good.received[1].body)
    local rewinds = 0
    for _, what in ipairs(w.ops) do rewinds = rewinds + (what == "rewind" and 1 or 0) end
    assert.equal(1, rewinds)
  end)

  it("end with the message when its source fails", function()
    local r, w = run(two({ "9.0.0.1" }, { "9.0.0.2" }), { ["9.0.0.1"] = world.smtp{}, ["9.0.0.2"] = world.smtp{} }, nil,
                     { { body = "", size = 5, fail = "scan.pdf: no longer there" } })
    assert.equal("deferred", r.outcome)
    assert.equal("local", r.kind)
    assert.matches("scan.pdf", r.text)
    assert.equal(1, #w.connects)
    assert.equal(0, #w.hosts["9.0.0.1"].received)
  end)

  it("end with the message when it is not as long as it said", function()
    local r, w = run(two({ "9.0.0.1" }, {}), { ["9.0.0.1"] = world.smtp{} }, nil, { { body = "abc\r\n", size = 50 } })
    assert.equal("deferred", r.outcome)
    assert.equal("local", r.kind)
    assert.equal(0, #w.hosts["9.0.0.1"].received)
  end)

  it("fall back in clear with a host that has had its connections and sessions already", function()
    local ehlo = "250-mx\r\n250 STARTTLS"
    local last = world.smtp{ EHLO = ehlo }
    local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1", "9.0.0.2" } } },
                         hosts = { ["9.0.0.1"] = world.smtp{ greeting = "220 mx", EHLO = "421 4.3.2 busy" }, ["9.0.0.2"] = last } }
    w.context = require "directsend.tls".context{}
    local rows = w:deliver({ destination = "contoso.test" }, message)
    assert.equal("delivered", rows[1].outcome)
    assert.matches("sent in clear", rows[1].tls.note)
    assert.equal(2, #last.sessions)
  end)

  it("end with the message when it is longer than it said, or gives neither octets nor its end", function()
    for _, piece in ipairs{ ("x\r\n"):rep(9), "" } do
      local w = world.new{ zone = two({ "9.0.0.1" }, {}), hosts = { ["9.0.0.1"] = world.smtp{} } }
      local rows = w:deliver({ destination = "contoso.test" }, { { size = 5, endless = piece } })
      assert.equal("deferred", rows[1].outcome)
      assert.equal("local", rows[1].kind)
      assert.equal(0, #w.hosts["9.0.0.1"].received)
      local bodies = 0
      for _, what in ipairs(w.ops) do bodies = bodies + (what == "body" and 1 or 0) end
      assert.equal(1, bodies)
    end
  end)

  it("believe nobody who answers what was not asked", function()
    for _, early in ipairs{ "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n221 bye", "250 ok" } do
      local r, w = run({ ["contoso.test"] = { A = { "9.0.0.1" } } }, { ["9.0.0.1"] = world.smtp{ greeting = "220 mx\r\n" .. early } })
      assert.equal("deferred", r.outcome)
      assert.equal("protocol", r.kind)
      assert.equal(0, #w.hosts["9.0.0.1"].received)
    end
  end)

  it("notice an early reply before the body when the driver can look", function()
    local mx = world.smtp{ DATA = "354 go\r\n250 2.0.0 queued" }
    local r = run({ ["contoso.test"] = { A = { "9.0.0.1" } } }, { ["9.0.0.1"] = mx })
    assert.equal("deferred", r.outcome)
    assert.equal("protocol", r.kind)
    assert.equal(0, #mx.received)
  end)

  -- a host that answers RCPT twice, and a driver that reads while it writes
  it("believe no answer to what has not left", function()
    for piece = 1, 60 do
      local mx = world.smtp{ EHLO = "250-mx\r\n250-PIPELINING\r\n250 CHUNKING", RCPT = "250 ok\r\n250 ok" }
      local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }, hosts = { ["9.0.0.1"] = mx } }
      w.smtp_chunk = piece
      local rows = w:deliver({ destination = "contoso.test", hostname = "c.example" }, message, function(op)
        local conn = w.conns[op.conn]
        if op.op == "result" then assert.is_true(op.row.outcome ~= "delivered" or #mx.received == 1, piece) end
        if op.op == "send" and not op.fresh and conn.host and conn.out ~= "" then
          local out = conn.out
          conn.out = ""
          w.delivery:step(w.clock, "received", op.conn, out)
        end
      end)
      assert.equal(1, #rows)
    end
  end)

  it("write the dialogue as a trace when asked to", function()
    local _, w = run({ ["contoso.test"] = { A = { "9.0.0.1" } } }, { ["9.0.0.1"] = world.smtp{} }, { trace = true })
    local text = table.concat(w.traces)
    for _, line in ipairs{ "S: 220 mx ESMTP", "C: EHLO c.example", "C: MAIL FROM:<a@contoso.test>", "S: 354 go on", "C: QUIT" } do
      assert.matches(line, text, 1, true)
    end
  end)
end)
