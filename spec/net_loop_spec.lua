local core = require "directsend.core"
local servers = require "support.servers"

-- runs {config, messages} jobs in one loop; rows by job
local function run(jobs, on_op)
  local loop = assert(core.loop())
  local of, rows = {}, {}
  for i, job in ipairs(jobs) do
    local c = { destination = "127.0.0.1", pinned = true, level = "off", hostname = "client.example.test" }
    for k, v in pairs(job.config or {}) do c[k] = v end
    local d = assert(core.delivery(c))
    of[d] = { job = job, given = 0, offset = 0 }
    rows[i], of[d].rows = {}, {}
    rows[i] = of[d].rows
    loop:add(d)
  end
  while true do
    local d, op = loop:wait()
    if d == nil then break end
    if d then
      local s = of[d]
      if on_op then on_op(loop, op, s) end
      if op.op == "next" then
        s.given, s.offset = s.given + 1, 0
        local m = s.job.messages[s.given]
        if m then
          loop:answer(d, "message", { sender = "a@example.test", recipients = m.recipients or { "b@example.test" },
                                      size = #m.body, tag = s.given })
        else
          loop:answer(d, "no_more")
        end
      elseif op.op == "body" then
        local body = s.job.messages[op.tag].body
        local piece = body:sub(op.offset + 1, op.offset + op.max)
        loop:answer(d, "body", piece, op.offset + #piece >= #body)
      elseif op.op == "rewind" then
        loop:answer(d, "rewound")
      elseif op.op == "result" then
        s.rows[#s.rows + 1] = op.row
      end
    end
  end
  loop:close()
  return rows
end

local function descriptors()
  collectgarbage()
  collectgarbage()
  local name = os.tmpname() -- a pipe would be counted, or half of it
  os.execute("ls /proc/$PPID/fd | wc -l >" .. name)
  local file = io.open(name)
  local n = file:read "*n"
  file:close()
  os.remove(name)
  return n
end

local one = { { body = "Subject: s\r\n\r\nhello\r\n" } }

describe("the native loop", function()
  after_each(servers.stop_all)

  it("ends at once without deliveries", function()
    local loop = core.loop()
    assert.is_nil(loop:wait())
    loop:close()
    loop:close()
    assert.has_error(function() loop:wait() end)
  end)

  it("delivers to a real server, octet for octet", function()
    local mx = servers.aiosmtpd{ tls = false }
    local body = "Subject: s\r\n\r\n.dot\r\n..\r\nhello\r\n"
    local rows = run{ { config = { port = mx.port }, messages = { { body = body } } } }
    assert.equal("delivered", rows[1][1].outcome)
    assert.equal("127.0.0.1", rows[1][1].ip)
    assert.equal(mx.port, rows[1][1].port)
    assert.equal(body, mx:messages()[1].raw)
  end)

  it("streams a large body while the server reads", function()
    local mx = servers.aiosmtpd{ tls = false }
    local body = ("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n"):rep(120000)
    local rows = run{ { config = { port = mx.port, max_chunk = 65536 }, messages = { { body = body } } } }
    assert.equal("delivered", rows[1][1].outcome)
    assert.equal(#body, #mx:messages()[1].raw)
  end)

  it("carries many deliveries at once", function()
    local sink = servers.smtp_sink{ "-w", "1" }
    local jobs = {}
    for i = 1, 60 do jobs[i] = { config = { port = sink.port }, messages = one } end
    local open, most, finals = 0, 0, 0
    local rows = run(jobs, function(_, op)
      if op.op == "body" then
        open = open + 1
        most = math.max(most, open)
      elseif op.op == "result" then
        open, finals = open - 1, finals + 1
      end
    end)
    for i = 1, 60 do assert.equal("delivered", rows[i][1].outcome) end
    assert.equal(60, #sink:messages(60))
    -- each waited a second at DATA: one after the other they would never meet
    assert.is_true(most > 1)
  end)

  it("leaves no descriptor behind, however it ends", function()
    local mx = servers.aiosmtpd{ tls = false }
    local before = descriptors()
    run{ { config = { port = mx.port }, messages = one }, { config = { port = 1 }, messages = one } }
    local loop = core.loop()
    local d = core.delivery{ destination = "127.0.0.1", pinned = true, port = mx.port }
    loop:add(d)
    local _, op = loop:wait()
    assert.equal("next", op.op)
    loop:answer(d, "message", { recipients = { "b@example.test" }, size = 3 })
    _, op = loop:wait() -- its connection is open
    assert.equal("body", op.op)
    loop:close()
    assert.equal(before, descriptors())
  end)

  it("tells what befell a connection", function()
    local rows = run{ { config = { port = 1 }, messages = one } }
    assert.equal("deferred", rows[1][1].outcome)
    assert.equal("connect", rows[1][1].kind)
    assert.equal("connect", rows[1][1].stage)
    assert.matches("refused", rows[1][1].text)
  end)

  it("gives up when a deadline passes", function()
    local mx = servers.smtp_sink{ "-p", "-W", "MAIL:30" }
    local rows = run{ { config = { port = mx.port, timeout = { command = 0.3 } }, messages = one } }
    assert.equal("deferred", rows[1][1].outcome)
    assert.equal("timeout", rows[1][1].kind, rows[1][1].text)
    assert.equal("mail", rows[1][1].stage)
  end)

  it("does not listen for ever to a server that does not listen", function()
    local function says(text) return { side = "S", lines = { { text = text } } } end
    local heard = {}
    for i = 1, 300 do heard[i] = {} end
    local server = servers.dialog({ { steps = {
      says("220 mx\r\n"), { side = "C", lines = { {} } }, says("250 mx\r\n"), { side = "C", lines = { {} } },
      says("250 ok\r\n"), { side = "C", lines = { {} } }, says("250 ok\r\n"), { side = "C", lines = { {} } },
      says("354 go on\r\n"), { side = "C", lines = heard }, says(("250-and on\r\n"):rep(1400000)),
    } } }, { tls = false })
    local line = ("0123456789abcdef"):rep(4) .. "\r\n"
    local rows = run{ { config = { port = server.port }, messages = { { body = line:rep(250000) } } } }
    assert.equal("deferred", rows[1][1].outcome)
    assert.equal("protocol", rows[1][1].kind)
    -- it was cut off long before it had said all
    assert.is_nil(server:sessions(1)[1].complaint:find("besides", 1, true))
  end)

  it("looks at the sockets of others while one never has to wait", function()
    local mx = servers.aiosmtpd{ tls = false }
    local loop = core.loop()
    local function add(chunk)
      local d = core.delivery{ destination = "127.0.0.1", pinned = true, port = mx.port, level = "off", hostname = "c.example", max_chunk = chunk }
      loop:add(d)
      return d
    end
    local busy, other, pieces, rows = add(16777216), nil, 0, {}
    local given = {}
    repeat
      local d, op = loop:wait()
      local what = op and op.op
      if what == "next" and not given[d] then
        given[d] = true
        loop:answer(d, "message", { recipients = { "b@example.test" }, tag = 1 })
      elseif what == "next" then
        loop:answer(d, "no_more")
      elseif what == "body" and d == busy and not rows[other] then
        pieces = pieces + 1
        assert(pieces < 5000000, "the other one is never heard")
        other = other or add()
        loop:answer(d, "body", "\r\n", false)
      elseif what == "body" then
        loop:answer(d, "body", "hello\r\n", true)
      elseif what == "result" then
        rows[d] = op.row.outcome
      end
    until d == nil
    loop:close()
    assert.equal("delivered", rows[other])
    assert.equal("delivered", rows[busy])
  end)

  it("can be cancelled while it waits", function()
    local mx = servers.smtp_sink{ "-p", "-W", "MAIL:30" }
    local first = true
    local jobs = { { config = { port = mx.port, trace = true }, messages = one }, { config = { port = mx.port, trace = true }, messages = one } }
    local rows = run(jobs, function(loop, op)
      if op.op == "trace" and op.data:find "MAIL" and first then
        first = false
        loop:cancel()
      end
    end)
    assert.is_false(first)
    for i = 1, 2 do
      assert.equal(1, #rows[i])
      assert.equal("deferred", rows[i][1].outcome)
      assert.equal("local", rows[i][1].kind)
      assert.matches("cancelled", rows[i][1].text)
    end
  end)

  it("keeps its deliveries from being stepped by others, and gives them back", function()
    local loop = core.loop()
    local d = core.delivery{ destination = "contoso.test" }
    loop:add(d)
    assert.has_error(function() d:step(1) end)
    assert.has_error(function() loop:add(d) end)
    loop:wait()
    loop:answer(d, "no_more")
    local same, op = loop:wait()
    assert.equal(d, same)
    assert.equal("done", op.op)
    assert.equal("done", d:step(1).op)
    loop:close()
  end)

  it("may be collected with deliveries in it, in any order", function()
    for _ = 1, 20 do
      local loop = core.loop()
      for _ = 1, 5 do loop:add(core.delivery{ destination = "contoso.test" }) end
      loop:wait()
    end
    collectgarbage()
    collectgarbage()
  end)
end)
