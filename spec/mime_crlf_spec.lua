local mime = require "directsend.test".mime
local pieces = require "support.pieces"

describe("crlf", function()
  local cases = {
    { "", "" }, { "a", "a" }, { "\n", "\r\n" }, { "\r", "\r\n" },
    { "\r\n", "\r\n" }, { "\n\r", "\r\n\r\n" }, { "\r\r\n", "\r\n\r\n" },
    { "one\n.\ntwo", "one\r\n.\r\ntwo" }, { "one\r.\rtwo", "one\r\n.\r\ntwo" },
    { "a\r\n.\r\r\nb", "a\r\n.\r\n\r\nb" }, { "\r\r\n.\r\r\n", "\r\n\r\n.\r\n\r\n" },
    { "\0\r\255\n", "\0\r\n\255\r\n" },
  }

  it("makes every line end one, wherever the text is cut", function()
    for _, case in ipairs(cases) do
      for _, list in ipairs(pieces(case[1])) do
        assert.equal(case[2], mime.crlf(list))
      end
    end
  end)

  it("ends an open last line, and only that", function()
    assert.equal("a\r\n", mime.crlf({ "a" }, true))
    assert.equal("a\r\n", mime.crlf({ "a\r" }, true))
    assert.equal("a\r\n", mime.crlf({ "a", "\r", "\n" }, true))
    assert.equal("", mime.crlf({}, true))
  end)
end)
