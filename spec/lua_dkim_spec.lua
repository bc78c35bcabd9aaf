local dkim = require "directsend.dkim"
local process = require "support.process"
local vectors = require "support.dkim_vectors"

local function options(more)
  local out = { domain = "example.org", selector = "s1", key = vectors.ed25519 }
  for key, value in pairs(more or {}) do out[key] = value end
  return out
end

local message = "From: a@example.org\r\n\r\nx\r\n"

local function refuses(more, field, why)
  local signer, text, detail = dkim.signer(options(more))
  assert.is_nil(signer)
  assert.same({ kind = "usage", field = field }, detail)
  assert.truthy(text:find(why, 1, true), text)
end

describe("the module directsend.dkim", function()
  it("knows no other key than these, and of no other type", function()
    for key, value in pairs {
      selectr = "x", domain = 1, selector = true, key = 7, algorithm = {}, canonicalization = 1, expire = "1",
    } do
      assert.has_error(function() dkim.signer(options { [key] = value }) end)
    end
    for _, bad in ipairs { 1, "x", { 1 }, { "x" }, {}, { domain = "example.org" } } do
      assert.has_error(function() dkim.signer(bad) end)
    end
    assert.has_error(function() dkim.signer(options { key = { file = "x" } }) end)
    assert.has_error(function() dkim.signer(options { key = {} }) end)
    assert.has_error(function() dkim.signer() end)
    assert.has_error(function() dkim.key() end)
    assert.has_error(function() dkim.generate "rsa" end)
  end)

  it("guesses the algorithm from the key, and holds it to what is asked", function()
    assert(dkim.signer(options { algorithm = "ed25519-sha256" }))
    assert(dkim.signer(options { key = vectors.rsa, algorithm = "rsa-sha256" }))
    refuses({ algorithm = "rsa-sha256" }, "key", "the key is for ed25519-sha256, not for rsa-sha256")
    refuses({ algorithm = "ed25519-sha256", key = vectors.rsa }, "key", "the key is for rsa-sha256")
    refuses({ algorithm = "rsa-sha1" }, "algorithm", "rsa-sha256 or ed25519-sha256")
  end)

  it("takes a canonicalisation by its words", function()
    for word, means in pairs {
      ["relaxed/relaxed"] = "relaxed/relaxed", ["simple/relaxed"] = "simple/relaxed", relaxed = "relaxed/simple",
      simple = "simple/simple",
    } do
      local field = dkim.signer(options { canonicalization = word }):sign(message)
      assert.equal(means, field:match "c=([^;]*)")
    end
    for _, word in ipairs { "", "Relaxed", "relaxed/", "relaxed/x", "nofws" } do
      refuses({ canonicalization = word }, "canonicalization", "relaxed or simple")
    end
  end)

  it("bounds how long a signature holds", function()
    for _, seconds in ipairs { -1, 1e10, 0 / 0 } do refuses({ expire = seconds }, "expire", "seconds") end
    assert(dkim.signer(options { expire = 0 }))
  end)

  it("names the one of a list that will not do", function()
    local signer, _, detail = dkim.signer { options(), options { domain = "x y.org" } }
    assert.is_nil(signer)
    assert.equal("[2].domain", detail.field)
    signer, _, detail = dkim.signer { options { key = "/none" } }
    assert.is_nil(signer)
    assert.equal("[1].key", detail.field)
  end)

  it("shares a key between signers, whatever becomes of the key's own value", function()
    local key = dkim.key(vectors.ed25519)
    local one, two = dkim.signer(options { key = key }), dkim.signer(options { key = key, selector = "s2" })
    local run = two:begin()
    key, two = nil, nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.truthy(one:sign(message))
    assert.truthy(run:feed(message):finish())
  end)

  it("warns of what it takes with doubts", function()
    assert.same({}, dkim.signer(options()):warnings())
    assert.same({ "the key: an RSA key of 1024 bits is weak: 2048 is good" },
      dkim.signer { options(), options { key = vectors.rsa } }:warnings())
  end)

  it("finishes once", function()
    local run = dkim.signer(options()):begin()
    run:feed(message):finish()
    assert.has_error(function() run:finish() end)
    assert.has_error(function() run:feed "x" end)
  end)

  it("passes on what the function that reads raises, and signs on", function()
    local signer = dkim.signer(options())
    assert.has_error(function() signer:sign(function() error("no more", 0) end) end, "no more")
    assert.has_error(function() signer:sign(function() return {} end) end)
    assert.has_error(function() signer:sign(7) end)
    assert.has_error(function() signer:sign(message, -2) end)
    assert.has_error(function() signer:sign(message, 1e15) end)
    local inner
    local fields = signer:sign(message)
    local at = 0
    assert.equal(fields, signer:sign(function()
      inner = signer:sign(message)
      at = at + 1
      return at == 1 and message or nil
    end))
    assert.equal(fields, inner)
  end)

  it("survives every failing allocation", function()
    local text, ended_well = process.run("spec/support/starved_dkim.lua", {})
    assert.is_true(ended_well, text:sub(-400))
    assert.is_true(tonumber(text:match "(%d+) failures survived") > 30)
  end)

  it("loads neither itself nor libcrypto before it is asked for", function()
    local script = os.tmpname()
    local file = assert(io.open(script, "w"))
    file:write [[
      require "directsend".new {}
      local function mapped(name)
        for line in io.lines "/proc/self/maps" do
          if line:find(name, 1, true) then return true end
        end
        return false
      end
      print(mapped "libcrypto", mapped "dkim.so")
      require "directsend.dkim"
      print(mapped "libcrypto", mapped "dkim.so")
    ]]
    file:close()
    local text, ended_well = process.run(script, { env = "HOME=/nonexistent DIRECTSEND_CONFIG=" })
    os.remove(script)
    assert.is_true(ended_well, text)
    assert.equal("false\tfalse\ntrue\ttrue\n", text)
  end)
end)
