local core = require "directsend.core"

describe("the octets of a string as content", function()
  it("are read from any place, to the end", function()
    for _, n in ipairs { 0, 1, 16383, 16384, 16385, 100000 } do
      local m = core.message()
      assert.is_true(m:plain(("x"):rep(n)))
      assert.is_true(m:finish(("r"):rep(48)))
      local out = {}
      repeat out[#out + 1] = m:read() until out[#out] == ""
      local _, count = table.concat(out):match "\r\n\r\n(.*)$":gsub("x", "")
      assert.equal(n, count)
    end
  end)

  it("live as long as the message", function()
    local m = core.message()
    m:plain(("long enough to be collected "):rep(1000))
    m:finish(("r"):rep(48))
    for _ = 1, 3 do
      collectgarbage()
      local _ = ("other text "):rep(3000)
    end
    assert.is_truthy(m:read():find("long enough to be collected", 1, true))
  end)
end)
