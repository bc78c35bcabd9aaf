local door = require "directsend.test"
local smtp_peer = require "support.smtp_peer"

local run, new_peer, new_session = smtp_peer.run, smtp_peer.new, smtp_peer.session

local function plain_offers(more)
  return "250-mx.test\r\n250 " .. (more or "SIZE 1000") .. "\r\n"
end

describe("session", function()
  local files, server, client

  setup(function() files, server, client = smtp_peer.certified(true) end)
  teardown(function() files:remove() end)

  local function version(v)
    return { cert = server.cert, key = server.key, min = v, max = v }
  end

  it("sends an alert in three pieces where the server pipelines", function()
    local peer = new_peer()
    local log = run(new_session(), peer)
    assert.equal("delivered", log.outcome)
    assert.equal(3, #log.sends)
    assert.equal("EHLO here.test\r\n", log.sends[1])
    assert.equal("MAIL FROM:<a@here.test>\r\nRCPT TO:<b@there.test>\r\nDATA\r\n", log.sends[2])
    assert.equal("Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n", log.sends[3])
    assert.same({ true, true, true }, log.fresh)
    assert.same({ false, false, false }, log.more)
    assert.equal("", log.ended.kind)
  end)

  it("sends it in six where the server does not", function()
    local peer = new_peer { replies = { EHLO = plain_offers() } }
    local log = run(new_session(), peer)
    assert.equal("delivered", log.outcome)
    assert.equal(6, #log.sends)
    assert.equal("QUIT\r\n", log.sends[6])
  end)

  it("needs three pieces more over TLS 1.3, four over TLS 1.2", function()
    for v, pieces in pairs { ["1.3"] = 6, ["1.2"] = 7 } do
      local peer = new_peer { tls = version(v) }
      local session = new_session()
      local log = run(session, peer, { tls = client })
      assert.equal("delivered", log.outcome)
      assert.equal("", log.ended.kind)
      assert.equal(pieces, #log.sends)
      assert.same({ "TLSv" .. v, true, n = 2 }, { n = select("#", session:tls_info()), session:tls_info() })
      assert.same({
        "EHLO here.test", "STARTTLS", "EHLO here.test", "MAIL FROM:<a@here.test>",
        "RCPT TO:<b@there.test>", "DATA", "QUIT",
      }, peer.lines)
      assert.same({ "Subject: x\r\n\r\nhello\r\n" }, peer.bodies)
    end
  end)

  it("gives the same over any cut of the bytes", function()
    for _, v in ipairs { "none", "1.2", "1.3" } do
      for _, chunk in ipairs { 1, 2, 3, 7, 64, 1000 } do
        local peer = new_peer { tls = v ~= "none" and version(v) or nil }
        local log = run(new_session(), peer, { tls = v ~= "none" and client or nil, chunk = chunk })
        assert.equal("delivered", log.outcome)
        assert.equal("Subject: x\r\n\r\nhello\r\n", peer.bodies[1])
        assert.equal("QUIT", peer.lines[#peer.lines])
      end
    end
  end)

  describe("at the wall of STARTTLS", function()
    it("takes no plaintext behind the 220 in one piece (T01)", function()
      local peer = new_peer { replies = { STARTTLS = "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n" } }
      local log = run(new_session(), peer, { tls = client })
      assert.equal("protocol", log.ended.kind)
      assert.equal("starttls", log.ended.stage)
      assert.is_nil(log.begun)
      assert.equal("STARTTLS", peer.lines[#peer.lines])
    end)

    it("nor any that comes later, at any cut (T05)", function()
      local bytes = "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n"
      for at = 8, #bytes - 1 do
        local peer = new_peer { replies = { STARTTLS = bytes:sub(1, at) } }
        local session = new_session()
        local original = peer.answer
        function peer:answer(what, line)
          local reply = original(self, what, line)
          if what == "STARTTLS" then
            self.take = function(this)
              this.out = this.out .. bytes:sub(at + 1)
              this.closed = true
            end
          end
          return reply
        end
        local log = run(session, peer, { tls = client, blind = true })
        assert.is_not_nil(log.ended)
        assert.equal(at == 8 and "handshake" or "starttls", log.ended.stage)
        assert.equal(at == 8 and "tls" or "protocol", log.ended.kind)
        if at == 8 then
          assert.equal("the server does not speak TLS here", log.ended.text)
        end
        assert.is_nil(log.begun)
      end
    end)

    it("feeds TLS alone with what was readable before the handshake", function()
      local peer = new_peer { replies = { STARTTLS = "220 go\r\n" } }
      local session = new_session()
      local answer = peer.answer
      function peer:answer(what, line)
        local reply = answer(self, what, line)
        self.inject = what == "STARTTLS"
        return reply
      end
      local original = session
      local log = run(setmetatable({}, { __index = function(_, name)
        return function(_, ...)
          if name == "next" and peer.inject and #peer.out == 0 then
            peer.inject, peer.out = false, "250 early\r\n"
          end
          return original[name](original, ...)
        end
      end }), peer, { tls = client })
      assert.equal("handshake", log.ended.stage)
      assert.equal("tls", log.ended.kind)
      assert.is_nil(log.begun)
    end)

    it("goes on in clear when the server says no, and says so", function()
      local peer = new_peer { replies = { STARTTLS = "454 no TLS now\r\n" } }
      local log = run(new_session(), peer, { tls = client })
      assert.same({ "ready", "tls_no", "ended" }, log.events)
      assert.equal("", log.ended.kind)
      assert.equal("QUIT", peer.lines[#peer.lines])
    end)

    it("forgets what was offered before (T13)", function()
      local peer = new_peer {
        tls = server,
        replies = { EHLO = { "250-mx.test\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250-SIZE 10\r\n250 STARTTLS\r\n",
                             "250-mx.test\r\n250 SIZE 2000\r\n" } },
      }
      local session = new_session()
      local log = run(session, peer, { tls = client })
      assert.equal("delivered", log.outcome)
      assert.same({ pipelining = false, smtputf8 = false, starttls = false, size = 2000 }, session:offers())
    end)

    it("takes no reply said before it was asked for over TLS", function()
      local peer = new_peer {
        tls = server,
        on_shaken = function(self)
          self.shaking = false
          self:say("250 early\r\n")
        end,
      }
      local log = run(new_session(), peer, { tls = client })
      assert.is_nil(log.outcome)
      assert.equal("protocol", log.ended.kind)
    end)

    it("starts TLS once only, and only when it is offered", function()
      local session = new_session()
      assert.equal(-3, session:tls(client))
      local peer = new_peer { replies = { EHLO = plain_offers() } }
      local log = run(session, peer, { tls = client })
      assert.equal(-3, log.asked)
      assert.is_nil(log.outcome)
    end)
  end)

  describe("when TLS fails", function()
    it("ends with stage handshake and the words of the tls room", function()
      local cases = {
        { { host = "other.test", ca_file = client.ca_file, verify = true, time = client.time },
          "the certificate is not for other.test but for mx.test", "certificate-host-mismatch" },
        { { host = "mx.test", ca_file = files:path("nothing.pem"), verify = true, time = client.time },
          "ca_file: " .. files:path("nothing.pem") .. ": no certificate could be read" },
      }
      for _, case in ipairs(cases) do
        local peer = new_peer { tls = server }
        local session = new_session()
        local log = run(session, peer, { tls = case[1] })
        assert.equal("handshake", log.ended.stage)
        assert.equal("tls", log.ended.kind)
        assert.equal(case[2], log.ended.text:sub(1, #case[2]))
        assert.is_nil(log.begun)
        assert.same({ nil, case[3] }, { session:tls_info() })
        assert.equal("nothing", (session:next(0)))
      end
    end)

    it("sees a close in the handshake as its failure", function()
      local peer = new_peer { replies = { STARTTLS = function(self)
        self.closed = true
        return "220 go\r\n"
      end } }
      local log = run(new_session(), peer, { tls = client })
      assert.equal("handshake", log.ended.stage)
      assert.equal("tls", log.ended.kind)
      assert.equal("the server closed the connection during the TLS handshake", log.ended.text)
    end)

    it("sees a close right behind the handshake as its failure too", function()
      local peer = new_peer { tls = server, replies = { EHLO = { "250-x\r\n250 STARTTLS\r\n", function(self)
        self:hang_up()
      end } } }
      local log = run(new_session(), peer, { tls = client })
      assert.equal("handshake", log.ended.stage)
      assert.equal("tls", log.ended.kind)
    end)

    it("is cut in the middle of a reply, not closed (T07)", function()
      for _, cut in ipairs { "250 send", "250-sender ok\r\n" } do
        local peer = new_peer { tls = server, replies = { MAIL = function(self)
          self:say(cut)
          self:hang_up()
        end } }
        local log = run(new_session(), peer, { tls = client })
        assert.equal("deferred", log.outcome)
        assert.equal("tls", log.ended.kind)
        assert.equal("the TLS connection was cut in the middle of a reply", log.ended.text)
      end
    end)

    it("takes a FIN between replies for a close, with close_notify and without", function()
      for _, goodbye in ipairs { true, false } do
        local peer = new_peer { tls = server, replies = { MAIL = function(self)
          self:hang_up(goodbye)
        end } }
        local log = run(new_session(), peer, { tls = client })
        assert.equal("deferred", log.outcome)
        assert.equal("connect", log.ended.kind)
        assert.equal("the server closed the connection", log.ended.text)
      end
    end)

    it("believes a close_notify even within a reply", function()
      local peer = new_peer { tls = server, replies = { MAIL = function(self)
        self:say("250-sender")
        self:hang_up(true)
      end } }
      local log = run(new_session(), peer, { tls = client })
      assert.equal("connect", log.ended.kind)
      assert.equal("the server closed the connection within a reply", log.ended.text)
    end)

    -- a record that was changed on its way makes the server send an alert
    local function spoil(peer)
      peer.server:feed("\23\3\3\0\20" .. ("\0"):rep(20))
      peer.server:read()
      peer.out = peer.out .. peer.server:out()
      peer:hang_up()
    end

    it("defers on an alert in the middle, does not know after the end (T11)", function()
      local peer = new_peer { tls = server, replies = { MAIL = spoil } }
      local log = run(new_session(), peer, { tls = client })
      assert.equal("deferred", log.outcome)
      assert.equal("tls", log.settled.kind)
      assert.truthy(log.ended.text:find("alert: ", 1, true))
      peer = new_peer { tls = server, replies = { body = spoil } }
      log = run(new_session(), peer, { tls = client })
      assert.equal("unknown", log.outcome)
      assert.equal("final", log.settled.stage)
    end)

    it("lets a complete reply before an alert stand", function()
      local peer = new_peer { tls = server, replies = { body = function(self)
        self:say("250 queued\r\n")
        spoil(self)
      end } }
      local log = run(new_session(), peer, { tls = client })
      assert.equal("delivered", log.outcome)
    end)
  end)

  it("asks for TLS once, though it was refused", function()
    local session = new_session()
    session:received(0, "220 hi\r\n")
    session:event(0)
    session:sent(0, #select(2, session:next(0)))
    session:received(0, "250-x\r\n250 STARTTLS\r\n")
    assert.equal("ready", session:event(0).event)
    assert.equal(0, session:tls(client))
    session:sent(0, #select(2, session:next(0)))
    session:received(0, "454 not now\r\n")
    assert.equal("tls_no", session:event(0).event)
    assert.equal(-3, session:tls(client))
  end)

  it("says close_notify with a QUIT that is the last word, and then only", function()
    local peer = new_peer { tls = server, replies = { EHLO = { nil, plain_offers() } } }
    peer.replies.EHLO = { "250-x\r\n250 STARTTLS\r\n", plain_offers() }
    run(new_session(), peer, { tls = client })
    assert.equal("QUIT", peer.lines[#peer.lines])
    assert.is_true(peer.notified)

    peer = new_peer { tls = server }
    run(new_session(), peer, { tls = client })
    assert.is_falsy(peer.notified)

    peer = new_peer { tls = server, replies = { EHLO = { "250-x\r\n250 STARTTLS\r\n", plain_offers() } } }
    run(new_session { quit = 20 }, peer, { tls = client })
    assert.is_falsy(peer.notified)
  end)

  it("waits for the answer to QUIT when it has the time", function()
    local peer = new_peer { replies = { QUIT = false } }
    local log = run(new_session { quit = 20 }, peer, { now = 100 })
    assert.equal("delivered", log.outcome)
    assert.equal(120, log.stalled)
    assert.is_nil(run(new_session { quit = 20 }, new_peer()).stalled)
    local hasty = run(new_session(), new_peer { replies = { QUIT = false } })
    assert.is_nil(hasty.stalled)
    assert.equal("", hasty.ended.kind)
  end)

  it("tells a close and a reset at each stage as the engine does", function()
    for _, stage in ipairs { "greeting", "EHLO", "MAIL", "RCPT", "DATA", "body" } do
      local replies = { [stage] = function(self)
        self:hang_up()
      end }
      local log = run(new_session(), new_peer { replies = replies })
      assert.equal("connect", log.ended.kind)
      if stage == "body" then
        assert.equal("unknown", log.outcome)
      elseif stage ~= "greeting" and stage ~= "EHLO" then
        assert.equal("deferred", log.outcome)
      end
    end
    local session = new_session()
    session:failed(0, "connect", "connection reset by peer")
    local ended = session:event(0)
    assert.equal("ended", ended.event)
    assert.equal("greeting", ended.stage)
    assert.equal("connection reset by peer", ended.text)
    assert.is_nil(session:event(0))
    assert.equal("nothing", (session:next(0)))
    session:received(0, "220 too late\r\n")
    session = new_session()
    session:failed(0, "connect", "the first")
    session:failed(0, "connect", "the second")
    assert.equal("the first", session:event(0).text)
    session:failed(0, "connect", "again")
    assert.is_nil(session:event(0))
  end)

  it("refuses a name that is none", function()
    assert.is_nil(new_session { hostname = "a b" })
  end)

  it("survives each of its allocations failing", function()
    collectgarbage()
    collectgarbage()
    for _, tls in ipairs { false, client } do
      local n, failed = 0, true
      while failed do
        n = n + 1
        door.tls.failing(n)
        local session, log = new_session(), nil
        if session then
          log = run(session, new_peer { tls = server }, { tls = tls or nil })
          session:close()
        end
        local live
        failed, live = door.tls.succeeding()
        assert.equal(0, live)
        if failed and log and log.ended and log.ended.kind ~= "" then
          assert.equal("local", log.ended.kind)
          assert.equal("out of memory", log.ended.text)
        end
        assert.not_equal("failed", log and log.outcome)
        assert.is_true(n < 200)
      end
      assert.is_true(n > 8)
    end
  end)
end)
