-- faults: what may go wrong at a stage of a session, and how a host of
-- support.world does it.  Each fault is a function of the session and of what
-- should have been said; it gives what is said instead (support.world knows
-- how), and may leave a mark that `faults.on_op` heeds when the client next
-- waits.

local faults = {}

local function marked(word)
  return function(s)
    s.fault = word
    return ""
  end
end

-- whole words are what TLS and TCP do, the rest is said
faults.all = {
  fin = function(s)
    if s.server then
      s.server:shutdown()
      s.out = s.out .. s.server:out()
    end
    return false
  end,
  rst = marked "reset",
  silence = function() return "" end,
  drip = marked "drip",
  closing = function(s)
    s:put "421 4.3.2 going down\r\n"
    return false
  end,
  later = function() return "451 4.3.0 not now" end,
  never = function() return "554 5.3.0 not ever" end,
  garbage = function() return "\1\2 is this SMTP?" end,
  flood = function() return ("2"):rep(70000) end,
  early = function(_, good) return good .. "\r\n250 2.0.0 and more" end,
  mixed = function(_, good) return good:sub(1, 3) .. "-one\r\n" .. (good:sub(1, 3) == "250" and "251" or "250") .. " other" end,
  cut = function(s) -- an alert in clear, or a FIN without close_notify
    if s.server then return false end
    s.out = s.out .. "\21\3\3\0\2\2\40"
    return false
  end,
  machine = marked "local",
}

faults.names = { "fin", "rst", "silence", "drip", "closing", "later", "never", "garbage", "flood", "early", "mixed", "cut", "machine" }

-- for world:deliver: what the mark on a session makes of an operation
function faults.on_op(w)
  return function(op)
    local s = w.conns[op.conn]
    local fault = type(s) == "table" and s.fault
    if not fault or op.op ~= "receive" and not (op.op == "send" and s.deaf) then return nil end
    if s.out ~= "" and op.op == "receive" then return nil end -- what was said before it arrives
    if fault ~= "drip" then return "fail " .. fault end
    if op.op == "send" then return "fail timeout" end -- an octet now and then is no piece of a body
    w.clock, s.mute = w.clock + 7, false
    s:put "2"
    if w.clock >= op.deadline then return "fail timeout" end
    return nil
  end
end

-- the fault instead of what this host would say at a stage of each session
local function instead(value, fault, nth)
  local times = setmetatable({}, { __mode = "k" })
  return function(_, s)
    times[s] = (times[s] or 0) + 1
    if times[s] == (nth or 1) then return fault(s, value) end
    return value
  end
end

local words = { greeting = "greeting", mail = "MAIL", rcpt = "RCPT", data = "DATA", dot = "final", quit = "QUIT", auth = "AUTH", starttls = "STARTTLS" }

-- while the body flows: nothing more of it is read
local function at_body(host, fault)
  host.DATA = function(_, s)
    function s:receive()
      if self.hit then return end
      self.hit, self.deaf = true, true
      local said = self:say(function() return fault(self, "250 2.0.0 already") end)
      if said == "" then self.fault = self.fault or "timeout" end
    end
    return "354 go on"
  end
end

-- behind the 220 to STARTTLS
local function at_handshake(host, fault)
  host.STARTTLS = function(_, s)
    function s:receive()
      if self.hit then return end
      self.hit = true
      self:say(function() return fault(self, "220 go") end)
    end
    s.host = setmetatable({ tls = false }, { __index = host }) -- no TLS behind it
    return "220 go"
  end
end

-- make the host fail so at this stage of each of its sessions
function faults.plant(host, stage, fault)
  if stage == "ehlo" then
    host.EHLO = instead(host.EHLO, fault, 1)
  elseif stage == "ehlo again" then
    host.EHLO = instead(host.EHLO, fault, 2)
  elseif stage == "body" then
    at_body(host, fault)
  elseif stage == "handshake" then
    at_handshake(host, fault)
  else
    host[words[stage]] = instead(host[words[stage]], fault)
  end
end

return faults
