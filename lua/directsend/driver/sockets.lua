-- sockets: what the drivers share whose loop gives sockets that do not block
-- and a way to wait for one (cqueues, copas, luv, luasocket).  Here that
-- becomes what given.lua and loop.lua ask of a driver.

local core = require "directsend.core"
local given = require "directsend.driver.given"

local sockets = {}

-- ---------------------------------------------------------------- failures

-- what nginx, LuaSocket, the C library and libuv call what has a kind here;
-- for all else the core has no word but theirs
local kinds = {
  { "timed? ?out", "timeout" }, { "refused", "refused" },
  { "reset", "reset" }, { "broken pipe", "reset" }, { "epipe", "reset" },
  { "abort", "reset" }, { "unreach", "unreachable" },
  { "no route", "unreachable" }, { "host is down", "unreachable" },
  { "network is down", "unreachable" }, { "netdown", "unreachable" },
  { "closed", "closed" },
}

-- sockets.failure: nil, kind, text
function sockets.failure(why)
  why = tostring(why)
  local lower = why:lower()
  for i = 1, #kinds do
    if lower:find(kinds[i][1]) then return nil, kinds[i][2] end
  end
  return nil, "local", why
end

-- seconds until the deadline, 0 when it is past; nil: there is none
function sockets.left(deadline)
  return deadline and math.max(0, deadline - core.now())
end

-- ------------------------------------------------------------------- conns

-- what put and take say when the socket would block
sockets.again = {}

-- do what try does, however long that takes; nil, kind, text when it is too
-- late, or when somebody closed the conn meanwhile
local function persist(self, how, deadline, try, argument)
  while self.open do
    local value, why = try(self, argument)
    if value then return value end
    if why ~= sockets.again then return sockets.failure(why) end
    if deadline and core.now() >= deadline then return nil, "timeout" end
    local ok
    ok, why = self:ready(how, deadline)
    if ok == false then return nil, "local", why end
  end
  return nil, "cancelled"
end

local conn = {}

function conn:send(data, deadline)
  return persist(self, "w", deadline, self.put, data)
end

function conn:receive(max, deadline)
  return persist(self, "r", deadline, self.take, max)
end

-- what can be read without waiting, or nil
function conn:peek(max)
  return self.open and self:take(max) or nil
end

function conn:close(abort)
  if not self.open then return end
  self.open = false
  self:shut(abort)
  if self.wake then self:wake() end
end

-- sockets.class: a class of conns, to which the driver adds
--   put(self, data)              octets taken, or nil, why
--   take(self, max)              octets, "" at the end, or nil, why
--   ready(self, how, deadline)   return when it can be read ("r") or written
--                                ("w"), at the deadline, or before; false, why
--                                when it can never
--   shut(self, abort)            close the socket
--   wake(self)                   optional: it is closed, ready returns
function sockets.class(ready, wake)
  local class = { ready = ready, wake = wake }
  for name, method in core.next, conn do class[name] = method end
  class.__index = class
  return class
end

-- sockets.open: a conn of a class, with its ends' addresses
function sockets.open(class, fields)
  fields.open = true
  return setmetatable(fields, class)
end

-- ------------------------------------------------------------------- tasks

-- sockets.coroutine: the one we are in, unless it is the main one
function sockets.coroutine()
  local co, main = coroutine.running()
  return not main and co or nil
end

-- whether a yield passes pcall, as it does not in PUC 5.1
sockets.yieldable = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil

local function watched(co, ok, ...)
  if coroutine.status(co) ~= "suspended" then return ok, ... end
  return watched(co, coroutine.resume(co, coroutine.yield(...)))
end

-- sockets.pcall: pcall of a function that may yield
function sockets.pcall(f)
  if sockets.yieldable then return pcall(f) end
  local co = coroutine.create(f)
  return watched(co, coroutine.resume(co))
end

-- sockets.all: have each function f of the list run by start(one, f), as
-- one(f) in a task of its own, and call turn() until all have ended; done() is
-- called when the last one does.  False and what one of them raised.
function sockets.all(list, start, turn, done)
  local left, failed = #list, nil
  local function one(f)
    local ok, why = sockets.pcall(f)
    if not ok then failed = failed or { why } end
    left = left - 1
    if left == 0 then done() end
  end
  for i = 1, #list do start(one, list[i]) end
  while left > 0 do turn() end
  if failed then return false, failed[1] end
end

-- sockets.driver: with what every such driver has
function sockets.driver(d)
  d.now = core.now
  d.capabilities = { race = false, peek = true, duplex = false, udp = true,
                     bind = true, max_chunk = 16384 }
  d.run = given.run(d)
  return d
end

return sockets
