-- native: the core's own loop over sockets and epoll.  It carries any number
-- of deliveries at once and blocks the process meanwhile.

local core = require "directsend.core"

local native = {
  name = "native",
  capabilities = { race = false, peek = true, duplex = true, udp = true,
                   bind = true, max_chunk = 65536 },
}

function native.run(jobs)
  local loop, why = core.loop()
  if not loop then return nil, why, { kind = "local" } end
  local feeds = {}
  jobs.left = function() loop:close() end
  for i = 1, #jobs do
    feeds[jobs[i].delivery] = jobs[i].feed
    loop:add(jobs[i].delivery)
  end
  local delivery, op = loop:wait()
  while delivery ~= nil do -- false: a signal came
    local answer = delivery and feeds[delivery][op.op] -- done has none
    if answer then delivery, op = loop:wait(answer(op))
    else delivery, op = loop:wait() end
  end
  loop:close()
  return true
end

-- native.open: deliveries that others may be added to while they run
function native.open() return require "directsend.driver.running"() end

return native
