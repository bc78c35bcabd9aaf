local mime = require "directsend.test".mime
local every_allocation = require "support.every_allocation"

describe("a message", function()
  it("is built and read twice, or out of memory, at every allocation", function()
    assert.is_true(every_allocation(function() return mime.whole(false) end) > 15)
  end)

  it("has a body, one text, and its random octets", function()
    local none, twice, random = mime.misuse()
    assert.equal(-3, none)
    assert.equal(-3, twice)
    assert.equal(-8, random)
  end)
end)
