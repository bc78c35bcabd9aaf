-- smtp_player: plays a dialogue (support.dialog) against the engine in memory.
local smtp = require "directsend.test".smtp
local dialog = require "support.dialog"

local player = {}
player.__index = player

-- how: chunk (octets of the server, and of the body, given at once), take
-- (octets of the client taken at once), cut (octets of the server before EOF),
-- hang_up (EOF at the end)
function player.new(d, how)
  local p = setmetatable({ d = d, how = how or {}, given = 0, begun = 0, open = 0 }, player)
  p.outcomes, p.ends, p.writes, p.failed, p.stages = {}, {}, {}, {}, {}
  p.engine = smtp.engine(d.hostname, d.careful, d.lmtp, d.implicit, d.window)
  return p
end

function player:fail(...)
  self.failed[#self.failed + 1] = string.format(...)
end

local function pieces(s, n, give)
  for at = 1, #s, n do
    if give(s:sub(at, at + n - 1)) == false then
      return
    end
  end
end

local on = {}

function on.ready(p)
  p.ready = true
  if p.d.tls and not p.asked and p.engine:extensions().starttls then
    p.asked, p.ready = true, false
    p.engine:starttls()
  elseif p.d.auth then
    p.ready = p.engine:auth(p.d.auth) ~= 0
  end
end

function on.auth_ok(p)
  p.ready = true
end

function on.auth_no(p)
  p.quit = true
  p.engine:quit()
end

function on.tls_no(p)
  p.ready = true
end

function on.tls_go(p)
  p.wall = true
end

function on.body(p, ev)
  local m = p.d.messages[ev.txn]
  pieces(m.body, p.how.chunk or 65536, function(s)
    p.engine:body(s)
  end)
  if p.engine:body_end() == 0 then
    p.ends[ev.txn] = true
  end
end

function on.settled(p, ev)
  local key = ev.txn .. "/" .. ev.recipient
  if p.outcomes[key] then
    p:fail("%s settled twice", key)
  end
  p.outcomes[key] = ev
end

function on.finished(p, ev)
  p.open = p.open - 1
  for i in ipairs(p.d.messages[ev.txn].recipients) do
    if not p.outcomes[ev.txn .. "/" .. i] then
      p:fail("message %d finished without recipient %d", ev.txn, i)
    end
  end
end

function on.ended(p, ev)
  if p.ended then
    p:fail "ended twice"
  end
  p.ended = ev
end

function on.accepted() end

-- begin what may begin, and say QUIT when it is time
function player:advance()
  local all = self.d.messages
  while self.ready and self.begun < #all and self.engine:can_begin() do
    local m, to = all[self.begun + 1], {}
    for i, r in ipairs(m.recipients) do
      to[i] = r.address
    end
    local rc = self.engine:begin(self.begun + 1, m.sender, to, m.size, m.flags)
    if rc ~= 0 then
      return rc
    end
    self.begun, self.open = self.begun + 1, self.open + 1
  end
  local due = self.begun == #all and (self.d.quit == "ride" or self.d.quit == "late" and self.open == 0)
  if due and self.ready and not self.quit then
    self.quit = true
    self.engine:quit()
  end
end

function player:drain()
  repeat
    local ev = self.engine:event()
    if ev then
      if self.ended then
        self:fail("%s after ended", ev.event)
      end
      on[ev.event](self, ev)
    end
    self:advance()
  until not ev
end

function player:output()
  local octets = self.engine:output()
  pieces(octets, self.how.take or 65536, function(s)
    self.engine:taken(#s)
  end)
  if octets ~= "" then
    self.writes[#self.writes + 1] = octets
  end
  for txn in pairs(self.ends) do
    self.stages[txn] = "end taken"
  end
  return octets
end

local act = {}

function act.S(p, step)
  pieces(dialog.bytes(step), p.how.chunk or 65536, function(s)
    if p.how.cut then
      s = s:sub(1, p.how.cut - p.given)
    end
    p.given = p.given + #s
    if s ~= "" then
      p.engine:receive(s)
      p:drain()
    end
    if p.given == p.how.cut then
      p.cut_off = true
      return false
    end
  end)
end

function act.C(p, step)
  local octets = p:output()
  local differs = dialog.differs(step, octets)
  if differs then
    p:fail("the client said %s", differs)
  end
end

function act.EOF(p)
  p.engine:receive ""
end

function act.RST(p)
  p.engine:abort("connect", "connection reset by peer")
end

function act.TIMEOUT(p)
  p.engine:abort("timeout", "no reply in time")
end

function act.TLS(p)
  if not p.wall or p.engine:tls_started() ~= 0 then
    p:fail "the wall is not open"
  end
end

function player:run()
  self.cut_off = self.how.cut == 0
  for _, step in ipairs(self.d.steps) do
    if self.cut_off then
      break
    end
    act[step.side](self, step)
    self:drain()
  end
  if self.cut_off or self.how.hang_up then
    self.engine:receive ""
    self:drain()
  elseif self.engine:output() ~= "" then
    self:fail("%q besides", self.engine:output())
  end
end

-- play it; the player, with .outcomes ["message/recipient"], .ended, .writes,
-- .failed (what went wrong).  Its engine is gone, or never was.
function player.play(d, how)
  local p = player.new(d, how)
  if p.engine then
    p:run()
    p.engine:free()
  end
  return p
end

-- the outcomes as one text, for comparing
local function row(ev)
  local code = ev.reply and ev.kind ~= "policy" and ev.reply.code or nil
  return ("%s %s %s%s%s"):format(ev.outcome, ev.stage, code or "-", ev.lost and " lost" or "", ev.split and " split" or "")
end

function player:told()
  local t = {}
  for i, m in ipairs(self.d.messages) do
    for j in ipairs(m.recipients) do
      local ev = self.outcomes[i .. "/" .. j]
      t[#t + 1] = ("%d/%d %s"):format(i, j, ev and row(ev) or "none none -")
    end
  end
  t[#t + 1] = self.ended and ("end %s %s"):format(self.ended.kind, self.ended.stage) or "no end"
  return table.concat(t, "\n")
end

function player.expected(d)
  local t = {}
  for i, m in ipairs(d.messages) do
    for j, r in ipairs(m.recipients) do
      t[#t + 1] = ("%d/%d %s %s %s%s%s"):format(i, j, r.outcome, r.stage, r.code or "-", r.lost and " lost" or "",
        r.split and " split" or "")
    end
  end
  t[#t + 1] = d.ended and ("end %s %s"):format(d.ended.kind, d.ended.stage) or "no end"
  return table.concat(t, "\n")
end

return player
