-- driver: who owns the sockets.
--
-- A driver is a table:
--   name          a word for messages
--   capabilities  { race, peek, duplex, udp, bind: booleans;
--                   max_chunk: most bytes it wants in one SEND }
-- and either
--   run(jobs)     obeys each { delivery=, feed= } of the list until its `done`,
--                 all at once where it can; true, or nil, message, detail when
--                 it cannot work here (nothing was touched then)
-- or what driver/loop.lua needs to do so:
--   now()         seconds on a clock that never goes back (deadlines are on it)
--   connect(op)   op.tcp or UDP to op.ip, op.port, from op.source and over
--                 op.interface where given, until op.deadline:
--                 conn, or nil, kind, text
--   all(list)     optional: calls the functions of the list, at once
-- A conn has local_ip, peer_ip (text), and
--   conn:send(data, deadline)     octets taken, or nil, kind, text
--   conn:receive(max, deadline)   octets, "" when the peer closed; a datagram
--                                 with UDP; or nil, kind, text
--   conn:close(abort)             returns nothing
-- kind is refused, unreachable, timeout, closed, reset, local or cancelled.
--
-- A feed answers what is no matter of sockets, with the words of the
-- delivery's answers: next, body, rewind and context return an answer; result,
-- host and trace return nothing.

local driver = {}

local abilities = { "race", "peek", "duplex", "udp", "bind" }

-- run for a driver that gives sockets only
local function over_loop(io)
  local obey = require "directsend.driver.loop"
  return function(jobs)
    local list = {}
    for i = 1, #jobs do
      list[i] = function() obey(jobs[i].delivery, io, jobs[i].feed) end
    end
    if io.all then
      io.all(list)
    else
      for i = 1, #list do list[i]() end
    end
    return true
  end
end

-- driver.check: raises what a given driver lacks
function driver.check(d)
  local check = require "directsend.check"
  local function need(t, key, kind)
    check.type(t[key], kind, "driver." .. key)
  end
  need(d, "capabilities", "table")
  for i = 1, #abilities do need(d.capabilities, abilities[i], "boolean") end
  need(d.capabilities, "max_chunk", "number")
  need(d, "run", "function|nil")
  if d.run then return end
  need(d, "now", "function")
  need(d, "connect", "function")
  need(d, "all", "function|nil")
end

-- driver.pick: the driver of a name or table; of nothing, the one that fits
-- where we are.  Inside nginx that is never native: it would stop the worker.
function driver.pick(d)
  if type(d) == "table" then
    if d.run then return d end
    return { name = d.name, capabilities = d.capabilities, run = over_loop(d) }
  end
  local inside = package.loaded.ngx
  local name = d or (inside and inside.get_phase and "ngx") or "native"
  return require("directsend.driver." .. name)
end

return driver
