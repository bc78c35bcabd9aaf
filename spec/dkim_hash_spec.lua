local dkim = require("directsend.test").dkim
local every_allocation = require "support.every_allocation"

local function hex(s)
  return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

describe("dkim/hash", function()
  -- FIPS 180-2, Appendix B
  it("is SHA-256", function()
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex(dkim.sha256 { "abc" }))
    assert.equal("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      hex(dkim.sha256 { "abcdbcdecdefdefgefgh", "fghighijhijkijkljklmklmnlmnomnopnopq" }))
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", hex(dkim.sha256 {}))
  end)

  it("leaves nothing in OpenSSL's queue of errors, and what is there alone", function()
    dkim.queued()
    dkim.poison()
    dkim.sha256 { "abc" }
    assert.equal(1, dkim.queued())
  end)

  it("survives every failing allocation", function()
    assert.equal(2, every_allocation(function()
      local ok, why = pcall(dkim.sha256, { "abc" })
      return ok, why, not ok and -1
    end))
  end)
end)
