local smime = require "support.smime"

describe("what a seal is made with", function()
  local people, module

  setup(function()
    module = require "directsend.smime"
    people = smime.new("ann", "bob", "rsa")
  end)
  teardown(function() people:remove() end)

  it("is a key and its own certificate", function()
    for _, other in ipairs { "bob", "rsa" } do
      local seal, why, detail = module.seal { time = os.time(), sign = { cert = people:path "ann.pem", key = people:path(other .. ".key") } }
      assert.is_nil(seal)
      assert.equal(people:path(other .. ".key") .. ": the key is not that of the certificate", why)
      assert.same({ kind = "usage", field = "sign.key" }, detail)
    end
  end)

  it("is every recipient there is, the first certificate of each text", function()
    local text = people:read "ann.pem" .. people:read "bob.pem"
    local message = people:sealed({ encrypt = { text, people:path "rsa.pem" } }, "Content-Type: text/plain\r\n\r\nx")
    assert.is_string(people:decrypted(message, "ann"))
    assert.is_string(people:decrypted(message, "rsa"))
    assert.is_nil(people:decrypted(message, "bob"))
  end)

  it("is something", function()
    local seal, why, detail = module.seal { time = os.time() }
    assert.is_nil(seal)
    assert.equal("neither sign nor encrypt is given", why)
    assert.same({ kind = "usage" }, detail)
  end)
end)
