local dkim = require "directsend.dkim"
local smime = require "support.smime"

describe("crypto/pem", function()
  local people

  setup(function()
    people = smime.new()
    people:person("ann", { kind = "rsa" })
    people.files:run [[
      openssl pkey -in ann.key -pubout -out public.pem
      openssl pkcs8 -topk8 -in ann.key -passout pass:secret -out encrypted.pem
      openssl pkey -in ann.key -outform der -out der.pem
      openssl rsa -in ann.key -traditional -out traditional.pem
      cat ann.pem traditional.pem >both.pem
      sed 3d ann.key >damaged.pem
      openssl crl2pkcs7 -nocrl -certfile ann.pem -out other.pem
      echo >empty.pem
      { cat ann.key; head -c 66000 /dev/zero | tr '\\0' '\\n'; } >long.pem]]
  end)
  teardown(function() people:remove() end)

  -- what is said of a file by all who read keys
  local function said(name)
    local path = people:path(name)
    local _, of_dkim = dkim.key(path)
    local _, of_smime = require "directsend.smime".seal {
      time = os.time(), sign = { cert = people:path "ann.pem", key = path } }
    assert.equal(of_dkim, of_smime)
    if of_dkim == nil then return nil end
    assert.equal(path .. ": ", of_dkim:sub(1, #path + 2))
    return of_dkim:sub(#path + 3)
  end

  it("reads a key, alone or with other things around it", function()
    for _, name in ipairs { "ann.key", "traditional.pem", "both.pem" } do assert.is_nil(said(name)) end
  end)

  it("says in the same words to all what is wrong with one", function()
    for name, why in pairs {
      ["public.pem"] = "this is a public key; to sign takes the private one",
      ["encrypted.pem"] = "the key is encrypted; openssl pkey -in FILE writes it without its password",
      ["damaged.pem"] = "the private key is damaged, or of an unknown kind",
      ["ann.pem"] = "this is a certificate, not a private key",
      ["other.pem"] = "there is no private key in it",
      ["der.pem"] = "this is no private key in PEM; openssl pkey -in FILE writes one in DER so, openssl pkcs12 -nodes "
                    .. "one in PKCS#12",
      ["long.pem"] = "is too long for a key",
    } do
      assert.equal(why, said(name))
    end
    assert.equal(said "der.pem", said "empty.pem")
    local _, why = dkim.key(people:read "long.pem")
    assert.equal("this is too long for a key", why)
  end)
end)
