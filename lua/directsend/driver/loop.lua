-- loop: obey one delivery over somebody's sockets.  A driver that has no loop
-- of its own for deliveries gives the sockets as `io` (driver/init.lua says
-- how) and this does the rest.

local function obey(delivery, io, feed)
  local conns = {}

  -- does what op asks; returns the answer, or nothing where none is due
  local function carry(op)
    local what, conn = op.op, conns[op.conn]
    local value, kind, text
    if what == "connect" then
      value, kind, text = io.connect(op)
      if value then
        conns[op.conn] = value
        return "connected", op.conn, value.local_ip, value.peer_ip
      end
    elseif what == "send" then
      value, kind, text = conn:send(op.data, op.deadline)
      if value then return "sent", op.conn, value end
    elseif what == "receive" then
      value, kind, text = conn:receive(op.max, op.deadline)
      if value then return "received", op.conn, value end
    elseif what == "close" then
      conns[op.conn] = nil
      return conn:close(op.abort)
    else
      return feed[what](op)
    end
    return "failed", kind, text
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
