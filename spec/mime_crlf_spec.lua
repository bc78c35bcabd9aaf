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

  it("finds line ends, and nothing that looks like them, at every place of a long run", function()
    local alike = "\0\9\11\12\14\128\138\141\255"
    for before = 0, 24 do
      for _, ends in ipairs { "\r", "\n", "\r\n" } do
        for _, after in ipairs { 0, 1, 7, 8, 9 } do
          local front, back = alike:rep(3):sub(1, before), alike:sub(1, after)
          assert.equal(front .. "\r\n" .. back, mime.crlf { front .. ends .. back })
        end
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
