-- loop: obey one delivery over somebody's sockets.  A driver that has no loop
-- of its own for deliveries gives the sockets as `io` (driver/init.lua says
-- how) and this does the rest.  What is open stands in `conns`, for whoever
-- has to close it when something raises.

-- what a driver's function gave, or an error that names the function
local function given(fits, name, value)
  if not fits then
    error(("driver: %s gave %s"):format(name, tostring(value)), 0)
  end
  return value
end

local function connection(c)
  return type(c) == "table" and type(c.local_ip) == "string"
         and type(c.peer_ip) == "string"
end

local function octets(n, data)
  return type(n) == "number" and n >= 0 and n <= #data and n % 1 == 0
end

local kinds = { refused = true, unreachable = true, timeout = true,
                closed = true, reset = true, cancelled = true }

local function obey(delivery, io, feed, conns)
  conns = conns or {}

  -- tell what can be read without waiting; whether anything came
  local function look(op, conn)
    local data = conn.peek and conn:peek(16384)
    if not data then return false end
    delivery:step(io.now(), "received", op.conn,
                  given(type(data) == "string", "peek", data))
    return data
  end

  -- before a fresh SEND nothing may be readable: it would be an answer to what
  -- was not asked.  What came before the connection broke may say why it did.
  local function send(op, conn)
    if op.fresh and look(op, conn) then return 0 end
    local n, kind, text = conn:send(op.data, op.deadline)
    if n then return n end
    for _ = 1, 64 do
      local data = look(op, conn)
      if not data or data == "" then break end
    end
    return nil, kind, text
  end

  -- does what op asks; returns the answer, or nothing where none is due
  local function carry(op)
    local what, conn = op.op, conns[op.conn]
    local value, kind, text
    if what == "connect" then
      if op.reuse and io.adopt then
        local session
        value, session = io.adopt(op.reuse)
        if value then
          conns[op.conn] = given(connection(value), "adopt", value)
          return "adopted", op.conn, session
        end
      end
      value, kind, text = io.connect(op)
      if value then
        conns[op.conn] = given(connection(value), "connect", value)
        return "connected", op.conn, value.local_ip, value.peer_ip,
               value.index
      end
    elseif what == "send" then
      value, kind, text = send(op, conn)
      if value then
        return "sent", op.conn, given(octets(value, op.data), "send", value)
      end
    elseif what == "receive" then
      value, kind, text = conn:receive(op.max, op.deadline)
      if value then
        return "received", op.conn,
               given(type(value) == "string", "receive", value)
      end
    elseif what == "close" then
      conns[op.conn] = nil
      return conn:close(op.abort)
    elseif what == "wait" then
      io.sleep(op.deadline)
      return "tick"
    elseif what == "keep" then
      conns[op.conn] = nil
      return io.keep(op, conn)
    else
      return feed[what](op)
    end
    return "failed", kinds[kind] and kind or "local", text and tostring(text)
  end

  local function step(...)
    return delivery:step(io.now(), ...)
  end

  local op = step()
  while op.op ~= "done" do
    op = step(carry(op))
  end
end

return obey
