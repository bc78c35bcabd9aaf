--- An SMTP server in memory, and a client's session driven against it.
--
--   local peer = smtp_peer.new { replies = { MAIL = "250 ok\r\n" }, tls = {cert=, key=} }
--   local log = smtp_peer.run(session, peer, { chunk = 1 })
--
-- A reply may be a string, a list (one each time), a function of the line and
-- the peer, or false: nothing is said from then on. `peer:hang_up()` closes.

local door = require "directsend.test"
local pki = require "support.pki"

local Peer = {}
Peer.__index = Peer

local OFFERS = "250-mx.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n"

local REPLIES = {
  greeting = "220 mx.test ESMTP\r\n", EHLO = OFFERS, HELO = "250 mx.test\r\n",
  STARTTLS = "220 go ahead\r\n", MAIL = "250 sender ok\r\n", RCPT = "250 recipient ok\r\n",
  DATA = "354 go on\r\n", body = "250 queued\r\n", RSET = "250 forgotten\r\n", QUIT = "221 bye\r\n",
}

function Peer:say(text)
  if self.server then
    assert(self.server:write(text))
    self.out = self.out .. self.server:out()
  else
    self.out = self.out .. text
  end
end

--- Close: with close_notify where `goodbye` is set and TLS runs.
function Peer:hang_up(goodbye)
  if goodbye and self.server then
    self.server:shutdown()
    self.out = self.out .. self.server:out()
  end
  self.closed = true
end

function Peer:answer(what, line)
  local reply = self.replies[what]
  if type(reply) == "table" then
    reply = table.remove(reply, 1)
  end
  if type(reply) == "function" then
    reply = reply(self, line)
  end
  if reply == false then
    self.mute = true
  elseif reply and not self.mute then
    self:say(reply)
  end
  return reply
end

local function start_tls(peer)
  peer.server = door.tls.server(peer.tls)
  peer.shaking = true
end

-- one command, or one whole body; false when there is none yet
function Peer:command()
  if self.chunk then
    if #self.text < self.chunk then
      return false
    end
    self.bodies[#self.bodies + 1] = self.text:sub(1, self.chunk)
    self.text, self.chunk = self.text:sub(self.chunk + 1), nil
    self:answer("body")
    return true
  end
  if self.in_body then
    local at, last = ("\r\n" .. self.text):find("\r\n.\r\n", 1, true)
    if not at then
      return false
    end
    self.bodies[#self.bodies + 1] = self.text:sub(1, at - 1)
    self.text, self.in_body = self.text:sub(last - 1), false
    self:answer("body")
    return true
  end
  local line, rest = self.text:match("^([^\n]*)\r\n(.*)$")
  if not line then
    return false
  end
  self.text = rest
  self.lines[#self.lines + 1] = line
  local verb = line:match("^%u+")
  self.chunk = tonumber(line:match("^BDAT (%d+)"))
  if self.chunk then
    return true
  end
  local reply = self:answer(verb, line)
  self.in_body = verb == "DATA" and reply and reply:find("^354") ~= nil
  if verb == "STARTTLS" and reply and reply:find("^220") and self.tls then
    start_tls(self)
  end
  return true
end

--- Bytes from the client.
function Peer:take(bytes)
  if self.server then
    self.server:feed(bytes)
    if self.shaking then
      local done = self.server:handshake()
      self.out = self.out .. self.server:out()
      self.shaking = done ~= 1
      if not done then
        self:hang_up()
      end
      if done == 1 and self.on_shaken then
        self:on_shaken()
      end
    end
    bytes = ""
    while not self.shaking do
      local piece, why = self.server:read()
      if not piece or piece == "" then
        self.notified = self.notified or why == "closed"
        break
      end
      bytes = bytes .. piece
    end
  end
  self.text = self.text .. bytes
  while not self.closed and self:command() do
    self.commands = self.commands + 1
  end
end

local smtp_peer = {}

function smtp_peer.new(options)
  options = options or {}
  local peer = setmetatable({
    replies = setmetatable(options.replies or {}, { __index = REPLIES }),
    tls = options.tls, on_shaken = options.on_shaken,
    out = "", text = "", lines = {}, bodies = {}, commands = 0,
  }, Peer)
  peer:answer("greeting")
  return peer
end

--- A session with the times RFC 5321 names, unless told otherwise.
function smtp_peer.session(options)
  local all = {
    hostname = "here.test", trace = true, greeting = 300, command = 300, handshake = 60,
    data = 120, body = 180, final = 600, quit = 0,
  }
  for k, v in pairs(options or {}) do
    all[k] = v
  end
  return door.session.new(all)
end

--- One message and QUIT, in clear or (`options.tls`, what session:tls takes)
-- not. Stops where the session ends or waits for what does not come. Gives
-- {events, sends = {…}, outcome, ended, stalled = deadline, fresh = {…}}.
function smtp_peer.run(session, peer, options)
  options = options or {}
  local log = { events = {}, sends = {}, fresh = {}, more = {} }
  local now, chunk = options.now or 0, options.chunk or 1e6
  local body = options.body or "Subject: x\r\n\r\nhello\r\n"

  local function on_event(ev)
    log.events[#log.events + 1] = ev.event
    if ev.event == "ready" then
      if options.tls and not session:tls_info() then
        log.asked = session:tls(options.tls)
      else
        log.begun = session:begin(1, options.recipient or "b@there.test")
      end
    elseif ev.event == "body" then
      session:body(body)
      session:body_end()
      session:quit()
    elseif ev.event == "settled" then
      log.outcome, log.settled = ev.outcome, ev
    elseif ev.event == "ended" then
      log.ended = ev
    elseif ev.event == "tls_no" or ev.event == "finished" then
      session:quit()
    end
  end

  local function send(data, fresh, more)
    if #peer.out > 0 and fresh and not options.blind then
      session:received(now, peer.out)
      peer.out = ""
      session:sent(now, 0)
      return
    end
    local n = math.min(chunk, #data)
    if not log.partial then
      log.sends[#log.sends + 1] = data
      log.fresh[#log.fresh + 1] = fresh
      log.more[#log.more + 1] = more
    end
    log.partial = n < #data
    peer:take(data:sub(1, n))
    session:sent(now, n)
  end

  local function receive(deadline)
    if #peer.out == 0 and not peer.closed then
      log.stalled = deadline
      return false
    end
    local bytes = peer.out:sub(1, chunk)
    peer.out = peer.out:sub(#bytes + 1)
    session:received(now, bytes)
    return true
  end

  local idle = 0
  for _ = 1, 100000 do
    local ev = session:event(now)
    if ev then
      on_event(ev)
    else
      local want, data, fresh, more, deadline = session:next(now)
      if want == "send" then
        send(data, fresh, more)
      elseif want == "receive" then
        if not receive(deadline) then
          return log
        end
      else
        idle = idle + 1
        if idle > 1 then
          return log
        end
      end
      idle = want == "nothing" and idle or 0
    end
  end
  error("the session goes on and on")
end

--- mx.test with a certificate, of a CA the client trusts where it verifies:
--- the files, to be removed, and what server and client are made with.
function smtp_peer.certified(verify)
  local files = pki.new()
  if verify then files:authority "ca" end
  files:leaf("mx", { issuer = verify and "ca" or nil, san = "DNS:mx.test" })
  return files, { cert = files:path "mx.pem", key = files:path "mx.key" },
         { host = "mx.test", time = os.time(), verify = verify, ca_file = verify and files:path "ca.pem" or nil }
end

return smtp_peer
