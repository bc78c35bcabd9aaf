local tls = require "directsend.test".tls

local SHA256, SHA512 = ("\0"):rep(32), ("\255"):rep(64)

-- a DER SEQUENCE of n octets behind its head
local function sequence(n)
  local head = n < 128 and string.char(n) or n < 256 and "\129" .. string.char(n) or n < 65536 and
    "\130" .. string.char(math.floor(n / 256), n % 256) or
    "\131" .. string.char(math.floor(n / 65536), math.floor(n / 256) % 256, n % 256)
  return "\48" .. head .. ("\0"):rep(n)
end

describe("tls peer", function()
  local function usable(...)
    return tls.usable { { ... } } == 1
  end

  it("counts the TLSA records a mail host can be known by", function()
    assert.equal(0, tls.usable {})
    assert.equal(3, tls.usable {
      { 3, 1, 1, SHA256 }, { 1, 1, 1, SHA256 }, { 2, 0, 2, SHA512 }, { 3, 1, 1, "" }, { 3, 0, 0, sequence(1) },
    })
  end)

  it("has no use for other usages, selectors and matching types", function()
    for n = 0, 255 do
      assert.equal(n == 2 or n == 3, usable(n, 1, 1, SHA256))
      assert.equal(n <= 1, usable(3, n, 1, SHA256))
      assert.equal(n == 1, usable(3, 1, n, SHA256))
      assert.equal(n == 2, usable(3, 1, n, SHA512))
    end
  end)

  it("has no use for a digest that is too short or too long", function()
    for n = 0, 130 do
      assert.equal(n == 32, usable(3, 1, 1, ("x"):rep(n)))
      assert.equal(n == 64, usable(2, 0, 2, ("x"):rep(n)))
    end
  end)

  it("has no use for a certificate or key that is cut or followed by more", function()
    for _, n in ipairs { 1, 127, 128, 255, 256, 300, 65535, 65536, 70000 } do
      local whole = sequence(n)
      for _, selector in ipairs { 0, 1 } do
        assert.is_true(usable(2, selector, 0, whole))
        assert.is_false(usable(2, selector, 0, whole .. "\0"))
        for _, cut in ipairs { 0, 1, 2, 3, 4, 5, 6, #whole - 1 } do
          assert.equal(cut >= #whole, usable(2, selector, 0, whole:sub(1, cut)))
        end
      end
    end
  end)

  it("has no use for what is no DER sequence", function()
    for _, data in ipairs { "\48\0", "\48\128\0\0", "\49\1\0", "\48\132\0\0\0\1\0", "\48\255", "\48\129", "-----BEGIN" } do
      assert.is_false(usable(3, 0, 0, data))
    end
  end)

  it("is copied with all it points to", function()
    assert.same({}, tls.copied {})
    assert.same({ host = "mx.example.test" }, tls.copied { host = "mx.example.test" })
    local all = {
      host = "mx.example.test", session_key = "a key", "example.test", "", "3 1 1 " .. SHA256, "0 2 255 ", "2 0 0 a\0b",
    }
    local options = {
      host = "mx.example.test", session_key = "a key", names = { "example.test", "" },
      tlsa = { { 3, 1, 1, SHA256 }, { 0, 2, 255, "" }, { 2, 0, 0, "a\0b" } },
    }
    assert.same(all, tls.copied(options))
    tls.failing(1)
    local none = tls.copied(options)
    local failed, live = tls.succeeding()
    assert.is_nil(none)
    assert.is_true(failed)
    assert.equal(0, live)
  end)
end)
