local dkim = require "directsend.dkim"
local door = require("directsend.test").dkim
local pki = require "support.pki"
local vectors = require "support.dkim_vectors"

local function refuses(pem, why)
  local key, text, detail = dkim.key(pem)
  assert.is_nil(key)
  assert.same({ kind = "usage", field = "key" }, detail)
  assert.truthy(text:find(why, 1, true), text)
end

describe("dkim/pem", function()
  local files

  setup(function() files = pki.new() end)
  teardown(function() files:remove() end)

  local function made(command)
    files:run(command .. " >key.pem")
    return files:read "key.pem"
  end

  it("reads RSA as PKCS#1 and as PKCS#8, and Ed25519", function()
    local key = assert(dkim.key(vectors.rsa))
    assert.equal("rsa-sha256", key:algorithm())
    assert.equal(1024, key:bits())
    files:write("rsa.pem", vectors.rsa)
    local other = assert(dkim.key(made "openssl pkcs8 -topk8 -nocrypt -in rsa.pem"))
    assert.equal(key:record(), other:record())
    assert.equal("ed25519-sha256", assert(dkim.key(vectors.ed25519)):algorithm())
  end)

  it("reads a key that has other things around it", function()
    local text = "Bag Attributes\r\n" .. vectors.rsa:gsub("\n", "\r\n") .. "\nmore\n"
    assert.equal(1024, assert(dkim.key(text)):bits())
  end)

  it("says what is wrong with a key", function()
    refuses("\n", "there is no private key in PEM in it; openssl pkey")
    refuses("MIICXQIBAAKB\n", "there is no private key in PEM in it; openssl pkey")
    refuses(vectors.rsa:gsub("\n.-\n", "\n", 1), "the private key is damaged")
    refuses(vectors.rsa:sub(1, 400), "the private key is damaged")
    refuses(made "openssl genpkey -algorithm ed25519 | openssl pkey -pubout", "this is a public key")
    refuses("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "a key for SSH")
    refuses("-----BEGIN X-----\nAAAA\n-----END X-----\n", "there is no private key in it")
    refuses(vectors.rsa .. ("\n"):rep(1048576), "too long for keys and certificates")
    files:leaf("mx", { san = "DNS:mx.example.test" })
    refuses(files:read "mx.pem", "there is a certificate and no private key in it")
  end)

  it("asks nobody for a password", function()
    for _, command in ipairs {
      "openssl genrsa -aes128 -passout pass:x -traditional 2048", "openssl genrsa -aes128 -passout pass:x 2048",
      "openssl genpkey -algorithm ed25519 -aes128 -pass pass:x",
    } do
      refuses(made(command), "the key is encrypted")
    end
  end)

  it("refuses kinds and lengths of keys that DKIM does not have", function()
    for _, bits in ipairs { 512, 768, 1023 } do
      refuses(made("openssl genrsa " .. bits), "an RSA key of " .. bits .. " bits is too short")
    end
    refuses(made "openssl ecparam -name prime256v1 -genkey", "this kind of key cannot sign mail")
    refuses(made "openssl genpkey -algorithm ed448", "this kind of key cannot sign mail")
    refuses(made "openssl genpkey -algorithm x25519", "this kind of key cannot sign mail")
    refuses(made "openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:1024", "an RSA-PSS key")
  end)

  it("writes the record of a key", function()
    assert.equal(vectors.records["test._domainkey.football.example.com"], assert(dkim.key(vectors.rsa)):record())
    assert.equal(vectors.records["brisbane._domainkey.football.example.com"],
      assert(dkim.key(vectors.ed25519)):record())
    assert.equal(vectors.example_record:match "p=.*", assert(dkim.key(vectors.example)):record():match "p=.*")
  end)

  it("makes keys, each another", function()
    local one = dkim.generate "ed25519-sha256"
    local other = dkim.generate "ed25519-sha256"
    assert.are_not.equal(one, other)
    assert.truthy(one:find "^%-%-%-%-%-BEGIN PRIVATE KEY%-%-%-%-%-\n")
    assert.equal("ed25519-sha256", assert(dkim.key(one)):algorithm())
    assert.equal(2048, assert(dkim.key(dkim.generate "rsa-sha256")):bits())
    for _, bits in ipairs { 1024, 2047, 8193, -1, 2 ^ 31 } do
      local pem, text, detail = dkim.generate("rsa-sha256", bits)
      assert.is_nil(pem)
      assert.equal("an RSA key has 2048 to 8192 bits", text)
      assert.same({ kind = "usage", field = "bits" }, detail)
    end
  end)

  it("leaves nothing in OpenSSL's queue of errors, and what is there alone", function()
    door.queued()
    door.poison()
    dkim.key(vectors.rsa:sub(1, 400))
    dkim.key "\n"
    assert(dkim.key(vectors.rsa)):record()
    dkim.generate "ed25519-sha256"
    assert.equal(1, door.queued())
  end)
end)
