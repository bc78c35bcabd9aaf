-- heavy.lua PORT KIND SIZE [FILE]: send a small message, then one with an
-- attachment of so many octets, to a sink; prints how many KiB more of memory
-- the second one took at its height.  In a process of its own.

local directsend = require "directsend"

local port, kind, size, file = arg[1], arg[2], tonumber(arg[3]), arg[4]

local mailer = assert(directsend.new { hostname = "client.example", tls = "off", route = "127.0.0.1:" .. port,
                                       timeout = { total = 600 } })

local zeros = ("\0"):rep(16384)

-- octets made as they are asked for
local function made(n)
  local at = 0
  return { size = n, name = "x.bin",
           rewind = function() at = 0 end,
           read = function()
             local k = math.min(#zeros, n - at)
             at = at + k
             if k == #zeros then return zeros end
             return k > 0 and zeros:sub(1, k) or nil
           end }
end

local function once(n)
  local part = made(n)
  if kind == "file" then part = { path = file } end
  if kind == "spool" then part.rewind = nil end
  if kind == "raw" then
    local body, head = part, "Subject: x\r\nTo: b@example.test\r\n\r\n"
    part = { size = n, rewind = function()
      body.rewind()
      head = "Subject: x\r\nTo: b@example.test\r\n\r\n"
    end }
    local lines = ("x"):rep(70) .. "\r\n"
    function part.read()
      local first = head
      head = nil
      if first then return first end
      local piece = body.read()
      return piece and lines:rep(math.ceil(#piece / #lines)):sub(1, #piece)
    end
    part.size = #head + n
    return { raw = part, envelope = { sender = "a@contoso.test", recipients = "b@example.test" } }
  end
  return { from = "a@contoso.test", to = "b@example.test", text = "x", attach = { part } }
end

local function most()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmHWM:%s*(%d+)"
    if kib then return tonumber(kib) end
  end
end

local function send(n)
  local report = assert(mailer:send(once(n)))
  assert(report.bytes > n)
end

local whole = file
if file then file = file .. ".small" end
send(file and 0 or 100000)
file = whole
collectgarbage()
local before = most()
send(size)
print(most() - before)
