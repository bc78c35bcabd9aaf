-- letters: messages by a generator of our own: names, subjects and file names
-- in many scripts, long words, odd line ends, octets of every kind.

local letters = {}

local seed = 20240229
local function random(n)
  seed = (seed * 16807) % 2147483647
  return seed % n
end

local function utf8_char(c)
  if c < 0x80 then return string.char(c) end
  if c < 0x800 then return string.char(0xc0 + math.floor(c / 64), 0x80 + c % 64) end
  if c < 0x10000 then
    return string.char(0xe0 + math.floor(c / 4096),
                       0x80 + math.floor(c / 64) % 64, 0x80 + c % 64)
  end
  return string.char(0xf0 + math.floor(c / 262144),
                     0x80 + math.floor(c / 4096) % 64,
                     0x80 + math.floor(c / 64) % 64, 0x80 + c % 64)
end

local scripts = {
  { 0x61, 0x7a }, { 0x20, 0x7e }, { 0xc0, 0xff }, { 0x391, 0x3a1 },
  { 0x410, 0x44f }, { 0x5d0, 0x5ea }, { 0x621, 0x64a }, { 0x915, 0x939 },
  { 0xe01, 0xe30 }, { 0x3041, 0x3096 }, { 0x4e00, 0x9fa5 }, { 0xac00, 0xd7a3 },
  { 0x1f300, 0x1f64f }, { 0x20000, 0x2a6d6 }, { 0x300, 0x36f },
}
local odd = { '"', "\\", "=?", "?=", "=?utf-8?Q?x?=", "'", "%41", "<", ">", "@",
              ",", ";", ":", "(", ")", "  ", "_", "=", ".", " " }

local function piece()
  if random(4) == 0 then return odd[1 + random(#odd)] end
  local script, out = scripts[1 + random(#scripts)], {}
  for i = 1, 1 + random(random(8) == 0 and 120 or 9) do
    out[i] = utf8_char(script[1] + random(script[2] - script[1] + 1))
  end
  return table.concat(out)
end

local function phrase(most)
  local out = {}
  for i = 1, 1 + random(most) do
    out[i] = piece()
    if random(2) == 0 then out[i] = out[i] .. " " end
  end
  return table.concat(out)
end

local function octets(n)
  local out = {}
  for i = 1, n do out[i] = string.char(random(256)) end
  return table.concat(out)
end

local ends = { "\n", "\r\n", "\r", "\n\n", " \n", "\t\r\n", "\n.\n", "\nFrom " }
local function text()
  local out = {}
  for i = 1, random(12) do
    out[i] = (random(9) == 0 and ("x"):rep(random(2000)) or phrase(6))
             .. ends[1 + random(#ends)]
  end
  if random(8) == 0 then out[#out + 1] = octets(40) end
  return table.concat(out)
end

local function lines(s)
  s = s:gsub("\r\n", "\n"):gsub("\r", "\n"):gsub("\n", "\r\n")
  if s ~= "" and s:sub(-2) ~= "\r\n" then s = s .. "\r\n" end
  return s
end

local function file_name()
  local name = phrase(4):gsub("/", "-"):gsub("^%s+", ""):gsub("%s+$", "")
  return "f" .. name:gsub("^%a:\\", ""):gsub("^[.\\]+", "") .. "e"
end

local function trim_name(s)
  return (s:gsub("^ +", ""):gsub(" +$", ""))
end

-- letters.make: the i-th message, as a table; the same in every run that makes
-- them all in order
function letters.make(i)
  local t = { from = { name = trim_name(phrase(3)), address = "a@example.com" },
              to = {}, cc = {}, subject = phrase(10), date = random(2000000000),
              headers = { { "X-Note", phrase(8) } } }
  for k = 1, 1 + random(4) do
    t.to[k] = { name = trim_name(phrase(3)), address = "r" .. k .. "@example.net" }
  end
  for k = 1, random(3) do t.cc[k] = "c" .. k .. "@example.org" end
  if i % 5 ~= 0 then t.text = text() end
  if i % 3 == 0 then t.html = "<p>" .. text() end
  if t.html and random(2) == 0 then
    t.inline = { logo = { data = octets(random(300)), name = file_name() .. ".png" } }
  end
  if i % 2 == 0 then
    t.attach = {}
    for k = 1, 1 + random(3) do
      t.attach[k] = { name = file_name() .. (random(2) == 0 and ".txt" or ".bin"),
                      data = octets(random(400)) }
    end
  end
  return t
end

local types = { txt = "text/plain", bin = "application/octet-stream" }

-- letters.expected: what a reader is to find in it, { key, value } in order
function letters.expected(t)
  local out = { { "subject", t.subject },
                { "from", t.from.name .. "\0" .. t.from.address } }
  local function add(...) out[#out + 1] = { ... } end
  for _, to in ipairs(t.to) do add("to", to.name .. "\0" .. to.address) end
  for _, cc in ipairs(t.cc) do add("cc", "\0" .. cc) end
  add("note", t.headers[1][2])
  add("date", os.date("!%Y-%m-%dT%H:%M:%S", t.date) .. "+00:00")
  if t.text or not t.html and not t.attach then
    add("text/plain", lines(t.text or ""))
  end
  if t.html then add("text/html", lines(t.html)) end
  if t.inline then
    add("inline", "<logo>\0image/png\0" .. t.inline.logo.name)
    add("octets", t.inline.logo.data)
  end
  for _, a in ipairs(t.attach or {}) do
    add("attachment", types[a.name:match "%.(%a+)$"] .. "\0" .. a.name)
    add("octets", a.data)
  end
  return out
end

-- is it UTF-8 throughout, as a header's value must be?
local function whole(s)
  local core = require "directsend.core"
  local m = core.message()
  return m:text("X", (s:gsub("%c", " "))) == true
end

-- letters.as_text: fields as a reader tells them that gives text as characters,
-- not octets: line ends are LF, no text is none, and what is no UTF-8, or has
-- the mark that stands for such, is left out
function letters.as_text(fields)
  local out = {}
  for _, f in ipairs(fields) do
    local key, value = f[1], f[2]
    if key:find "^text/" then
      value = value:gsub("\r\n", "\n"):gsub("\n$", "")
      if not whole(value) or value:find "\239\191\189" then value = "" end
    end
    if value ~= "" or not key:find "^text/" then out[#out + 1] = { key, value } end
  end
  return out
end

return letters
