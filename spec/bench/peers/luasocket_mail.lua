-- B_N messages B_MSG to 127.0.0.1:B_PORT with LuaSocket; B_NODELAY=1: with
-- TCP_NODELAY, which it does not set by itself; B_TLS=1: STARTTLS by LuaSec;
-- B_REUSE=1: a new connection each; B_ATTACH: a file sent as an attachment.

local socket, smtp = require "socket", require "socket.smtp"
local ltn12, mime = require "ltn12", require "mime"

local function number(name, standard) return tonumber(os.getenv(name) or "") or standard end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function create()
  local c = assert(socket.tcp())
  if number("B_NODELAY", 0) == 1 then
    local connect = c.connect
    return setmetatable({}, { __index = function(_, name)
      if name == "connect" then
        return function(_, ...)
          local ok, why = connect(c, ...)
          if ok then c:setoption("tcp-nodelay", true) end
          return ok, why
        end
      end
      local value = c[name]
      return type(value) == "function" and function(_, ...) return value(c, ...) end or value
    end })
  end
  return c
end

local function upgrade(s)
  local ssl = require "ssl"
  assert(s.tp:command "STARTTLS")
  assert(s.tp:check "2..")
  local inner = assert(ssl.wrap(s.tp.c, { mode = "client", protocol = "any", verify = "none" }))
  assert(inner:dohandshake())
  s.tp.c = inner
  assert(s.tp:command("EHLO", "client.example.org")) -- greet waits for a greeting
  assert(s.tp:check "2..")
end

local function open()
  local s = smtp.open("127.0.0.1", number("B_PORT", 25), number("B_TLS", 0) == 0 and create or nil)
  s:greet "client.example.org"
  if number("B_TLS", 0) == 1 then upgrade(s) end
  return s
end

local path = os.getenv "B_ATTACH"
local function source()
  if path and path ~= "" then
    return smtp.message {
      headers = { subject = "report" },
      body = { { body = "See the file." },
               { headers = { ["content-type"] = "application/octet-stream", ["content-transfer-encoding"] = "BASE64" },
                 body = ltn12.source.chain(ltn12.source.file(assert(io.open(path, "rb"))),
                                           ltn12.filter.chain(mime.encode "base64", mime.wrap())) } },
    }
  end
  return ltn12.source.chain(ltn12.source.string(read(os.getenv "B_MSG")), mime.stuff())
end

local n, fresh, s = number("B_N", 1), number("B_REUSE", 0) == 1, nil
for _ = 1, n do
  s = s or open()
  s:send { from = "<sender@example.org>", rcpt = "<rcpt@example.com>", source = source() }
  if fresh then
    s:quit()
    s:close()
    s = nil
  end
end
if s then
  s:quit()
  s:close()
end
