-- copas: LuaSocket's sockets within Copas.  Every Copas waits for descriptors,
-- and not every one knows time: a watch of the core is a descriptor for both.

local connector = require "directsend.driver.connector"
local copas = require "copas"
local core = require "directsend.core"
local socket = require "socket"
local sockets = require "directsend.driver.sockets"

-- a watch as Copas and the select below it take it for a socket
local eye = {}
eye.__index = eye

local function open_eye()
  local watch, why = core.watch()
  if not watch then return false, why end
  if watch:getfd() >= (socket._SETSIZE or 1024) then
    watch:close()
    return false, "too many descriptors: select(2) waits for no more"
  end
  return setmetatable({ watch = watch }, eye)
end

function eye:getfd() return self.watch:getfd() end

function eye:receive()
  if self.watch:ready() then return true end
  return nil, "timeout"
end

-- an old Copas closes what woke a task last when that ends
function eye:close() self.watch:close() end

local function ready(self, how, deadline)
  local ok, why
  if not self.eye then self.eye, why = open_eye() end
  if not self.eye then return false, why end
  ok, why = self.eye.watch:set(self.sock:getfd(), how, deadline)
  if not ok then return false, why end
  self.waiting = true
  copas.receive(self.eye)
  self.waiting = false
  if not self.open then self.eye:close() end
end

local function wake(self)
  if self.waiting then
    self.eye.watch:set(nil, nil, 0)
  elseif self.eye then
    self.eye:close()
  end
end

local function sleep(time)
  local one, why = open_eye()
  if not one then error(why, 0) end
  one.watch:set(nil, nil, time)
  copas.receive(one)
  one:close()
end

local function all(list)
  local here = sockets.coroutine()
  if here and #list == 1 then return sockets.pcall(list[1]) end
  local last, why = open_eye()
  if not last then error(why, 0) end
  local function done() last.watch:set(nil, nil, 0) end
  local function start(one, f)
    copas.addthread(function() one(f) end) -- an old one passes its own first
  end
  local function turn()
    if here then copas.receive(last) else copas.step() end
  end
  local ok
  ok, why = sockets.all(list, start, turn, done)
  last:close()
  return ok, why
end

return sockets.driver {
  name = "copas", pcall = sockets.pcall,
  connect = connector(ready, wake), sleep = sleep, all = all,
}
