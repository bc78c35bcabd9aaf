-- cqueues: its sockets and controllers.

local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local socket = require "cqueues.socket"
local sockets = require "directsend.driver.sockets"

local failure, left = sockets.failure, sockets.left

local function ready(self, how, deadline)
  cqueues.poll({ pollfd = self.sock:pollfd(), events = how }, left(deadline))
end

local class = sockets.class(ready)

local function reason(code)
  if code == errno.EAGAIN then return nil, sockets.again end
  return nil, errno.strerror(code)
end

function class:take(max)
  local data, code = self.sock:recv(-max)
  if data then return data end
  if code and code ~= errno.EPIPE then return reason(code) end
  if self.tcp then return "" end
  self.sock:clearerr() -- an empty datagram is no end
  return self:take(max)
end

-- what the kernel has no room for is in a buffer then, which sending nothing
-- empties
function class:put(data)
  local n, code = self.taken
  if n then
    code = select(2, self.sock:send("", 1, 0))
  else
    n, code = self.sock:send(data, 1, #data)
  end
  self.taken = code and n
  if code then return reason(code) end
  return n
end

function class:shut()
  self.sock:close()
end

-- errors are returned, never raised
local function silent(_, _, code) return code end

local function connect(op)
  if op.interface then
    return nil, "local", "cqueues cannot bind a socket to an interface"
  end
  local sock, code = socket.connect {
    host = op.ip, port = op.port, bind = op.source, nodelay = op.tcp,
    type = op.tcp and socket.SOCK_STREAM or socket.SOCK_DGRAM,
    reuseaddr = false,
  }
  if not sock then return failure(errno.strerror(code)) end
  sock:onerror(silent)
  sock:setmode("bn", "bn")
  sock:setbufsiz(4096, 16384)
  local ok
  ok, code = sock:connect(left(op.deadline))
  if not ok then
    sock:close()
    return failure(errno.strerror(code))
  end
  local _, local_ip = sock:localname()
  return sockets.open(class, { sock = sock, tcp = op.tcp, peer_ip = op.ip,
                               local_ip = local_ip })
end

local function sleep(time)
  cqueues.sleep(left(time))
end

local function all(list)
  local here = cqueues.running()
  if here and #list == 1 then return sockets.pcall(list[1]) end
  local cq, last = here or cqueues.new(), condition.new()
  local function start(one, f) cq:wrap(one, f) end
  local function turn()
    if here then last:wait() else assert(cq:step()) end
  end
  return sockets.all(list, start, turn, function() last:signal() end)
end

return sockets.driver {
  name = "cqueues", pcall = sockets.pcall,
  connect = connect, sleep = sleep, all = all,
}
