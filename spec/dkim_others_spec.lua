-- What other people's verifiers say of our signatures: dkimpy, OpenDKIM, and
-- Mail::DKIM, which knows RSA alone and wants a body that ends in CRLF; and
-- where .ci/test-readers has got it, mailauth.

local dkim = require "directsend.dkim"
local readers = require "support.dkim_readers"

local header = "From: =?utf-8?Q?J=C3=B6rg?= <a@example.org>\r\nTo: b@example.com,\r\n\t c@example.com \r\nsubject: x\r\n"
  .. "LIST-ID: <x>\r\nReferences: <1>\r\n <2>\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n"
  .. "Content-Type: text/plain;\r\n charset=utf-8\r\n\r\n"
local bodies = {
  "", "\r\n", "Hello  world \r\n\r\n", " \t\r\n x\ty \r\n\r\n\r\nz\r\n \r\n", ".\r\n..\r\n", ("x"):rep(998) .. "\r\n",
  ("a  b\tc \r\n" .. ("y"):rep(70) .. "\r\n\r\n"):rep(4000),
}
local forms = { "relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple" }

describe("others' verifiers", function()
  local rsa, ed25519, records, rsa_alone, both, spoilt

  setup(function()
    rsa, ed25519 = dkim.key(dkim.generate "rsa-sha256"), dkim.key(dkim.generate "ed25519-sha256")
    records = {
      ["s1._domainkey.example.org"] = rsa:record(), ["s2._domainkey.example.org"] = ed25519:record(),
    }
    rsa_alone, both, spoilt = {}, {}, {}
    for _, form in ipairs(forms) do
      local one = { domain = "example.org", selector = "s1", key = rsa, canonicalization = form }
      local two = { domain = "example.org", selector = "s2", key = ed25519, canonicalization = form, expire = 86400 }
      local single, double = assert(dkim.signer(one)), assert(dkim.signer { one, two })
      for _, body in ipairs(bodies) do
        table.insert(rsa_alone, single:sign(header .. body) .. header .. body)
        table.insert(both, double:sign(header .. body, os.time()) .. header .. body)
      end
    end
    for _, tail in ipairs { "more\r\n", "\r\nmore\r\n" } do table.insert(spoilt, rsa_alone[1] .. tail) end
    for _, field in ipairs { "From: x@y.z", "Subject: y", "To: z", "Content-Type: text/html", "Cc: x", "Date: y" } do
      table.insert(spoilt, (rsa_alone[3]:gsub("\r\n\r\n", "\r\n" .. field .. "\r\n\r\n", 1)))
    end
  end)

  local function all(count, verdict)
    local out = {}
    for i = 1, count do out[i] = verdict end
    return out
  end

  it("take our signatures: dkimpy", function()
    assert.same(all(#rsa_alone, "pass"), readers.dkimpy(rsa_alone, records))
    assert.same(all(#both, "pass pass"), readers.dkimpy(both, records))
  end)

  it("take our signatures: Mail::DKIM", function()
    assert.same(all(#rsa_alone, "pass"), readers.maildkim(rsa_alone, records))
  end)

  it("take our signatures: OpenDKIM", function()
    assert.same(all(#rsa_alone, "pass"), readers.opendkim(rsa_alone, records))
    assert.same(all(#both, "pass pass"), readers.opendkim(both, records))
  end)

  if os.getenv "DIRECTSEND_LETTERS" then
    it("take our signatures: mailauth", function()
      assert.same(all(#rsa_alone, "pass"), readers.mailauth(rsa_alone, records))
      assert.same(all(#both, "pass pass"), readers.mailauth(both, records))
    end)

    it("do not, once a body or a field was added: mailauth", function()
      assert.same(all(#spoilt, "fail"), readers.mailauth(spoilt, records))
    end)
  end

  it("do not, once a body or a field was added", function()
    for _, name in ipairs { "dkimpy", "maildkim", "opendkim" } do
      assert.same(all(#spoilt, "fail"), readers[name](spoilt, records))
    end
  end)
end)
