local mime = require "directsend.test".mime

describe("a mail domain", function()
  it("is labels of letters, digits and inner hyphens", function()
    local l63 = ("a"):rep(63)
    for _, s in ipairs { "a.b", "example.com", "EXAMPLE.Com", "a-b.c--d.ee", "1.2.c", "xn--bcher-kva.example",
                         l63 .. "." .. l63 .. "." .. l63 .. "." .. ("a"):rep(61) } do
      assert.is_true(mime.domain(s))
    end
  end)

  it("is refused with the reason", function()
    local l63 = ("a"):rep(63)
    local cases = {
      [""] = "missing", ["b."] = "empty labels", [".b.c"] = "empty labels", ["b..c"] = "empty labels",
      ["example"] = "two labels", ["-b.c"] = "hyphen", ["b-.c"] = "hyphen", ["a_b.c"] = "letters",
      ["a.1"] = "number", ["1.2.3.4"] = "number", ["a b.c"] = "letters", ["a.b\0"] = "letters",
      [l63 .. "a.b"] = "63 octets", ["b\195\188cher.example"] = "IDN",
      [l63 .. "." .. l63 .. "." .. l63 .. "." .. ("a"):rep(62)] = "253 octets",
      [("\217\160"):rep(5000000)] = "253 octets",
    }
    for s, why in pairs(cases) do
      local ok, text, code = mime.domain(s)
      assert.is_nil(ok)
      assert.equal(-2, code)
      assert.is_truthy(text:find(why, 1, true), text)
      assert.is_true(#text < 464)
    end
  end)
end)

describe("an address literal", function()
  it("is written anew", function()
    assert.equal("[192.0.2.1]", mime.literal "[192.0.2.1]")
    assert.equal("[IPv6:2001:db8::1]", mime.literal "[ipv6:2001:0DB8:0:0:0:0:0:1]")
    assert.equal("[IPv6:::1]", mime.literal "[IPv6:::1]")
  end)

  it("is IPv4 or tagged IPv6, nothing else", function()
    for _, s in ipairs { "", "[]", "[1.2.3]", "[1.2.3.4", "1.2.3.4]", "[::1]", "[IPv6:1.2.3.4]", "[IPv6:]", "[tag:x]",
                         "[1.2.3.256]", "[IPv6:" .. ("1:"):rep(100) .. "]", "[1.2.3.4]]" } do
      local ok, _, code = mime.literal(s)
      assert.is_nil(ok)
      assert.equal(-2, code)
    end
  end)
end)
