local world = require "support.world"

local body = "Subject: x\r\n\r\nx\r\n"

local function fresh(mx, name)
  name = name or "mx.contoso.test"
  return world.new{ zone = { ["contoso.test"] = { MX = { { 1, name } } }, [name] = { A = { "9.0.0.1" } } },
                    hosts = { ["9.0.0.1"] = mx } }
end

local function people(n, domains)
  local list = {}
  for i = 1, n do list[i] = ("u%d@d%d.test"):format(i, domains and i % domains or 0) end
  return list
end

local function run(mx, config, messages, name)
  local w = fresh(mx, name)
  local c = { destination = "contoso.test", hostname = "c.example" }
  for k, v in pairs(config or {}) do c[k] = v end
  return w:deliver(c, messages), w
end

local function sizes(mx)
  local list = {}
  for i, got in ipairs(mx.received) do list[i] = #got.recipients end
  return list
end

-- every recipient told once, delivered once
local function all_once(rows, mx, n)
  local told, got = {}, {}
  for _, r in ipairs(rows) do
    assert.equal("delivered", r.outcome)
    assert.is_true(r.recipient <= n and not told[r.recipient])
    told[r.recipient] = true
  end
  assert.equal(n, #rows)
  for _, m in ipairs(mx.received) do
    assert.equal(body, m.body)
    for _, address in ipairs(m.recipients) do
      assert.is_nil(got[address])
      got[address] = true
    end
  end
end

describe("what a host takes at once", function()
  it("is a hundred recipients, where nobody says more or less", function()
    local mx = world.smtp{}
    local rows, w = run(mx, nil, { { body = body, recipients = people(250) } })
    assert.same({ 100, 100, 50 }, sizes(mx))
    all_once(rows, mx, 250)
    assert.equal(1, #w.connects)
  end)

  it("is told apart recipient by recipient, in whatever order it was too many", function()
    for at = 2, 4 do
      for _, offers in ipairs{ "250-mx\r\n250 PIPELINING", "250 mx" } do
        local replies = { "250 ok", "250 ok", "250 ok", "250 ok", "250 ok" }
        replies[at] = "452 4.5.3 too many recipients"
        local mx = world.smtp{ EHLO = offers, RCPT = replies }
        all_once(run(mx, nil, { { body = body, recipients = people(4) } }), mx, 4)
        assert.same({ 3, 1 }, sizes(mx))
      end
    end
  end)

  it("is what the configuration says", function()
    local mx = world.smtp{}
    all_once(run(mx, { recipients = 300 }, { { body = body, recipients = people(250) } }), mx, 250)
    assert.same({ 250 }, sizes(mx))
    mx = world.smtp{}
    all_once(run(mx, { recipients = 2 }, { { body = body, recipients = people(3) } }), mx, 3)
    assert.same({ 2, 1 }, sizes(mx))
  end)

  it("is what the provider is known to take, if more is wanted", function()
    local mx = world.smtp{}
    local rows = run(mx, { recipients = 1000 }, { { body = body, recipients = people(250) } }, "x.mail.protection.outlook.com")
    all_once(rows, mx, 250)
    assert.same({ 200, 50 }, sizes(mx))
  end)

  it("is what it says itself: recipients, their domains", function()
    local mx = world.smtp{ EHLO = "250-mx\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=7" }
    all_once(run(mx, nil, { { body = body, recipients = people(16) } }), mx, 16)
    assert.same({ 7, 7, 2 }, sizes(mx))
    mx = world.smtp{ EHLO = "250-mx\r\n250-PIPELINING\r\n250 LIMITS RCPTDOMAINMAX=1" }
    all_once(run(mx, nil, { { body = body, recipients = people(9, 3) } }), mx, 9)
    for _, m in ipairs(mx.received) do
      local domain = m.recipients[1]:match "@.*"
      for _, address in ipairs(m.recipients) do assert.equal(domain, address:match "@.*") end
    end
  end)

  it("is messages on one connection: then a new one to the same host", function()
    local mx = world.smtp{ EHLO = "250-mx\r\n250-PIPELINING\r\n250 LIMITS MAILMAX=2" }
    local list = {}
    for i = 1, 7 do list[i] = { body = body } end
    local rows, w = run(mx, nil, list)
    assert.equal(7, #rows)
    assert.equal(7, #mx.received)
    assert.equal(4, #mx.sessions)
    for _, s in ipairs(mx.sessions) do assert.equal("QUIT", s.commands[#s.commands]) end
    local asked = 0
    for _, q in ipairs(w.questions) do asked = asked + (q == "mx.contoso.test A" and 1 or 0) end
    assert.equal(1, asked)
    mx = world.smtp{}
    rows = run(mx, { per_connection = 3 }, list)
    assert.equal(7, #rows)
    assert.equal(3, #mx.sessions)
  end)

  it("is as many messages as its provider is known to take, where nobody says otherwise", function()
    local list = {}
    for i = 1, 11 do list[i] = { body = body } end
    local mx = world.smtp{}
    run(mx, nil, list, "mx01.mail.icloud.com")
    assert.equal(3, #mx.sessions)
    mx = world.smtp{}
    run(mx, { per_connection = 11 }, list, "mx01.mail.icloud.com")
    assert.equal(1, #mx.sessions)
  end)

  it("is learnt when it refuses one too many", function()
    for _, reply in ipairs{ "452 4.5.3 too many recipients", "552 5.5.3 too many recipients", "452 too many recipients" } do
      local n = 0
      local mx
      mx = world.smtp{
        MAIL = function() n = 0 return "250 ok" end,
        RCPT = function()
          n = n + 1
          return n <= 10 and "250 ok" or reply
        end,
      }
      local rows, w = run(mx, nil, { { body = body, recipients = people(35) } })
      all_once(rows, mx, 35)
      assert.same({ 10, 10, 10, 5 }, sizes(mx))
      assert.is_true(#w.connects <= 2)
    end
  end)

  it("is not asked again by whom it refused outright", function()
    local mx = world.smtp{ RCPT = "452 4.5.3 too many recipients" }
    local rows = run(mx, nil, { { body = body, recipients = people(3) } })
    assert.equal(3, #rows)
    for _, r in ipairs(rows) do assert.equal("deferred", r.outcome) end
    assert.equal(1, #mx.sessions)
  end)

  it("is found out by its closing after so many: a new connection, no failure told", function()
    for _, closing in ipairs{ "421 4.7.0 Max message per connection reached", false } do
      local list = {}
      for i = 1, 9 do list[i] = { body = body } end
      local mx
      mx = world.smtp{ MAIL = function(_, s)
        s.mails = (s.mails or 0) + 1
        if s.mails > 4 then
          s.closed = true
          return closing
        end
        return "250 ok"
      end }
      local rows, w = run(mx, nil, list)
      assert.equal(9, #rows)
      for _, r in ipairs(rows) do assert.equal("delivered", r.outcome) end
      assert.equal(9, #mx.received)
      assert.equal(3, #w.connects)
    end
  end)
end)
