-- Run by lua_delivery_spec in a process of its own: ends while a delivery is
-- in the middle of a handshake.

local core = require "directsend.core"

delivery = core.delivery{ destination = "[9.0.0.1]", hostname = "c.example" } -- luacheck: ignore
local d = delivery -- luacheck: ignore
d:step(1)
local op = d:step(1, "message", { recipients = { "b@x.test" }, size = 3 })
d:step(1, "connected", op.conn, "9.9.9.9", "9.0.0.1")
op = d:step(1, "received", op.conn, "220 mx\r\n")
d:step(1, "sent", op.conn, #op.data)
d:step(1, "received", op.conn, "250-mx\r\n250 STARTTLS\r\n")
op = d:step(1, "context", require "directsend.tls".context{})
d:step(1, "sent", op.conn, #op.data)
print(d:step(1, "received", op.conn, "220 go\r\n").op)
