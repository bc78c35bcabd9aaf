local decode = require "support.decode"
local mime = require "directsend.test".mime
local pieces = require "support.pieces"

local function read(name)
  local file = assert(io.open("spec/vectors/mime/" .. name, "rb"))
  local s = file:read "*a"
  file:close()
  return s
end

describe("base64", function()
  it("encodes what RFC 4648 §10 lists", function()
    local vectors = { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
                      fooba = "Zm9vYmE=", foobar = "Zm9vYmFy" }
    for plain, encoded in pairs(vectors) do
      assert.equal(encoded, mime.base64_word(plain))
      assert.equal(encoded == "" and "" or encoded .. "\r\n", mime.base64 { plain })
    end
  end)

  it("agrees with a published pair, however it is cut", function()
    local plain, encoded = read "photo.jpg", read "photo.b64"
    encoded = encoded:gsub("\r?\n", "\r\n")
    for _, list in ipairs(pieces(plain)) do
      assert.is_true(encoded == mime.base64(list))
    end
  end)

  it("is read back for every length up to three lines", function()
    local s = ""
    for n = 0, 171 do
      local encoded = mime.base64 { s }
      assert.equal(s, decode.base64(encoded))
      assert.equal(#encoded, mime.base64_size(#s))
      for line in encoded:gmatch "([^\r\n]*)\r\n" do assert.is_true(#line <= 76) end
      s = s .. string.char((n * 167 + 13) % 256)
    end
  end)

  it("does not mind empty pieces", function()
    assert.equal("YWI=\r\n", mime.base64 { "", "a", "", "b", "" })
  end)

  it("knows its size beyond what memory holds", function()
    assert.equal(78 * 2 ^ 30, mime.base64_size(57 * 2 ^ 30))
  end)
end)
