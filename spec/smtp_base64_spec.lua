local smtp = require "directsend.test".smtp
local decode = require "support.decode"
local memory = require "directsend.test".util

local PROTOCOL, NOMEM = -5, -1

describe("smtp/base64", function()
  it("writes the vectors of RFC 4648", function()
    local vectors = { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=", foobar = "Zm9vYmFy" }
    for octets, text in pairs(vectors) do
      assert.are.equal(text, smtp.base64(octets))
      assert.are.equal(octets, smtp.unbase64(text))
    end
  end)

  it("gives back what it was given, whatever the octets", function()
    for n = 0, 80 do
      local t = {}
      for i = 1, n do
        t[i] = string.char((i * 37 + n * 101) % 256)
      end
      local octets = table.concat(t)
      local text = smtp.base64(octets)
      assert.are.equal(octets, smtp.unbase64(text))
      assert.are.equal(octets, decode.base64(text))
      assert.is_nil(text:find "[\r\n]")
    end
  end)

  it("takes nothing that is not strictly so", function()
    for _, bad in ipairs {
      "Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "=g==", "Zm9=v", "Zm9v\r\n", "Zm9v\n", "Zm 9", "Zm-_", "Zh==", "Zm9=",
      "\0\0\0\0", "Zm9\195",
    } do
      assert.are.equal(PROTOCOL, smtp.unbase64(bad), bad)
    end
  end)

  it("says so when memory is out", function()
    memory.fail_at(1)
    assert.are.equal(NOMEM, smtp.base64 "foo")
    memory.fail_at(1)
    assert.are.equal(NOMEM, smtp.unbase64 "Zm9v")
    memory.fail_at(0)
  end)
end)
