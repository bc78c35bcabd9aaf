-- handles: libuv's, as conns.  Callbacks write down what came.

local core = require "directsend.core"
local sockets = require "directsend.driver.sockets"
local uv = require "luv"

local again = sockets.again

local enough = 65536 -- octets that came before anybody asked for them

local stream = sockets.class()

-- ----------------------------------------------------------------- reading

-- octets came, or a stream's end, or an error; an empty datagram says nothing
local function note(self, err, data)
  if err then
    self.err = err
  elseif data == "" then
    return
  elseif data then
    self[#self + 1], self.held = data, self.held + #data
  else
    self.ended = self.tcp
  end
  if self.held >= enough and self.reading then
    self.reading = false
    self.handle[self.tcp and "read_stop" or "recv_stop"](self.handle)
  end
  self:wake()
end

local function read(self)
  if self.reading then return end
  self.reading = true
  local start = self.handle[self.tcp and "read_start" or "recv_start"]
  start(self.handle, function(err, data) note(self, err, data) end)
end

function stream:take(max)
  local data = self[1]
  if data and #data > max then
    self[1], data = data:sub(max + 1), data:sub(1, max)
  elseif data then
    table.remove(self, 1)
  elseif self.err then
    return nil, self.err
  elseif self.ended then
    return ""
  else
    return nil, again
  end
  self.held = self.held - #data
  if self.held < enough and not (self.err or self.ended) then read(self) end
  return data
end

-- what came since the loop looked last counts, too
local look = stream.peek
function stream:peek(max)
  if not (self[1] or self.err or self.ended) then self.turn() end
  return look(self, max)
end

-- ----------------------------------------------------------------- writing

-- libuv takes all of what it cannot write at once, and tells when it has
function stream:put(data)
  if self.writing then return nil, again end
  local wrote, broken = self.wrote, self.broken
  self.wrote = nil
  if wrote then return wrote end
  if broken then return nil, broken end
  local n, why, name = self.handle:try_write(data)
  if n then return n end
  if name ~= "EAGAIN" then return nil, why end
  self.writing = true
  self.handle:write(data, function(err)
    self.writing, self.broken, self.wrote = false, err, not err and #data
    self:wake()
  end)
  return nil, again
end

local function put_datagram(self, data)
  self.handle:send(data, nil, nil, function(err)
    if err then note(self, err) end
  end)
  return #data
end

function stream:shut(abort)
  self.timer:close()
  if not (abort and self.tcp and self.handle:close_reset()) then
    self.handle:close()
  end
end

-- -------------------------------------------------------------- connecting

-- until the connection is made; nil, why
local function connect(self, op)
  local made, why, req
  req, why = self.handle:connect(op.ip, op.port, function(err)
    made, why = not err, err
    self:wake()
  end)
  if not req then return nil, why end
  while made == nil do
    if op.deadline and core.now() >= op.deadline then return nil, "timeout" end
    self:ready("w", op.deadline)
  end
  if made then self.handle:nodelay(true) end
  return made, why
end

-- `connect` of a driver whose `ready` returns at a conn's deadline or when
-- `wake` is called with it (sockets.lua), and `turn` after the loop has looked
-- at its sockets
return function(ready, wake, turn)
  stream.ready, stream.wake, stream.turn = ready, wake, turn
  return function(op)
    if op.interface then
      return nil, "local", "libuv cannot bind a socket to an interface"
    end
    local self = sockets.open(stream, {
      tcp = op.tcp, handle = op.tcp and uv.new_tcp() or uv.new_udp(),
      timer = uv.new_timer(), peer_ip = op.ip, held = 0,
      put = not op.tcp and put_datagram or nil,
    })
    local ok, why = true, nil
    if op.source then ok, why = self.handle:bind(op.source, 0) end
    if ok and op.tcp then
      ok, why = connect(self, op)
    elseif ok then
      ok, why = self.handle:connect(op.ip, op.port)
    end
    if not ok then
      self:close(true)
      return sockets.failure(why)
    end
    read(self)
    self.local_ip = self.handle:getsockname().ip
    return self
  end
end
