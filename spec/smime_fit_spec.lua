local smime = require "support.smime"

local day = 86400

describe("a certificate for S/MIME", function()
  local people, module

  setup(function()
    module = require "directsend.smime"
    people = smime.new("ann")
    people:person("web", { extended = "serverAuth" })
    people:person("any", { extended = "anyExtendedKeyUsage" })
    people:person("plain", { extended = false })
    people:person("signs", { usage = "digitalSignature" })
    people:person("vouches", { usage = "nonRepudiation" })
    people:person("agrees", { usage = "keyAgreement" })
    people:person("enciphers", { kind = "rsa", usage = "keyEncipherment" })
    people:person("ed", { kind = "ed25519" })
  end)
  teardown(function() people:remove() end)

  local function refusal(name, use, time)
    local pem = people:read(name .. ".pem")
    local seal, why, detail = module.seal {
      time = time or os.time(),
      sign = use == "sign" and { cert = pem, key = people:read(name .. ".key") } or nil,
      encrypt = use == "encrypt" and { pem } or nil }
    if seal then return nil end
    assert.equal("usage", detail.kind)
    assert.equal(use == "sign" and "sign.cert" or "encrypt[1]", detail.field)
    return why
  end

  for _, use in ipairs { "sign", "encrypt" } do
    it("to " .. use .. " must be valid at the time", function()
      assert.is_nil(refusal("ann", use))
      local over = refusal("ann", use, os.time() + 31 * day)
      assert.equal("the certificate expired on ", over:sub(1, 27))
      assert.truthy(over:find "^.*on %d%d%d%d%-%d%d%-%d%d$")
      local early = refusal("ann", use, os.time() - day)
      assert.truthy(early:find "^the certificate is not valid before %d%d%d%d%-%d%d%-%d%d$")
    end)

    it("to " .. use .. " must be for mail, or not say what for", function()
      assert.truthy(refusal("web", use):find "not for mail: emailProtection")
      assert.is_nil(refusal("any", use))
      assert.is_nil(refusal("plain", use))
    end)

    it("to " .. use .. " must be of a kind that readers know", function()
      assert.truthy(refusal("ed", use):find "RSA and EC they do$")
    end)
  end

  it("must be for its use, where it says one", function()
    assert.is_nil(refusal("signs", "sign"))
    assert.is_nil(refusal("vouches", "sign"))
    assert.truthy(refusal("agrees", "sign"):find "not for signing: its key usage has no digitalSignature")
    assert.is_nil(refusal("agrees", "encrypt"))
    assert.is_nil(refusal("enciphers", "encrypt"))
    assert.truthy(refusal("signs", "encrypt"):find "not for encrypting: its key usage has no keyEncipherment")
  end)
end)
