local smtp_peer = require "support.smtp_peer"

local run, new_peer, new_session = smtp_peer.run, smtp_peer.new, smtp_peer.session

describe("session limit", function()
  local files, server, client

  setup(function() files, server, client = smtp_peer.certified() end)
  teardown(function() files:remove() end)

  -- silence at one stage: the deadline asked for, and the end when it is over
  local function silent(what, options, more)
    local replies = type(what) == "table" and what or { [what] = false }
    local session = new_session(options)
    local log = run(session, new_peer { replies = replies, tls = server }, more or { now = 1000 })
    if log.stalled then
      assert.equal("receive", (session:next(log.stalled - 0.001)))
      assert.equal("nothing", (session:next(log.stalled)))
      local settled = session:event(log.stalled)
      local ended = settled.event == "ended" and settled or nil
      while not ended do
        local ev = session:event(log.stalled)
        ended = ev.event == "ended" and ev
      end
      return log.stalled, ended, settled
    end
  end

  it("is its own at each stage", function()
    local cases = {
      { "greeting", 1300, "no complete greeting within 300 s", "greeting" },
      { "EHLO", 1030, "no complete reply to EHLO within 30 s", "ehlo", { command = 30 } },
      { "DATA", 1120, "no complete reply to DATA within 120 s", "data" },
      { "body", 1600, "no complete reply to the end of the message within 600 s", "final" },
      { "MAIL", 1000.25, "no complete reply to MAIL within 250 ms", "mail", { command = 0.25 } },
      { { MAIL = "250 ok\r\n", RCPT = false }, 1300, "no complete reply to RCPT within 300 s", "rcpt" },
    }
    for _, case in ipairs(cases) do
      local at, ended = silent(case[1], case[5])
      assert.equal(case[2], at)
      assert.equal("timeout", ended.kind)
      assert.equal(case[3], ended.text)
      assert.equal(case[4], ended.stage)
    end
  end)

  it("for the end leaves the outcome unknown, before it deferred", function()
    local _, _, settled = silent("body")
    assert.equal("unknown", settled.outcome)
    _, _, settled = silent("DATA")
    assert.equal("deferred", settled.outcome)
  end)

  it("covers STARTTLS and the whole handshake", function()
    local at, ended = silent("STARTTLS", nil, { now = 1000, tls = client })
    assert.equal(1300, at)
    assert.equal("no complete reply to STARTTLS within 300 s", ended.text)
    at, ended = silent({ STARTTLS = function(peer)
      peer.tls = nil
      return "220 go\r\n"
    end }, nil, { now = 1000, tls = client })
    assert.equal(1060, at)
    assert.equal("the TLS handshake was not done within 60 s", ended.text)
    assert.equal("handshake", ended.stage)
    assert.equal("timeout", ended.kind)
  end)

  it("covers the whole reply, however it drips", function()
    local session = new_session()
    assert.equal("receive", (session:next(0)))
    for second = 1, 299 do
      session:received(second, second % 30 == 0 and "\r\n" or second % 30 == 1 and "220-" or "x")
      assert.is_nil(session:event(second))
      local want, _, _, _, deadline = session:next(second)
      assert.equal("receive", want)
      assert.equal(300, deadline)
    end
    assert.equal("nothing", (session:next(300)))
    assert.equal("no complete greeting within 300 s", session:event(300).text)
  end)

  it("covers the handshake however it drips", function()
    local session, peer = new_session(), new_peer { tls = server }
    run(session, peer, { tls = client, chunk = 40, now = 5 })
    session, peer = new_session(), new_peer { replies = { STARTTLS = "220 go\r\n" } }
    run(session, peer, { tls = client, now = 5 })
    session:received(20, "\22\3\3\0")
    assert.is_nil(session:event(20))
    local want, _, _, _, deadline = session:next(20)
    assert.equal("receive", want)
    assert.equal(65, deadline)
    assert.equal("nothing", (session:next(65)))
    assert.equal("handshake", session:event(65).stage)
  end)

  it("of the handshake is that of what is sent in it too", function()
    local session = new_session()
    session:received(5, "220 hi\r\n")
    session:event(5)
    session:sent(5, #select(2, session:next(5)))
    session:received(5, "250-x\r\n250 STARTTLS\r\n")
    session:event(5)
    session:tls(client)
    session:sent(5, #select(2, session:next(5)))
    session:received(6, "220 go\r\n")
    assert.is_nil(session:event(6))
    local want, _, _, _, deadline = session:next(7)
    assert.same({ "send", 66 }, { want, deadline })
    session:next(66)
    assert.equal("the TLS handshake was not done within 60 s", session:event(66).text)
  end)

  it("is not moved by records that carry no reply", function()
    local peer = new_peer { tls = { cert = server.cert, key = server.key, min = "1.3" }, replies = { MAIL = false } }
    local session = new_session()
    local log = run(session, peer, { tls = client, now = 10 })
    assert.equal(310, log.stalled)
    peer.server:key_update()
    session:received(200, peer.server:out())
    assert.is_nil(session:event(200))
    local want, _, _, _, deadline = session:next(200)
    if want == "send" then -- the client's own new keys
      session:sent(200, 1e6)
      want, _, _, _, deadline = session:next(200)
    end
    assert.equal("receive", want)
    assert.equal(310, deadline)
  end)

  it("begins anew with each reply that is awaited", function()
    local session = new_session()
    session:received(10, "220 hi\r\n")
    assert.is_nil(session:event(10))
    local _, data = session:next(10)
    session:sent(50, #data)
    local want, _, _, _, deadline = session:next(50)
    assert.equal("receive", want)
    assert.equal(350, deadline)
    session:received(60, "250-x\r\n250 PIPELINING\r\n")
    assert.equal("ready", session:event(60).event)
    session:begin(1, "b@there.test")
    assert.is_nil(session:event(60))
    _, data = session:next(60)
    session:sent(60, #data)
    assert.equal(360, (select(5, session:next(60))))
    session:received(100, "250 ok\r\n")
    session:event(100)
    assert.equal(400, (select(5, session:next(100))))
  end)

  it("is one for each piece that is sent, short writes or not", function()
    local session = new_session { body = 30 }
    session:received(0, "220 hi\r\n")
    assert.is_nil(session:event(0))
    local want, data, fresh, _, deadline = session:next(0)
    assert.same({ "send", true, 30 }, { want, fresh, deadline })
    session:sent(29, #data - 1)
    want, data, fresh, _, deadline = session:next(29)
    assert.same({ "send", "\n", false, 30 }, { want, data, fresh, deadline })
    assert.equal("nothing", (session:next(30)))
    local ended = session:event(30)
    assert.equal("the server did not take what we sent within 30 s", ended.text)
    assert.equal("timeout", ended.kind)
  end)

  it("ends with the total time, but not once the end of the message is out", function()
    local at, ended = silent("MAIL", { ["until"] = 1100 })
    assert.equal(1100, at)
    assert.equal("no complete reply to MAIL within the total time", ended.text)
    at, ended = silent({ STARTTLS = function(peer)
      peer.tls = nil
      return "220 go\r\n"
    end }, { ["until"] = 1020 }, { now = 1000, tls = client })
    assert.equal(1020, at)
    assert.equal("the TLS handshake was not done within the total time", ended.text)
    at = silent("body", { ["until"] = 1100 })
    assert.equal(1600, at)
    local session = new_session { ["until"] = 5 }
    session:deadline(40)
    assert.equal(40, (select(5, session:next(0))))
  end)

  it("never ends where there is none", function()
    local session = new_session { greeting = 1e15, ["until"] = 1e15 }
    local want, _, _, _, deadline = session:next(1e10)
    assert.equal("receive", want)
    assert.is_true(deadline > 9e12)
  end)

  it("is named by the session when it is the driver that saw it pass", function()
    local session = new_session()
    session:next(0)
    session:failed(300, "timeout", "timeout")
    assert.equal("no complete greeting within 300 s", session:event(300).text)
  end)
end)
