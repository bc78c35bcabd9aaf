--- A client of the tls room and a server in memory, and the wire between.

local pair = {}

--- Move `bytes` into `to` in pieces of `size` (all at once without).
function pair.feed(to, bytes, size)
  size = size or math.max(#bytes, 1)
  for i = 1, #bytes, size do
    to:feed(bytes:sub(i, i + size - 1))
  end
end

--- Let both shake hands: 1, or what the client said when it failed.
function pair.handshake(client, server, size)
  for _ = 1, 20 do
    local done, text, kind, code = client:handshake()
    if not done then
      return nil, text, kind, code
    end
    pair.feed(server, client:out(), size)
    local served = server:handshake()
    pair.feed(client, server:out(), size)
    if done == 1 and served == 1 then
      return 1
    end
  end
  error("the handshake goes on and on")
end

--- All the client can read now, and why it stopped: "" or the error.
function pair.read(client, n)
  local parts = {}
  while true do
    local bytes, text, kind, code = client:read(n)
    if not bytes or bytes == "" then
      return table.concat(parts), text, kind, code
    end
    parts[#parts + 1] = bytes
  end
end

return pair
