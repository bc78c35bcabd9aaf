local decode = require "support.decode"
local smime = require "support.smime"

describe("base64 of what is sealed", function()
  local people

  setup(function() people = smime.new("ec") end)
  teardown(function() people:remove() end)

  it("has lines of 76 characters, the last one shorter, each with its CRLF", function()
    for size = 1, 200 do
      local text = people:sealed({ encrypt = { people:path "ec.pem" } }, ("x"):rep(size))
      local body, last = text:match "^.-\r\n\r\n(.*)$", nil
      for line in body:gmatch "([^\r\n]*)\r\n" do
        assert.truthy(last == nil or #last == 76)
        assert.truthy(#line > 0 and #line <= 76)
        last = line
      end
      assert.equal(0, #body:gsub("[^\r\n]*\r\n", ""))
      local der = decode.base64(body)
      assert.equal("\48\128", der:sub(1, 2)) -- a SEQUENCE of indefinite length, …
      assert.equal(("\0"):rep(8), der:sub(-8)) -- … and its end
    end
  end)
end)
