-- Deliveries in a network in memory whose every turn is drawn from a seed:
-- zones, hosts, replies, pieces, failures, octets nobody asked for, cancels.
-- chaos.run(seed) runs one and raises, naming the seed, where the delivery
-- breaks a promise of deliver/delivery.h.

local world = require "support.world"

local chaos = {}

-- the minimal standard generator: the same numbers in every Lua
local function dice(seed)
  local x = seed % 2147483646 + 1
  local function roll(n)
    x = x * 16807 % 2147483647
    return x % n + 1
  end
  for _ = 1, 3 do roll(2) end
  return roll
end

local function one_in(roll, n) return roll(n) == 1 end

-- ------------------------------------------------------------ what is drawn

local zones = {
  function() return {} end,
  function() return { A = { "9.0.0.1" } } end,
  function() return { MX = { { 0, "." } } } end,
  function() return "servfail" end,
  function() return "silent" end,
  function() return { MX = { { 10, "no_such!" }, { 10, "a.test" } } } end,
}

local function zone_of(roll)
  local z = { ["a.test"] = { A = { "9.0.0.1" } }, ["b.test"] = { A = { "9.0.0.2", "10.0.0.1" }, AAAA = { "2600::2" } },
              ["contoso.test"] = { MX = { { 10, "a.test" }, { 10 * roll(2), "b.test" }, { 30, "gone.test" } } } }
  for _, name in ipairs{ "a.test", "b.test", "contoso.test" } do
    if one_in(roll, 8) then z[name] = zones[roll(#zones)]() end
  end
  return z
end

local odd = {
  "421 4.3.2 going down", "452 4.5.3 too many", "503 5.5.1 bad sequence", "550 5.7.25 no name for you",
  "450 4.2.1 later", "550 5.1.1 no", "250 2.0.0 fine", "354 go on", "250-fine\r\n550 not", "nonsense",
  "250 ok\r\n250 ok", "250 queued as ../%s\1\200", "554 5.7.1 " .. ("x"):rep(3000), "", false, false,
}

local ehlos = {
  "250-mx\r\n250-PIPELINING\r\n250 SIZE 100000", "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 STARTTLS", "250 mx",
  "250-mx\r\n250-PIPELINING\r\n250 CHUNKING", "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 LIMITS MAILMAX=2 RCPTMAX=2",
  "250-mx\r\n250-PIPELINING\r\n250 LIMITS MAILMAX=1 RCPTDOMAINMAX=1",
  "250-mx\r\n250 SIZE 10", "250-mx\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 CHUNKING", "502 5.5.1 what",
}

local verbs = { "greeting", "EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", "final", "RSET", "QUIT" }

-- a host that is sound but for a reply now and then
local function host_of(roll)
  if one_in(roll, 6) then return ({ "refused", "unreachable", "silent" })[roll(3)] end
  local t, rate = { EHLO = ehlos[roll(#ehlos)], STARTTLS = one_in(roll, 2) and "220 go" or nil }, 5 * roll(20)
  local host = world.smtp(t)
  for _, verb in ipairs(verbs) do
    local usual = host[verb]
    host[verb] = function() return one_in(roll, rate) and odd[roll(#odd)] or usual end
  end
  return host
end

local function messages_of(roll, turn)
  local list = {}
  for i = 1, one_in(roll, 6) and roll(20) or roll(4) do
    local recipients = {}
    for k = 1, roll(5) do recipients[k] = ("r%d.%d@%s.test"):format(i, k, one_in(roll, 9) and "fabrikam" or "contoso") end
    if one_in(roll, 25) then recipients[1] = "not\r\nfit@contoso.test" end
    local body = ("X: message %d.%d\r\n\r\n"):format(turn, i) .. ("0123456789\r\n"):rep(roll(3) == 1 and roll(4000) or roll(9))
    list[i] = { recipients = recipients, body = body, sender = one_in(roll, 5) and "" or nil, flags = one_in(roll, 9) and 1 or nil,
                size = one_in(roll, 12) and #body + roll(3) - 2 or nil, fail = one_in(roll, 15) and "gone" or nil }
  end
  return list
end

local function can_of(roll)
  local can = {}
  for _, word in ipairs{ "recall", "admit", "keep", "race" } do
    if one_in(roll, 2) then can[#can + 1] = word end
  end
  return can
end

local function config_of(roll)
  return { destination = one_in(roll, 12) and "[9.0.0.1]" or "contoso.test", hostname = not one_in(roll, 4) and "c.example" or nil,
           level = ({ "off", "required", "verified" })[roll(9)] or "opportunistic",
           ip = ({ "4first", "6first", "4", "6", "race" })[roll(5)], trace = one_in(roll, 3), plan = one_in(roll, 10),
           can = can_of(roll), window = ({ 0, 1, 2, 5 })[roll(4)], recipients = one_in(roll, 3) and roll(4) or nil,
           per_connection = one_in(roll, 4) and roll(3) or nil, keep = { idle = 3 * roll(3), lifetime = 20 * roll(3) },
           max_chunk = ({ 100, 1000, 4096, 16384 })[roll(4)] + roll(2),
           timeout = { total = ({ 5, 30, 120 })[roll(3)], connect = 2 * roll(20), quit = roll(3) - 1 } }
end

-- ------------------------------------------------------------- what happens

local kinds = { "refused", "unreachable", "timeout", "closed", "reset", "local", "cancelled" }
local silent = { close = true, keep = true, remember = true, release = true, result = true, host = true, trace = true }
local unasked = { "250 ok\r\n", "421 bye\r\n", "2", "\0\255\r\n", ("250-x\r\n"):rep(50), "" }

local watch = {}
watch.__index = watch

function watch:check(ok, what)
  if ok then return end
  error(("seed %d, operation %d: %s"):format(self.seed, self.step or 0, what), 0)
end

-- what SEND presents counts as said, also when the wire takes less of it
function watch:sending(op)
  self.presented[op.conn] = (self.sent[op.conn] or "") .. op.data
  self:check(op.data ~= "", "an empty SEND")
end

-- from the dot on, whatever became of the line's end, or from the last octet of
-- the last chunk: it may have been taken
function watch:end_presented(tag)
  local body = self.messages[tag].body
  local dotted, chunk = body .. ".", ("BDAT %d LAST\r\n"):format(#body) .. body
  for _, text in pairs(self.presented) do
    if text:find(dotted, 1, true) or text:find(chunk, 1, true) then return true end
  end
  return false
end

local function some_end(text)
  for size, at in text:gmatch "BDAT (%d+) LAST\r\n()" do
    if #text >= at - 1 + size then return true end
  end
  return text:find("\r\n.", 1, true)
end

-- may a deadline lie beyond the total?  Only once some end of a body is out
function watch:timed(op)
  self:check(op.deadline, op.op .. " without a deadline")
  local text = self.presented[op.conn] or ""
  if self.till and not some_end(text) then
    self:check(op.deadline <= self.till + 1e-3, ("%s until %.3f, beyond the total %.3f"):format(op.op, op.deadline, self.till))
  end
end

function watch:see(op, w)
  if op.op == "next" then
    self.till = w.clock + 0.001 + self.config.timeout.total
  elseif op.op == "send" then
    self:sending(op)
  elseif op.op == "close" or op.op == "keep" then
    self:check(w.conns[op.conn], op.op .. " of what is not open")
  elseif op.op == "result" then
    self:row(op.row)
  end
  if op.op == "send" or op.op == "receive" then self:check(w.conns[op.conn], op.op .. " on what is not open") end
  if op.op == "send" or op.op == "receive" or op.op == "connect" then self:timed(op) end
  if self.cancelled then self:check(silent[op.op], op.op .. " after cancel") end
end

-- --------------------------------------------------------- what was promised

function watch:taken(tag, address)
  for _, host in pairs(self.hosts) do
    for _, got in ipairs(type(host) == "table" and host.received or {}) do
      if got.body == self.messages[tag].body then
        for _, r in ipairs(got.recipients) do
          if r == address then return true end
        end
      end
    end
  end
  return false
end

function watch:row(r)
  local key = r.tag .. "." .. r.recipient
  self:check(self.messages[r.tag] and self.messages[r.tag].recipients[r.recipient], "a RESULT for nobody: " .. key)
  self:check(not self.rows[key], "two RESULTs for " .. key)
  self.rows[key] = r.outcome
  local address = self.messages[r.tag].recipients[r.recipient]
  local taken = self:taken(r.tag, address)
  self:check(r.outcome == "delivered" or r.kind, r.outcome .. " of no kind")
  self:check(r.outcome == "delivered" or r.text or r.reply, r.outcome .. " without a reason")
  self:check((r.outcome == "deferred" or r.outcome == "unknown") == r.temporary, "temporary does not fit " .. r.outcome)
  if r.outcome == "delivered" then
    self:check(self.lied or taken, "delivered, but no host took it: " .. key)
    self:check(r.code and r.code >= 200 and r.code < 300, "delivered without a 2xx")
    self:check(self:end_presented(r.tag), "delivered, its end never sent")
    self:check(not r.kind, "delivered, yet " .. tostring(r.kind))
  elseif r.outcome == "unknown" then
    self:check(self:end_presented(r.tag), "unknown, but its end was never sent")
  else
    self:check(self.lied or not taken, r.outcome .. ", but a host took it: " .. key)
  end
  self:check(not (r.queue_id or ""):find "[%c\128-\255%s<>]", "a queue id with odd octets")
end

-- one turn of fate before the operation is obeyed
function watch:act(op, w)
  local roll, conn = self.roll, w.conns[op.conn]
  w.smtp_chunk = one_in(roll, 3) and roll(40) or 16384
  if conn and conn.world and op.op == "receive" and one_in(roll, 6) then -- a name server's packet, bent
    local at = roll(#conn.out + 1)
    conn.out = conn.out:sub(1, at - 1) .. string.char(roll(256) - 1) .. conn.out:sub(at + roll(3))
  elseif conn and not conn.world and self.liar and one_in(roll, 25) then
    self.lied = true
    conn.out = conn.out .. unasked[roll(#unasked)]
  elseif conn and op.op == "send" and not conn.world and conn.out ~= "" and one_in(roll, 4) then
    local out = conn.out
    conn.out = ""
    w.delivery:step(w.clock, "received", op.conn, out) -- a driver that reads while it writes
  end
  if one_in(roll, self.calm) then
    self.cancelled = true
    return "cancel"
  elseif not silent[op.op] and one_in(roll, self.calm) then
    return "fail " .. kinds[roll(#kinds)]
  end
end

-- how much of it the wire took: what its host has now and had not before
local function follow(w, self, op)
  local conn = w.conns[op.conn]
  if op.op ~= "send" or not conn or conn.world then return end
  local receive = conn.receive
  conn.receive = function(c, bytes)
    self.sent[op.conn] = (self.sent[op.conn] or "") .. bytes
    return receive(c, bytes)
  end
  if self.following[op.conn] then conn.receive = receive end
  self.following[op.conn] = true
end

-- what the owner says to NEXT and ADMIT, now and then
local function hesitate(w, roll)
  w.later = function() return one_in(roll, 20) and w.clock + roll(15) or nil end
  w.admit = function(op)
    if one_in(roll, 10) then return w.clock + roll(9) end
    return nil, op.n > 1 and roll(op.n) or nil
  end
end

local function deliver(self, w)
  local ok, why = pcall(w.deliver, w, self.config, self.messages, function(op, step)
    self.step = step
    self:see(op, w)
    follow(w, self, op)
    return self:act(op, w)
  end)
  if not ok then
    local text = tostring(why)
    error(text:find "^seed " and text or ("seed %d, operation %d: %s"):format(self.seed, self.step or 0, text), 0)
  end
  self:check(w.open == #w.kept, w.open - #w.kept .. " connections left open")
  self:check(next(w.tokens) == nil, "an admission was not given back")
  local told, due = 0, 0
  for _ in pairs(self.rows) do told = told + 1 end
  for i = 1, w.given do due = due + #self.messages[i].recipients end
  self:check(told == due, ("%d RESULTs for %d recipients"):format(told, due))
end

-- the rows of all its deliveries
function chaos.run(seed, context)
  local roll, all = dice(seed), {}
  local hosts = { ["9.0.0.1"] = host_of(roll), ["9.0.0.2"] = host_of(roll), ["2600::2"] = host_of(roll) }
  local w = world.new{ zone = zone_of(roll), hosts = hosts }
  local liar, calm = one_in(roll, 3), ({ 15, 60, 100000 })[roll(3)]
  local config, lied = config_of(roll), nil
  w.context = context and one_in(roll, 2) and context or nil
  if one_in(roll, 2) then hesitate(w, roll) end
  for turn = 1, one_in(roll, 3) and 2 or 1 do
    local self = setmetatable({ seed = seed, roll = roll, rows = {}, sent = {}, presented = {}, following = {},
                                hosts = hosts, liar = liar, calm = calm, config = config, lied = lied,
                                messages = messages_of(roll, turn) }, watch)
    deliver(self, w)
    lied = self.lied
    for key, outcome in pairs(self.rows) do all[turn .. "." .. key] = outcome end
    for _, k in ipairs(w.kept) do
      if one_in(roll, 4) then k.conn.closed = true end
    end
  end
  return all
end

return chaos
