-- dialog: SMTP dialogues as data (spec/dialogs/*.txt).
--
-- A file is a head, a line "---", and the dialogue.  "#" begins a comment line.
--
-- Head:
--   hostname NAME              the EHLO argument (client.example)
--   message SENDER [size=N] [sized] [8bit] [utf8]   a transaction; "<>" is
--                              empty; sized: the size is that of its body
--   to RECIPIENT OUTCOME STAGE [CODE] [lost] [split]   its next recipient
--   body TEXT                  its octets, escaped (hello\r\n)
--   tls                        the client asks for STARTTLS where offered
--   lmtp                       LMTP (RFC 2033)
--   implicit                   the wire is TLS from the start
--   auth NAME=VALUE …          the client says who it is: user, password, token,
--                              host, port, nonce, mechanisms, clear, crypto
--   careful                    no PIPELINING, no CHUNKING
--   window N                   so many transactions in flight at most
--   quit late | never          QUIT is asked for when all have their outcome,
--                              or not at all; else with the last message
--   end KIND [STAGE]           how the session ends ("quit": by QUIT)
--   whole                      segments mean something: do not cut them smaller
-- Dialogue:
--   S: TEXT       the server says TEXT CRLF; lines in a row are one segment
--   S| TEXT       the same octets, escaped, no CRLF added
--   ...           between server lines: the next is a segment of its own
--   C: TEXT       the client says TEXT CRLF; lines in a row are one write
--   C| TEXT       the same, escaped, no CRLF added
--   C~ PATTERN    a line that matches a Lua pattern
--   S<EOF>        the server closes;  S<RST>, S<TIMEOUT>: reset, silence
--   TLS           the handshake succeeds
-- Escapes: \r \n \\ \xHH
local dialog = {}

local function unescape(s)
  return (s:gsub("\\(.)(%x?%x?)", function(c, hex)
    if c == "x" then
      return string.char(tonumber(hex, 16))
    end
    return (({ r = "\r", n = "\n", ["\\"] = "\\" })[c] or error("escape \\" .. c)) .. hex
  end))
end

local head = {}

function head.hostname(d, rest)
  d.hostname = rest
end

function head.message(d, rest)
  local sender, options = rest:match("^(%S+)%s*(.*)$")
  local m = { sender = sender == "<>" and "" or sender, recipients = {}, body = "hello\r\n", size = 0, flags = 0 }
  for o in options:gmatch("%S+") do
    if o == "8bit" then
      m.flags = m.flags + 1
    elseif o == "utf8" then
      m.flags = m.flags + 2
    elseif o == "sized" then
      m.size = #m.body
    else
      m.size = tonumber(o:match "^size=(%d+)$") or error(o)
    end
  end
  d.messages[#d.messages + 1] = m
end

function head.to(d, rest)
  local address, outcome, stage, more = rest:match("^(%S+)%s+(%a+)%s+(%a+)%s*(.*)$")
  local m = d.messages[#d.messages]
  m.recipients[#m.recipients + 1] = {
    address = assert(address, rest),
    outcome = outcome,
    stage = stage,
    code = tonumber(more:match("%d+")),
    lost = more:find("lost", 1, true) ~= nil,
    split = more:find("split", 1, true) ~= nil,
  }
end

function head.body(d, rest)
  local m = d.messages[#d.messages]
  m.size = m.size == #m.body and #unescape(rest) or m.size
  m.body = unescape(rest)
end

function head.window(d, rest)
  d.window = tonumber(rest)
end

head["end"] = function(d, rest)
  local kind, stage = rest:match("^(%a+)%s*(%a*)$")
  d.ended = { kind = kind == "quit" and "" or kind, stage = stage }
end

function head.auth(d, rest)
  d.auth = {}
  for k, v in rest:gmatch "(%w+)=(%S+)" do
    d.auth[k] = tonumber(v) or v
  end
end

for _, flag in ipairs { "tls", "lmtp", "implicit", "careful", "whole" } do
  head[flag] = function(d)
    d[flag] = true
  end
end

function head.quit(d, rest)
  d.quit = rest
end

-- steps of one side in a row are one; lines of the client stay apart, for patterns
local function add(d, side, line, apart)
  local last = d.steps[#d.steps]
  if not last or last.side ~= side or apart then
    last = { side = side, lines = {} }
    d.steps[#d.steps + 1] = last
  end
  last.lines[#last.lines + 1] = line
end

local marks = { ["S<EOF>"] = "EOF", ["S<RST>"] = "RST", ["S<TIMEOUT>"] = "TIMEOUT", TLS = "TLS" }

local function step(d, line, apart)
  local side, how, rest = line:match("^([SC])([:|~]) ?(.*)$")
  if marks[line] then
    d.steps[#d.steps + 1] = { side = marks[line] }
  elseif how == ":" then
    add(d, side, { text = rest .. "\r\n" }, apart)
  elseif how == "|" then
    add(d, side, { text = unescape(rest) }, apart)
  elseif how == "~" and side == "C" then
    add(d, side, { pattern = "^" .. rest .. "$" }, apart)
  else
    error("dialogue line: " .. line)
  end
end

local function parse_head(d, line)
  local key, rest = line:match("^(%S+)%s*(.*)$")
  assert(head[key], line)(d, rest)
end

-- text of a dialogue -> { hostname, messages, steps, ended, … }; a step is
-- { side = "S"|"C"|"TLS"|"EOF"|"RST"|"TIMEOUT", lines = { {text=}|{pattern=} } }
function dialog.parse(text)
  local d = { hostname = "client.example", messages = {}, steps = {}, quit = "ride" }
  local parse_line, apart = parse_head, false
  for line in (text .. "\n"):gmatch("([^\n]+)\n") do
    if line == "---" then
      parse_line = step
    elseif line == "..." then
      apart = true
    elseif not line:find("^#") then
      parse_line(d, line, apart)
      apart = false
    end
  end
  return d
end

-- the octets of a step, or nil where a pattern stands in it
function dialog.bytes(s)
  local t = {}
  for i, line in ipairs(s.lines) do
    if not line.text then
      return nil
    end
    t[i] = line.text
  end
  return table.concat(t)
end

-- nil, or how these octets differ from what the step says
function dialog.differs(s, octets)
  local at = 1
  for _, line in ipairs(s.lines) do
    local n = line.text and #line.text or (octets:find("\r\n", at, true) or #octets) + 2 - at
    local got = octets:sub(at, at + n - 1)
    if line.text and got ~= line.text then
      return ("%q, not %q"):format(got, line.text)
    elseif line.pattern and not got:gsub("\r\n$", ""):find(line.pattern) then
      return ("%q, not like %q"):format(got, line.pattern)
    end
    at = at + n
  end
  if at <= #octets then
    return ("%q besides"):format(octets:sub(at))
  end
end

local function read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "*a"
  f:close()
  return text
end

-- every dialogue of a directory, by name
function dialog.all(directory)
  local all = {}
  local names = assert(io.popen("LC_ALL=C ls " .. directory))
  for name in names:lines() do
    if name:find("%.txt$") then
      all[#all + 1] = dialog.parse(read(directory .. "/" .. name))
      all[#all].name = name:gsub("%.txt$", "")
    end
  end
  names:close()
  return all
end

return dialog
