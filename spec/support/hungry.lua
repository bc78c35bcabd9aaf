-- PORT N: N deliveries at once in one loop, on however few descriptors this
-- process may have; prints how many of them were delivered and what befell
-- another.

local core = require "directsend.core"

local port, n = tonumber(arg[1]), tonumber(arg[2])
local body = "Subject: s\r\n\r\nhello\r\n"
local loop, given = assert(core.loop()), {}

for _ = 1, n do
  loop:add(core.delivery { destination = "127.0.0.1", pinned = true, level = "off", hostname = "client.example.test", port = port })
end

local delivered, other = 0, ""
while true do
  local d, op = loop:wait()
  if d == nil then break end
  local what = op and op.op
  if what == "next" and not given[d] then
    given[d] = true
    loop:answer(d, "message", { sender = "a@example.test", recipients = { "b@example.test" }, size = #body, tag = 1 })
  elseif what == "next" then
    loop:answer(d, "no_more")
  elseif what == "body" then
    loop:answer(d, "body", body, true)
  elseif what == "result" and op.row.outcome == "delivered" then
    delivered = delivered + 1
  elseif what == "result" then
    other = op.row.text
  end
end
print(delivered, other)
