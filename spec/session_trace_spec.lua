local door = require "directsend.test"
local smtp_peer = require "support.smtp_peer"

local run, new_peer, new_session = smtp_peer.run, smtp_peer.new, smtp_peer.session

describe("session trace", function()
  local files, server, client

  setup(function()
    files, server, client = smtp_peer.certified()
    server.min = "1.3"
  end)
  teardown(function() files:remove() end)

  local ALERT = [[
S: 220 mx.test ESMTP
C: EHLO here.test
S: 250-mx.test
S: 250-PIPELINING
S: 250 STARTTLS
C: MAIL FROM:<a@here.test>
C: RCPT TO:<b@there.test>
C: DATA
S: 250 sender ok
S: 250 recipient ok
S: 354 go on
C: [21 octets]
C: .
C: QUIT
S: 250 queued
S: 221 bye
]]

  it("tells the dialogue line by line, a body by its size", function()
    for _, chunk in ipairs { 1000000, 16 } do
      local session = new_session { quit = 20 }
      run(session, new_peer(), { chunk = chunk })
      assert.equal(ALERT, session:trace())
    end
  end)

  it("counts a body in any pieces, and knows its end", function()
    local bodies = { "", ".\r\n", "\r\n", "\r\n.\r\n", "x\r\n.\r\n.\r\n", "a\r\n..\r\nb\r\n", "no end" }
    for _, body in ipairs(bodies) do
      for _, max in ipairs { 1, 2, 3, 5, 16384 } do
        local session, peer = new_session { max_chunk = max }, new_peer()
        local log = run(session, peer, { body = body })
        local trace = session:trace()
        assert.equal("delivered", log.outcome)
        assert.equal(#peer.bodies[1], tonumber(trace:match("C: %[(%d+) octets%]\nC: %.\n")))
      end
    end
  end)

  it("counts a chunk in any pieces, and knows its end", function()
    local offers = "250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
    for _, body in ipairs { "x", "\r\n.\r\n", "MAIL FROM:<x>\r\n" } do
      for _, max in ipairs { 1, 2, 3, 5, 16384 } do
        local session, peer = new_session { max_chunk = max, quit = 20 }, new_peer { replies = { EHLO = offers } }
        local log = run(session, peer, { body = body })
        assert.equal("delivered", log.outcome)
        assert.equal(body, peer.bodies[1])
        local trace = session:trace():match "C: RCPT.*"
        trace = trace:gsub("S: [^\n]*\n", "")
        assert.equal(("C: RCPT TO:<b@there.test>\nC: BDAT %d LAST\nC: [%d octets]\nC: QUIT\n"):format(#body, #body), trace)
      end
    end
  end)

  it("tells how far a chunk had come", function()
    local offers = "250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
    local session = new_session { max_chunk = 10 }
    local peer = new_peer { replies = { EHLO = offers } }
    local take = peer.take
    function peer:take(bytes)
      take(self, bytes)
      if self.chunk then
        self.out = self.out .. "junk\r\n"
      end
    end
    run(session, peer)
    local octets = session:trace():match "C: BDAT 21 LAST\nS: junk\nC: %[(%d+) octets%]\n%-%- this is no SMTP reply: junk"
    assert.truthy(tonumber(octets) < 21)
  end)

  it("shows no secret of AUTH, in clear or under TLS, in pieces of any size", function()
    local password = "correct horse battery staple"
    local base64 = require("directsend.test").smtp.base64
    local cases = {
      PLAIN = { [base64("\0tim\0" .. password)] = "235 in\r\n", shown = "C: AUTH PLAIN [hidden]\nS: 235 in\n" },
      LOGIN = {
        [""] = "334 VXNlcm5hbWU6\r\n", [base64 "tim"] = "334 UGFzc3dvcmQ6\r\n", [base64(password)] = "235 in\r\n",
        shown = "C: AUTH LOGIN\nS: 334 [hidden]\nC: [hidden]\nS: 334 [hidden]\nC: [hidden]\nS: 235 in\n",
      },
    }
    for name, case in pairs(cases) do
      for _, max in ipairs { 1, 2, 7, 16384 } do
        local session = new_session { max_chunk = max }
        local peer = new_peer { replies = { EHLO = "250-mx.test\r\n250 AUTH " .. name .. "\r\n" } }
        local command = peer.command
        function peer:command()
          local line, rest = self.text:match "^([^\n]*)\r\n(.*)$"
          local answer = line and case[line:gsub("^AUTH %u+ ?", "")]
          if not answer or #self.lines == 0 then
            return command(self)
          end
          self.text = rest
          self:say(answer)
          return true
        end
        local asked
        local log = run(setmetatable({}, { __index = function(_, k)
          return function(_, ...)
            if k == "begin" and not asked then
              asked = session:auth("tim", password)
              return asked
            end
            return session[k](session, ...)
          end
        end }), peer)
        assert.equal("ready auth_ok", table.concat(log.events, " "))
        local trace = session:trace()
        assert.equal(case.shown, trace:match "(C: AUTH.*)$")
        for secret in pairs(case) do
          assert.is_true(secret == "" or secret == "shown" or not trace:find(secret, 1, true))
        end
      end
    end
  end)

  it("tells how TLS went, and shows both sides behind it", function()
    local session = new_session()
    run(session, new_peer { tls = server }, { tls = client })
    local trace = session:trace()
    assert.truthy(trace:find("C: STARTTLS\nS: 220 go ahead\n%-%- TLSv1%.3 TLS_[%w_]+, not verified\nC: EHLO here.test\n"))
    assert.truthy(trace:find("C: [21 octets]\nC: .\nC: QUIT\nS: 250 queued\n", 1, true))
  end)

  it("tells who said whom the server is, and what was resumed", function()
    local of = door.tls.server(server)
    local function noted(options)
      local session = new_session()
      assert.equal("delivered", run(session, new_peer { tls = { like = of } }, { tls = options }).outcome)
      return session:trace():match "%-%- TLSv1%.3 TLS_[%w_]+, ([^\n]*)\n"
    end
    local context = door.tls.context { ca_file = files:path "mx.pem" }
    files:run "openssl x509 -in mx.pem -outform der -out mx.der"
    local record = { 3, 0, 1, door.tls.sha256(files:read "mx.der") }
    for _, case in ipairs {
      { {}, "not verified" }, { { verify = true }, "verified" }, { { tlsa = { record } }, "verified by DANE" },
    } do
      local options = { context = context, host = "mx.test", time = os.time(), session_key = "k" }
      for name, value in pairs(case[1]) do
        options[name] = value
      end
      assert.equal(case[2], noted(options))
      assert.equal(case[2] .. ", resumed", noted(options))
    end
  end)

  it("tells why a session ended, and how far a body had come", function()
    local session = new_session()
    run(session, new_peer { replies = { STARTTLS = function(peer)
      peer.closed = true
      return "220 go\r\n"
    end } }, { tls = client })
    assert.truthy(session:trace():find("\n-- the server closed the connection during the TLS handshake\n$"))

    session = new_session()
    session:received(0, "220 hi\r\n")
    session:event(0)
    session:sent(0, #select(2, session:next(0)))
    session:received(0, "250-x\r\n250 PIPELINING\r\n")
    session:event(0)
    session:begin(1, "b@there.test")
    session:event(0)
    session:sent(0, #select(2, session:next(0)))
    session:received(0, "250 ok\r\n250 ok\r\n354 go\r\n")
    repeat
      local ev = session:event(0)
    until ev.event == "body"
    session:body("one\r\ntwo\r\n")
    session:sent(0, #select(2, session:next(0)))
    session:failed(0, "connect", "reset\27[2J")
    repeat
      local ev = session:event(0)
    until ev.event == "ended"
    assert.truthy(session:trace():find("C: [10 octets]\n-- reset?[2J\n", 1, true))
  end)

  it("shows nothing that could write to a terminal or begin a line", function()
    local session = new_session()
    session:received(0, "220 \27[2J\0\7\127\128\255 a\\b\rc\r\n")
    session:event(0)
    assert.equal("S: 220 \\x1b[2J\\x00\\x07\\x7f\\x80\\xff a\\\\b\\x0dc\n", session:trace())
  end)

  it("cuts what is too long, and stays within its bound", function()
    local session = new_session()
    session:received(0, "220-" .. ("x"):rep(3000) .. "\r\n")
    assert.equal("S: 220-" .. ("x"):rep(1020) .. "...\n", session:trace())
    for _ = 1, 90 do
      session:received(0, "220-" .. ("x"):rep(1000) .. "\r\n")
    end
    local size = #session:trace()
    assert.is_true(size >= 65536 and size < 65536 + 1100)
  end)

  it("is nothing where nobody asked for it", function()
    local session = new_session { trace = false }
    assert.equal("delivered", run(session, new_peer()).outcome)
    assert.equal("", session:trace())
  end)
end)
