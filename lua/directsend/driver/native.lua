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

  local function answer(delivery, word, ...)
    if word then loop:answer(delivery, word, ...) end
  end

  jobs.left = function() loop:close() end
  for i = 1, #jobs do
    feeds[jobs[i].delivery] = jobs[i].feed
    loop:add(jobs[i].delivery)
  end
  repeat
    local delivery, op = loop:wait() -- false: a signal came
    if delivery and op.op ~= "done" then
      answer(delivery, feeds[delivery][op.op](op))
    end
  until delivery == nil
  loop:close()
  return true
end

return native
