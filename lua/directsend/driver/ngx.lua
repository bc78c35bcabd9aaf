-- ngx: the cosockets of nginx's Lua module.  A send yields and the worker goes
-- on; several deliveries of one send run in light threads of its own request
-- or timer.

local core = require "directsend.core"
local ngx = require "ngx"
local obey = require "directsend.driver.loop"
local sockets = require "directsend.driver.sockets"

local failure = sockets.failure

local driver = {
  name = "ngx",
  capabilities = { race = false, peek = false, duplex = false, udp = true,
                   bind = ngx.config.ngx_lua_version >= 10023,
                   max_chunk = 16384 },
}

-- where nginx has no cosockets
local without = { init = true, init_worker = true, set = true, balancer = true,
                  header_filter = true, body_filter = true, log = true,
                  ssl_session_store = true, exit_worker = true }

local longest = 2147483647

-- milliseconds until then: nginx takes 0 for its own default
local function left(deadline)
  if not deadline then return longest end
  local ms = math.ceil(sockets.left(deadline) * 1000)
  return math.max(1, math.min(ms, longest))
end

local stream = {}
stream.__index = stream

-- nginx logs whoever touches a socket that has failed: it is never done
function stream:fail(why)
  self:close()
  return failure(why)
end

function stream:send(data, deadline)
  if not self.sock then return failure "closed" end
  local ms = left(deadline)
  self.sock:settimeouts(ms, ms, ms)
  local n, why = self.sock:send(data)
  if not n then return self:fail(why) end
  return n
end

function stream:receive(max, deadline)
  if not self.sock then return "" end
  local ms = left(deadline)
  self.sock:settimeouts(ms, ms, ms)
  local data, why = self.sock:receiveany(max)
  if data then return data end
  if why ~= "closed" then return self:fail(why) end
  self:close()
  return ""
end

function stream:close()
  local sock = self.sock
  self.sock = nil
  if sock then sock:close() end
end

local datagram = { fail = stream.fail, close = stream.close }
datagram.__index = datagram

function datagram:send(data)
  if not self.sock then return failure "closed" end
  local ok, why = self.sock:send(data)
  if not ok then return self:fail(why) end
  return #data
end

function datagram:receive(max, deadline)
  if not self.sock then return failure "closed" end
  self.sock:settimeout(left(deadline))
  local data, why = self.sock:receive(max)
  if not data then return self:fail(why) end
  return data
end

local function bracketed(ip)
  return ip:find ":" and "[" .. ip .. "]" or ip
end

local function connect_udp(op)
  local sock, why = ngx.socket.udp()
  if not sock then return failure(why) end
  local ok
  ok, why = sock:setpeername(bracketed(op.ip), op.port)
  if not ok then
    sock:close()
    return failure(why)
  end
  return setmetatable({ sock = sock, peer_ip = op.ip, local_ip = op.ip },
                      datagram)
end

local function connect_tcp(op)
  local sock, ok, why
  sock, why = ngx.socket.tcp()
  if not sock then return failure(why) end
  if op.source then
    if not sock.bind then
      return nil, "local", "this nginx cannot bind a socket to an address"
    end
    ok, why = sock:bind(op.source)
    if not ok then return failure(why) end
  end
  local ms = left(op.deadline)
  sock:settimeouts(ms, ms, ms)
  -- a pool of its own: nobody else's idle connection may be taken for ours
  ok, why = sock:connect(bracketed(op.ip), op.port, { pool = "directsend" })
  if not ok then return failure(why) end
  return setmetatable({ sock = sock, peer_ip = op.ip,
                        local_ip = op.source or core.local_ip(op.ip)
                                   or op.ip }, stream)
end

local function connect(op)
  if op.interface then
    return nil, "local", "nginx cannot bind a socket to an interface"
  end
  return (op.tcp and connect_tcp or connect_udp)(op)
end

local function sleep(time)
  ngx.sleep(sockets.left(time))
end

local io = { now = core.now, connect = connect, sleep = sleep }

-- one delivery; whatever happens its sockets are closed
local function carry(job)
  local open = {}
  local ok, why = pcall(obey, job.delivery, io, job.feed, open)
  for _, conn in core.next, open do conn:close() end
  return ok, why
end

local function together(jobs)
  local threads, failed = {}, nil
  for i = 1, #jobs do threads[i] = ngx.thread.spawn(carry, jobs[i]) end
  for i = 1, #threads do
    local ran, ok, why = ngx.thread.wait(threads[i])
    if not (ran and ok) then failed = failed or why or ok end
  end
  if failed then error(failed, 0) end
end

function driver.run(jobs)
  local phase = ngx.get_phase()
  if without[phase] then
    return nil, ("nginx has no sockets in its %s phase: send from a timer "
                 .. "(ngx.timer.at)"):format(phase),
           { kind = "usage", field = "driver" }
  end
  if #jobs > 1 then
    together(jobs)
  elseif jobs[1] then
    local ok, why = carry(jobs[1])
    if not ok then error(why, 0) end
  end
  return true
end

return driver
