-- A driver of one's own: blocking sockets, here LuaSocket's. What a driver is
-- stands in lua/directsend/driver/init.lua.
--   directsend.new { driver = dofile "examples/driver.lua" }
local core = require "directsend.core"
local socket = require "socket"

local kinds = { ["timeout"] = "timeout", ["connection refused"] = "refused",
                ["Network is unreachable"] = "unreachable", closed = "reset" }
local function failure(why)
  return nil, kinds[why] or "local", not kinds[why] and why or nil
end

local conn = {}
conn.__index = conn

function conn:by(deadline) -- the socket, which waits no longer than that
  self.sock:settimeout(deadline and math.max(0, deadline - core.now()))
  return self.sock
end

function conn:send(data, deadline)
  local n, why, part = self:by(deadline):send(data)
  if n or part and part > 0 then return self.tcp and (n or part) or #data end
  return failure(why)
end

function conn:receive(max, deadline) -- what there is, once there is something
  local data, why = self:by(deadline):receive(self.tcp and 1 or max)
  if why == "closed" and self.sock:getpeername() then return "" end
  if not data then return failure(why) end
  if not self.tcp then return data end
  local more, _, part = self:by(0):receive(max - 1)
  return data .. (more or part)
end

function conn:close() self.sock:close() end

local function connect(op)
  if op.source or op.interface then return failure "this driver cannot bind" end
  local sock = assert(op.tcp and socket.tcp() or socket.udp())
  local self = setmetatable({ sock = sock, tcp = op.tcp, peer_ip = op.ip }, conn)
  local reach = op.tcp and sock.connect or sock.setpeername
  local ok, why = reach(self:by(op.deadline), op.ip, op.port)
  if not ok then return failure(why) end
  if op.tcp then sock:setoption("tcp-nodelay", true) end
  self.local_ip = sock:getsockname()
  return self
end

return { name = "plain", now = core.now, connect = connect,
         sleep = function(time) socket.sleep(time - core.now()) end,
         capabilities = { race = false, peek = false, duplex = false,
                          udp = true, bind = false, max_chunk = 16384 } }
