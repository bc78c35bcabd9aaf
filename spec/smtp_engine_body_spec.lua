local talk = require "support.smtp_talk"

local STATE, USAGE = -3, -2
local CHUNK = 16384

-- sized: MAIL RCPT BDAT are out, its body is due
local function sized(size)
  local t = talk.ready { "PIPELINING", "CHUNKING" }
  t:begin(1, nil, size)
  assert.are.equal("body", talk.names(t:events()))
  return t
end

-- unsized: the recipients are accepted, its body is due
local function unsized(recipients)
  local t = talk.ready { "PIPELINING", "CHUNKING" }
  t:begin(1, recipients)
  t:said()
  t:hear("250 Ok", "250 Ok")
  return t
end

local function cut_short(t, text)
  assert.are.equal("settled finished ended", talk.names(t:events()))
  local ev = t.settled["1/1"]
  assert.are.same({ "deferred", "local", true, text }, { ev.outcome, ev.kind, ev.lost, ev.text })
  assert.are.equal("", t:said())
  assert.are.equal(STATE, t.engine:body "x")
end

describe("smtp/engine_body", function()
  it("sends as many octets as were announced, in any pieces, dots and all", function()
    local body = "Subject: x\r\n\r\n.\r\n..x\r\nend"
    for n = 1, #body do
      local t = sized(#body)
      for at = 1, #body, n do
        assert.are.equal(0, t.engine:body(body:sub(at, at + n - 1)))
      end
      assert.are.equal(0, t.engine:body_end())
      assert.is_truthy(t:said():find(("BDAT %d LAST\r\n"):format(#body) .. body, 1, true))
      t:hear("250 Ok", "250 Ok", "250 queued")
      assert.are.equal("delivered", t.settled["1/1"].outcome)
    end
  end)

  it("keeps the last octet back until the end is said", function()
    local t = sized(7)
    t.engine:body "hello\r\n"
    assert.is_truthy(t:said():find "hello\r$")
    assert.are.equal("", t:said())
    assert.are.equal(1, t.engine:pending())
    assert.is_false(t.engine:ending())
    t.engine:body_end()
    assert.are.equal("\n", t:said())
    assert.is_true(t.engine:ending())
  end)

  it("is cut when it is longer or shorter than it said; nobody has it then", function()
    local t = sized(7)
    assert.are.equal(USAGE, t.engine:body "hello\r\n!")
    cut_short(t, "the message is longer than it said")
    t = sized(7)
    t.engine:body "hello\r\n"
    t:said()
    assert.are.equal(USAGE, t.engine:body "x")
    cut_short(t, "the message is longer than it said")
    t = sized(7)
    t.engine:body "hello"
    t:said()
    assert.are.equal(USAGE, t.engine:body_end())
    cut_short(t, "the message is shorter than it said")
  end)

  it("takes CRLF line ends only", function()
    for _, t in ipairs { sized(10), unsized() } do
      assert.are.equal(USAGE, t.engine:body "a\nb")
      assert.are.equal(USAGE, t.engine:body "a\rb")
      assert.are.equal(0, t.engine:body "a\r")
      assert.are.equal(USAGE, t.engine:body_end())
      assert.are.equal(USAGE, t.engine:body "b")
      assert.are.equal(0, t.engine:body "\nhello\r")
      assert.are.equal(0, t.engine:body "\n")
      assert.are.equal(0, t.engine:body_end())
    end
  end)

  it("sends what has no size in chunks, few octets together", function()
    local t = unsized()
    t.engine:body "hel"
    assert.are.equal("", t:said())
    assert.are.equal(3, t.engine:pending())
    t:events() -- nobody gives more for now, and nothing is under way
    assert.are.equal("BDAT 3\r\nhel", t:said())
    t.engine:body "lo"
    t:events()
    assert.are.equal("", t:said())
    t.engine:body((" "):rep(CHUNK))
    assert.are.equal("BDAT 16386\r\nlo" .. (" "):rep(CHUNK), t:said())
    t.engine:body "\r\n"
    assert.are.equal(2, t.engine:pending())
    t:hear "250 Ok"
    assert.are.equal("", t:said())
    t:hear "250 Ok"
    assert.are.equal("BDAT 2\r\n\r\n", t:said())
    t.engine:body ".x"
    t.engine:body_end()
    assert.are.equal("BDAT 2 LAST\r\n.x", t:said())
    assert.are.equal("final", (t.engine:waiting()) == "body" and "final")
    assert.are.equal("", talk.names(t:hear "250 Ok"))
    assert.are.equal("settled finished", talk.names(t:hear "250 queued"))
  end)

  it("has no more chunks answered than it may have replies outstanding", function()
    local t = unsized()
    local said = ""
    for _ = 1, 200 do
      t.engine:body(("x"):rep(CHUNK))
      said = said .. t:said()
    end
    assert.are.equal(128, select(2, said:gsub("BDAT %d+\r\n", "")))
    assert.are.equal(72 * CHUNK, t.engine:pending())
    for _ = 1, 64 do
      assert.are.equal("", t:said())
      t:hear "250 Ok"
    end
    assert.are.equal(72 * CHUNK, #t:said():match "BDAT 1179648\r\n(.*)$")
  end)

  it("gives up when a chunk is refused, and goes on with the next", function()
    local t = unsized()
    t.engine:body(("x"):rep(CHUNK))
    t.engine:body(("y"):rep(CHUNK))
    t.engine:begin(2, "", { "three@b" }, 7, 0)
    t:said()
    t.engine:body "more"
    assert.are.equal("", talk.names(t:hear "552 5.3.4 too big"))
    assert.are.equal(0, t.engine:body "more") -- swallowed
    assert.are.equal("settled", talk.names(t:hear "503 5.5.1 discarded"))
    assert.are.equal(0, t.engine:body "and mo\re")
    assert.are.equal("", t:said())
    assert.are.equal(0, t.engine:body_end())
    assert.are.equal("finished body", talk.names(t:events()))
    assert.are.same({ "failed", "body", 552 },
      { t.settled["1/1"].outcome, t.settled["1/1"].stage, t.settled["1/1"].reply.code })
    t:message()
    assert.are.equal("RSET\r\nMAIL FROM:<>\r\nRCPT TO:<three@b>\r\nBDAT 7 LAST\r\nhello\r\n", t:said())
    t:hear("250 Ok", "250 Ok", "250 Ok", "250 queued")
    assert.are.equal("delivered", t.settled["2/1"].outcome)
  end)

  it("is over when a chunk is refused in LMTP", function()
    local t = talk.ready({ "PIPELINING", "CHUNKING" }, false, true)
    t:begin(1, { "one@b", "two@b" })
    t:said()
    t:hear("250 Ok", "250 Ok", "250 Ok")
    t.engine:body(("x"):rep(CHUNK))
    t.engine:body_end()
    t:said()
    t:hear "552 5.3.4 too big"
    assert.are.same({ "failed", "body" }, { t.settled["1/2"].outcome, t.settled["1/2"].stage })
    assert.are.same({ "reply", "body" }, { t.ended.kind, t.ended.stage })
  end)

  it("believes a refusal before the end, no acceptance, and is over", function()
    for _, reply in ipairs { "552 5.3.4 too big", "451 later", "250 queued", "503 what" } do
      local t = talk.ready { "PIPELINING", "CHUNKING" }
      t:begin(1, { "to@b" }, 70000)
      t:said()
      t:hear("250 Ok", "250 Ok")
      t.engine:body(("x"):rep(1000))
      t:said()
      t:hear(reply)
      local ev = t.settled["1/1"]
      assert.are.same({ reply:find "^552" and "failed" or "deferred", "body" }, { ev.outcome, ev.stage }, reply)
      assert.are.equal(not reply:find "^[45][52]", ev.lost, reply)
      assert.are.same({ reply:find "^250" and "protocol" or "reply", "body" }, { t.ended.kind, t.ended.stage })
      assert.are.equal("", t:said())
    end
  end)

  it("gives bodies in the order of begin, each when the one before has its end", function()
    local t = talk.ready { "PIPELINING", "CHUNKING" }
    t:begin(1, nil, 7)
    t:begin(2, nil, 7)
    local events = t:events()
    assert.are.same({ "body", 1 }, { talk.names(events), events[1].txn })
    t.engine:body "hel"
    assert.are.equal("", talk.names(t:events()))
    t:message "lo\r\n"
    events = t:events()
    assert.are.same({ "body", 2 }, { talk.names(events), events[1].txn })
    assert.is_nil(events[1].reply)
  end)

  it("calls what was handed over whole unknown, what was not deferred", function()
    local t = sized(7)
    t:message()
    local whole = t.engine:output()
    for n = 0, #whole do
      t = sized(7)
      t:message()
      t:said(n)
      t:close()
      assert.are.equal(n == #whole and "unknown" or "deferred", t.settled["1/1"].outcome, n)
    end
  end)

  it("cuts a body that cannot be finished", function()
    for _, t in ipairs { sized(70), unsized() } do
      t.engine:body "half"
      t.engine:body_cut "gone"
      cut_short(t, "gone")
    end
  end)
end)
