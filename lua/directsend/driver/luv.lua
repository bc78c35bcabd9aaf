-- luv: libuv's handles in libuv's loop.  A coroutine that waits is woken by a
-- callback.

local core = require "directsend.core"
local sockets = require "directsend.driver.sockets"

-- libuv's callbacks run in the coroutine that loads luv
if not package.loaded.luv and sockets.coroutine() then
  error("load the module luv before, outside coroutines", 0)
end
local handles = require "directsend.driver.handles"
local uv = require "luv"

-- what to call when a task of ours has ended, by its coroutine
local tasks = {}

local function resume(co)
  local ok, why = coroutine.resume(co)
  local one = tasks[co]
  if one and coroutine.status(co) == "dead" then
    tasks[co] = nil
    one(function() if not ok then error(why, 0) end end)
  elseif not ok then -- it was the caller's: libuv's callbacks end here
    error(debug.traceback(co, tostring(why)), 0)
  end
end

local function wake(self)
  local co = self.waiting
  self.waiting = nil
  if co then resume(co) end
end

-- until the deadline, or until something wakes us before
local function ready(self, _, deadline)
  self.waiting = coroutine.running()
  if deadline then
    local ms = math.ceil(sockets.left(deadline) * 1000)
    self.timer:start(ms, 0, function() wake(self) end)
  end
  coroutine.yield()
  if not self.timer:is_closing() then self.timer:stop() end
end

-- until the loop has looked at its sockets
local idle, check, waiting = uv.new_idle(), uv.new_check(), {}

local function looked()
  local list = waiting
  waiting = {}
  idle:stop()
  check:stop()
  for i = 1, #list do resume(list[i]) end
end

local function turn()
  waiting[#waiting + 1] = coroutine.running()
  if not waiting[2] then
    idle:start(function() end) -- or the loop would wait for something first
    check:start(looked)
  end
  coroutine.yield()
end

-- Handles go after the loop has looked. Their Lua face does not bear it when
-- the process ends before that.
local function let_go(here)
  if not here then return uv.run "nowait" end
  turn()
  turn()
end

local function sleep(time)
  local self = { timer = uv.new_timer() }
  repeat ready(self, nil, time) until core.now() >= time
  self.timer:close()
  let_go(true)
end

-- with no pcall where one cannot be yielded in
local function call(f)
  if sockets.yieldable then return pcall(f) end
  return true, f()
end

local function together(list, here)
  local parent = {}
  local function start(one, f)
    local co = coroutine.create(f)
    tasks[co] = one
    resume(co)
  end
  local function step()
    if here then
      parent.waiting = here
      coroutine.yield()
    elseif uv.loop_alive() then
      uv.run "once"
    else
      error("luv: a task waits for what is not in the loop", 0)
    end
  end
  return sockets.all(list, start, step, function() wake(parent) end)
end

local function settle(...)
  let_go(sockets.coroutine())
  return ...
end

local function all(list)
  local here = sockets.coroutine()
  if here and #list == 1 then return settle(call(list[1])) end
  return settle(together(list, here))
end

local driver = sockets.driver {
  name = "luv", pcall = sockets.yieldable and pcall or nil,
  connect = handles(ready, wake, turn), sleep = sleep, all = all,
  settle = settle,
}

local run = driver.run

function driver.run(jobs)
  if uv.loop_mode() and not sockets.coroutine() then
    return nil, "luv waits by yielding: send from a coroutine",
           { kind = "usage", field = "driver" }
  end
  return run(jobs)
end

return driver
