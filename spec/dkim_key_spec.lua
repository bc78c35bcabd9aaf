local dkim = require("directsend.test").dkim
local vectors = require "support.dkim_vectors"

describe("dkim/key", function()
  it("makes the same signature of the same octets, again and again", function()
    for _, pem in ipairs { vectors.rsa, vectors.ed25519 } do
      local signature = dkim.raw(pem, "a text")
      assert.equal(pem == vectors.rsa and 128 or 64, #signature)
      assert.equal(signature, dkim.raw(pem, "a text"))
      assert.are_not.equal(signature, dkim.raw(pem, "another text"))
    end
  end)

  it("leaves nothing in OpenSSL's queue of errors, and what is there alone", function()
    dkim.queued()
    dkim.poison()
    dkim.raw(vectors.rsa, "x")
    dkim.raw(vectors.ed25519, "x")
    assert.equal(1, dkim.queued())
  end)

  -- RFC 8463, Appendix A: with the very field, the very signatures
  it("signs the example of RFC 8463 as the RFC does", function()
    local message = vectors.message "rfc8463-example.msg"
    local seen = 0
    for field in message:gmatch "DKIM%-Signature:.-\r\n%f[%u]" do
      local names, value = field:match "h=([^;]*)", field:match " b=([^;]*)$"
      local bare = field:sub(1, -#value - 1)
      local text = dkim.header("relaxed", names, bare, { message })
      local pem = field:find("rsa", 1, true) and vectors.rsa or vectors.ed25519
      assert.equal(value:gsub("%s", ""), vectors.base64(dkim.raw(pem, text)))
      local body = dkim.body("relaxed", { message:match "\r\n\r\n(.*)" })
      assert.equal(field:match "bh=([^;]*)", vectors.base64(dkim.sha256 { body }))
      seen = seen + 1
    end
    assert.equal(2, seen)
  end)
end)
