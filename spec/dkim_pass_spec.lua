local dkim = require "directsend.dkim"
local pieces = require "support.pieces"
local vectors = require "support.dkim_vectors"

local message = "From: a@example.org\r\nTo: b@example.com,\r\n\tc@example.com\r\nSubject: x  y\r\n\r\n"
  .. "One line \r\n\r\n  two\tlines\r\n" .. ("and more of them, so that chunks have something to part\r\n"):rep(40)
  .. "\r\n\r\n \r\n"

describe("dkim/pass", function()
  for _, form in ipairs { "relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple" } do
    it("does not mind how a message comes: " .. form, function()
      local signer = assert(dkim.signer {
        domain = "example.org", selector = "s1", key = vectors.ed25519, canonicalization = form,
      })
      local fields = assert(signer:sign(message, 1))
      for _, cut in ipairs(pieces(message)) do
        local run, i = signer:begin(), 0
        for _, piece in ipairs(cut) do assert.equal(run, run:feed(piece)) end
        assert.equal(fields, run:finish(1))
        assert.equal(fields, signer:sign(function()
          i = i + 1
          return cut[i]
        end, 1))
      end
    end)
  end

  it("is one of many at once", function()
    local signer = assert(dkim.signer { domain = "example.org", selector = "s1", key = vectors.ed25519 })
    local other = message:gsub("Subject", "Comments")
    local one, two = signer:begin(), signer:begin()
    for i = 1, #other, 11 do
      one:feed(message:sub(i, i + 10))
      two:feed(other:sub(i, i + 10))
      signer:sign "From: x\r\n\r\n"
    end
    assert.equal(signer:sign(message), one:finish())
    assert.equal(signer:sign(other), two:finish())
  end)

  it("forgets a message that would not do", function()
    local signer = assert(dkim.signer { domain = "example.org", selector = "s1", key = vectors.ed25519 })
    local fields = signer:sign(message)
    for _, bad in ipairs { "From: a\n\nx", ("X: y\r\n"):rep(1001), "X: " .. ("y"):rep(600000), "To: b\r\n\r\n" } do
      local none, text, detail = signer:sign(bad)
      assert.is_nil(none)
      assert.equal("usage", detail.kind)
      assert.equal("string", type(text))
      assert.equal(fields, signer:sign(message))
    end
  end)
end)
