local talk = require "support.smtp_talk"

local EIGHTBIT, UTF8, REQUIRETLS = 1, 2, 4
local USAGE = -2

local function at_body(extensions, recipients)
  local t = talk.ready(extensions or { "PIPELINING" })
  t:begin(1, recipients)
  t:said()
  local lines = { "250 Ok" }
  for _ in ipairs(recipients or { "" }) do
    lines[#lines + 1] = "250 Ok"
  end
  t:hear_octets(table.concat(lines, "\r\n") .. "\r\n354 go\r\n")
  return t
end

-- the first message's verdict and the next group are outstanding
local function between()
  local t = at_body()
  t:message()
  t:begin(2)
  t:said()
  return t
end

describe("smtp/engine_txn", function()
  it("tells events in their order", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(7, { "one@b", "two@b", "three@b" })
    t:said()
    local events = t:hear("250 Ok", "250 one", "550 5.1.1 two", "250 three", "354 go")
    assert.are.equal("accepted accepted settled body", talk.names(events))
    assert.are.same({ 1, 3, 2, 7 }, { events[1].recipient, events[2].recipient, events[3].recipient, events[4].txn })
    assert.are.equal("250 three", events[2].reply.text)
    t:message()
    t:said()
    assert.are.equal("settled settled finished", talk.names(t:hear "250 queued"))
  end)

  it("finishes a transaction when its last reply is in", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(1)
    t:said()
    assert.are.equal("settled", talk.names(t:hear("250 Ok", "550 no", "354 go")))
    assert.are.equal(".\r\n", t:said())
    assert.are.equal("", talk.names(t:events()))
    assert.are.equal("finished", talk.names(t:hear "554 no recipients"))
  end)

  it("tells a refusal with its own reply", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(1, { "one@b", "two@b" })
    t:said()
    t:hear("250 Ok", "550-5.1.1 no", "550 5.1.1 such user", "452 4.5.3 too many", "503 x")
    local one, two = t.settled["1/1"], t.settled["1/2"]
    assert.are.same({ "failed", "rcpt", "reply", false, "" }, { one.outcome, one.stage, one.kind, one.lost, one.text })
    assert.are.same({ code = 550, lines = 2, enhanced = "5.1.1", text = "550 5.1.1 no 5.1.1 such user" }, one.reply)
    assert.are.same({ code = 452, lines = 1, enhanced = "4.5.3", text = "452 4.5.3 too many" }, two.reply)
    assert.are.equal("deferred", two.outcome)
  end)

  it("tells a sender's refusal, not what came behind it", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(1, { "one@b", "two@b" })
    t:said()
    t:hear("550 5.7.1 you", "503 x", "503 y", "503 z")
    assert.are.equal("550 5.7.1 you", t.settled["1/1"].reply.text)
    assert.are.equal("550 5.7.1 you", t.settled["1/2"].reply.text)
  end)

  it("gives a delivered recipient the reply and no kind", function()
    local t = at_body()
    t:message()
    t:said()
    t:hear "250 2.0.0 queued as 1"
    local ev = t.settled["1/1"]
    assert.are.same({ "delivered", "final", "", false }, { ev.outcome, ev.stage, ev.kind, ev.lost })
    assert.are.equal("250 2.0.0 queued as 1", ev.reply.text)
  end)

  it("holds a verdict until the replies behind it are in", function()
    local t = between()
    assert.are.equal("", talk.names(t:hear "250 queued"))
    assert.are.equal("", talk.names(t:hear "250 Ok"))
    assert.are.equal("accepted", talk.names(t:hear "250 Ok"))
    assert.are.equal("settled finished body", talk.names(t:hear "354 go"))
    assert.are.equal("delivered", t.settled["1/1"].outcome)
  end)

  it("tells a verdict at once when only QUIT is outstanding", function()
    local t = at_body()
    t:message()
    t.engine:quit()
    t:said()
    assert.are.equal("settled finished ended", talk.names(t:hear_octets "250 queued\r\n22"))
  end)

  it("lets a complete 2xx stand when the session is lost behind it", function()
    for _, how in ipairs { "close", "timeout", "421" } do
      local t = between()
      t:hear("250 queued", "250 Ok")
      if how == "close" then
        t:close()
      elseif how == "timeout" then
        t.engine:abort("timeout", "too slow")
        t:events()
      else
        t:hear "421 bye"
      end
      assert.are.equal("delivered", t.settled["1/1"].outcome, how)
      assert.are.equal("deferred", t.settled["2/1"].outcome, how)
      assert.are.equal("rcpt", t.settled["2/1"].stage, how)
      assert.is_true(t.settled["2/1"].lost)
    end
  end)

  it("takes it back when replies can no longer be counted", function()
    for _, octets in ipairs {
      "250 a\r\n250 b\r\n250 c\r\n250 d\r\n", -- 2xx to DATA
      "250 a\r\n354 b\r\n", "250 a\r\n250 b\r\n354 c\r\n", -- 3xx to MAIL, to RCPT
      "250 a\r\n250 b\r\n250 c\r\n354 d\r\n250 e\r\n", -- one too many
      "250 a\r\nbla\r\n", "250 a\r\n250-b\r\n550 c\r\n", -- no reply
    } do
      local t = between()
      t:hear_octets(octets)
      assert.are.equal("protocol", t.ended.kind, octets)
      assert.are.same({ "unknown", "final" }, { t.settled["1/1"].outcome, t.settled["1/1"].stage }, octets)
      assert.are.equal("deferred", t.settled["2/1"].outcome, octets)
    end
  end)

  it("takes back refusals, too, that may be another's", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(1, { "one@b", "two@b" })
    t:said()
    t:hear("250 Ok", "250 early", "550 no", "250 Ok") -- DATA's place
    assert.are.equal("deferred", t.settled["1/1"].outcome)
    assert.are.equal("deferred", t.settled["1/2"].outcome)
  end)

  it("calls the end unknown from its dot on, not before", function()
    local whole = "hello\r\n.\r\n"
    for n = 0, #whole do
      local t = at_body()
      t:message()
      t:said(n)
      t:close()
      local dot = n >= #whole - 2
      assert.are.equal(dot and "unknown" or "deferred", t.settled["1/1"].outcome, n)
      assert.are.equal(dot and "final" or "body", t.settled["1/1"].stage, n)
    end
  end)

  it("fails at once what the host lacks, and goes on", function()
    local cases = {
      { { "SIZE 1000" }, 1001, 0, { "1000", "1001", "smaller" } },
      { { "SIZE 1000" }, 0, EIGHTBIT, { "8BITMIME", "7-bit" } },
      { { "8BITMIME" }, 0, UTF8, { "SMTPUTF8", "ASCII" } },
      { { "REQUIRETLS" }, 0, REQUIRETLS, { "REQUIRETLS", "without TLS" } },
    }
    for _, case in ipairs(cases) do
      local t = talk.ready(case[1])
      assert.are.equal(0, t:begin(3, { "one@b", "two@b" }, case[2], case[3]))
      assert.are.equal("settled settled finished", talk.names(t:events()))
      local ev = t.settled["3/2"]
      assert.are.same({ "failed", "mail", "policy", true }, { ev.outcome, ev.stage, ev.kind, ev.lost })
      assert.is_nil(ev.reply)
      for _, word in ipairs(case[4]) do
        assert.is_truthy(ev.text:find(word, 1, true), ev.text)
      end
      assert.are.equal("", t:said())
      assert.are.equal(0, t:begin(4, nil, 1000))
      assert.is_truthy(t:said():find "^MAIL FROM:<from@a.example>")
    end
  end)

  it("asks for TLS all the way where there is TLS and it is offered", function()
    local t = talk.ready({ "REQUIRETLS" }, false, false, true)
    assert.are.equal(0, t:begin(1, nil, 0, REQUIRETLS))
    assert.are.equal("MAIL FROM:<from@a.example> REQUIRETLS\r\n", t:said())
    t = talk.ready({ "STARTTLS" }, false, false, true) -- the wire is TLS already
    assert.is_false(t.engine:extensions().starttls)
    t:begin(1, nil, 0, REQUIRETLS)
    t:events()
    assert.are.equal("failed", t.settled["1/1"].outcome)
    assert.is_truthy(t.settled["1/1"].text:find "the server does not offer REQUIRETLS")
    t = talk.ready { "STARTTLS" }
    t.engine:starttls()
    t:said()
    t:hear "220 go"
    t.engine:tls_started()
    t:said()
    t:hear("250-mx", "250 REQUIRETLS")
    t:begin(1, nil, 0, REQUIRETLS)
    assert.are.equal("MAIL FROM:<from@a.example> REQUIRETLS\r\n", t:said())
  end)

  it("tells of DSN to who offers it, and to nobody else", function()
    local dsn = { ret = 2, envid = "x 1", { notify = 1 }, { notify = 6, orcpt = "a+b@c" }, {} }
    local to = { "one@b", "two@b", "three@b" }
    local t = talk.ready { "PIPELINING", "DSN" }
    assert.are.equal(0, t:begin(1, to, 0, 0, dsn))
    assert.are.equal("MAIL FROM:<from@a.example> RET=HDRS ENVID=x+201\r\nRCPT TO:<one@b> NOTIFY=NEVER\r\n"
      .. "RCPT TO:<two@b> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb@c\r\nRCPT TO:<three@b>\r\nDATA\r\n", t:said())
    t = talk.ready { "PIPELINING" }
    t:begin(1, to, 0, 0, dsn)
    assert.are.equal("MAIL FROM:<from@a.example>\r\nRCPT TO:<one@b>\r\nRCPT TO:<two@b>\r\nRCPT TO:<three@b>\r\nDATA\r\n", t:said())
    for _, bad in ipairs { { envid = "a\nb" }, { {}, {}, { orcpt = "a\r@b" } }, { { notify = 3 } } } do
      assert.are.equal(USAGE, talk.ready { "DSN" }:begin(1, to, 0, 0, bad))
      assert.are.equal(USAGE, talk.ready {}:begin(1, to, 0, 0, bad))
    end
  end)

  it("calls a recipient one too many only for what says so, behind one that was accepted", function()
    local cases = {
      ["452 4.5.3 too many"] = true, ["452 too many recipients"] = true, ["552 too many"] = true, ["552 5.5.3 x"] = true,
      ["452 4.3.1 Too Many Recipients"] = true, ["452 4.2.2 full"] = false, ["552 5.2.2 full"] = false,
      ["450 4.5.3 x"] = false, ["550 5.5.3 x"] = false, ["452"] = true,
    }
    for reply, split in pairs(cases) do
      local t = talk.ready { "PIPELINING" }
      t:begin(1, { "one@b", "two@b", "three@b" })
      t:said()
      t:hear("250 Ok", reply, "250 Ok", reply, "354 go")
      assert.is_false(t.settled["1/1"].split, reply)
      assert.are.equal(split, t.settled["1/3"].split, reply)
      assert.are.equal((split or reply:find "^4") and "deferred" or "failed", t.settled["1/3"].outcome, reply)
    end
  end)

  it("fails it beside another that is under way", function()
    local t = talk.ready { "PIPELINING", "SIZE 10" }
    t:begin(1)
    t:begin(2, nil, 11)
    assert.are.equal("settled finished", talk.names(t:events()))
    assert.are.equal("failed", t.settled["2/1"].outcome)
    t:said()
    t:hear("250 Ok", "250 Ok", "354 go")
    t:message()
    t:said()
    t:hear "250 queued"
    assert.are.equal("delivered", t.settled["1/1"].outcome)
  end)

  it("gives up a body that cannot be finished", function()
    local t = at_body()
    t.engine:body "half"
    t.engine:body_cut "the file\27 shrank"
    assert.are.equal("settled finished ended", talk.names(t:events()))
    local ev = t.settled["1/1"]
    assert.are.same({ "deferred", "body", "local", true, "the file? shrank" }, { ev.outcome, ev.stage, ev.kind, ev.lost, ev.text })
    assert.are.equal("", t:said())
  end)

  it("has nothing to give up where no body is due", function()
    local t = at_body()
    t:message()
    t.engine:body_cut "too late"
    t:said()
    t:hear "250 queued"
    assert.are.equal("delivered", t.settled["1/1"].outcome)
  end)

  it("keeps the first end", function()
    local t = talk.ready()
    t:begin(1)
    t.engine:abort("timeout", "one")
    t.engine:abort("local", "two")
    assert.are.equal("settled finished ended", talk.names(t:events()))
    assert.are.equal("one", t.ended.text)
    assert.are.equal("", talk.names(t:close()))
    assert.are.equal("", t:said())
  end)

  it("drops events that no longer hold when the session is over", function()
    local t = between()
    t.engine:receive "250 queued\r\n250 Ok\r\n250 Ok\r\n354 go\r\n"
    assert.are.equal("accepted", t.engine:event().event)
    assert.are.equal("settled", t.engine:event().event)
    t.engine:abort("timeout", "late") -- BODY was next
    assert.are.equal("finished settled finished ended", talk.names(t:events()))
  end)

  it("releases nothing while something unread may be one reply too many", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(1, { "one@b", "two@b" })
    t:said()
    t:hear_octets "250 Ok\r\n250 Ok\r\n550 no\r\n354 go\r\n4210 what\r\n"
    assert.are.equal("protocol", t.ended.kind)
    assert.are.equal("deferred", t.settled["1/2"].outcome)
  end)

  it("tells what each of a thousand was told", function()
    local to, lines = {}, { "250 Ok" }
    for i = 1, 100 do
      to[i] = "r" .. i .. "@b.example"
      lines[i + 1] = i % 3 == 0 and "250 Ok" or i % 3 == 1 and "550 no " .. i or "450 later " .. i
    end
    local t = talk.ready { "PIPELINING" }
    t:begin(1, to)
    t:said()
    t:hear_octets(table.concat(lines, "\r\n") .. "\r\n354 go\r\n")
    t:message()
    t:said()
    t:hear "250 queued"
    for i = 1, 100 do
      local want = i % 3 == 0 and "250 queued" or lines[i + 1]
      assert.are.equal(want, t.settled["1/" .. i].reply.text)
    end
  end)
end)
