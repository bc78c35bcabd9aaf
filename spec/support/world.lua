-- A network in memory, for deliveries: name servers that answer from a zone,
-- mail hosts that follow a script, a clock that moves only when somebody
-- waits.
--
--   local world = require "support.world"
--   local w = world.new{
--     zone = { ["contoso.test"] = { MX = {{10, "mx.contoso.test"}} },
--              ["mx.contoso.test"] = { A = {"9.0.0.1"} } },
--     hosts = { ["9.0.0.1"] = world.smtp{} },
--   }
--   local rows = w:deliver({destination = "contoso.test"}, {message})
--
-- A zone entry may be a status word instead ("servfail", "silent"), and so may
-- a record list; a name that is not there does not exist.  Entries may hold
-- TXT = {text…}, TLSA = {{usage, selector, matching, octets}…}, CNAME = name,
-- secure = true (or a table of types): the name server validated them, and
-- fails = { type = status word }.
-- A host is world.smtp{…}, world.https{…}, "refused", "unreachable" or
-- "silent"; what is not there is unreachable.  With tls = {cert=, key=} they
-- speak TLS; w.context is the client's.

local dns = require "support.dnspacket"
local core = require "directsend.core"
local door = require "directsend.test"

local world = {}

-- ------------------------------------------------------------- mail hosts

local smtp = {}
smtp.__index = smtp

-- Replies by command: a string, a list used up one by one (the last stays), a
-- function of (argument, session), or false: the connection is closed.
-- "" is silence from there on.
function world.smtp(t)
  local s = setmetatable({
    greeting = "220 mx ESMTP", EHLO = "250-mx\r\n250-PIPELINING\r\n250 SIZE 1000000",
    HELO = "250 mx", MAIL = "250 2.1.0 ok", RCPT = "250 2.1.5 ok",
    DATA = "354 go on", final = "250 2.0.0 Ok: queued as 4F00", QUIT = "221 bye",
    BDAT = "250 2.0.0 go on", RSET = "250 ok", STARTTLS = "454 4.7.0 not now",
    sessions = {}, received = {},
  }, smtp)
  for k, v in pairs(t or {}) do s[k] = v end
  return s
end

local function reply_of(v, argument, session)
  if type(v) == "function" then return v(argument, session) end
  if type(v) ~= "table" then return v end
  return #v > 1 and table.remove(v, 1) or v[1]
end

-- one that knows the tickets of those before it
local function tls_server(host)
  if host.made_of ~= host.tls then host.made_of, host.like = host.tls, nil end
  local s = door.tls.server(host.like and { like = host.like } or host.tls)
  host.like = host.like or s
  return s
end

local session = {}
session.__index = session

function session:say(v, argument)
  local text = reply_of(v, argument, self)
  if text == false then
    self.closed = true
  elseif text == "" then
    self.mute = true
  elseif not self.closed and not self.mute then
    self:put(text .. "\r\n")
  end
  return text
end

function session:put(octets)
  if self.server then
    self.server:write(octets)
    octets = self.server:out()
  end
  self.out = self.out .. octets
end

function smtp:open()
  local s = setmetatable({ host = self, out = "", buffer = "", commands = {},
                           writes = 0, }, session)
  self.sessions[#self.sessions + 1] = s
  s:say(self.greeting)
  return s
end

-- LMTP (a host with LHLO) says it for each recipient: final is given whose
function session:finish()
  local taken = {}
  for _, r in ipairs(self.host.LHLO and self.recipients or { 1 }) do
    self.whose = self.host.LHLO and r
    local text = self:say(self.host.final, self.body)
    if text and text:find "^2" then
      if self.host.LHLO then taken[#taken + 1] = r else taken = self.recipients end
    end
  end
  if taken[1] then
    local got = self.host.received
    got[#got + 1] = { sender = self.sender, recipients = taken, body = self.body }
  end
  self.body, self.recipients = nil, nil
end

function session:body_line(line)
  if line == "." then return self:finish() end
  self.body = self.body .. line:gsub("^%.%.", ".") .. "\r\n"
end

-- a chunk (RFC 3030): its octets count whether it is wanted or not
function session:chunk(line)
  local n, last = line:match "^BDAT (%d+)(.*)$"
  self.left, self.last = tonumber(n), last:upper():find "LAST" ~= nil
  self.chunks = self.chunks or {}
end

function session:chunk_done()
  local wanted = (self.recipients or {})[1]
  self.left = nil
  if not wanted then
    self.chunks = nil
    self:say "503 5.5.1 no valid recipients"
  elseif self.last then
    self.body, self.chunks = table.concat(self.chunks), nil
    self:finish()
  else
    self:say(self.host.BDAT)
  end
end

function session:command(line)
  local verb = (line:match "^%a+" or ""):upper()
  self.commands[#self.commands + 1] = line
  if verb == "BDAT" and self.host.BDAT then return self:chunk(line) end
  local strange = verb == "RCPT" and not self.recipients
                  or verb == "DATA" and not (self.recipients or {})[1]
  local known = self.host[verb]
  if known == nil then known = "500 5.5.2 what" end
  local text = self:say(strange and "503 5.5.1 not now" or known, line)
  local good = text and text:find "^[23]"
  if verb == "MAIL" and good then
    self.sender, self.recipients = line:match "<(.*)>", {}
  elseif verb == "RCPT" and good then
    self.recipients[#self.recipients + 1] = line:match "<(.*)>"
  elseif verb == "DATA" and text and text:find "^3" then
    self.body = ""
  elseif verb == "RSET" then
    self.sender, self.recipients = nil, nil
  elseif verb == "STARTTLS" and good and self.host.tls then
    self.server = tls_server(self.host)
  elseif verb == "QUIT" then
    self.closed = not self.mute
  end
end

-- what TLS makes of these octets; the handshake goes on meanwhile
local function deciphered(s, bytes)
  s.server:feed(bytes)
  if not s.up then
    s.up = s.server:handshake() == 1
    s.out = s.out .. s.server:out()
  end
  local text = s.up and s.server:read()
  if s.up and not text then s.closed = true end
  return text or ""
end

function session:receive(bytes)
  self.writes = self.writes + 1
  if self.server then bytes = deciphered(self, bytes) end
  self.buffer = self.buffer .. bytes
  while not self.closed do
    if self.left then
      local piece = self.buffer:sub(1, self.left)
      self.chunks[#self.chunks + 1], self.left = piece, self.left - #piece
      self.buffer = self.buffer:sub(#piece + 1)
      if self.left > 0 then return end
      self:chunk_done()
    end
    local line, rest = self.buffer:match "^(.-)\r\n(.*)$"
    if not line then return end
    self.buffer = rest
    if self.body then self:body_line(line) else self:command(line) end
  end
end

-- ------------------------------------------------------------ policy hosts

local page = {}
page.__index = page

-- An HTTPS host: answer is all it says to a request, or a function of it;
-- requests keeps what it was asked.
function world.https(t)
  local s = { requests = {} }
  for k, v in pairs(t) do s[k] = v end
  function s:open()
    return setmetatable({ host = self, out = "", server = tls_server(self), heard = "" }, page)
  end
  return s
end

function page:receive(bytes)
  self.heard = self.heard .. deciphered(self, bytes)
  if self.heard:find("\r\n\r\n", 1, true) and not self.answered then
    self.answered = true
    local requests, text = self.host.requests, self.host.answer
    requests[#requests + 1] = self.heard
    if type(text) == "function" then text = text(self.heard) end
    self.server:write(text)
    self.server:shutdown()
    self.out, self.closed = self.out .. self.server:out(), true
  end
end

-- ----------------------------------------------------------- name servers

local makers = {
  MX = function(name, r) return dns.mx(name, r[1], r[2]) end,
  A = dns.a, AAAA = dns.aaaa, CNAME = dns.cname, TXT = dns.txt,
  TLSA = function(name, r) return dns.tlsa(name, r[1], r[2], r[3], r[4]) end,
}

local numbers = {}
for name, number in pairs(dns.types) do numbers[number] = name end

local function question_of(query)
  local labels, at = {}, 13
  while query:byte(at) ~= 0 do
    local n = query:byte(at)
    labels[#labels + 1] = query:sub(at + 1, at + n)
    at = at + n + 1
  end
  return table.concat(labels, "."), numbers[query:byte(at + 1) * 256 + query:byte(at + 2)]
end

local function is_secure(entry, qtype)
  local s = type(entry) == "table" and entry.secure
  if type(s) == "table" then s = s[qtype] end
  return s == true
end

-- the reply to a query, nil for silence
local function resolve(w, query)
  local name, qtype = question_of(query)
  w.questions[#w.questions + 1] = name .. " " .. qtype
  local answer, secure, entry = {}, true, w.zone[name]
  while entry and entry.CNAME and qtype ~= "CNAME" do
    answer[#answer + 1] = dns.cname(name, entry.CNAME)
    secure, name = secure and is_secure(entry, "CNAME"), entry.CNAME
    entry = w.zone[name]
  end
  if entry == nil then return dns.reply(query, { rcode = 3, answer = answer }) end
  secure = secure and is_secure(entry, qtype)
  if type(entry) ~= "string" then
    entry = entry.fails and entry.fails[qtype] or entry[qtype] or {}
  end
  if entry == "silent" then return nil end
  if entry == "servfail" then return dns.reply(query, { rcode = 2 }) end
  if type(entry) == "string" then entry = { entry } end
  for _, r in ipairs(entry) do answer[#answer + 1] = makers[qtype](name, r) end
  return dns.reply(query, { answer = answer, ad = secure })
end

local resolver = {}
resolver.__index = resolver

-- over TCP two octets of length stand before a message
function resolver:receive(bytes)
  self.asked = self.asked .. bytes
  if not self.tcp then
    self.out = resolve(self.world, bytes) or ""
  elseif #self.asked >= 2 and #self.asked >= 2 + self.asked:byte(1) * 256 + self.asked:byte(2) then
    local reply = resolve(self.world, self.asked:sub(3))
    self.out = reply and string.char(math.floor(#reply / 256), #reply % 256) .. reply or ""
  end
end

-- ------------------------------------------------------------------ world

local methods = {}
methods.__index = methods

function world.new(t)
  return setmetatable({ zone = t.zone or {}, hosts = t.hosts or {}, clock = 1000,
                        questions = {}, connects = {}, open = 0, ops = {},
                        chunk = t.chunk or 16384, traces = {}, planned = {},
                        kept = {}, raced = {}, memory = {}, remembered = {}, asked = {}, tokens = {} }, methods)
end

local function connect(w, op)
  if op.port == 53 then
    return setmetatable({ world = w, out = "", asked = "", tcp = op.tcp }, resolver)
  end
  w.connects[#w.connects + 1] = op.ip .. ":" .. op.port
  local host = w.hosts[op.ip] or "unreachable"
  if host == "silent" then
    w.clock = op.deadline
    return nil, "timeout"
  end
  if type(host) == "string" then return nil, host end
  return host:open()
end

-- the first that answers; those before it had their start in vain
local function race(w, op)
  w.raced[#w.raced + 1] = op
  local kind
  for i, t in ipairs(op.targets) do
    local conn
    conn, kind = connect(w, { ip = t.ip, port = t.port, deadline = w.clock })
    if conn then
      w.conns[op.conn], w.open = conn, w.open + 1
      return "connected", op.conn, t.ip:find ":" and "2600::9" or "9.9.9.9", t.ip, i
    end
  end
  return "failed", kind
end

-- what a driver does with an operation, in memory
local function obey(w, op, feed)
  local what, c = op.op, w.conns[op.conn]
  w.ops[#w.ops + 1] = what
  if what == "connect" then
    for i, k in ipairs(w.kept) do
      if op.reuse and op.reuse == k.key then
        table.remove(w.kept, i)
        w.conns[op.conn] = k.conn
        return "adopted", op.conn, k.session
      end
    end
    if op.targets then return race(w, op) end
    local conn, kind = connect(w, op)
    if not conn then return "failed", kind end
    w.conns[op.conn], w.open = conn, w.open + 1
    return "connected", op.conn, "9.9.9.9", op.ip
  elseif what == "send" then
    if op.fresh and (c.out ~= "" or c.closed) then -- one that can peek
      local early = c.out
      c.out = ""
      w.delivery:step(w.clock, "received", op.conn, early)
      return "sent", op.conn, 0
    end
    if c.closed then return "failed", "reset" end
    local data = op.data:sub(1, c.host and w.smtp_chunk or w.chunk)
    c:receive(data)
    return "sent", op.conn, #data
  elseif what == "receive" then
    local n = math.min(c.host and w.smtp_chunk or w.chunk, op.max)
    local data = c.out:sub(1, n)
    c.out = c.out:sub(n + 1)
    if data == "" and not c.closed then
      w.clock = op.deadline or error "a wait without end"
      return "failed", "timeout"
    end
    return "received", op.conn, data
  elseif what == "close" then
    w.conns[op.conn], w.open = nil, w.open - 1
    return
  elseif what == "keep" then
    w.kept[#w.kept + 1] = { key = op.key, session = op.session, conn = c, op = op }
    w.conns[op.conn] = nil
    return
  elseif what == "wait" then
    w.clock = math.max(w.clock, op.deadline)
    return "tick"
  end
  return feed[what](op)
end

local function message_feed(w, messages, rows)
  local given, at, offset = 0, nil, 0
  w.given = 0
  return {
    next = function(op)
      local when = w.later and w.later(given)
      if when then return "later", when end
      local list = {}
      for i = 1, w.several and op.n or 1 do
        local m = messages[given + 1]
        if not m then break end
        given = given + 1
        list[i] = { sender = m.sender or "a@contoso.test", tag = given, flags = (m.flags or 0) + (m.require_tls and 4 or 0),
                    dsn = m.dsn, tls_optional = m.tls_optional,
                    recipients = m.recipients or { "b@contoso.test" }, size = m.size or #m.body }
      end
      w.given = given
      if not list[1] then return "no_more" end
      return "message", (table.unpack or unpack)(list)
    end,
    body = function(op)
      if at ~= op.tag then at, offset = op.tag, 0 end
      local m = messages[at]
      if m.fail then return "failed", "local", m.fail end
      if m.endless then return "body", m.endless, false end
      local piece = m.body:sub(offset + 1, offset + op.max)
      offset = offset + #piece
      return "body", piece, offset >= #m.body
    end,
    rewind = function(op)
      at, offset = op.tag, 0
      return "rewound"
    end,
    context = function()
      if w.context then return "context", w.context end
      return "failed", "local", "no TLS in this world"
    end,
    result = function(op) rows[#rows + 1] = op.row end,
    host = function(op) w.planned[#w.planned + 1] = op end,
    recall = function(op) return "recalled", w.memory[op.space .. " " .. op.key] end,
    remember = function(op)
      w.memory[op.space .. " " .. op.key] = op.value
      w.remembered[#w.remembered + 1] = op
    end,
    admit = function(op)
      w.asked[#w.asked + 1] = op
      local when, n = nil, nil
      if w.admit then when, n = w.admit(op) end
      if when then return "later", when end
      if op.what == "messages" then return "admitted", nil, n end
      w.token = (w.token or 0) + 1
      w.tokens[w.token] = true
      return "admitted", w.token
    end,
    release = function(op)
      assert(w.tokens[op.token], "this token is nobody's")
      w.tokens[op.token] = nil
    end,
    trace = function(op) w.traces[#w.traces + 1] = op.data end,
  }
end

function methods:begin(config)
  local c = { dns = { servers = { "9.1.1.1" } }, mta_sts = false, trusted = {} }
  for k, v in pairs(config) do c[k] = v end
  self.conns = {}
  self.delivery = assert(core.delivery(c))
  return self.delivery
end

-- what takes no answer is done, cancelled or not
local unanswered = { close = true, keep = true, remember = true, release = true, result = true }

-- time may have passed meanwhile
local function answered(w, ...) return w.delivery:step(w.clock, ...) end

-- runs a delivery to its end; returns its rows in the order of their coming.
-- on_op(op, index) may return "cancel", or "fail " and a kind
function methods:deliver(config, messages, on_op)
  local rows, steps = {}, 0
  local d = self:begin(config)
  local feed = message_feed(self, messages or {}, rows)
  local op = d:step(self.clock)
  while op.op ~= "done" do
    steps = steps + 1
    assert(steps < 20000, "the delivery does not end")
    local verdict = on_op and on_op(op, steps)
    if verdict == "cancel" then
      if unanswered[op.op] then obey(self, op, feed) end
      d:cancel(self.clock)
      op = d:step(self.clock)
    elseif verdict and verdict:find "^fail " then
      op = d:step(self.clock, "failed", verdict:match "^fail (.*)")
    else
      self.clock = self.clock + 0.001
      op = answered(self, obey(self, op, feed))
    end
    assert(op, "nothing is asked and nothing is open")
  end
  assert(d:step(self.clock).op == "done")
  return rows
end

return world
