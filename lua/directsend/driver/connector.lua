-- connector: LuaSocket's sockets, for the drivers that wait for them each in
-- its own way (luasocket, copas).

local core = require "directsend.core"
local socket = require "socket"
local sockets = require "directsend.driver.sockets"

local failure, again = sockets.failure, sockets.again

-- a stream's end and its reset have one name in LuaSocket; what was reset has
-- no peer any more
local function take(self, max)
  local data, why, part = self.sock:receive(max)
  data = data or part
  if data and data ~= "" then return data end
  if why == "timeout" then return nil, again end
  if why ~= "closed" then return nil, why end
  if self.sock:getpeername() then return "" end
  return nil, "reset"
end

local function put(self, data)
  local n, why, part = self.sock:send(data)
  if n or part > 0 then return n or part end
  if why == "timeout" then return nil, again end
  return nil, why == "closed" and "reset" or why
end

local function take_datagram(self, max)
  local data, why = self.sock:receive(max)
  if data and data ~= "" then return data end
  return nil, (data or why == "timeout") and again or why
end

local function put_datagram(self, data)
  local ok, why = self.sock:send(data)
  if ok then return #data end
  return nil, why == "timeout" and again or why
end

local function shut(self, abort)
  if abort and self.tcp then
    self.sock:setoption("linger", { on = true, timeout = 0 })
  end
  self.sock:close()
end

local makers = { tcp4 = socket.tcp4 or socket.tcp,
                 tcp6 = socket.tcp6 or socket.tcp,
                 udp4 = socket.udp4 or socket.udp,
                 udp6 = socket.udp6 or socket.udp }

-- a socket that does not block, bound as op wants it; nil, why
local function open(op)
  local make = makers[(op.tcp and "tcp" or "udp")
                      .. (op.ip:find ":" and "6" or "4")]
  local sock, why = make()
  if not sock then return nil, why end
  sock:settimeout(0)
  if not op.source then return sock end
  local ok
  ok, why = (op.tcp and sock.bind or sock.setsockname)(sock, op.source, 0)
  if ok then return sock end
  sock:close()
  return nil, why
end

-- until the connection is made; nil, kind, text
local function connect(self, op)
  local ok, why = self.sock:connect(op.ip, op.port)
  while not ok do
    if why and why ~= "timeout" then return failure(why) end
    if op.deadline and core.now() >= op.deadline then return nil, "timeout" end
    ok, why = self:ready("w", op.deadline)
    if ok == false then return nil, "local", why end
    ok = self.sock:getpeername()
    why = not ok and self.sock:getoption "error"
    if why == "closed" then why = "reset" end
  end
  return true
end

-- `connect` of a driver whose `ready` and `wake` are for these sockets
-- (sockets.lua)
return function(ready, wake)
  local stream = sockets.class(ready, wake)
  local datagram = sockets.class(ready, wake)
  stream.put, stream.take, stream.shut = put, take, shut
  datagram.put, datagram.take = put_datagram, take_datagram
  datagram.shut = shut
  return function(op)
    if op.interface then
      return nil, "local", "LuaSocket cannot bind a socket to an interface"
    end
    local sock, why = open(op)
    if not sock then return failure(why) end
    local conn = sockets.open(op.tcp and stream or datagram,
                              { sock = sock, tcp = op.tcp, peer_ip = op.ip })
    local ok, kind, text
    if op.tcp then
      sock:setoption("tcp-nodelay", true)
      ok, kind, text = connect(conn, op)
    else
      ok, why = sock:setpeername(op.ip, op.port)
      if not ok then ok, kind, text = failure(why) end
    end
    if not ok then
      conn:close(true)
      return nil, kind, text
    end
    conn.local_ip = sock:getsockname()
    return conn
  end
end
