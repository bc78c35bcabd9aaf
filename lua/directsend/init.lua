-- directsend: a message goes straight to the hosts that take its recipients'
-- mail, and a report says what became of each.

local config = require "directsend.config"
local core = require "directsend.core"
local destination = require "directsend.destination"
local driver = require "directsend.driver"
local message = require "directsend.message"

local directsend = { _VERSION = "directsend " .. core.version }

local mailer = {}
mailer.__index = mailer

-- ------------------------------------------------------------------- feeds

-- the body as the message gives it; where several deliveries read it at once
-- body.lua gives it instead
local function streamed(m)
  return function(op)
    local data, why = m:read(op.max)
    if not data then return "failed", "local", why end
    return "body", data, data == ""
  end
end

-- recipients of one transaction: what every host must take (RFC 5321
-- §4.5.3.1.8)
local most = 100

-- what one delivery asks of us besides its sockets: driver/init.lua
local function feed_of(self, m, envelope, group, body, rows, jobs)
  local feed, tag = { body = body and body.read or streamed(m) }, 0
  function feed.next()
    feed.asked = true
    local list = {}
    for i = tag * most + 1, math.min((tag + 1) * most, #group.recipients) do
      list[#list + 1] = envelope.recipients[group.recipients[i]]
    end
    if not list[1] then return "no_more" end
    if not body then m.core:rewind() end
    tag = tag + 1
    return "message", { sender = envelope.sender, recipients = list,
                        size = m:size(), tag = tag, flags = m.flags,
                        tls_optional = m.tls_required == false,
                        source = not body and m.core or nil }
  end
  function feed.rewind()
    if body then return "rewound" end
    local ok, why = m.core:rewind()
    if not ok then return "failed", "local", why end
    return "rewound"
  end
  function feed.context() return require "directsend.context"(self, group, m) end
  function feed.result(op)
    local row = op.row
    local index = group.recipients[(row.tag - 1) * most + row.recipient]
    row.address, row.route = envelope.recipients[index], group.route
    row.recipient, row.tag = nil, nil
    rows[index], jobs.due = row, jobs.due - 1
  end
  function feed.trace(op)
    if self.trace then self.trace(op.data) end
  end
  if self.memory then self.memory:serve(feed) end
  return feed
end

-- ----------------------------------------------------------------- sending

-- no yield passes a pcall of PUC 5.1; outside coroutines nothing yields
local function guarded(run, jobs)
  if _VERSION == "Lua 5.1" and not rawget(_G, "jit") and coroutine.running() then
    return true, run(jobs)
  end
  return pcall(run, jobs)
end

-- run the deliveries of these groups; true, or nil, message, detail.  What they
-- find out is remembered from the second message on, or where it outlives the
-- mailer
local function over_network(self, m, envelope, groups, rows)
  local d, jobs = driver.pick(self.config.driver), { due = 0 }
  if self.used or self.config.state then
    require "directsend.memory".of(self)
  end
  self.used = true
  local body, why, detail
  if groups[2] or #groups[1].recipients > most then
    body, why, detail = require "directsend.body"(m, self.config)
    if not body then return nil, why, detail end
  end
  for i, group in ipairs(groups) do
    local delivery, field
    delivery, why, field =
      destination.delivery(self.config, group, d, nil,
                           self.memory and self.memory:abilities())
    if not delivery then return nil, why, { kind = "usage", field = field } end
    jobs[i] = { delivery = delivery,
                feed = feed_of(self, m, envelope, group, body, rows, jobs) }
    jobs.due = jobs.due + #group.recipients
  end
  local ran, ok
  ran, ok, why, detail = guarded(d.run, jobs)
  if not ran then why, ok = ok, nil end
  local refused = ran and not ok and detail and core.next(rows) == nil
  if not refused and jobs.due > 0 then
    require "directsend.rescue"(jobs, groups, envelope, rows, why)
  end
  for i = 1, #jobs do jobs[i].delivery:close() end
  if body then body.close() end
  if self.memory then self.memory:save(m) end
  if refused then return nil, why, detail end
  return true
end

-- a row for every recipient: refused here, or told by its delivery
local function rows_of(self, m, envelope)
  local rows = {}
  local groups, refusals = destination.group(self.config, envelope)
  for i, why in core.next, refusals do
    rows[i] = { address = envelope.recipients[i], outcome = "failed",
                kind = "policy", temporary = false, text = why,
                tls = { level = "none", policy = self.config.policy } }
  end
  if groups[1] then
    local ok, why, detail = self.carry(self, m, envelope, groups, rows)
    if not ok then return nil, why, detail end
  end
  return rows
end

-- the rows as send returns them; all: somebody left out is a failure
local function judged(rows, all)
  local delivered = 0
  for _, row in ipairs(rows) do
    if row.outcome == "delivered" then delivered = delivered + 1 end
  end
  rows.ok = delivered == #rows
  if rows.ok or delivered > 0 and not all then return rows end
  local report = require "directsend.report"
  return nil, report.message(rows), report.detail(rows)
end

-- a finished message goes out, and is closed unless it is the caller's
local function deliver(self, m, given)
  local rows, why, detail = rows_of(self, m, m:envelope())
  if rows then rows.message_id, rows.bytes = m.message_id, m:size() end
  if m ~= given then m.core:close() end
  if not rows then return nil, why, detail end
  if m.warnings then
    require "directsend.warnings".tell(self, rows, m.warnings)
  end
  return judged(rows, m.all)
end

-- mailer:send: now, over the network: a table, or a message that is built
function mailer:send(t)
  if self.closed then error("directsend: this mailer is closed", 0) end
  if getmetatable(t) == message.built then
    return require "directsend.built"(self, t, deliver)
  end
  local m, why, detail = message.new(t, self.config)
  if not m then return nil, why, detail end
  return deliver(self, m)
end

-- mailer:each: one letter, many recipients: see each.lua
function mailer:each(...) return require "directsend.each".new(self, ...) end

-- mailer:close: idempotent; deliveries of another coroutine end on their own
function mailer:close()
  if self.trace then self.trace() end
  self.closed, self.trace, self.tls = true, nil, nil
  return true
end
mailer.__gc, mailer.__close = mailer.close, mailer.close

-- ------------------------------------------------------------------- faces

-- directsend.new: a mailer; from a table, a file name, or the configuration
-- that is found
function directsend.new(source)
  local c, why, detail = config.read(source)
  if not c then return nil, why, detail end
  local self = setmetatable({ config = c, carry = over_network }, mailer)
  if c.trace then
    self.trace, why, detail = require "directsend.trace".open(c.trace)
    if not self.trace then return nil, why, detail end
  end
  if c.transport ~= "network" then require "directsend.transport".open(self) end
  return self
end

local standing -- the mailer of directsend.send

function directsend.send(t)
  if not standing then
    local why, detail
    standing, why, detail = directsend.new()
    if not standing then return nil, why, detail end
  end
  return standing:send(t)
end

-- directsend.message: built, not sent
function directsend.message(t)
  return message.new(t)
end

return directsend
