-- luasocket: LuaSocket's sockets and its select.  There is no loop around us:
-- the deliveries of one send are carried at once, and the process waits.

local connector = require "directsend.driver.connector"
local core = require "directsend.core"
local socket = require "socket"
local sockets = require "directsend.driver.sockets"

-- a task asks to go on by yielding this and a conn, how, deadline; any other
-- yield is for those around us
local asking = {}

local most = socket._SETSIZE or 1024

local function ready(self, how, deadline)
  if self.sock:getfd() >= most then
    return false, ("more than %d descriptors: select(2) waits for no more")
                  :format(most)
  end
  coroutine.yield(asking, self, how, deadline)
end

-- what the task said when it stopped
local function note(task, ok, ...)
  if coroutine.status(task.co) == "dead" then
    task.dead, task.failed, task.why = true, not ok, (...)
  elseif rawequal(..., asking) then
    task.conn, task.how, task.deadline = select(2, ...)
  else
    return note(task, coroutine.resume(task.co, coroutine.yield(...)))
  end
end

-- wait for what the tasks wait for; what select found ready
local function wait(tasks)
  local sets, first = { r = {}, w = {} }, math.huge
  for i = 1, #tasks do
    local conn = tasks[i].conn
    local set = conn and conn.open and sets[tasks[i].how]
    if set then set[#set + 1] = conn.sock end
    first = math.min(first, conn and not conn.open and 0
                            or tasks[i].deadline or math.huge)
  end
  local left = first < math.huge and math.max(0, first - core.now()) or nil
  sets.r, sets.w = socket.select(sets.r, sets.w, left)
  return sets
end

local function due(task, sets)
  local conn = task.conn
  return conn and (not conn.open or sets[task.how][conn.sock])
         or task.deadline and core.now() >= task.deadline
end

local function all(list)
  local tasks, failed = {}, nil
  for i = 1, #list do
    tasks[i] = { co = coroutine.create(list[i]) }
    note(tasks[i], coroutine.resume(tasks[i].co))
  end
  while tasks[1] do
    for i = #tasks, 1, -1 do
      if tasks[i].failed then failed = tasks[i] end
      if tasks[i].dead then table.remove(tasks, i) end
    end
    local sets = tasks[1] and wait(tasks)
    for i = 1, #tasks do
      if due(tasks[i], sets) then
        note(tasks[i], coroutine.resume(tasks[i].co))
      end
    end
  end
  if failed then return false, failed.why end
end

local function sleep(time)
  coroutine.yield(asking, nil, nil, time)
end

return sockets.driver {
  name = "luasocket", pcall = sockets.pcall,
  connect = connector(ready), sleep = sleep, all = all,
}
