-- curltest: reads curl's test cases (tests/data/testNNN, nearly XML).
local curltest = {}

local plain = { LT = "<", GT = ">", CR = "\r", SP = " " }

local function from_hex(s)
  return (s:gsub("%%(%x%x)", function(h)
    return string.char(tonumber(h, 16))
  end))
end

-- %LT %GT %CR %SP %TESTNUMBER, %hex[..]hex%, %repeat[N x text]%
local function substitute(s, number)
  s = s:gsub("%%hex%[(.-)%]hex%%", from_hex)
  s = s:gsub("%%repeat%[(%d+) x (.-)%]%%", function(n, text)
    return from_hex(text):rep(tonumber(n))
  end)
  return (s:gsub("%%TESTNUMBER", number):gsub("%%(%u%u)", plain))
end

-- the text of an element, its line ends as its attributes say; or nil
local function element(text, name, number)
  local attributes, inside = text:match("<" .. name .. "([^>]*)>\n(.-)</" .. name .. ">")
  if not inside then
    return nil
  end
  inside = substitute(inside, number)
  if attributes:find('nonewline="yes"', 1, true) then
    inside = inside:gsub("\n$", "")
  end
  if attributes:find('crlf="yes"', 1, true) then
    inside = inside:gsub("\r*\n", "\r\n")
  end
  return inside
end

local function words(s)
  local list = {}
  for word in s:gsub('"([^"]*)"', function(q)
    return (q:gsub(" ", "\0"))
  end):gmatch("[^ \n]+") do
    list[#list + 1] = (word:gsub("%z", " "))
  end
  return list
end

-- the lines of <servercmd>: CAPA a list, REPLY a table by verb
local function server(t, text)
  t.capabilities, t.replies = {}, {}
  for line in (text or ""):gmatch("[^\n]+") do
    local verb, reply = line:match("^REPLY (%u+) (.*)$")
    if verb then
      t.replies[verb] = reply:gsub("\\r\\n", "\r\n")
    end
    for _, keyword in ipairs(words(line:match("^CAPA (.*)$") or "")) do
      t.capabilities[#t.capabilities + 1] = keyword
    end
  end
end

local function options(t, command)
  local list = words(command or "")
  t.sender, t.recipients = "", {}
  for i, word in ipairs(list) do
    if word == "--mail-from" then
      t.sender = list[i + 1]
    elseif word == "--mail-rcpt" then
      t.recipients[#t.recipients + 1] = list[i + 1]
    end
  end
end

local function lines(s)
  local list = {}
  for line in (s or ""):gmatch("([^\n]*)\n") do
    list[#list + 1] = (line:gsub("\r$", ""))
  end
  return list
end

-- a test case: { sender, recipients, message, capabilities, replies, protocol
-- (lines), upload, fails }
function curltest.read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "*a"
  f:close()
  local number = path:match("test(%d+)$")
  local t = { number = number }
  server(t, element(text, "servercmd", number))
  options(t, element(text, "command", number))
  t.message = element(text, "stdin", number) or element(text, "file", number) or element(text, "file1", number) or ""
  t.protocol = lines(element(text, "protocol", number))
  t.upload = element(text, "upload", number)
  t.fails = text:find("<errorcode>", 1, true) ~= nil
  return t
end

return curltest
