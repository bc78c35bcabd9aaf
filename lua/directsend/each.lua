-- each: one letter to many, each of whom gets a message of their own.  The
-- source is read as far ahead as it is needed; rows come as they are known.

local check = require "directsend.check"
local core = require "directsend.core"
local destination = require "directsend.destination"
local driver = require "directsend.driver"
local memory = require "directsend.memory"

local unpack = table.unpack or unpack

local each = {}
each.__index = each

local most = 1000  -- messages in hand without a connection, and rows not taken
local pause = 0.05 -- until a connection asks again that nothing is there for
local patience = 5 -- and so long it goes on asking

-- ------------------------------------------------------------------ source

local function tell(self, row, item)
  row.index, row.id = item.index, item.id
  row.address = row.address or item.address
  self.told = self.told + 1
  self.rows[self.told] = row
end

-- a row for a message that is not even tried
local function refuse(self, item, why, detail)
  tell(self, { outcome = "failed", kind = detail and detail.kind or "usage",
               field = detail and detail.field, temporary = false, text = why,
               tls = { level = "none", policy = self.config.policy } }, item)
end

local item_keys = { to = "string|table", fields = "table",
                    id = "string|number|table|boolean",
                    envelope_sender = "string" }

-- is it an entry? check.keys says what is wrong with one that is not
local function fit(given)
  if type(given) ~= "table" then return false end
  for key, value in core.next, given do
    local want = item_keys[key]
    if not want or not want:find(type(value), 1, true) then return false end
  end
  return true
end

-- no yield passes a pcall of PUC 5.1
local plainly = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- what the source gives next; its error is raised when all rows are told
local function read(self)
  local ok, given
  if plainly and coroutine.running() then
    self.ended = true -- should it raise
    ok, given = true, self.source()
    self.ended = false
  else
    ok, given = pcall(self.source)
  end
  if ok and given ~= nil and not fit(given) then
    ok, given = pcall(check.keys, given, item_keys,
                      ("source[%d]"):format(self.index + 1))
  end
  if not ok then self.raised = given end
  if not ok or given == nil then
    self.ended = true
    return nil
  end
  return given
end

-- where a domain's mail goes, for senders of another; { refused = } nowhere
local function place(self, domain, sender)
  local key = domain
  if self.config.accepted_domains then
    key = domain .. " " .. sender:match "@?([^@]*)$"
  end
  local group = self.places[key]
  if not group then
    local groups, refused = destination.group(self.config,
      { sender = sender, recipients = { "a@" .. domain } })
    group = groups[1] or { refused = refused[1] }
    if self.known >= most then self.places, self.known = {}, 0 end
    self.places[key], self.known = group, self.known + 1
  end
  return group
end

local function lane_of(self, group)
  local lane = self.lanes[group.key]
  if not lane then
    lane = { group = group, first = 1, last = 0, open = 0 }
    self.lanes[group.key] = lane
  end
  return lane
end

-- one more message into its lane; its lane, or false when there is none, nil
-- when the source is at its end
local function pull(self)
  if self.ended then return nil end
  local given = read(self)
  if not given then return nil end
  self.index = self.index + 1
  local item = { index = self.index, id = given.id, fields = given.fields }
  local ok, why, detail = self.letter:address(item, given)
  if not ok then
    item.address = type(given.to) == "string" and given.to or nil
    refuse(self, item, why, detail)
    return false
  end
  local group = place(self, item.domain, item.sender)
  if group.refused then
    refuse(self, item, group.refused, { kind = "policy" })
    return false
  end
  local lane = lane_of(self, group)
  lane.last = lane.last + 1
  lane[lane.last] = item
  self.queued = self.queued + 1
  return lane
end

local function may_pull(self)
  return not self.ended and self.queued < most and self.told - self.taken < most
end

local function take(self, lane)
  local item = lane[lane.first]
  lane[lane.first] = nil
  lane.first = lane.first + 1
  if lane.first > lane.last then lane.first, lane.last = 1, 0 end
  self.queued = self.queued - 1
  return item
end

-- ------------------------------------------------------------------- rates

-- buckets that hold a tenth of a second
local function wait_for(bucket, now)
  if bucket and bucket.at > now then return bucket.at end
end

local function count(bucket, now)
  if bucket then bucket.at = math.max(bucket.at, now - 0.1) + bucket.every end
end

local function bucket(rate)
  return rate and { at = 0, every = 1 / rate }
end

-- until when no message may be sent in this lane; nil: now, and it is counted
local function limited(self, lane)
  local rate = self.config.rate
  if not rate then return nil end
  lane.bucket = lane.bucket or bucket(rate.per_destination)
  local now = self.now()
  local at = wait_for(self.bucket, now) or wait_for(lane.bucket, now)
  if at then return at end
  count(self.bucket, now)
  count(lane.bucket, now)
end

-- --------------------------------------------------------------- deliveries

-- is there something for this lane? Others' messages are put aside on the way
local function fetch(self, lane)
  while lane.first > lane.last and may_pull(self) do pull(self) end
  return lane.first <= lane.last
end

-- nothing is there for a connection: it asks again, or gives its place away
local function idle(self, feed)
  if self.ended or not self.runner or self.waiting > 0 then return "no_more" end
  local now = self.now()
  feed.since = feed.since or now
  if now - feed.since > patience then return "no_more" end
  return "later", now + pause
end

local function feed_of(self, lane)
  local feed, items, free, top = {}, {}, {}, 0
  local messages = {} -- tables that each answer fills anew

  local function tag()
    if top == 0 then return #items + 1 end
    top = top - 1
    return free[top + 1]
  end

  -- the lane's next message into m: true; or nil, and when, if not at once
  local function put(m)
    while lane.first <= lane.last do
      local at = limited(self, lane)
      if at then return nil, at end
      local item = take(self, lane)
      local ok, why, detail = self.letter:fill(m, item)
      if ok then
        m.tag = tag()
        items[m.tag], feed.since = item, nil
        m.sender, m.recipients[1] = item.sender, item.address
        if self.began then self.began(item) end
        return true
      end
      refuse(self, item, why, detail)
    end
  end

  -- as many as it asks for and are there, its share of them
  function feed.next(op)
    local n, at = 0, nil
    local share = math.ceil((lane.last - lane.first + 1) / lane.open)
    local wanted = math.min(op.n, math.max(share, 1))
    while not self.dropping and n < wanted and not at
          and (n > 0 and lane.first <= lane.last
               or n == 0 and fetch(self, lane)) do
      messages[n + 1] = messages[n + 1] or { recipients = {} }
      local ok
      ok, at = put(messages[n + 1])
      if ok then n = n + 1 end
    end
    if n > 0 then return "message", unpack(messages, 1, n) end
    if at then return "later", at end
    if self.dropping then return "no_more" end
    return idle(self, feed)
  end

  function feed.body(op) return self.letter:body(items[op.tag], op) end
  function feed.rewind(op) return self.letter:rewind(items[op.tag]) end
  function feed.context()
    return require "directsend.context"(self.mailer, lane.group)
  end
  function feed.trace(op)
    if self.mailer.trace then self.mailer.trace(op.data) end
  end

  function feed.result(op)
    local row = op.row
    local item = items[row.tag]
    top = top + 1
    free[top], items[row.tag] = row.tag, false
    row.tag, row.recipient = nil, nil
    row.route = lane.group.route
    if item.message then self.letter:done(item) end
    tell(self, row, item)
  end

  feed.items = items
  return feed
end

-- one more connection for this lane: a job; or nil, when there cannot be one,
-- and what waits in it is refused
local function open(self, lane)
  local delivery, why, field =
    destination.delivery(self.config, lane.group, self.driver, nil,
                         memory.of(self.mailer):abilities())
  if not delivery then
    while lane.first <= lane.last do
      refuse(self, take(self, lane), why, { kind = "usage", field = field })
    end
    return nil
  end
  local feed, kept = feed_of(self, lane), memory.of(self.mailer)
  kept:serve(feed)
  lane.open, self.open = lane.open + 1, self.open + 1
  function feed.over()
    lane.open, self.open = lane.open - 1, self.open - 1
    delivery:close()
    kept:save()
  end
  return { delivery = delivery, feed = feed, group = lane.group }
end

-- open what there is room for; add takes each job
local function spread(self, add)
  self.waiting = 0
  for key, lane in core.next, self.lanes do
    local left = lane.last - lane.first + 1
    while left > 2 * lane.open and lane.open < self.per_destination
          and self.open < self.connections do
      local job = open(self, lane)
      if not job then break end
      add(job)
    end
    if left == 0 and lane.open == 0 then
      self.lanes[key] = nil
    elseif lane.open == 0 then
      self.waiting = self.waiting + 1
    end
  end
end

-- ---------------------------------------------------------------- going on

-- what a driver left undone: the deliveries tell how far each had come
local function rescue(self, jobs, why)
  local rescued = require "directsend.rescue"
  if jobs.left then jobs.left() end
  for _, job in ipairs(jobs) do
    pcall(rescued.drain, job, why)
    for _, item in core.next, job.feed.items do
      if item then
        tell(self, rescued.lost(item.address, job.group, true, why), item)
      end
    end
    if job.feed.over then job.feed.over() end
  end
end

-- drivers that cannot be left and come back to: some messages at a time
local function batch(self)
  local jobs, ran, ok, why = {}
  spread(self, function(job) jobs[#jobs + 1] = job end)
  if not jobs[1] then return end
  if plainly and coroutine.running() then
    ran, ok, why = true, self.driver.run(jobs)
  else
    ran, ok, why = pcall(self.driver.run, jobs)
  end
  if not ran then why = ok end
  if ran and ok then
    for _, job in ipairs(jobs) do job.feed.over() end
  else
    self.ended = true
    rescue(self, jobs, require "directsend.rescue".line(why
              or "the driver left it undone"))
  end
end

local function stream(self)
  if not self.runner then
    local runner, why = self.driver.open()
    if not runner then error(why, 0) end
    self.runner = runner
  end
  spread(self, function(job) self.runner.add(job.delivery, job.feed) end)
  if self.open > 0 then self.runner.turn() end
end

-- transports that send nothing: mailer.carry says what became of it
local function carry(self)
  local _, lane = core.next(self.lanes)
  local item = take(self, lane)
  if lane.first > lane.last then self.lanes[lane.group.key] = nil end
  local m, why, detail = self.letter:message(item)
  if not m then return refuse(self, item, why, detail) end
  if self.began then self.began(item) end
  local envelope, rows = m:envelope(), {}
  local group = { route = lane.group.route, pin = lane.group.pin,
                  recipients = { 1 } }
  m.carried, why, detail =
    self.mailer.carry(self.mailer, m, envelope, { group }, rows)
  m.core:close()
  if not m.carried then return refuse(self, item, why, detail) end
  tell(self, rows[1], item)
end

local function shift(self)
  if self.taken == self.told then
    self.taken, self.told = 0, 0
    return nil
  end
  self.taken = self.taken + 1
  local row = self.rows[self.taken]
  self.rows[self.taken] = false
  return row
end

local function work(self)
  while self.queued < self.ahead and may_pull(self) do pull(self) end
  if self.told > self.taken then return true end
  if self.queued == 0 and self.open == 0 and self.ended then return false end
  if self.queued == 0 and self.open == 0 then return true end
  self.step(self)
  return true
end

local function finish(self)
  if self.runner then self.runner.close() end
  self.runner, self.over = nil, true
  self.letter:close()
  local raised = self.raised
  self.raised = nil
  if raised then error(raised, 0) end
end

-- the next row, in the order in which they are known; nil: that was all
function each:next()
  local row = shift(self)
  while not row and not self.over do
    if not work(self) then finish(self) end
    row = shift(self)
  end
  return row
end
each.__call = each.next

-- what is in flight comes to its end, the rest is dropped; its rows are still
-- told
function each:close()
  if self.over then return true end
  self.dropping, self.ended, self.raised = true, true, nil
  self.lanes, self.queued = {}, 0
  while self.open > 0 and self.runner and self.runner.turn() do end
  finish(self)
  return true
end
each.__close = each.close

-- ---------------------------------------------------------------- beginning

local function reader_of(source)
  check.type(source, "function|table", "source")
  if type(source) == "function" then return source end
  local i = 0
  return function()
    i = i + 1
    return source[i]
  end
end

-- each.new: for mailer:each(letter, source)
function each.new(mailer, letter, source)
  if mailer.closed then error("directsend: this mailer is closed", 0) end
  local read_next, c = reader_of(source), mailer.config
  local made, why, detail = require "directsend.letter"(mailer, letter)
  if not made then return nil, why, detail end
  local connections = c.connections or 20
  local self = {
    mailer = mailer, config = c, letter = made, source = read_next, index = 0,
    lanes = {}, places = {}, known = 0, queued = 0, open = 0, waiting = 0,
    rows = {}, told = 0, taken = 0, connections = connections,
    per_destination = c.per_destination or 2,
    ahead = math.min(most, 64 + 4 * connections),
    bucket = bucket(c.rate and c.rate.total), step = carry,
  }
  if c.transport == "network" then
    self.driver = driver.pick(c.driver)
    self.now = self.driver.now or core.now
    self.step = self.driver.open and stream or batch
  end
  setmetatable(self, each)
  return self, nil, nil, self
end

return each
