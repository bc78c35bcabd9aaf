local dkim = require "directsend.dkim"
local vectors = require "support.dkim_vectors"

local function signer(domain, selector)
  return dkim.signer { domain = domain, selector = selector, key = vectors.ed25519 }
end

local function refuses(field, domain, selector)
  local made, text, detail = signer(domain, selector)
  assert.is_nil(made)
  assert.same({ kind = "usage", field = field }, detail)
  assert.is_nil(text:find "%c")
end

local label = ("a"):rep(63)

describe("dkim/signer", function()
  it("takes domains and selectors of letters, digits, '-' and dots", function()
    for _, domain in ipairs { "example.org", "EXAMPLE.org", "xn--mller-kva.example", "a.b.c.d", "1.2", label .. ".org" } do
      assert(signer(domain, "s1"))
    end
    for _, selector in ipairs { "s", "2026", "a.b", "A-b-9", label } do
      assert(signer("example.org", selector))
    end
  end)

  it("refuses what would break out of the field, or name no key", function()
    for _, bad in ipairs {
      "", "a;b", "a b", "a\r\nX: y", "a\n", "a\0", "a\tb", "a=b", "a..b", ".a", "a.", "-a", "a-", "a_b", "m\195\188ller",
      "a:b", "a@b", label .. "a",
    } do
      refuses("selector", "example.org", bad)
      refuses("domain", bad .. ".example.org", "s1")
      refuses("domain", "example." .. bad, "s1")
    end
    refuses("domain", "org", "s1")
  end)

  it("refuses a name that is too long for the DNS", function()
    local domain = label .. "." .. label .. "." .. label
    local selector = ("s"):rep(253 - #domain - #"._domainkey.")
    assert(signer(domain, selector))
    refuses("selector", domain, selector .. "s")
  end)

  it("shows no control octets in what it says", function()
    local _, text = signer("a\r\n\27[31m.org", "s1")
    assert.truthy(text:find("'a???[31m.org' is no domain", 1, true), text)
  end)
end)
