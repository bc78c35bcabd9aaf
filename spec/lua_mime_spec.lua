local decode = require "support.decode"
local mime = require "directsend.core".mime

local function joined(how, s)
  local out, most = {}, 0
  for piece in mime.pieces(how, s) do
    assert.is_true(#piece > 0)
    most = math.max(most, #piece)
    out[#out + 1] = piece
  end
  return table.concat(out), most
end

local octets = {}
for i = 1, 60000 do octets[i] = string.char(i * i % 251) end
octets = table.concat(octets)
local text = ("Stra\195\159e = \nend "):rep(6000)

describe("core.mime", function()
  it("encodes a whole string in base64", function()
    assert.equal("", mime.base64 "")
    assert.equal("Zm9v\r\n", mime.base64 "foo")
    local encoded = mime.base64(octets)
    assert.equal(octets, decode.base64(encoded))
    for line in encoded:gmatch "(.-)\r\n" do assert.is_true(#line <= 76) end
  end)

  it("encodes a whole text in quoted-printable, its last line ended", function()
    assert.equal("", mime.qp "")
    assert.equal("a=20\r\n", mime.qp "a ")
    assert.equal("a\r\nb\r\n\r\nc\r\n", mime.qp "a\rb\n\nc\r\n")
    assert.equal((text:gsub("\n", "\r\n")) .. "\r\n", (decode.qp(mime.qp(text))))
  end)

  it("gives the same piece by piece, however long the string is", function()
    for _, n in ipairs { 0, 1, 56, 57, 58, 15959, 15960, 15961, 31920, 60000 } do
      local encoded, most = joined("base64", octets:sub(1, n))
      assert.is_true(encoded == mime.base64(octets:sub(1, n)))
      assert.is_true(most <= 32768)
      encoded, most = joined("quoted-printable", text:sub(1, n))
      assert.is_true(encoded == mime.qp(text:sub(1, n)))
      assert.is_true(most <= 65536)
    end
  end)

  it("has nothing more to give at the end, and keeps its string until then", function()
    local each = mime.pieces("base64", ("x"):rep(20000))
    collectgarbage()
    local all = each() .. each()
    assert.equal(("x"):rep(20000), decode.base64(all))
    assert.is_nil(each())
    assert.is_nil(each())
  end)

  it("refuses what is no string, and encodings that are none", function()
    assert.has_error(function() mime.base64() end)
    assert.has_error(function() mime.qp {} end)
    assert.has_error(function() mime.pieces("base64", nil) end)
    assert.has_error(function() mime.pieces("base32", "") end)
  end)
end)
