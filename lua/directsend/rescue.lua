-- rescue: a driver stopped before its deliveries were done (it raised, it was
-- interrupted, it forgot one).  What has been told stands; the rest is asked
-- of the deliveries themselves, which know how far each message had come.

local core = require "directsend.core"

local function one_line(text)
  return (tostring(text):gsub("%s+", " "):sub(1, 300))
end

-- the delivery's last words: what is open is cancelled, and told
local function drain(job, why)
  local delivery, feed, now = job.delivery, job.feed, core.now()
  delivery:cancel(now)
  local op = delivery:step(now)
  while op.op ~= "done" do
    if op.op == "result" then
      if op.row.text == "cancelled" then op.row.text = why end
      feed.result(op)
    end
    op = delivery:step(now)
  end
end

-- a recipient of whom nothing is known; nobody asked for the message, nobody
-- has it
local function lost(address, group, asked, why)
  return { address = address, outcome = asked and "unknown" or "deferred",
           kind = "local", temporary = true, text = why, route = group.route,
           tls = { level = "none" } }
end

-- rows for every recipient of these jobs
local function rescue(jobs, groups, envelope, rows, why)
  why = one_line(why or "the driver left it undone")
  if jobs.left then jobs.left() end
  for i, job in ipairs(jobs) do
    pcall(drain, job, why)
    for _, index in ipairs(groups[i].recipients) do
      rows[index] = rows[index] or lost(envelope.recipients[index], groups[i],
                                        job.feed.asked, why)
    end
  end
end

return setmetatable({ line = one_line, drain = drain, lost = lost },
                    { __call = function(_, ...) return rescue(...) end })
