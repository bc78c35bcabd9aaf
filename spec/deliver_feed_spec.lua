local world = require "support.world"

local pipelining = "250-mx\r\n250-PIPELINING\r\n250 SIZE 1000000"
local chunking = "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SIZE 1000000"

local function body(i, size)
  local head = ("Subject: %d\r\n\r\n"):format(i)
  return head .. ("0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab\r\n"):rep(math.ceil(((size or 1024) - #head) / 62))
end

local function letters(n, size)
  local list = {}
  for i = 1, n do list[i] = { body = body(i, size), recipients = { ("r%d@contoso.test"):format(i) } } end
  return list
end

local function run(mx, n, config, tune, size)
  local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }, hosts = { ["9.0.0.1"] = mx }, chunk = 65536 }
  w.smtp_chunk = 65536
  if tune then tune(w) end
  local c = { destination = "contoso.test", hostname = "c.example", max_chunk = 65536 }
  for k, v in pairs(config or {}) do c[k] = v end
  local list = letters(n, size)
  local rows = w:deliver(c, list)
  return w, rows, list
end

local function count(list, word)
  local n = 0
  for _, w in ipairs(list) do n = n + (w == word and 1 or 0) end
  return n
end

-- every message arrived once, as it was, and every row says so
local function whole(mx, rows, list)
  local got = {}
  for _, m in ipairs(mx.received) do
    local i = tonumber(m.body:match "^Subject: (%d+)")
    assert.is_nil(got[i])
    got[i] = true
    assert.equal(list[i].body, m.body)
    assert.same(list[i].recipients, m.recipients)
  end
  assert.equal(#list, #mx.received)
  local told = {}
  for _, r in ipairs(rows) do
    assert.equal("delivered", r.outcome)
    assert.is_nil(told[r.tag])
    told[r.tag] = true
  end
  assert.equal(#list, #rows)
end

describe("a feed", function()
  it("goes in few writes to a host with CHUNKING: a batch of 32 is one", function()
    local mx = world.smtp{ EHLO = chunking }
    local w, rows, list = run(mx, 320)
    whole(mx, rows, list)
    assert.equal(1, #w.connects)
    assert.is_true(mx.sessions[1].writes <= 10 + 2, mx.sessions[1].writes)
    assert.is_true(count(w.ops, "receive") <= 10 + 5)
  end)

  it("goes in a write a message to one without, the next commands behind the dot", function()
    local mx = world.smtp{ EHLO = pipelining }
    local w, rows, list = run(mx, 320)
    whole(mx, rows, list)
    assert.is_true(mx.sessions[1].writes <= 320 + 3, mx.sessions[1].writes)
    assert.is_true(count(w.ops, "receive") <= 320 + 5)
  end)

  it("goes in small batches where the window says so", function()
    for _, window in ipairs{ 1, 4 } do
      local mx = world.smtp{ EHLO = chunking }
      local _, rows, list = run(mx, 12, { window = window })
      whole(mx, rows, list)
      assert.is_true(mx.sessions[1].writes >= 12 / window)
      assert.is_true(mx.sessions[1].writes <= 12 / window + 2, mx.sessions[1].writes)
    end
  end)

  it("goes in pieces where the driver wants them small", function()
    local mx = world.smtp{ EHLO = chunking }
    local _, rows, list = run(mx, 40, { max_chunk = 1000 })
    whole(mx, rows, list)
  end)

  it("has large messages go alone", function()
    local mx = world.smtp{ EHLO = chunking }
    local _, rows, list = run(mx, 5, nil, nil, 100000)
    whole(mx, rows, list)
  end)

  it("is asked for as many messages as there is room, and takes them at once", function()
    local mx = world.smtp{ EHLO = chunking }
    local w, rows, list = run(mx, 320, nil, function(w) w.several = true end)
    whole(mx, rows, list)
    assert.equal(11, count(w.ops, "next"))
  end)

  it("takes no more messages than it asked for", function()
    local core = require "directsend.core"
    local d = core.delivery{ destination = "contoso.test", window = 2 }
    local op = d:step(1)
    assert.equal(2, op.n)
    local function m(tag) return { recipients = { "b@contoso.test" }, size = 3, tag = tag } end
    assert.error_matches(function() d:step(1, "message", m(1), m(2), m(3)) end, "no operation is open")
    op = d:step(1)
    assert.equal("connect", op.op)
    assert.error_matches(function() d:step(1, "message", m(4)) end, "no operation is open")
  end)

  it("tells every refusal to whom it belongs, in a batch too", function()
    local refuse = { [3] = "RCPT", [5] = "MAIL", [9] = "final", [10] = "RCPT", [31] = "final" }
    local mx
    local function reply(verb, good)
      return function(argument, s)
        local i = verb == "RCPT" and tonumber(argument:match "r(%d+)@") or verb == "MAIL" and tonumber(argument:match "s(%d+)@")
                  or verb == "final" and tonumber(s.body:match "^Subject: (%d+)")
        return refuse[i] == verb and ("550 5.7.1 not " .. i) or good
      end
    end
    for _, ehlo in ipairs{ chunking, pipelining, "250 mx" } do
      mx = world.smtp{ EHLO = ehlo, RCPT = reply("RCPT", "250 ok"), MAIL = reply("MAIL", "250 ok"), final = reply("final", "250 ok") }
      local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }, hosts = { ["9.0.0.1"] = mx } }
      local list = letters(64)
      for i, m in ipairs(list) do m.sender = ("s%d@fabrikam.test"):format(i) end
      local rows = w:deliver({ destination = "contoso.test", hostname = "c.example" }, list)
      assert.equal(64, #rows)
      for _, r in ipairs(rows) do
        assert.equal(refuse[r.tag] and "failed" or "delivered", r.outcome)
        if refuse[r.tag] then assert.equal("550 5.7.1 not " .. r.tag, r.reply) end
      end
      assert.equal(59, #mx.received)
    end
  end)

  it("goes on with another connection when a batch is cut: nothing twice that may have arrived", function()
    local mx
    mx = world.smtp{ EHLO = chunking, final = function(_, s)
      local n = #mx.received
      if n == 40 and #mx.sessions == 1 then
        s.closed = true
        return false
      end
      return "250 ok"
    end }
    local w, rows = run(mx, 64)
    local outcomes = {}
    for _, r in ipairs(rows) do outcomes[r.outcome] = (outcomes[r.outcome] or 0) + 1 end
    assert.equal(64, #rows)
    assert.equal(40, outcomes.delivered)
    assert.equal(24, outcomes.unknown)
    assert.equal(1, #w.connects)
  end)

  it("waits with an open connection for a message that comes soon, and leaves for one that comes late", function()
    for _, wait in ipairs{ 2, 600 } do
      local mx, waited = world.smtp{ EHLO = pipelining }, false
      local w, rows, list = run(mx, 2, nil, function(w)
        w.later = function(given)
          if given == 1 and not waited then
            waited = true
            return w.clock + wait
          end
        end
      end)
      whole(mx, rows, list)
      assert.equal(wait == 2 and 1 or 2, #w.connects)
      assert.equal(1, count(w.ops, "wait"))
      local questions = #w.questions
      assert.equal(wait == 2 and 2 or 3, questions)
    end
  end)

  it("says QUIT in the same write as the end of its last message", function()
    local mx = world.smtp{ EHLO = pipelining }
    run(mx, 1)
    assert.equal(3, mx.sessions[1].writes) -- EHLO; MAIL RCPT DATA; body . QUIT
    mx = world.smtp{ EHLO = chunking }
    run(mx, 1)
    assert.equal(2, mx.sessions[1].writes) -- EHLO; MAIL RCPT BDAT body QUIT
  end)
end)
