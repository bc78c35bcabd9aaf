local decode = require "support.decode"
local mime = require "directsend.test".mime

local function path(localpart, domain)
  local field, p, code = mime.mailboxes { "", localpart, domain or "example.com" }
  return field and p, code
end

local function field(name, ...)
  return (mime.mailboxes { name, "a", "example.com", ... })
end

describe("a path", function()
  it("is quoted just where it must be", function()
    assert.equal("a.b@example.com", path "a.b")
    assert.equal("a+b'c@example.com", path "a+b'c")
    assert.equal("user%evil.com@example.com", path "user%evil.com")
    assert.equal("-oQ/tmp@example.com", path "-oQ/tmp")
    assert.equal('"a b"@example.com', path "a b")
    assert.equal('".a"@example.com', path ".a")
    assert.equal('"a..b"@example.com', path "a..b")
    assert.equal('"a@b"@example.com', path "a@b")
    assert.equal('"a\\"b\\\\c"@example.com', path 'a"b\\c')
    assert.equal('""@example.com', path "")
    assert.equal("caf\195\169@example.com", path "caf\195\169")
  end)

  it("keeps to 64 octets before the @, quotes and all, and 254 in all", function()
    assert.equal(64 + 12, #path(("a"):rep(64)))
    assert.is_nil(path(("a"):rep(65)))
    assert.equal(64 + 12, #path(("a"):rep(61) .. " "))
    assert.is_nil(path(("a"):rep(62) .. " "))
    assert.is_nil(path(('"'):rep(32)))
    local d = (("d"):rep(60) .. "."):rep(3) .. ("d"):rep(60)
    assert.equal(254, #path("123456789x", d:sub(1, 243)))
    assert.is_nil(path("123456789xy", d:sub(1, 243)))
  end)

  it("has no controls, no invalid UTF-8, no bad domain", function()
    for _, bad in ipairs { "a\r\n", "\0", "\127", "\t", "\255", "\192\128" } do
      local p, code = path(bad)
      assert.is_nil(p)
      assert.equal(-2, code)
    end
    assert.is_nil(path("a", "example"))
    assert.equal("a@[192.0.2.1]", path("a", "[192.0.2.1]"))
  end)
end)

describe("a mailbox in a field", function()
  it("has its name as atoms, quoted, or as encoded words", function()
    assert.equal("To: a@example.com\r\n", field "")
    assert.equal("To: John Doe <a@example.com>\r\n", field "John Doe")
    assert.equal('To: "Doe, John" <a@example.com>\r\n', field "Doe, John")
    assert.equal('To: "J. Doe" <a@example.com>\r\n', field "J. Doe")
    assert.equal('To: "a  b" <a@example.com>\r\n', field "a  b")
    assert.equal('To: "Evil\\" <evil@x>, \\"" <a@example.com>\r\n', field 'Evil" <evil@x>, "')
    assert.equal("To: =?utf-8?B?SsO2cmc=?= <a@example.com>\r\n", field "J\195\182rg")
    assert.equal("To: =?utf-8?B?PT94Pz0=?= <a@example.com>\r\n", field "=?x?=")
  end)

  it("is folded, with its comma, and one encoded word where one will do", function()
    local list = {}
    for i = 1, 40 do
      for _, v in ipairs { "Name N" .. ("\195\182"):rep(i % 19), "a" .. i, "example.com" } do list[#list + 1] = v end
    end
    local out = mime.mailboxes(list)
    for line in out:gmatch "([^\r\n]*)\r\n" do assert.is_true(#line <= 78) end
    local flat = decode.unfold(out)
    local _, commas = flat:gsub(",", "")
    local _, words = flat:gsub("=%?utf", "")
    assert.equal(39, commas)
    assert.equal(38, words)
  end)

  it("is not folded inside a short name", function()
    for n = 1, 90 do
      local list = { ("x"):rep(n), "b", "example.org", "two words that stand", "a", "example.com" }
      assert.truthy(mime.mailboxes(list):find(" two words that stand", 1, true))
    end
  end)

  it("takes any name a header can hold", function()
    for _, name in ipairs { ("x"):rep(1024), ('"'):rep(1024), (" "):rep(50), ("\240\159\152\128"):rep(256),
                            ("word "):rep(200) .. "w" } do
      local out = field(name, "", "b", "example.net")
      for line in out:gmatch "([^\r\n]*)\r\n" do assert.is_true(#line <= 78) end
      assert.equal("To: " .. name .. " <a@example.com>, b@example.net", decode.words(decode.unfold(out)))
    end
  end)

  it("has no name that breaks out or never ends", function()
    for _, name in ipairs { "a\r\nBcc: b", "\0", "\27[2J", "\255", ("x"):rep(1025) } do
      local out, _, code = mime.mailboxes { name, "a", "example.com" }
      assert.is_nil(out)
      assert.equal(-2, code)
    end
  end)
end)
