-- What the engine says, to real servers: whole batches by CHUNKING, LMTP, AUTH.

local core = require "directsend.core"
local tls = require "directsend.tls"
local native = require "directsend.driver.native"
local servers = require "support.servers"

-- messages -> rows by "message/recipient", traces of the connections
local function deliver(server, config, messages)
  local rows, traces, at = {}, {}, 0
  local c = {
    destination = "127.0.0.1", pinned = true, port = server.port, level = "off", hostname = "client.example", trace = true,
    timeout = { connect = 5, greeting = 5, command = 5, data = 5, body = 5, final = 5, total = 20 },
  }
  for k, v in pairs(config) do
    c[k] = v
  end
  assert(native.run { { delivery = assert(core.delivery(c)), feed = {
    next = function()
      at = at + 1
      local m = messages[at]
      if not m then
        return "no_more"
      end
      return "message", { sender = m.sender, recipients = m.recipients, size = m.size or #m.body, tag = at }
    end,
    body = function(op)
      local data = messages[op.tag].body:sub(op.offset + 1, op.offset + op.max)
      return "body", data, op.offset + #data >= #messages[op.tag].body
    end,
    rewind = function() return "rewound" end,
    context = function() return "context", tls.context {} end,
    result = function(op) rows[op.row.tag .. "/" .. op.row.recipient] = op.row end,
    trace = function(op) traces[#traces + 1] = op.data end,
  } } })
  return rows, table.concat(traces)
end

local function count(s, pattern)
  return select(2, s:gsub(pattern, ""))
end

local function numbered(n, t)
  local list = {}
  for i = 1, n do
    local m = { sender = ("bounce-%d@client.example"):format(i), recipients = { "b@example.test" } }
    for k, v in pairs(t or {}) do
      m[k] = v
    end
    m.body = ("Subject: %s%d\r\n\r\n.dots\r\n..\r\n.\r\nmessage %d\r\n"):format(m.name or "", i, i) .. (m.more or "")
    list[i] = m
  end
  return list
end

-- what Postfix has delivered, by subject: the envelope's sender, the octets
local function by_subject(mx, n)
  local found = {}
  for _, text in ipairs(mx:messages(n)) do
    local raw = text:gsub("\r?\n", "\r\n")
    found[raw:match "Subject: (%w+)"] = { sender = raw:match "Return%-Path: <([^>]*)>", body = raw:match "\r\n\r\n(.*)$" }
  end
  return found
end

describe("the engine with Postfix", function()
  local mx

  setup(function()
    mx = servers.postfix { main = { smtpd_recipient_restrictions =
      "check_recipient_access inline:{ {u550@example.test=550 5.1.1 no such user} }, permit" } }
  end)
  teardown(servers.stop_all)

  it("sends forty messages in two batches, each with its own sender", function()
    local messages = numbered(40)
    local rows, trace = deliver(mx, {}, messages)
    for i = 1, 40 do
      assert.are.equal("delivered", rows[i .. "/1"].outcome, rows[i .. "/1"].text)
    end
    assert.are.equal(40, count(trace, "C: BDAT %d+ LAST\n"))
    assert.are.equal(0, count(trace, "C: DATA\n"))
    assert.are.equal(38, count(trace, "C: RSET\n"))
    -- 32 groups are said before anything is heard of the first
    local first = trace:match "C: MAIL.-\nS: "
    assert.are.equal(32, count(first, "C: MAIL"))
    local got = by_subject(mx, 40)
    for i = 1, 40 do
      assert.are.same({ messages[i].sender, messages[i].body:match "\r\n\r\n(.*)$" }, { got[tostring(i)].sender, got[tostring(i)].body })
    end
  end)

  it("lets no refusal touch the next, whatever it leaves at the server", function()
    local messages = numbered(6, { name = "some" })
    messages[1].recipients = { "u550@example.test" }
    messages[3].recipients = { "u550@example.test", "b@example.test" }
    messages[5].sender = "not an address"
    messages[6].recipients = { "u550@example.test" }
    local rows = deliver(mx, {}, messages)
    for key, want in pairs { ["1/1"] = "failed", ["2/1"] = "delivered", ["3/1"] = "failed", ["3/2"] = "delivered",
                             ["4/1"] = "delivered", ["5/1"] = "failed", ["6/1"] = "failed" } do
      assert.are.equal(want, rows[key].outcome, key)
    end
    assert.are.equal("550 5.1.1 <u550@example.test>: Recipient address rejected: no such user", rows["6/1"].reply)
    for name, n in pairs { some2 = 2, some3 = 3, some4 = 4 } do
      assert.are.equal(messages[n].sender, by_subject(mx, 43)[name].sender)
    end
  end)

  it("sends what is large, and what has no size, when its recipients are taken", function()
    local messages = numbered(3, { name = "large", more = ("0123456789abcdef\r\n"):rep(8000) })
    messages[2].size = 0
    local rows, trace = deliver(mx, {}, messages)
    for i = 1, 3 do
      assert.are.equal("delivered", rows[i .. "/1"].outcome)
    end
    assert.is_true(count(trace, "C: BDAT %d+\n") >= 2)
    local got = by_subject(mx, 46)
    for i = 1, 3 do
      assert.is_true(messages[i].body:match "\r\n\r\n(.*)$" == got["large" .. i].body)
    end
  end)
end)

describe("the engine with aiosmtpd", function()
  teardown(servers.stop_all)

  it("speaks LMTP, where each recipient has a reply", function()
    local lmtp = servers.aiosmtpd { lmtp = true, tls = false, extensions = { "PIPELINING" },
      replies = { rcpt = { ["no@example.test"] = "550 5.1.1 nobody" },
                  ["."] = { ["full@example.test"] = "452 4.2.2 full" } } }
    local messages = numbered(2, { recipients = { "b@example.test", "no@example.test", "full@example.test", "c@example.test" } })
    local rows, trace = deliver(lmtp, { lmtp = true }, messages)
    for i = 1, 2 do
      assert.are.equal("delivered", rows[i .. "/1"].outcome)
      assert.are.same({ "failed", "rcpt" }, { rows[i .. "/2"].outcome, rows[i .. "/2"].stage })
      assert.are.same({ "deferred", "final", "452 4.2.2 full" },
        { rows[i .. "/3"].outcome, rows[i .. "/3"].stage, rows[i .. "/3"].reply })
      assert.are.equal("delivered", rows[i .. "/4"].outcome)
    end
    assert.is_truthy(trace:find "C: LHLO client.example\n")
    assert.are.equal(2, #lmtp:messages())
  end)

  it("logs in by PLAIN and by LOGIN, under TLS, and shows no secret", function()
    for _, mechanism in ipairs { "PLAIN", "LOGIN" } do
      local mx = servers.aiosmtpd { auth = { user = "tim", password = "tanstaaftanstaaf" }, mechanisms = { mechanism } }
      local who = { user = "tim", password = "tanstaaftanstaaf" }
      local rows, trace = deliver(mx, { level = "required", auth = who }, numbered(1))
      assert.are.equal("delivered", rows["1/1"].outcome, rows["1/1"].text)
      assert.are.equal(mechanism .. " tim", mx:messages()[1].user)
      assert.is_truthy(trace:find("C: AUTH " .. mechanism .. (mechanism == "PLAIN" and " [hidden]\n" or "\n"), 1, true))
      assert.is_nil(trace:find("dGFuc3RhYWZ0YW5zdGFhZg", 1, true))
      who.password = "wrong"
      rows = deliver(mx, { level = "required", auth = who }, numbered(1))
      assert.are.same({ "failed", "auth", 535 }, { rows["1/1"].outcome, rows["1/1"].stage, rows["1/1"].code })
    end
  end)

  it("says nothing weaker than allowed, and nothing in clear", function()
    local mx = servers.aiosmtpd { auth = { user = "tim", password = "x" } }
    local who = { user = "tim", password = "x", mechanisms = { "scram-sha-256" } }
    local rows, trace = deliver(mx, { level = "required", auth = who }, numbered(1))
    assert.are.same({ "auth", "policy" }, { rows["1/1"].stage, rows["1/1"].kind })
    assert.is_truthy(rows["1/1"].text:find("AUTH PLAIN LOGIN; what may be used here is SCRAM-SHA-256", 1, true))
    assert.is_nil(trace:find "C: AUTH")
  end)
end)
