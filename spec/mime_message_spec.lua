local test = require "directsend.test"
local mime, util = test.mime, test.util

-- the n-th allocation fails, for every n there is
local function starved(f)
  local n, before = 0, util.live()
  repeat
    n = n + 1
    util.fail_at(n)
    local ok, _, code = f()
    util.fail_at(0)
    assert.is_true(ok or code == -1, "allocation " .. n .. ": " .. tostring(code))
    assert.equal(before, util.live())
  until ok
  return n
end

describe("a message", function()
  it("is built and read twice, or out of memory, at every allocation", function()
    assert.is_true(starved(function() return mime.whole(false) end) > 15)
  end)

  it("has a body, one text, and its random octets", function()
    local none, twice, random = mime.misuse()
    assert.equal(-3, none)
    assert.equal(-3, twice)
    assert.equal(-8, random)
  end)
end)

describe("a raw message", function()
  it("is taken and read twice, or out of memory, at every allocation", function()
    assert.is_true(starved(function() return mime.whole(true) end) > 5)
  end)
end)
