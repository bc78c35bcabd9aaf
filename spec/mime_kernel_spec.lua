-- Every kernel this processor has makes what the one in plain C makes, and
-- that makes what the rules say.

local decode = require "support.decode"
local kernel = require "directsend.test".kernel

local names = kernel.names()
local seed = 20261123

local function random(n)
  seed = seed * 16807 % 2147483647
  return seed % n + 1
end

local function octets(n)
  local out = {}
  for i = 1, n do out[i] = string.char(random(256) - 1) end
  return table.concat(out)
end

local function text(n, words)
  local out, size = {}, 0
  while size < n do
    out[#out + 1] = words[random(#words)]
    size = size + #out[#out]
  end
  return table.concat(out):sub(1, n)
end

local kinds = {
  { "the ", "router", " is=up", ", ", "a\r\n", "interface " },
  { "gr\195\182\195\159er ", "\195\188ber", "Ausfall ", "\n", "l\195\164ngere" },
  { "\208\190\209\130\208\186\208\176\208\183", " ", "\209\131\n", "\208\184\208\189\209\130\208\181\209\128 " },
  { " ", "\t", "\r", "\n", "\r\n", "x", "=", "\0", "\127", "\255", "\31", "~", "}" },
  { ("y"):rep(74), "=", "\r\n", " ", "z" },
  { ("long line "):rep(30), "=", "\195\164" },
  { "From ", "F", "Fro", "m ", "FFrom ", "From\t", "From", " ", "y", "\n", ("z"):rep(70) },
}

-- every pattern that can stand in a group of four, at every place in a block
local function patterns()
  local out = {}
  for mask = 0, 255 do
    for bit = 0, 7 do out[#out + 1] = math.floor(mask / 2 ^ bit) % 2 == 1 and string.char(128 + mask % 128) or "p" end
    if mask % 5 == 0 then out[#out + 1] = "\r\n" end
    if mask % 7 == 0 then out[#out + 1] = "q" end
  end
  return table.concat(out)
end

local function spelled(line)
  local out = {}
  for c in line:gmatch "." do
    out[#out + 1] = c:find "[\t -<>-~]" and c or ("=%02X"):format(c:byte())
  end
  return out
end

-- quoted-printable as its rules read, with no thought of speed
local function by_the_rules(s)
  local out = {}
  s = s:gsub("\r\n", "\n"):gsub("\r", "\n")
  local at = 1
  repeat
    local lf = s:find("\n", at, true)
    local tokens, column = spelled(s:sub(at, (lf or 0) - 1)), 0
    local last = tokens[#tokens]
    if last == " " or last == "\t" then tokens[#tokens] = ("=%02X"):format(last:byte()) end
    for blank in s:sub(at, (lf or 0) - 1):gmatch "From() " do tokens[blank] = "=20" end
    for _, token in ipairs(tokens) do
      if column + #token > 75 then
        out[#out + 1] = "=\r\n"
        column = 0
      end
      out[#out + 1] = token
      column = column + #token
    end
    if lf then out[#out + 1] = "\r\n" end
    at = (lf or #s) + 1
  until not lf
  return table.concat(out)
end

-- a processor's own account of itself
local function flags()
  local file = io.open "/proc/cpuinfo"
  local all = file and file:read "*a" or ""
  if file then file:close() end
  local found = {}
  for word in (all:match "\nflags%s*:([^\n]*)" or all:match "\nFeatures%s*:([^\n]*)" or ""):gmatch "%S+" do
    found[word] = true
  end
  return found
end

local function read(name)
  local file = assert(io.open("spec/vectors/mime/" .. name, "rb"))
  local s = file:read "*a"
  file:close()
  return s
end

local function each_kernel(s, how, want)
  for _, name in ipairs(names) do
    for _, size in ipairs { #s + 1, random(90), random(2000) } do
      if kernel[how](name, s, size) ~= want then
        error(("%s, %s: %d octets by %d: %q"):format(name, how, #s, size, s))
      end
    end
  end
end

describe("kernel", function()
  it("is there for all the processor can do", function()
    local has, listed = flags(), {}
    for _, name in ipairs(names) do listed[name] = true end
    local on_x86, on_arm = has.popcnt, has.neon or has.asimd
    assert.equal(on_x86 and has.avx2, listed.avx2)
    assert.equal(on_x86 and has.ssse3, listed.ssse3)
    assert.equal(on_arm, listed.neon)
    assert.is_true(listed.plain)
    assert.has_error(function() kernel.base64("mmx", "", 1) end)
  end)

  it("is chosen by the encoders: the best", function()
    local base64, qp = kernel.chosen()
    assert.equal(names[1], base64)
    assert.equal(names[1], qp)
  end)

  it("makes the same base64 as all others, at every length", function()
    local all = octets(2000)
    for n = 0, #all do
      local s = all:sub(1, n)
      local want = kernel.base64("plain", s, n + 1)
      each_kernel(s, "base64", want)
      if n % 50 == 7 then assert.equal(s, decode.base64(want)) end
    end
  end)

  it("writes every sextet right, in every place", function()
    local out = {}
    for i = 0, 255 do
      for k = 0, 255, 85 do out[#out + 1] = string.char(i, k, 255 - i) end
    end
    local s = table.concat(out)
    for skip = 0, 3 do
      local part = s:sub(skip + 1)
      local want = kernel.base64("plain", part, #part)
      assert.equal(part, decode.base64(want))
      each_kernel(part, "base64", want)
    end
  end)

  it("makes the same quoted-printable as all others, at every length", function()
    for n = 0, 2000 do
      local s = n % 3 == 0 and octets(n) or text(n, kinds[n % #kinds + 1])
      local want = kernel.qp("plain", s, n + 1)
      each_kernel(s, "qp", want)
      if n % 9 == 0 then assert.equal(by_the_rules(s), want) end
    end
  end)

  it("keeps to the rules of quoted-printable, whatever the text", function()
    local s = patterns()
    for skip = 0, 40 do
      local part = s:sub(skip + 1)
      each_kernel(part, "qp", by_the_rules(part))
    end
    for _, words in ipairs(kinds) do
      for _ = 1, 5 do
        local any = text(5000, words)
        each_kernel(any, "qp", by_the_rules(any))
      end
    end
  end)

  it("does so with published files", function()
    local photo = read "photo.jpg"
    each_kernel(photo, "base64", (read "photo.b64":gsub("\r?\n", "\r\n")))
    for _, name in ipairs { "wikipedia.txt", "wikipedia.qp", "photo.b64" } do
      local s = read(name)
      each_kernel(s, "qp", by_the_rules(s))
      assert.equal(s, decode.base64(kernel.base64(names[1], s, #s)))
    end
  end)
end)
