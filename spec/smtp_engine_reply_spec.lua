local talk = require "support.smtp_talk"

local STATE = -3

-- the engine in each state: how it gets there, and what a fault means then
local ahead, alone, chunked = { "PIPELINING", "STARTTLS" }, { "STARTTLS" }, { "PIPELINING", "CHUNKING" }

local function answered(t, ...)
  t:said()
  for _, line in ipairs { ... } do
    t:hear(line)
    t:said()
  end
  return t
end

local function begun(extensions, ...)
  local t = talk.ready(extensions)
  t:begin(1, { "one@b.example", "two@b.example" })
  return answered(t, ...)
end

-- two messages in one flight, some replies read
local function batch(...)
  local t = talk.ready(chunked)
  t:batch(1, nil, { "one@b.example", "two@b.example" })
  t:batch(2)
  return answered(t, ...)
end

local states = {
  greeting = function() return talk.new() end,
  ehlo = function() return answered(talk.new(), "220 mx") end,
  helo = function() return answered(talk.new(), "220 mx", "500 what") end,
  idle = function() return talk.ready(ahead) end,
  starttls = function()
    local t = talk.ready(alone)
    t.engine:starttls()
    return answered(t)
  end,
  ehlo_again = function()
    local t = talk.ready(alone)
    t.engine:starttls()
    answered(t, "220 go")
    t.engine:tls_started()
    return answered(t)
  end,
  mail = function() return begun(alone) end,
  mail_ahead = function() return begun(ahead) end,
  rcpt = function() return begun(alone, "250 Ok") end,
  rcpt_ahead = function() return begun(ahead, "250 Ok", "250 Ok") end,
  data = function() return begun(alone, "250 Ok", "250 Ok", "250 Ok") end,
  data_ahead = function() return begun(ahead, "250 Ok", "250 Ok", "250 Ok") end,
  body = function()
    local t = begun(alone, "250 Ok", "250 Ok", "250 Ok", "354 go")
    t.engine:body "half a li"
    return answered(t)
  end,
  body_unsent = function()
    local t = begun(ahead, "250 Ok", "250 Ok", "250 Ok", "354 go")
    t:message()
    t:said(7)
    return t
  end,
  final = function()
    local t = begun(alone, "250 Ok", "250 Ok", "250 Ok", "354 go")
    t:message()
    return answered(t)
  end,
  final_quit = function()
    local t = begun(ahead, "250 Ok", "250 Ok", "250 Ok", "354 go")
    t:message()
    t.engine:quit()
    return answered(t)
  end,
  final_next = function()
    local t = begun(ahead, "250 Ok", "250 Ok", "250 Ok", "354 go")
    t:message()
    t:begin(2)
    return answered(t)
  end,
  dot_alone = function() return begun(ahead, "250 Ok", "550 no", "550 no", "354 go") end,
  rset = function()
    local t = begun(alone, "550 no")
    t:begin(2)
    return answered(t)
  end,
  batch = function() return batch() end,
  batch_half = function() return batch("250 Ok", "250 Ok", "550 no", "250 queued", "250 Ok") end,
  batch_refused = function() return batch("550 no", "503 a", "503 b") end,
  bdat_body = function()
    local t = talk.ready(chunked)
    t:begin(1, { "one@b.example", "two@b.example" }, 70000)
    answered(t, "250 Ok", "250 Ok", "250 Ok")
    t.engine:body "half a li"
    return answered(t)
  end,
  bdat_unsent = function()
    local t = talk.ready(chunked)
    t:batch(1, nil, { "one@b.example", "two@b.example" })
    t:said(90)
    return t
  end,
  chunk = function()
    local t = begun(chunked, "250 Ok", "250 Ok", "250 Ok")
    t.engine:body "half a li"
    t:events()
    return answered(t)
  end,
  chunk_last = function()
    local t = begun(chunked, "250 Ok", "250 Ok", "250 Ok")
    t:message()
    return answered(t)
  end,
  lmtp_final = function()
    local t = talk.ready(ahead, false, true)
    t:begin(1, { "one@b.example", "two@b.example" })
    answered(t, "250 Ok", "250 Ok", "250 Ok", "354 go")
    t:message()
    return answered(t)
  end,
  lmtp_half = function()
    local t = talk.ready(chunked, false, true)
    t:batch(1, nil, { "one@b.example", "two@b.example" })
    t:batch(2)
    return answered(t, "250 Ok", "250 Ok", "250 Ok", "250 one")
  end,
  kept = function()
    local t = begun(alone, "250 Ok", "250 Ok", "250 Ok", "354 go")
    t:message()
    return answered(t, "250 queued")
  end,
}

local long = ("x"):rep(70000)
local faults = {
  ["2xx"] = "250 Ok\r\n", ["220"] = "220 Ok\r\n", ["3xx"] = "354 go\r\n", ["4xx"] = "451 later\r\n",
  ["421"] = "421 bye\r\n", ["5xx"] = "550 no\r\n", garbage = "HTTP/1.1 200\r\n", nothing = "\r\n",
  ["one too many"] = ("250 Ok\r\n"):rep(10),
  mixed = "250-a\r\n550 b\r\n", flood = "250 " .. long, lines = ("250-x\r\n"):rep(101), ["1xx"] = "150 x\r\n",
  eof = "", ["half a reply"] = "250-a\r\n25",
}

-- whose end is out
local end_out = {
  final = "^1/", final_quit = "^1/", final_next = "^1/", chunk_last = "^1/", batch = "", batch_half = "",
  batch_refused = "", lmtp_final = "^1/", lmtp_half = "",
}

local function is_out(name, key)
  return end_out[name] ~= nil and key:find(end_out[name]) ~= nil
end

local function check_outcomes(t, name, fault)
  for key, ev in pairs(t.settled) do
    local where = name .. ", " .. fault .. ", " .. key
    local out = is_out(name, key)
    if ev.outcome == "delivered" then
      assert.are.equal("2", ev.reply.text:sub(1, 1), where)
      assert.is_truthy(out or name == "kept", where)
    elseif ev.outcome == "unknown" then
      assert.is_truthy(out, where)
    else
      assert.is_truthy(ev.outcome == "deferred" or ev.outcome == "failed", where)
    end
  end
end

-- recipients of what was begun have one outcome each when the session is over
local function check_all(t, name, fault)
  local where = name .. ", " .. fault
  assert.is_table(t.ended, where)
  if t.begun then
    for _, key in ipairs(t.begun) do
      assert.is_table(t.settled[key], where .. ", " .. key)
    end
  end
end

local function each_state(f)
  for name, enter in pairs(states) do
    f(name, enter)
  end
end

local begun_in = {
  mail = 2, mail_ahead = 2, rcpt = 2, rcpt_ahead = 2, data = 2, data_ahead = 2, body = 2, body_unsent = 2, final = 2,
  final_quit = 2, final_next = 3, dot_alone = 2, rset = 3, kept = 2, batch = 3, batch_half = 3, batch_refused = 3,
  bdat_body = 2, bdat_unsent = 2, chunk = 2, chunk_last = 2, lmtp_final = 2, lmtp_half = 3,
}

local function enter_state(enter, name)
  local t = enter()
  assert.is_nil(t.ended, name)
  t.begun = { "1/1", "1/2", "2/1" }
  for i = #t.begun, (begun_in[name] or 0) + 1, -1 do
    t.begun[i] = nil
  end
  return t
end

describe("smtp/engine_reply", function()
  it("comes to an output, an event or an end from every state, whatever is said", function()
    each_state(function(name, enter)
      for fault, octets in pairs(faults) do
        local t = enter_state(enter, name)
        local serial = select(2, t.engine:waiting())
        local events = t:hear_octets(octets)
        local moved = #events > 0 or t.engine:output() ~= "" or select(2, t.engine:waiting()) ~= serial
        assert.is_true(moved or fault == "half a reply", name .. ", " .. fault)
        if not t.ended then
          t:close()
        end
        check_all(t, name, fault)
        check_outcomes(t, name, fault)
      end
    end)
  end)

  it("is over by garbage, a flood, and a reply too many: deferred before the end, unknown after", function()
    for _, fault in ipairs { "garbage", "nothing", "one too many", "mixed", "flood", "lines", "1xx" } do
      each_state(function(name, enter)
        local t = enter_state(enter, name)
        t:hear_octets(faults[fault])
        check_all(t, name, fault)
        assert.are.equal("protocol", t.ended.kind, name .. ", " .. fault)
        for _, key in ipairs(t.begun) do
          local ev = t.settled[key]
          local told = name == "kept" or name == "dot_alone" or name == "rset" and key ~= "2/1"
          local want = is_out(name, key) and "unknown" or "deferred"
          assert.is_true(told or ev.outcome == want and ev.lost and ev.kind == "protocol", name .. ", " .. fault .. ", " .. key)
        end
      end)
    end
  end)

  it("is over when the stream ends or the time is up", function()
    each_state(function(name, enter)
      for _, how in ipairs { "eof", "timeout" } do
        local t = enter_state(enter, name)
        if how == "eof" then
          t:close()
        else
          t.engine:abort("timeout", "no reply in 300 s")
          t:events()
        end
        check_all(t, name, how)
        assert.are.equal(how == "eof" and "connect" or "timeout", t.ended.kind, name)
        assert.is_true(t.ended.text ~= "")
        for _, key in ipairs(t.begun) do
          local ev = t.settled[key]
          if ev.lost then
            assert.are.equal(is_out(name, key) and "unknown" or "deferred", ev.outcome, name)
            assert.are.equal(t.ended.text, ev.text)
          end
        end
      end
    end)
  end)

  it("is over by 421 anywhere, its recipients deferred", function()
    each_state(function(name, enter)
      local t = enter_state(enter, name)
      t:hear "421 4.3.2 going down"
      t:close()
      check_all(t, name, "421")
      if name == "body_unsent" then
        assert.are.same({ "body", "body" }, { t.ended.stage, t.settled["1/1"].stage })
      end
      assert.are.equal("reply", t.ended.kind, name)
      assert.are.equal(421, t.ended.reply.code, name)
      for _, key in ipairs(t.begun) do
        local ev = t.settled[key]
        assert.is_true(ev.outcome == "deferred" and ev.reply.code == 421 or not ev.lost, name .. ", " .. key)
      end
    end)
  end)

  it("believes no reply to a command that is not out", function()
    local t = talk.new()
    t:hear "220 mx"
    t:hear("250-mx", "250 PIPELINING") -- EHLO was never taken
    assert.are.equal("protocol", t.ended.kind)
    t = talk.ready(ahead)
    t:begin(1)
    t:said(10)
    t:hear "250 Ok"
    assert.are.equal("protocol", t.ended.kind)
    assert.are.equal("deferred", t.settled["1/1"].outcome)
    t = states.body_unsent()
    t:hear "250 queued"
    assert.are.equal("deferred", t.settled["1/1"].outcome)
    assert.is_truthy(t.ended.text:find("250 queued", 1, true))
  end)

  it("minds no 421 before its command is out", function()
    local t = states.body_unsent()
    t.engine:quit()
    t:said(5) -- the end, and not all of QUIT
    t:hear("250 queued", "421 4.4.2 idle")
    assert.are.equal("delivered", t.settled["1/1"].outcome)
    assert.are.equal("", t.ended.kind)
  end)

  it("takes an early verdict during the body for what it is", function()
    local t = states.body()
    t:hear "552 5.3.4 too big"
    assert.are.equal("protocol", t.ended.kind)
    assert.are.equal("body", t.ended.stage)
    assert.is_truthy(t.ended.text:find("552 5.3.4 too big", 1, true))
    assert.are.equal("deferred", t.settled["1/1"].outcome)
    assert.are.equal("", t:said())
    assert.are.equal(STATE, t.engine:body "more")
  end)

  it("waits for the close behind a 421 only where messages are at stake", function()
    local t = batch()
    t:hear "421 4.7.0 too many"
    assert.is_nil(t.ended)
    assert.is_false(t.engine:can_begin())
    t.engine:abort("timeout", "no reply in 300 s")
    t:events()
    assert.are.same({ "reply", "mail", 421 }, { t.ended.kind, t.ended.stage, t.ended.reply.code })
    for _, key in ipairs { "1/1", "1/2", "2/1" } do
      assert.are.same({ "deferred", true, 421 }, { t.settled[key].outcome, t.settled[key].lost, t.settled[key].reply.code })
    end
    t = batch()
    t:hear("421 4.7.0 too many", "250 Ok")
    t:close() -- it stayed: who knows
    assert.are.same({ "deferred", "unknown" }, { t.settled["1/1"].outcome, t.settled["2/1"].outcome })
    assert.are.equal("connect", t.ended.kind)
  end)

  it("waits for the rest of an unasked 421, and for no other", function()
    for _, extensions in ipairs { {}, { "PIPELINING" } } do
      local t = talk.ready(extensions)
      assert.are.equal("", talk.names(t:hear_octets "4"))
      assert.are.equal(0, t:begin(1))
      assert.are.equal("", t:said()) -- not into a closing door
      t:hear_octets "21 bye\r\n"
      assert.are.equal("reply", t.ended.kind)
      assert.are.equal("deferred", t.settled["1/1"].outcome)
    end
    local t = talk.ready()
    t:hear_octets "42"
    t:hear_octets "5 x\r\n"
    assert.are.equal("protocol", t.ended.kind)
    t = talk.ready()
    t:hear_octets "2"
    assert.are.equal("protocol", t.ended.kind)
  end)

  it("says nothing while something unasked is unread", function()
    local t = talk.ready()
    t.engine:receive "250 what\r\n"
    assert.are.equal(0, t:begin(1))
    assert.are.equal("", t:said())
    t:events()
    assert.are.equal("protocol", t.ended.kind)
    assert.are.equal("deferred", t.settled["1/1"].outcome)
  end)

  it("tells whether a reply is half read", function()
    local t = talk.new()
    assert.is_false(t.engine:partial())
    t:hear_octets "220-mx"
    assert.is_true(t.engine:partial())
    t:hear_octets "\r\n220 mx\r\n"
    assert.is_false(t.engine:partial())
  end)

  it("takes no plaintext through the wall", function()
    local t = talk.ready { "STARTTLS" }
    t.engine:starttls()
    t:said()
    t:hear "220 go"
    assert.is_false(t.engine:extensions().esmtp)
    assert.are.equal(STATE, t.engine:receive "250 x\r\n")
    assert.are.equal(0, t.engine:tls_started())
    t:said()
    t:hear("250-mx", "250 SIZE 7")
    assert.are.same({ true, 7, false }, {
      t.engine:extensions().esmtp, t.engine:extensions().size_limit, t.engine:extensions().starttls,
    })
  end)

  it("ends in the handshake's stage within the wall", function()
    for _, how in ipairs { "close", "abort" } do
      local t = talk.ready { "STARTTLS" }
      t.engine:starttls()
      t:said()
      t:hear "220 go"
      if how == "close" then
        t:close()
      else
        t.engine:abort("connect", "bad certificate")
        t:events()
      end
      assert.are.equal("handshake", t.ended.stage)
    end
  end)

  it("refuses five thousand extensions", function()
    local t = talk.new()
    t:hear "220 mx"
    t:said()
    t:hear_octets(("250-X-KEYWORD\r\n"):rep(5000))
    assert.are.equal("protocol", t.ended.kind)
    assert.are.equal("ehlo", t.ended.stage)
  end)

  it("tells the server's words without its controls", function()
    local t = talk.new()
    t:hear "220 mx"
    t:said()
    t:hear("250-mx", "\27[2Jboo")
    assert.are.equal("this is no SMTP reply: ?[2Jboo??", t.ended.text)
  end)

  it("refuses 3xx in place of a greeting, and HELO", function()
    for _, name in ipairs { "greeting", "ehlo", "helo", "starttls", "mail", "rcpt", "final", "rset", "ehlo_again", "batch",
      "batch_half", "bdat_body", "chunk", "chunk_last", "lmtp_final", "lmtp_half" } do
      local t = states[name]()
      t:hear "354 go"
      assert.are.equal("protocol", t.ended.kind, name)
    end
  end)
end)
