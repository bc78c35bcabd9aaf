-- given: a driver that the caller brings (init.lua says what it must have).

local check = require "directsend.check"
local core = require "directsend.core"

local given = {}

local abilities = { "race", "peek", "duplex", "udp", "bind" }

-- call each of the list
local function each(list)
  for i = 1, #list do list[i]() end
end

local function close(conns)
  for _, conn in core.next, conns do pcall(conn.close, conn, true) end
end

-- given.run: `run` of a driver that gives sockets only. When something raises,
-- what is open is closed; where `all` raises itself, jobs.left() does that.
function given.run(io)
  local obey = require "directsend.driver.loop"
  return function(jobs)
    local list, open = {}, {}
    for i = 1, #jobs do
      open[i] = {}
      local function carry()
        obey(jobs[i].delivery, io, jobs[i].feed, open[i])
      end
      list[i] = not io.pcall and carry or function()
        local ok, why = io.pcall(carry)
        if ok then return end
        close(open[i])
        error(why, 0)
      end
    end
    jobs.left = function()
      for i = 1, #open do close(open[i]) end
    end
    local ok, why = (io.all or each)(list)
    if ok ~= false then return true end
    jobs.left()
    if io.settle then io.settle() end
    error(why, 0)
  end
end

-- given.check: raises what a driver lacks
function given.check(d)
  local function need(t, key, kind)
    check.type(t[key], kind, "driver." .. key)
  end
  need(d, "capabilities", "table")
  for i = 1, #abilities do need(d.capabilities, abilities[i], "boolean") end
  need(d.capabilities, "max_chunk", "number")
  local enough = d.capabilities.max_chunk >= 512 -- which NaN is not
  if not enough then
    error("driver.max_chunk: expected 512 octets or more", 0)
  end
  need(d, "run", "function|nil")
  if d.run then return end
  need(d, "now", "function")
  need(d, "connect", "function")
  need(d, "all", "function|nil")
  need(d, "sleep", "function|nil")
  need(d, "pcall", "function|nil")
end

-- given.whole: the driver with its run
function given.whole(d)
  if d.run then return d end
  return { name = d.name, capabilities = d.capabilities, now = d.now,
           run = given.run(d) }
end

return given
