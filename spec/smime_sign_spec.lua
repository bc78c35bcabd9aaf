local smime = require "support.smime"

local entity = "Content-Type: text/plain; charset=us-ascii\r\n\r\nhello  \r\n\r\nFrom me,\r\n.dotted\r\nno end"

describe("an S/MIME signature", function()
  local people

  setup(function() people = smime.new("rsa", "ec") end)
  teardown(function() people:remove() end)

  for _, kind in ipairs { "rsa", "ec" } do
    it("by a key of the kind " .. kind .. " is found good by openssl", function()
      local message = people:sealed({ sign = people:signer(kind) }, entity)
      assert.equal(entity, assert(people:verified(message)))
      assert.equal(people:read(kind .. ".pem"), people:read "signer.pem")
    end)

    it("by a key of the kind " .. kind .. " ends with any change", function()
      local message = people:sealed({ sign = people:signer(kind) }, entity)
      for _, change in ipairs { { "hello", "hallo" }, { "us%-ascii", "utf-8" }, { "hello  ", "hello " }, { "no end", "no end\r\n" } } do
        local changed, n = message:gsub(change[1], change[2], 1)
        assert.equal(1, n)
        local content, why = people:verified(changed)
        assert.is_nil(content)
        assert.truthy(why:find "failure")
      end
    end)
  end

  it("does not depend on the pieces", function()
    local options = { sign = people:signer "rsa", time = os.time() }
    local whole = people:sealed(options, entity)
    for _, step in ipairs { 1, 2, 7, 64 } do
      assert.equal(whole, people:sealed(options, entity, step))
    end
  end)

  it("tells the time it was given, SHA-256 and the signer's certificate", function()
    local seal = assert(require "directsend.smime".seal { time = os.time() + 86400, sign = people:signer "ec" })
    local text = assert(people:printed("MIME-Version: 1.0\r\n" .. seal:begin "=_b" .. seal:feed(entity) .. seal:finish()))
    local signed = text:match "object: signingTime.-UTCTIME:([^\n]*)"
    assert.truthy(signed:find(os.date("!%b", os.time() + 86400), 1, true))
    assert.truthy(signed:find((os.date("!%d", os.time() + 86400):gsub("^0", "")), 1, true))
    assert.truthy(text:find("algorithm: sha256", 1, true))
    assert.truthy(text:find("CN=ec", 1, true))
    assert.falsy(text:find("algorithm: sha1", 1, true))
  end)

  it("takes a chain along, each certificate once", function()
    people.files:authority("between", { issuer = "ca" })
    people:person("leaf", { issuer = "between" })
    people.files:run "cat leaf.pem between.pem >full.pem"
    local key = people:path "leaf.key"
    assert.is_nil(people:verified(people:sealed({ sign = people:signer "leaf" }, entity)))
    for _, sign in ipairs {
      { cert = people:path "leaf.pem", key = key, chain = people:path "between.pem" },
      { cert = people:path "leaf.pem", key = key, chain = people:path "full.pem" },
      { cert = people:path "full.pem", key = key },
      { cert = people:path "full.pem", key = key, chain = people:path "full.pem" },
    } do
      local message = people:sealed({ sign = sign }, entity)
      assert.equal(entity, assert(people:verified(message)))
      local _, count = assert(people:printed(message)):gsub("d%.certificate:", "")
      assert.equal(2, count)
    end
  end)
end)
