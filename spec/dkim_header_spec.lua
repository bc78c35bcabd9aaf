local dkim = require("directsend.test").dkim
local every_allocation = require "support.every_allocation"
local pieces = require "support.pieces"

local text = "From: a\r\nTO: b,\r\n\tc\r\nReceived: 1\r\nreceived: 2\r\nReceived: 3\r\nno field\r\nX-Y \t: z\r\n"

local function picked(names, whole, how)
  return dkim.header(how or "relaxed", names, "sig:", { whole or text .. "\r\nFrom: the body\r\n" })
end

describe("dkim/header", function()
  it("picks the last field of a name first, and each once", function()
    assert.equal("received:3\r\nreceived:2\r\nfrom:a\r\nreceived:1\r\nsig:",
      picked "Received:Received:From:Received:Received:From")
  end)

  it("knows names whatever their case, with white space before the colon and between the names", function()
    assert.equal("to:b, c\r\nx-y:z\r\nfrom:a\r\nsig:", picked "to : \r\n\tx-Y\t:FROM")
    assert.equal("TO: b,\r\n\tc\r\nsig:", picked("To", nil, "simple"))
  end)

  it("takes for nothing what is not there, is no field, or stands in the body", function()
    assert.equal("sig:", picked "Subject:no field:::From2:")
    assert.equal("from:a\r\nsig:", picked "From:From:From")
    assert.equal("sig:", picked "")
  end)

  it("ends at the first blank line, in whatever pieces it comes", function()
    local whole = text .. "\r\n\r\nFrom: the body\r\n"
    for _, cut in ipairs(pieces(whole)) do
      assert.equal("from:a\r\nx-y:z\r\nsig:", dkim.header("relaxed", "from:from:x-y", "sig:", cut))
    end
  end)

  it("is complete without a blank line, and without an end of its last line", function()
    assert.equal("to:b\r\nfrom:a\r\nsig:", picked("to:from", "From: a\r\nTo: b\r\n"))
    assert.equal("To: b\r\nsig:", picked("to:from", "To: b", "simple"))
    assert.equal("sig:", picked("to", "\r\nTo: b\r\n"))
    assert.equal("sig:", picked("to", ""))
  end)

  it("has its line ends in CRLF: an LF alone is refused", function()
    for _, whole in ipairs { "From: a\nTo: b\n\nbody", "From: a\r\n\nbody", "\n", "From: a\r\nTo: b\n\r\n" } do
      for _, cut in ipairs(pieces(whole)) do
        local got, _, code = dkim.header("relaxed", "from:to", "sig:", cut)
        assert.is_nil(got)
        assert.equal(-2, code)
      end
    end
    assert.equal("from:a\rb\r\nsig:", picked("from", "From: a\rb\r\n\r\nthe body\n"))
  end)

  it("has at most 1000 fields and 524288 octets", function()
    assert.truthy(picked("x", ("X: y\r\n"):rep(1000)))
    local _, _, code = picked("x", ("X: y\r\n"):rep(1001))
    assert.equal(-4, code)
    local long = "X: " .. ("y"):rep(524288 - 5) .. "\r\n"
    assert.truthy(picked("x", long))
    _, _, code = picked("x", "z" .. long)
    assert.equal(-4, code)
  end)

  it("survives every failing allocation", function()
    assert.is_true(every_allocation(function() return picked "From:Received:To" end) > 3)
  end)
end)
