local smime = require "support.smime"

local entity = "Content-Type: text/plain\r\n\r\nnobody else reads this\r\n"

describe("an S/MIME envelope", function()
  local people, encrypt

  setup(function()
    people = smime.new("rsa", "ec", "stranger")
    encrypt = { people:path "rsa.pem", people:path "ec.pem" }
  end)
  teardown(function() people:remove() end)

  it("is opened by each recipient, and by nobody else", function()
    local message = people:sealed({ encrypt = encrypt }, entity)
    assert.equal(entity, assert(people:decrypted(message, "rsa")))
    assert.equal(entity, assert(people:decrypted(message, "ec")))
    assert.is_nil(people:decrypted(message, "stranger"))
    assert.is_nil(people:decrypted(people:sealed({ encrypt = { encrypt[1] } }, entity), "ec"))
  end)

  it("is AES-256-CBC, its agreed keys derived with SHA-256", function()
    local text = assert(people:printed(people:sealed({ encrypt = encrypt }, entity)))
    assert.truthy(text:find("algorithm: aes-256-cbc", 1, true))
    assert.truthy(text:find("dhSinglePass-stdDH-sha256kdf-scheme", 1, true))
    assert.truthy(text:find("algorithm: rsaEncryption", 1, true))
    assert.falsy(text:find("sha1", 1, true))
  end)

  it("does not show what is in it, and is another one each time", function()
    local one = people:sealed({ encrypt = encrypt }, entity)
    assert.falsy(one:find("nobody", 1, true))
    assert.are_not.equal(one, people:sealed({ encrypt = encrypt }, entity))
  end)

  it("holds any number of octets, in whatever pieces", function()
    for _, size in ipairs { 1, 15, 16, 17, 4095, 4096, 4097, 65536, 3000000 } do
      local long = ("0123456789abcdef\r\n"):rep(math.ceil(size / 18)):sub(1, size)
      for _, step in ipairs { size < 5000 and 1 or 16384, 4096, 100000 } do
        local message = people:sealed({ encrypt = { encrypt[2] } }, long, step)
        assert.is_true(long == people:decrypted(message, "ec"))
      end
    end
  end)
end)
