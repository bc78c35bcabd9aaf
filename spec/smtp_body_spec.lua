local smtp = require "directsend.test".smtp

local USAGE = -2

-- dot-stuffing the plain way
local function stuffed(s)
  s = ("\n" .. s):gsub("\n%.", "\n.."):sub(2)
  return s .. ((s == "" or s:sub(-2) == "\r\n") and "" or "\r\n") .. ".\r\n"
end

local function same_in_pieces(s, want)
  for chunk = 1, #s + 1 do
    assert.are.equal(want, (smtp.body(s, chunk)), ("%q by %d"):format(s, chunk))
  end
end

-- every string of up to n of these pieces
local function each(alphabet, n, f, prefix)
  f(prefix or "")
  for i = 1, n > 0 and #alphabet or 0 do
    each(alphabet, n - 1, f, (prefix or "") .. alphabet[i])
  end
end

describe("smtp/body", function()
  it("stuffs dots and ends, in pieces of every size", function()
    each({ ".", "\r\n", "a" }, 6, function(s)
      same_in_pieces(s, stuffed(s))
    end)
  end)

  it("lets no CR and no LF stand alone", function()
    each({ "\r", "\n", ".", "a" }, 4, function(s)
      local rest = s:gsub("\r\n", "")
      same_in_pieces(s, rest:find "[\r\n]" and USAGE or stuffed(s))
    end)
  end)

  it("queues nothing of a piece that will not do", function()
    local _, queued = smtp.body("one\r\n.two\nthree\r\n", 100)
    assert.are.equal(0, queued)
    _, queued = smtp.body("one\r\n.two\nthree\r\n", 5)
    assert.are.equal(5, queued)
  end)

  it("passes octets as they are", function()
    local all = {}
    for i = 0, 255 do
      all[#all + 1] = (i == 10 or i == 13) and "" or string.char(i)
    end
    local s = table.concat(all)
    assert.are.equal(s .. "\r\n.\r\n", (smtp.body(s, 100)))
  end)

  it("takes long bodies", function()
    local s = (("x"):rep(76) .. "\r\n.\r\n"):rep(5000)
    assert.are.equal(stuffed(s), (smtp.body(s, 16384)))
  end)
end)
