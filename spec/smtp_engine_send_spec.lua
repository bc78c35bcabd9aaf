local dialog = require "support.dialog"
local player = require "support.smtp_player"
local talk = require "support.smtp_talk"

local STATE, USAGE = -3, -2

local function writes(name)
  local d = {}
  for _, each in ipairs(dialog.all "spec/dialogs") do
    d = each.name == name and each or d
  end
  return #player.play(d).writes
end

local function many(n)
  local to = {}
  for i = 1, n do
    to[i] = "r" .. i .. "@b.example"
  end
  return to
end

local function count(s, pattern)
  return select(2, s:gsub(pattern, ""))
end

describe("smtp/engine_send", function()
  it("needs as many writes as round trips", function()
    assert.are.equal(3, writes "pipelined") -- EHLO; MAIL RCPT DATA; body QUIT
    assert.are.equal(6, writes "plain") -- one each
    assert.are.equal(4, writes "outlook") -- STARTTLS and the second EHLO; all in one
    assert.are.equal(4, writes "feed-two") -- one a message more
    assert.are.equal(5, writes "feed-three")
  end)

  it("says nothing before the greeting is complete", function()
    local t = talk.new()
    assert.are.equal("", t:said())
    t:hear_octets "220-mx.example\r\n220 ready"
    assert.are.equal("", t:said())
    t:hear_octets "\r\n"
    assert.are.equal("EHLO client.example\r\n", t:said())
  end)

  it("keeps what the server said of itself", function()
    local t = talk.new()
    assert.are.same({ "", "" }, { t.engine:greeting() })
    t:hear("220-mx.example", "220 \27hi")
    t:said()
    t:hear("250-mx.example Hello [192.0.2.7]", "250 " .. ("x"):rep(900))
    assert.are.same({ "mx.example ?hi", "mx.example Hello [192.0.2.7]" }, { t.engine:greeting() })
    t = talk.new()
    t:hear("220 " .. ("x"):rep(900))
    assert.are.equal(("x"):rep(255), (t.engine:greeting()))
  end)

  it("never has more than 128 replies outstanding, and refills by half", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(1, many(1000))
    t.engine:quit()
    local said, outstanding, bursts = 0, 0, 0
    local octets = t:said()
    while not octets:find "DATA\r\n" or outstanding > 0 do
      local commands = count(octets, "\r\n")
      said, outstanding = said + commands, outstanding + commands
      bursts = bursts + (commands > 0 and 1 or 0)
      assert.is_true(outstanding <= 128 and outstanding > 0)
      if said == 1002 and outstanding == 1 then
        t:hear "354 go"
        break
      end
      t:hear "250 Ok"
      outstanding = outstanding - 1
      octets = t:said()
    end
    assert.is_true(bursts <= 2 + 1002 / 64, bursts)
    t:message()
    assert.is_truthy(t:said():find "\r\n%.\r\nQUIT\r\n$")
    t:hear "250 queued"
    for i = 1, 1000 do
      assert.are.equal("delivered", t.settled["1/" .. i].outcome)
    end
    assert.are.equal("", t.ended.kind)
  end)

  it("gives up a long list when its sender is refused", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(1, many(500))
    t:begin(2)
    t:said()
    t:hear "550 no"
    assert.are.equal("", t:said())
    for _ = 1, 63 do
      t:hear "503 sender first"
    end
    assert.are.equal("RSET\r\nMAIL FROM:<from@a.example>\r\nRCPT TO:<to@b.example>\r\nDATA\r\n", t:said())
    for _ = 64, 127 do
      t:hear "503 sender first"
    end
    t:hear("250 Ok", "250 Ok", "250 Ok", "354 go")
    for i = 1, 500 do
      assert.are.equal("mail", t.settled["1/" .. i].stage)
      assert.are.equal("550 no", t.settled["1/" .. i].reply.text)
    end
    t:message()
    t:said()
    t:hear "250 queued"
    assert.are.equal("delivered", t.settled["2/1"].outcome)
  end)

  it("is the second gate: a path that will not do sends nothing", function()
    local t = talk.ready { "PIPELINING", "SMTPUTF8" }
    local bad = {
      "b@example.net>\r\nRCPT TO:<evil@x", "a\nb@c", "a\0b@c", "a@b>", "a b@c", "", "j\195\182rg@b", ("a"):rep(255),
    }
    for _, path in ipairs(bad) do
      assert.are.equal(USAGE, t:begin(1, { "ok@b.example", path }), path)
      if path ~= "" then
        assert.are.equal(USAGE, t.engine:begin(1, path, { "ok@b.example" }, 0, 0), path)
      end
    end
    assert.are.equal(USAGE, t:begin(1, {}))
    assert.are.equal(USAGE, t:begin(1, many(1001)))
    assert.are.equal("", t:said())
    assert.are.equal(0, t:begin(1, many(2)))
  end)

  it("takes a hostname that will do, or none", function()
    assert.is_nil(talk.new("a b").engine)
    assert.is_nil(talk.new("mx\r\nMAIL FROM:<>").engine)
    assert.is_nil(talk.new("").engine)
  end)

  it("begins one transaction, and the next with PIPELINING", function()
    local t = talk.new()
    assert.is_false(t.engine:can_begin())
    assert.are.equal(STATE, t:begin(1))
    t = talk.ready { "SIZE 1" }
    assert.are.equal(0, t:begin(1))
    assert.is_false(t.engine:can_begin())
    assert.are.equal(STATE, t:begin(2))
    t = talk.ready { "PIPELINING" }
    assert.are.equal(0, t:begin(1))
    assert.are.equal(0, t:begin(2))
    assert.are.equal(STATE, t:begin(3))
    t = talk.ready({ "PIPELINING" }, true)
    assert.are.equal(0, t:begin(1))
    assert.are.equal(STATE, t:begin(2))
    t = talk.ready()
    t.engine:quit()
    assert.are.equal(STATE, t:begin(1))
  end)

  it("begins the next where the end of the body has been queued without it", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(1)
    t:said()
    t:hear("250 Ok", "250 Ok", "354 go")
    t:message()
    t:begin(2)
    assert.is_truthy(t:said():find "^hello\r\n%.\r\nMAIL FROM:.*DATA\r\n$")
  end)

  it("puts 32 messages of 1 KB with CHUNKING into one write, and so on", function()
    local t, body = talk.ready { "PIPELINING", "CHUNKING", "SIZE" }, ("x"):rep(998) .. "\r\n" .. ("y"):rep(22) .. "\r\n"
    local views = 0
    for batch = 1, 3 do
      local n = 0
      while t.engine:can_begin() do
        n = n + 1
        assert.are.equal(0, t:batch(batch * 100 + n, body))
      end
      assert.are.equal(32, n)
      assert.are.equal(STATE, t:begin(1))
      local octets = t:said()
      views = views + 1
      assert.are.equal(32, count(octets, "BDAT 1024 LAST\r\n" .. ("x"):rep(998)))
      assert.are.equal(31, count(octets, "RSET\r\n"))
      assert.are.equal("", t:said())
      t:hear("250 Ok", "250 Ok", "250 1")
      assert.is_false(t.engine:can_begin())
      for i = 2, 32 do
        t:hear("250 Flushed", "250 Ok", "250 Ok", "250 " .. i)
      end
      for i = 1, 32 do
        local ev = t.settled[batch * 100 + i .. "/1"]
        assert.are.same({ "delivered", "250 " .. i }, { ev.outcome, ev.reply.text })
      end
      assert.is_true(t.engine:can_begin())
    end
    assert.are.equal(3, views)
  end)

  it("needs one write a message without CHUNKING", function()
    local t = talk.ready { "PIPELINING" }
    t:begin(1)
    assert.is_truthy(t:said():find "DATA\r\n$")
    for i = 1, 20 do
      t:hear_octets((i > 1 and "250 queued\r\n" or "") .. "250 Ok\r\n250 Ok\r\n354 go\r\n")
      t:message()
      t:begin(i + 1)
      assert.is_truthy(t:said():find "^hello\r\n%.\r\nMAIL FROM.*DATA\r\n$")
      assert.are.equal("", t:said())
    end
  end)

  it("begins no more than 64 KiB of bodies before it hears of them", function()
    local t, body = talk.ready { "PIPELINING", "CHUNKING" }, ("x"):rep(9998) .. "\r\n"
    local n = 0
    while t.engine:can_begin() do
      n = n + 1
      t:batch(n, body)
    end
    assert.are.equal(7, n)
    assert.is_true(#t:said() > 70000)
    for i = 1, 7 do
      t:hear_octets((i > 1 and "250 Ok\r\n" or "") .. "250 Ok\r\n250 Ok\r\n250 queued\r\n")
    end
    assert.are.equal("delivered", t.settled["7/1"].outcome)
    assert.are.equal(0, t:batch(8, ("x"):rep(65534) .. "\r\n")) -- the largest that does not wait
    assert.is_false(t.engine:can_begin())
    assert.are.equal(65536, #t:said():match "BDAT 65536 LAST\r\n(.*)$")
  end)

  it("sends no body of more than 64 KiB before one recipient is accepted", function()
    local t = talk.ready { "PIPELINING", "CHUNKING" }
    t:begin(1, { "one@b", "two@b" }, 65537)
    assert.is_falsy(t:said():find "BDAT")
    assert.are.equal("", talk.names(t:events()))
    assert.are.equal("accepted", talk.names(t:hear("250 Ok", "250 Ok")))
    assert.are.equal("settled body", talk.names(t:hear "550 no"))
    assert.are.equal("BDAT 65537 LAST\r\n", t:said())
    t.engine:body(("x"):rep(65535))
    t.engine:begin(2, "", { "three@b" }, 7, 0)
    t:message "\r\n"
    assert.are.equal("body", talk.names(t:events()))
    t:message()
    assert.is_truthy(t:said():find "x\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<three@b>\r\nBDAT 7 LAST\r\nhello\r\n$")
  end)

  it("goes ahead with window 1 as without PIPELINING, but for its own commands", function()
    for _, extensions in ipairs { { "PIPELINING" }, { "PIPELINING", "CHUNKING" } } do
      local t = talk.ready(extensions, false, false, false, 1)
      assert.are.equal(0, t:begin(1))
      assert.are.equal(STATE, t:begin(2))
    end
  end)

  it("says STARTTLS once it is ready, offered, and alone", function()
    local t = talk.ready { "PIPELINING" }
    assert.are.equal(STATE, t.engine:starttls())
    t = talk.ready { "STARTTLS" }
    t:begin(1)
    assert.are.equal(STATE, t.engine:starttls())
    t = talk.ready { "STARTTLS" }
    t.engine:quit()
    assert.are.equal(STATE, t.engine:starttls())
    t = talk.ready { "STARTTLS" }
    assert.are.equal(0, t.engine:starttls())
    assert.are.equal(STATE, t.engine:starttls())
    assert.is_false(t.engine:can_begin())
    assert.are.equal("STARTTLS\r\n", t:said())
    assert.are.equal(STATE, t.engine:tls_started())
    assert.are.equal("tls_go", talk.names(t:hear "220 go"))
    assert.are.equal(0, t.engine:tls_started())
    t:said()
    t:hear("250-mx", "250 STARTTLS")
    assert.is_false(t.engine:extensions().starttls)
    assert.are.equal(STATE, t.engine:starttls())
  end)

  it("takes a body when it is due, with CRLF line ends only", function()
    local t = talk.ready()
    assert.are.equal(STATE, t.engine:body "x")
    assert.are.equal(STATE, t.engine:body_end())
    t:begin(1)
    for _, reply in ipairs { "250 Ok", "250 Ok", "354 go" } do
      t:said()
      t:hear(reply)
    end
    assert.are.equal(USAGE, t.engine:body "a\nb")
    assert.are.equal(USAGE, t.engine:body "a\rb")
    assert.are.equal(0, t.engine:body "x")
    assert.are.equal(USAGE, t.engine:body "a\r\nb\nc")
    assert.are.equal(0, t.engine:body ".a\r") -- still within its line
    assert.are.equal(USAGE, t.engine:body_end())
    assert.are.equal(USAGE, t.engine:body ".")
    assert.are.equal(0, t.engine:body "\n")
    assert.are.equal(0, t.engine:body_end())
    assert.are.equal(STATE, t.engine:body "x")
    assert.are.equal("x.a\r\n.\r\n", t:said())
  end)

  it("leaves QUIT to be sent after it has ended", function()
    local t = talk.ready()
    t.engine:quit()
    assert.are.equal("ended", talk.names(t:events()))
    assert.are.equal("QUIT\r\n", t:said())
    assert.are.equal("quit", (t.engine:waiting()))
    assert.are.equal("", talk.names(t:hear "221 Bye"))
    assert.are.equal("", (t.engine:waiting()))
    assert.are.equal(STATE, t.engine:quit())
  end)

  it("tells what is waited for, and when that changes", function()
    local t = talk.new()
    local function at(stage, idle)
      local now, serial = t.engine:waiting()
      assert.are.equal(stage, now)
      assert.are_not.equal(t.serial, serial)
      assert.are.equal(idle, t.engine:idle())
      t.serial = serial
    end
    at("greeting", false)
    t:hear "220 mx"
    at("ehlo", true) -- not said yet: nothing may come
    t:said()
    at("ehlo", false)
    t:hear("250-mx", "250 PIPELINING")
    at("", true)
    t:begin(1)
    assert.are.equal("mail", (t.engine:waiting()))
    t:said()
    at("mail", false)
    t:hear "250 Ok"
    at("rcpt", false)
    t:hear("250 Ok", "354 go")
    at("", true)
    t:message()
    assert.are.equal("body", (t.engine:waiting()))
    t:said(5)
    assert.is_true(t.engine:idle())
    t:said()
    at("final", false)
    t:hear_octets "250-que"
    assert.are.same({ "final", t.serial }, { t.engine:waiting() })
    t:hear_octets "\r\n250 x\r\n"
    at("", true)
    t:hear_octets "42" -- perhaps an unasked 421
    at("rset", false)
  end)
end)
