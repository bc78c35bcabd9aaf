local dkim = require("directsend.test").dkim
local every_allocation = require "support.every_allocation"
local pieces = require "support.pieces"

describe("dkim/canon of a field", function()
  it("leaves it as it is when simple, but for its line end", function()
    for _, text in ipairs { "A: X", " B\t: Y\t\r\n\tZ  ", "no colon", "" } do
      assert.equal(text, dkim.field("simple", text))
      assert.equal(text, dkim.field("simple", text .. "\r\n"))
    end
  end)

  -- RFC 6376 §3.4.5
  it("lowers the name and squeezes white space when relaxed", function()
    assert.equal("a:X", dkim.field("relaxed", "A: X\r\n"))
    assert.equal("b:Y Z", dkim.field("relaxed", "B : Y\t\r\n\tZ  \r\n"))
    assert.equal("subject:a: B", dkim.field("relaxed", "SubJect:\r\n  a:\t B \t\r\n \r\n"))
    assert.equal("x:", dkim.field("relaxed", "X:\r\n"))
    assert.equal("x:", dkim.field("relaxed", "X: \t\r\n \r\n"))
  end)

  it("takes a lone CR or LF for an octet like others", function()
    assert.equal("x:a\rb\nc", dkim.field("relaxed", "X: a\rb\nc\r\n"))
    assert.equal("x:a\r", dkim.field("relaxed", "X: a\r\r\n"))
  end)

  it("needs no colon, and none of the octets to be ASCII", function()
    assert.equal("only:", dkim.field("relaxed", "Only"))
    assert.equal("x:\195\132 \0", dkim.field("relaxed", "X: \195\132  \0"))
  end)

  it("survives every failing allocation", function()
    local long = "X: " .. ("a  b "):rep(1000)
    for _, how in ipairs { "simple", "relaxed" } do
      assert.is_true(every_allocation(function() return dkim.field(how, long) end) > 1)
    end
  end)
end)

-- RFC 6376 §3.4.3 and §3.4.4, word for word and slowly
local function simple(body)
  while body:sub(-2) == "\r\n" do body = body:sub(1, -3) end
  return body .. "\r\n"
end

local function relaxed(body)
  if body ~= "" and body:sub(-2) ~= "\r\n" then body = body .. "\r\n" end
  local lines = {}
  for line in body:gsub("\r\n", "\1"):gmatch("([^\1]*)\1") do
    lines[#lines + 1] = line:gsub("[ \t]+", " "):gsub(" $", "")
  end
  while lines[1] and lines[#lines] == "" do lines[#lines] = nil end
  return lines[1] and table.concat(lines, "\r\n") .. "\r\n" or ""
end

local bodies = {
  "", "\r\n", "\r\n\r\n\r\n", "x", "x\r\n", "x\r\n\r\n\r\n", "x\r", "\r", "\r\r\n", "\n", "x\n\n", " ", "\t\r\n",
  " \r\n \r\n", " C \r\nD \t E\r\n\r\n\r\n", "a b  c\t\td \te\r\n", "\r\n\r\na\r\n\r\n\r\n\r\nb", "a \r\n\r\n \r\nb \r\n \r\n",
  " lead\r\n  lead\r\n\tlead", "x \r", "x \ry", "a\r\r\nb", "a\n\rb\r\n", ("line of text\r\n"):rep(200),
  ("\r\n"):rep(100) .. "x" .. ("\r\n"):rep(100), ("ab  "):rep(300), ("\195\164\255\128 \t"):rep(50),
  "12345678901234567 1234567\t12345678\r\n\r\n12345678 \r\n1234567  1234567\r\n",
}

describe("dkim/canon of a body", function()
  it("is the RFC's, in whatever pieces it comes", function()
    for _, body in ipairs(bodies) do
      for _, cut in ipairs(pieces(body)) do
        assert.equal(simple(body), dkim.body("simple", cut))
        assert.equal(relaxed(body), dkim.body("relaxed", cut))
      end
    end
  end)

  it("is the RFC's for anything made of what matters, cut anywhere", function()
    local seed = 7
    local function pick(n)
      seed = (seed * 16807) % 2147483647
      return seed % n + 1
    end
    local parts = { " ", "\t", "\r", "\n", "\r\n", "x", "\r\n", "word", "longer than eight", "a b c d e f ", "\2", "\195\164" }
    for _ = 1, 1500 do
      local cut, body = {}, {}
      for i = 1, pick(12) do
        local piece = {}
        for k = 1, pick(4) - 1 do piece[k] = parts[pick(#parts)] end
        cut[i] = table.concat(piece)
        body[i] = cut[i]
      end
      body = table.concat(body)
      assert.equal(simple(body), dkim.body("simple", cut))
      assert.equal(relaxed(body), dkim.body("relaxed", cut))
    end
  end)

  it("ends a body of nothing in a line end when simple alone", function()
    assert.equal("\r\n", dkim.body("simple", {}))
    assert.equal("", dkim.body("relaxed", {}))
  end)
end)
