local core = require "directsend.core"
local directsend = require "directsend"
local mailers = require "support.mailers"
local process = require "support.process"
local servers = require "support.servers"

local to = mailers.to

local letter = { from = "News <news@contoso.test>", subject = "Hello, {{name}}",
                 text = "Dear {{name}},\nall is well.\n" }

local function people(n)
  local list = {}
  for i = 1, n do
    list[i] = { to = ("p%d@example.test"):format(i), id = "id" .. i,
                fields = { name = "Person " .. i } }
  end
  return list
end

local function all(each)
  local rows = {}
  for row in each do rows[#rows + 1] = row end
  return rows
end

-- by the address of their recipient
local function by_recipient(messages)
  local out, n = {}, 0
  for _, m in ipairs(messages) do
    assert.equal(1, #m.recipients)
    assert.is_nil(out[m.recipients[1]])
    out[m.recipients[1]], n = m, n + 1
  end
  return out, n
end

local function capture(config)
  local c = { transport = "capture", hostname = "client.example" }
  for k, v in pairs(config or {}) do c[k] = v end
  return assert(directsend.new(c))
end

describe("mailer:each", function()
  after_each(servers.stop_all)

  it("sends each recipient their own message and tells of each", function()
    local server = servers.aiosmtpd { tls = false }
    local each = assert(to(server.port):each(letter, people(70)))
    local rows, seen = all(each), {}
    assert.equal(70, #rows)
    for _, row in ipairs(rows) do
      assert.equal("delivered", row.outcome)
      assert.equal("id" .. row.index, row.id)
      assert.equal(("p%d@example.test"):format(row.index), row.address)
      assert.equal("127.0.0.1:" .. server.port, row.route)
      assert.equal(250, row.code)
      assert.is_nil(row.tag)
      assert.is_nil(row.recipient)
      assert.is_nil(seen[row.index])
      seen[row.index] = true
    end
    assert.is_nil(each:next())
    local messages, n = by_recipient(server:messages())
    assert.equal(70, n)
    local ids = {}
    for i = 1, 70 do
      local m = messages[("p%d@example.test"):format(i)]
      assert.equal("news@contoso.test", m.sender)
      assert.truthy(m.raw:find("\r\nTo: p" .. i .. "@example.test\r\n", 1, true))
      assert.truthy(m.raw:find("Subject: Hello, Person " .. i .. "\r\n", 1, true))
      assert.truthy(m.raw:find("Dear Person " .. i .. ",\r\n", 1, true))
      local id = m.raw:match "\r\nMessage%-ID: (%S+)"
      assert.is_nil(ids[id])
      ids[id] = true
    end
  end)

  it("sends a finished letter as it is, to each alone", function()
    local server = servers.aiosmtpd { tls = false }
    local raw = "From: a@contoso.test\r\nSubject: {{name}}\r\n\r\n.one\r\n"
    local rows = all(assert(to(server.port):each({ raw = { data = raw } }, people(40))))
    assert.equal(40, #rows)
    local messages, n = by_recipient(server:messages())
    assert.equal(40, n)
    for _, m in pairs(messages) do
      assert.equal(raw, m.raw)
      assert.equal("a@contoso.test", m.sender)
    end
  end)

  it("sends a finished letter too long for memory from a file", function()
    local server = servers.aiosmtpd { tls = false }
    local raw = "From: a@contoso.test\r\n\r\n" .. ("line\r\n"):rep(180000)
    local rows = all(assert(to(server.port, { per_destination = 3 })
                            :each({ raw = { data = raw } }, people(5))))
    for _, row in ipairs(rows) do assert.equal("delivered", row.outcome) end
    local messages, n = by_recipient(server:messages())
    assert.equal(5, n)
    for _, m in pairs(messages) do assert.is_true(m.raw == raw) end
  end)

  it("gives the next host the same octets from their first one", function()
    local nsd = servers.nsd { ["example.test"] = "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 127.0.0.1\nmx2 A 127.0.0.1" }
    local server = servers.aiosmtpd { tls = false, replies = { ["."] = "421 4.3.2 not now" }, times = 1 }
    local raw = "From: a@contoso.test\r\n\r\n" .. ("0123456789\r\n"):rep(20000)
    local rows = all(assert(to(server.port, { route = "mx", allow_private = true, port = server.port,
                                              dns = { servers = "127.0.0.1:" .. nsd.port } })
                            :each({ raw = { data = raw } }, people(1))))
    assert.equal("delivered", rows[1].outcome)
    assert.equal("mx2.example.test", rows[1].host)
    assert.equal(1, #server:messages())
    assert.is_true(server:messages()[1].raw == raw)
  end)

  it("gives each message its own sender where the source says so", function()
    local server = servers.aiosmtpd { tls = false }
    local list = people(3)
    list[1].envelope_sender = "bounce+1@contoso.test"
    list[2].envelope_sender = ""
    all(assert(to(server.port):each(letter, list)))
    local messages = by_recipient(server:messages())
    assert.equal("bounce+1@contoso.test", messages["p1@example.test"].sender)
    assert.equal("<>", messages["p2@example.test"].sender)
    assert.equal("news@contoso.test", messages["p3@example.test"].sender)
  end)

  it("keeps what is large out of memory, and each message whole", function()
    local server = servers.aiosmtpd { tls = false }
    local big = ("0123456789abcdef"):rep(16384)
    local taken = 0
    local t = { from = "a@contoso.test", subject = "{{name}}", text = "see",
                attach = { { name = "one.bin", read = function()
                  taken = taken + 1
                  if taken == 1 then return big end
                end } } }
    local rows = all(assert(to(server.port):each(t, people(4))))
    for _, row in ipairs(rows) do assert.equal("delivered", row.outcome) end
    local messages, n = by_recipient(server:messages())
    assert.equal(4, n)
    for _, m in pairs(messages) do
      assert.is_true(#m.raw > #big)
      assert.truthy(m.raw:find("one.bin", 1, true))
    end
  end)

  it("opens as many connections as it may, and no more", function()
    local server = servers.aiosmtpd { tls = false, delay = 0.02 }
    local rows = all(assert(to(server.port, { per_destination = 3, connections = 2 })
                            :each(letter, people(30))))
    assert.equal(30, #rows)
    local sessions = {}
    for _, c in ipairs(server:commands()) do sessions[c.session] = true end
    local n = 0
    for _ in pairs(sessions) do n = n + 1 end
    assert.equal(2, n)
  end)

  it("sends so many messages over one connection", function()
    local server = servers.aiosmtpd { tls = false }
    local rows = all(assert(to(server.port, { per_connection = 4, per_destination = 1 })
                            :each(letter, people(12))))
    for _, row in ipairs(rows) do assert.equal("delivered", row.outcome) end
    local mails = {}
    for _, c in ipairs(server:commands()) do
      if c.line:find "^MAIL" then mails[c.session] = (mails[c.session] or 0) + 1 end
    end
    local n = 0
    for _, count in pairs(mails) do
      assert.equal(4, count)
      n = n + 1
    end
    assert.equal(3, n)
  end)

  it("sends to other destinations while one is slow", function()
    local slow = servers.aiosmtpd { tls = false, delay = 0.1 }
    local fast = servers.aiosmtpd { tls = false }
    local mailer = assert(directsend.new {
      hostname = "client.example", tls = "off", per_destination = 1,
      route = { ["slow.test"] = "127.0.0.1:" .. slow.port,
                ["fast.test"] = "127.0.0.1:" .. fast.port } })
    local list = { { to = "a@slow.test", fields = { name = "a" } } }
    for i = 1, 20 do
      list[#list + 1] = { to = ("p%d@fast.test"):format(i), fields = { name = "x" } }
    end
    local rows = all(assert(mailer:each(letter, list)))
    assert.equal(21, #rows)
    assert.equal("a@slow.test", rows[21].address)
  end)

  it("reads the source no further ahead than it must", function()
    local read = 0
    local mailer = capture()
    local each = mailer:each(letter, function()
      read = read + 1
      return { to = "p@example.test", fields = { name = read } }
    end)
    local most = 0
    for i = 1, 3000 do
      assert.equal("delivered", each:next().outcome)
      most = math.max(most, read - i)
      mailer.sent[#mailer.sent] = nil
    end
    assert.is_true(most <= 1000, most)
    each:close()
  end)

  describe("refuses", function()
    local function outcomes(list, t)
      local rows = {}
      for row in assert(capture():each(t or letter, list)) do rows[row.index] = row end
      return rows
    end

    it("a missing field, and sends the rest", function()
      local rows = outcomes { { to = "a@x.test", fields = { name = "A" } },
                              { to = "b@x.test", id = 7 },
                              { to = "c@x.test", fields = { name = {} } },
                              { to = "d@x.test", fields = { name = 4 } } }
      assert.equal("delivered", rows[1].outcome)
      assert.equal("failed", rows[2].outcome)
      assert.equal("usage", rows[2].kind)
      assert.equal("fields.name", rows[2].field)
      assert.equal("fields.name: is missing", rows[2].text)
      assert.equal(7, rows[2].id)
      assert.equal("b@x.test", rows[2].address)
      assert.equal("fields.name: is a table", rows[3].text)
      assert.equal("delivered", rows[4].outcome)
    end)

    it("a bad address, nobody, and several", function()
      local rows = outcomes { { to = "no address", fields = { name = "A" } },
                              { fields = { name = "A" } },
                              { to = { "a@x.test", "b@x.test" }, fields = { name = "A" } },
                              { to = "x@x.test", envelope_sender = "what", fields = { name = "A" } } }
      for i = 1, 4 do
        assert.equal("failed", rows[i].outcome)
        assert.equal("usage", rows[i].kind)
      end
      assert.equal("to", rows[1].field)
      assert.equal("to: is missing", rows[2].text)
      assert.matches("one recipient", rows[3].text)
      assert.equal("envelope_sender", rows[4].field)
    end)

    it("what would end a header field", function()
      local rows = outcomes { { to = "a@x.test", fields = { name = "A\r\nBcc: b@x.test" } } }
      assert.equal("failed", rows[1].outcome)
      assert.equal("subject", rows[1].field)
    end)

    it("a destination that no route leads to", function()
      local mailer = assert(directsend.new { route = { ["x.test"] = "127.0.0.1:1" } })
      local rows = all(assert(mailer:each(letter, { { to = "a@y.test", fields = { name = "A" } } })))
      assert.equal("failed", rows[1].outcome)
      assert.equal("policy", rows[1].kind)
      assert.matches("no route leads to y.test", rows[1].text)
    end)

    it("a letter that says whom it goes to", function()
      for _, key in ipairs { "to", "cc", "bcc" } do
        local t = { from = "a@x.test", text = "x", [key] = "b@x.test" }
        assert.has_error(function() capture():each(t, {}) end,
          "letter: '" .. key .. "' cannot be given: the source says whom each "
          .. "message goes to")
      end
    end)

    it("a letter that no message can be made of", function()
      local each, why, detail = capture():each({ from = "nobody", text = "x" }, {})
      assert.is_nil(each)
      assert.matches("^from", why)
      assert.equal("from", detail.field)
      assert.has_error(function() capture():each({ form = "a@x.test" }, {}) end,
        "message: unknown key 'form' (did you mean 'from'?)")
      assert.has_error(function() capture():each(letter, 5) end,
        "source: expected function or table, got number")
    end)
  end)

  it("raises what the source raised, when all before it is told", function()
    local server = servers.aiosmtpd { tls = false }
    local i = 0
    local each = assert(to(server.port):each(letter, function()
      i = i + 1
      if i == 4 then error("the list broke", 0) end
      return { to = ("p%d@example.test"):format(i), fields = { name = "x" } }
    end))
    for _ = 1, 3 do assert.equal("delivered", each:next().outcome) end
    assert.has_error(function() each:next() end, "the list broke")
    assert.is_nil(each:next())
    assert.equal(3, #server:messages())
  end)

  it("says which entry of the source has a key too many", function()
    local each = assert(capture():each(letter, { { to = "a@x.test", fields = { name = "x" } },
                                                 { too = "b@x.test" } }))
    assert.equal("delivered", each:next().outcome)
    assert.has_error(function() each:next() end,
      "source[2]: unknown key 'too' (did you mean 'to'?)")
  end)

  it("lets what is in flight finish when it is closed, and drops the rest", function()
    local server = servers.aiosmtpd { tls = false, delay = 0.02 }
    local read = 0
    local each = assert(to(server.port, { per_destination = 1 }):each(letter, function()
      read = read + 1
      return { to = ("p%d@example.test"):format(read), fields = { name = "x" } }
    end))
    assert.equal("delivered", each:next().outcome)
    each:close()
    local rows = 1
    while each:next() do rows = rows + 1 end
    assert.equal(rows, #server:messages())
    assert.is_true(rows < 50)
    each:close()
  end)

  it("holds the rate", function()
    local server = servers.aiosmtpd { tls = false }
    local mailer = to(server.port, { rate = "50/s" })
    local start = core.now()
    local rows = all(assert(mailer:each(letter, people(15))))
    assert.equal(15, #rows)
    -- a tenth of a second's worth may go at once
    assert.is_true(core.now() - start >= (15 - 50 * 0.1 - 2) / 50)
    for _, bad in ipairs { "fast", "20", "0/s", "20/year" } do
      local _, _, detail = directsend.new { rate = bad }
      assert.equal("rate", detail.field)
    end
    assert(directsend.new { rate = { total = "600/min", per_destination = "1/s" } })
  end)

  it("goes over drivers that have to be waited for, some messages at a time", function()
    local native = require "directsend.driver.native"
    local server = servers.aiosmtpd { tls = false }
    local runs = 0
    local driver = { capabilities = native.capabilities, run = function(jobs)
      runs = runs + 1
      return native.run(jobs)
    end }
    local rows = all(assert(to(server.port, { driver = driver }):each(letter, people(30))))
    assert.equal(30, #rows)
    for _, row in ipairs(rows) do assert.equal("delivered", row.outcome) end
    assert.equal(30, #server:messages())
    assert.is_true(runs >= 1)
  end)

  it("tells of everybody when a driver gives up", function()
    local driver = { capabilities = require "directsend.driver.native".capabilities,
                     run = function(jobs)
      local op = jobs[1].delivery:step(core.now())
      assert.equal("next", op.op)
      jobs[1].delivery:step(core.now(), jobs[1].feed.next(op))
      error "the loop is gone"
    end }
    local each = assert(to(1, { driver = driver }):each(letter, people(1)))
    local row = each:next()
    assert.equal("deferred", row.outcome)
    assert.matches("the loop is gone", row.text)
    assert.equal("id1", row.id)
    assert.is_nil(each:next())
  end)

  it("may be read in a coroutine whose source yields", function()
    local list, i = people(5), 0
    local thread = coroutine.wrap(function()
      local each = assert(capture():each(letter, function()
        coroutine.yield "waiting"
        i = i + 1
        return list[i]
      end))
      local rows = 0
      while each:next() do rows = rows + 1 end
      return rows
    end)
    local got
    repeat got = thread() until got ~= "waiting"
    assert.equal(5, got)
  end)

  it("needs an open mailer", function()
    local mailer = capture()
    mailer:close()
    assert.has_error(function() mailer:each(letter, {}) end,
      "directsend: this mailer is closed")
  end)

  it("uses no more memory for many than for few", function()
    local script = os.tmpname()
    local file = assert(io.open(script, "w"))
    file:write [[
      local mailer = assert(require "directsend".new { transport = "null" })
      local i, least, most = 0, math.huge, 0
      local each = mailer:each({ raw = { data = "From: a@x.test\r\n\r\nhello\r\n" } }, function()
        i = i + 1
        if i <= 20000 then return { to = "p" .. i .. "@d" .. i % 5000 .. ".test" } end
      end)
      local rows = 0
      for row in each do
        rows = rows + 1
        if rows % 2000 == 0 then
          collectgarbage()
          local now = collectgarbage "count"
          least, most = math.min(least, now), math.max(most, now)
        end
      end
      assert(rows == 20000)
      assert(most - least < 1024, most - least)
      print "done"
    ]]
    file:close()
    local text, ok = process.run(script, {})
    os.remove(script)
    assert.is_true(ok, text)
    assert.matches("done", text)
  end)
end)
