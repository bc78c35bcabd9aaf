local decode = require "support.decode"
local mime = require "directsend.test".mime
local pieces = require "support.pieces"

local function all_octets()
  local out = {}
  for i = 0, 255 do
    if i ~= 10 and i ~= 13 then out[#out + 1] = string.char(i) end
  end
  return table.concat(out)
end

local function read(name)
  local file = assert(io.open("spec/vectors/mime/" .. name, "rb"))
  local s = file:read "*a"
  file:close()
  return (s:gsub("\r?\n", "\r\n"))
end

local function encoded(s)
  local out, within = mime.qp { s }
  assert.is_true(within)
  return out
end

describe("quoted-printable", function()
  it("lets plain text stand", function()
    assert.equal("Hello, world!\r\n", encoded "Hello, world!\r\n")
    assert.equal("", encoded "")
    assert.equal("a b\tc\r\n\r\n", encoded "a b\tc\r\n\r\n")
  end)

  it("encodes what is not ASCII, '=', and controls", function()
    assert.equal("=C3=A9=3D=00=7F\r\n", encoded "\195\169=\0\127\r\n")
  end)

  it("encodes white space just where a line ends behind it", function()
    assert.equal("a =20\r\nb=09\r\n=20", encoded "a  \r\nb\t\r\n ")
  end)

  it("encodes the blank of a From that begins a line, or might once lines are broken", function()
    for _, list in ipairs(pieces "From a FFrom b\nFro From\tm From ") do
      assert.equal("From=20a FFrom=20b\r\nFro From\tm From=20", (mime.qp(list)))
    end
  end)

  it("makes every line end CRLF, wherever the text is cut", function()
    for _, list in ipairs(pieces "a \rb\t\n\r\r\n\n \r\n\rc\r \n") do
      assert.equal("a=20\r\nb=09\r\n\r\n\r\n\r\n=20\r\n\r\nc\r\n=20\r\n", (mime.qp(list)))
    end
  end)

  it("keeps lines to 76, and breaks them only between whole octets", function()
    for width = 70, 80 do
      for _, tail in ipairs { "", "x", "\195\169", " ", "=", " \r\n" } do
        local s = ("y"):rep(width) .. tail
        local out = encoded(s)
        assert.equal(s, decode.qp(out))
        for line in (out .. "\r\n"):gmatch "([^\r\n]*)\r\n" do
          assert.is_true(#line <= 76)
          assert.is_nil(line:find "=%x$")
        end
      end
    end
  end)

  it("is the same however it is cut", function()
    local s = (all_octets() .. " \r\n" .. ("\195\164 "):rep(100) .. "\r\n"):rep(5)
    local whole = encoded(s)
    assert.equal(s, decode.qp(whole))
    for _, list in ipairs(pieces(s)) do
      local out, within = mime.qp(list)
      assert.is_true(within)
      assert.equal(whole, out)
    end
  end)

  it("is read as a published pair is", function()
    local plain, other = read "wikipedia.txt", read "wikipedia.qp"
    assert.equal(decode.qp(other), plain)
    assert.equal(plain, decode.qp(encoded(plain)))
  end)
end)
