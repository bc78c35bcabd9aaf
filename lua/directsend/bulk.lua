-- bulk: the command of that name: a letter to all of a list, with a journal
-- that lets it be gone on with.

local core = require "directsend.core"
local journal = require "directsend.journal"
local recipients = require "directsend.recipients"

-- the letter of a file: a message as it is, or a chunk of Lua that returns the
-- table of one
local function letter_of(path)
  if not path:lower():find "%.lua$" then return { raw = { path = path } } end
  return require "directsend.configfile".load(path)
end

-- one line, whatever is in it: what an entry is known by
local function label(to)
  if type(to) == "table" then to = to.address or to[1] end
  return (tostring(to):gsub("%c", "?"))
end

-- what the list has for this run, as mailer:each reads it
local function source(run)
  return function()
    while true do
      local entry, why = run.list.next()
      if why then error({ text = why }, 0) end
      if not entry then return nil end
      run.n = run.n + 1
      local to = label(entry.to)
      local state
      state, why = run.journal.state(run.n, to)
      if why then error({ text = why }, 0) end
      if state == "done" then
        run.before = run.before + 1
      elseif state == "unknown" and not run.retry then
        run.left = run.left + 1
      else
        entry.id = { n = run.n, id = entry.id, to = to }
        return entry
      end
    end
  end
end

local function note(run, entry, word)
  local ok, why = run.journal.write(entry.n, word, entry.to)
  if not ok then error({ text = why }, 0) end
end

local function count(run, row)
  run[row.outcome] = run[row.outcome] + 1
  run.rows[row.outcome] = run.rows[row.outcome] or row
end

local function tell(run, o, row, entry)
  row.index, row.id = entry.n, entry.id
  row.address = row.address or entry.to
  if o.json then
    local ok, why = o.output(require "directsend.show".json(row))
    if not ok then error({ text = why }, 0) end
  elseif row.outcome ~= "delivered" and not o.quiet then
    if run.bar then run.bar.clear() end
    o.say(require "directsend.report".line(row))
  end
end

local function draw(run, at_once)
  if not run.bar then return end
  run.bar.draw({ part = run.list.size > 0 and run.list.at() / run.list.size or 1,
                 done = run.delivered, failed = run.failed,
                 open = run.deferred + run.unknown,
                 seconds = core.now() - run.start }, at_once)
end

local function settle(run, o, row)
  local entry = row.id
  local word = row.outcome
  if word == "failed" and row.kind == "usage" then word = "refused" end
  note(run, entry, word)
  count(run, row)
  tell(run, o, row, entry)
  draw(run)
end

local function go(run, o)
  for row in function() return run.each:next() end do settle(run, o, row) end
end

-- broken off: what is in flight comes to its end, and into the journal
local function wind_up(run, o)
  run.each:close()
  pcall(go, run, o)
end

local function summary(run)
  local total = run.delivered + run.failed + run.deferred + run.unknown
  local text = ("%d delivered, %d failed, %d deferred, %d unknown of %d")
               :format(run.delivered, run.failed, run.deferred, run.unknown,
                       total)
  if run.before > 0 then text = text .. ("; %d were done before"):format(run.before) end
  if run.left > 0 then
    text = text .. ("; of %d nobody knows, and they were left alone "
                    .. "(--on-unknown retry)"):format(run.left)
  end
  if run.deferred > 0 then
    text = text .. "; the same command tries the deferred ones again"
  end
  return text .. "\n"
end

local function sum_json(run)
  return require "directsend.show".json {
    ok = run.failed + run.deferred + run.unknown + run.left == 0,
    delivered = run.delivered, failed = run.failed, deferred = run.deferred,
    unknown = run.unknown, before = run.before, left = run.left }
end

-- the rows that stand for all
local function worst(run)
  local rows = {}
  for _, word in ipairs { "unknown", "deferred", "failed", "delivered" } do
    rows[#rows + 1] = run.rows[word]
  end
  return rows
end

local function open(o, mailer)
  local letter, why = letter_of(o.letter)
  if not letter then return nil, why end
  local run = { n = 0, before = 0, left = 0, delivered = 0, failed = 0,
                deferred = 0, unknown = 0, rows = {}, start = core.now(),
                retry = o.on_unknown == "retry" }
  run.list, why = recipients.open(o.recipients)
  if not run.list then return nil, why end
  run.journal, why = journal.open(o.journal or o.recipients .. ".journal")
  if not run.journal then return nil, why end
  local made
  made, run.each, why = pcall(mailer.each, mailer, letter, source(run))
  if not made then return nil, run.each end
  if not run.each then return nil, why end
  function run.each.began(item) note(run, item.id, "begun") end
  if not o.json and not o.quiet and core.terminal(2) then
    run.bar = require "directsend.progress".over(io.stderr, core.now)
  end
  return run
end

-- do what the options say: rows that stand for all, or nil, why, and the error
-- of somebody else. o.output prints a text: true, or nil and why not; o.say
-- complains.
return function(o, mailer)
  local run, why = open(o, mailer)
  if not run then return nil, why end
  local ok, bad = pcall(go, run, o)
  if not ok then wind_up(run, o) end
  if run.bar then
    draw(run, true)
    io.stderr:write "\n"
  end
  run.list.close()
  run.journal.close()
  mailer:close()
  local told, trouble = true, nil
  if o.json then
    told, trouble = o.output(sum_json(run))
  elseif not o.quiet then
    told, trouble = o.output(summary(run))
  end
  if not ok and type(bad) == "table" then return nil, bad.text end
  if not ok then return nil, nil, bad end
  if not told then return nil, trouble end
  return worst(run)
end
