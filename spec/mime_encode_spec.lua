local decode = require "support.decode"
local mime = require "directsend.test".mime
local pieces = require "support.pieces"

describe("encode", function()
  local s = ("one\ntwo\r\nthr\195\169\195\169 =\r"):rep(300) .. "end"
  local lines = mime.crlf({ s }, true)

  it("is the same however the text is cut", function()
    for _, how in ipairs { "7bit", "8bit", "quoted-printable", "base64" } do
      local whole = mime.encode({ s }, how, true)
      for _, list in ipairs(pieces(s)) do assert.equal(whole, mime.encode(list, how, true)) end
    end
  end)

  it("gives text back with one kind of line end and none open", function()
    assert.equal(lines, mime.encode({ s }, "8bit", true))
    assert.equal(lines, decode.qp(mime.encode({ s }, "quoted-printable", true)))
    assert.equal(lines, decode.base64(mime.encode({ s }, "base64", true)))
  end)

  it("gives octets back as they were", function()
    assert.equal(s, decode.base64(mime.encode({ s }, "base64", false)))
    assert.equal(s, mime.encode({ s }, "8bit", false))
    assert.equal("", mime.encode({}, "base64", true))
  end)
end)
