-- Domains outside ASCII, against the conformance test of UTS 46.

local address = require "directsend.core".address

-- \uXXXX and \x{XXXX} in the vectors
local function unescaped(s)
  local function char(hex)
    local c = tonumber(hex, 16)
    if c < 0x80 then return string.char(c) end
    if c < 0x800 then return string.char(0xc0 + math.floor(c / 64), 0x80 + c % 64) end
    if c < 0x10000 then
      return string.char(0xe0 + math.floor(c / 4096), 0x80 + math.floor(c / 64) % 64, 0x80 + c % 64)
    end
    return string.char(0xf0 + math.floor(c / 262144), 0x80 + math.floor(c / 4096) % 64,
                       0x80 + math.floor(c / 64) % 64, 0x80 + c % 64)
  end
  return (s:gsub("\\u(%x%x%x%x)", char):gsub("\\x{(%x+)}", char))
end

local function trim(s)
  return s:match "^%s*(.-)%s*$"
end

-- the lines of non-transitional processing whose source is not ASCII
local function vectors()
  local out = {}
  for line in io.lines "spec/vectors/idna/IdnaTest.txt" do
    local fields = {}
    for f in (line:gsub("#.*", "") .. ";"):gmatch "([^;]*);" do fields[#fields + 1] = trim(f) end
    local kind, source, unicode, ascii = fields[1], unescaped(fields[2] or ""), fields[3], fields[4]
    if (kind == "N" or kind == "B") and source:find "[\128-\255]" then
      if unicode == "" then unicode = source end
      if ascii == "" then ascii = unescaped(unicode) end
      out[#out + 1] = { source = source, bad = ascii:find "^%[" ~= nil, ascii = ascii, excluded = fields[5] }
    end
  end
  return out
end
-- refused by more than UTS 46 asks: IDNA 2008 excludes it, or it is no domain
-- for mail
local function stricter(v)
  return v.excluded == "NV8" or v.excluded == "XV8" or not v.ascii:find "[^.]%.[^.]" or v.ascii:find "%.$"
         or v.ascii:find "%.%d+$"
end

-- between labels, libidn2 does not hold the Bidi rule (RFC 5893)
local function only_bidi(v)
  return not v.ascii:gsub("B%d", ""):find "%w"
end

describe("a domain outside ASCII", function()
  it("is converted as UTS 46 says, or refused", function()
    local converted, refused = 0, 0
    for _, v in ipairs(vectors()) do
      local a = address.parse("a@" .. v.source)
      if a and v.bad then
        assert.is_true(only_bidi(v), v.source)
      elseif a then
        assert.equal(v.ascii, a.domain)
        converted = converted + 1
      else
        assert.is_truthy(v.bad or stricter(v), v.source)
        refused = refused + 1
      end
    end
    assert.is_true(converted > 100)
    assert.is_true(refused > 3000)
  end)

  it("is an A-label in every way there is in", function()
    local value = require "directsend.value"
    local message = require "directsend.message"
    local to = { "B <b@B\195\188cher.example>", "\195\169@b\195\188cher.example" }
    local m = assert(message.new { from = "a@b\195\188cher.example", to = to, text = "x" })
    assert.same({ sender = "a@xn--bcher-kva.example",
                  recipients = { "b@xn--bcher-kva.example", "\195\169@xn--bcher-kva.example" } }, m:envelope())
    assert.truthy(m.message_id:find("@xn--bcher-kva.example", 1, true))
    assert.equal(2, m.flags)
    assert.truthy(m:tostring():find("From: a@xn--bcher-kva.example\r\nTo: B <b@xn--bcher-kva.example>, ", 1, true))
    assert.equal("xn--bcher-kva.example", value.domain("b\195\188cher.example", "x"))
    assert.equal("xn--bcher-kva.example", value.hostname("b\195\188cher.example", "x"))
    assert.equal("xn--bcher-kva.example", value.host("b\195\188cher.example", "x"))
    assert.equal("xn--bcher-kva.example",
                 address.list("x: a@b\195\188cher.example, c@d.ef;")[1].domain)
  end)

  it("has dots and digits of other scripts seen for what they are", function()
    assert.equal("xn--fsq.jp", assert(address.parse "a@\228\190\139\227\128\130jp").domain)
    assert.is_nil(address.parse "a@\239\188\145\239\188\146.\239\188\145")
    assert.is_nil(address.parse "a@\228\190\139")
    assert.is_nil(address.parse "a@\226\137\174x.example") -- < with a stroke
  end)

  it("is bounded before it is looked into", function()
    local wide = require "directsend.test".mime.wide
    local calls = wide("a@b\195\188cher.example")
    assert.equal(1, calls)
    for _, label in ipairs { "\217\160", "\227\131\187", "\195\188." } do
      local why
      calls, why = wide("a@" .. label:rep(math.floor(10000000 / #label)))
      assert.equal(0, calls)
      assert.equal("the domain is longer than 253 octets", why)
    end
    assert.is_nil(address.parse("a@" .. ("\195\188"):rep(60) .. ".example"))
  end)

  it("loads libidn2 when it is met, and not before; without it, it is refused", function()
    local process = require "support.process"
    local script = os.tmpname()
    local file = io.open(script, "w")
    file:write [[
      local core = require "directsend.core"
      local function mapped()
        for line in io.lines "/proc/self/maps" do if line:find "libidn2" then return true end end
        return false
      end
      assert(core.address.parse "J\195\182rg <a@example.com>")
      assert(not mapped())
      if arg[1] == "without" then
        package.preload["directsend.idn"] = function() error "not built" end
        print((select(2, core.address.parse "a@b\195\188cher.example")))
      else
        print(core.address.parse "a@b\195\188cher.example".domain, mapped())
      end
    ]]
    file:close()
    local with, without = process.run(script, {}), process.run(script, {}, "without")
    os.remove(script)
    assert.equal("xn--bcher-kva.example\ttrue\n", with)
    assert.equal("a domain outside ASCII needs IDN support: 'b\195\188cher.example'\n", without)
  end)
end)
