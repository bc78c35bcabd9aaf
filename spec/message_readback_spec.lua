-- What another reader finds in a message is what was put into it: 300 of them,
-- by a generator of our own, so that every run has the same.

local message = require "directsend.message"

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

local function make(i)
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

local function expected(t)
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

local function unhex(s)
  return (s:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

-- what read_mail.py finds in each of the messages
local function read_back(list)
  local name = os.tmpname()
  local file = assert(io.open(name, "wb"))
  for _, m in ipairs(list) do
    local octets_of = assert(m:tostring())
    file:write(#octets_of, "\n", octets_of)
  end
  file:close()
  local reader = assert(io.popen("python3 spec/support/read_mail.py " .. name))
  local all, current = {}, {}
  for line in reader:lines() do
    if line == "end" then
      all[#all + 1], current = current, {}
    else
      local key, hex = line:match "^(%S+) ?(%x*)$"
      current[#current + 1] = { key, unhex(hex) }
    end
  end
  reader:close()
  os.remove(name)
  return all
end

describe("300 messages", function()
  local tables, list = {}, {}
  for i = 1, 300 do
    tables[i] = make(i)
    list[i] = assert(message.new(tables[i], { zone = 0 }))
  end

  it("come back in every field and octet", function()
    local found = read_back(list)
    assert.equal(#list, #found)
    for i, t in ipairs(tables) do
      assert.same(expected(t), found[i], "message " .. i)
    end
  end)

  it("keep every line within bounds and every octet in ASCII", function()
    for i, m in ipairs(list) do
      local s = m:tostring()
      assert.equal(#s, m:size())
      assert.is_nil(s:find "[\128-\255%z]", "message " .. i)
      assert.is_nil(s:gsub("\r\n", ""):find "[\r\n]", "message " .. i)
      assert.equal("\r\n", s:sub(-2))
      for line in s:gmatch "([^\r\n]*)\r\n" do assert.is_true(#line <= 998) end
      for line in s:match "^(.-\r\n)\r\n":gmatch "([^\r\n]*)\r\n" do
        assert.is_true(#line <= 78 or not line:find "=?", "message " .. i)
      end
    end
  end)

  it("are the same octets on every pass", function()
    for _, m in ipairs(list) do assert.equal(m:tostring(), m:tostring()) end
  end)
end)
