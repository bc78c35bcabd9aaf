local address = require "directsend.core".address

local function read(name)
  local file = assert(io.open(name, "rb"))
  local s = file:read "*a"
  file:close()
  return s
end

-- U+2400 and a number is how the vectors write a control character
local function text_of(xml)
  local named = { lt = "<", gt = ">", amp = "&", quot = '"', apos = "'" }
  local s = xml:gsub("&#x24(%x%x);", function(h) return string.char(tonumber(h, 16)) end)
  s = s:gsub("\226\144([\128-\159])", function(c) return string.char(c:byte() - 128) end)
  s = s:gsub("\226\144\161", "\127")
  return (s:gsub("&(%a+);", named):gsub("&#(%d+);", function(d) return string.char(tonumber(d)) end))
end

-- what isemail calls fit for an envelope and we do not: a mail domain has two
-- labels and does not end in a number
local stricter = { ISEMAIL_RFC5321_TLD = true, ISEMAIL_RFC5321_TLDNUMERIC = true }

-- and the other way: what is too long, or an old form, as it stands, and is
-- neither as it is written anew
local renewed = { ISEMAIL_RFC5321_IPV6DEPRECATED = true }
local shortened = '"abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz abcdefg\\h"@iana.org'

local function vectors()
  local out = {}
  for test in read "spec/vectors/isemail/tests.xml":gmatch "<test id=.-</test>" do
    local a = test:match "<address>(.-)</address>" or ""
    -- beyond ASCII RFC 6531 holds, and the vectors are older
    if not a:find "&#xA9;" then
      out[#out + 1] = { address = text_of(a), category = test:match "<category>(.-)<",
                        diagnosis = test:match "<diagnosis>(.-)<" }
    end
  end
  return out
end

describe("the isemail vectors", function()
  local good = { ISEMAIL_VALID_CATEGORY = true, ISEMAIL_DNSWARN = true, ISEMAIL_RFC5321 = true }
  local list = vectors()

  it("are all there", function()
    assert.equal(163, #list)
  end)

  it("are taken as paths as RFC 5321 has it", function()
    for _, v in ipairs(list) do
      local single = not v.address:find "@.*[.%]]"
      local wanted = good[v.category] and not stricter[v.diagnosis] and not single
                     or v.address == shortened or renewed[v.diagnosis]
      local got = address.parse(v.address, "path literals")
      assert.equal(wanted or false, got ~= nil, v.address .. " " .. v.diagnosis)
      if got then
        assert.same(got, (address.parse(got.address, "path literals")))
      end
    end
  end)
end)

describe("address.parse", function()
  local function parts(s, how)
    local a, why = address.parse(s, how)
    if not a then return nil, why end
    return { a.name or "", a.localpart, a.domain }
  end

  it("reads what people write", function()
    local cases = {
      ["a@example.com"] = { "", "a", "example.com" },
      ["<a@example.com>"] = { "", "a", "example.com" },
      [" a@example.com "] = { "", "a", "example.com" },
      ["John Doe <a@example.com>"] = { "John Doe", "a", "example.com" },
      ["John  Q. Public <a@example.com>"] = { "John Q. Public", "a", "example.com" },
      ['"Doe, John" <a@example.com>'] = { "Doe, John", "a", "example.com" },
      ['"a \\"b\\" \\\\" <a@example.com>'] = { 'a "b" \\', "a", "example.com" },
      ['"x" y "z"<a@example.com>'] = { "x y z", "a", "example.com" },
      ["J\195\182rg <a@example.com>"] = { "J\195\182rg", "a", "example.com" },
      ["(one (two)) a@example.com (three \\) four)"] = { "", "a", "example.com" },
      ["N (c) <a@example.com> (d)"] = { "N", "a", "example.com" },
      ["a (c) @ (d) example.com"] = { "", "a", "example.com" },
      ['"a b"@example.com'] = { "", "a b", "example.com" },
      ['"evil@attacker.example x"@example.net'] = { "", "evil@attacker.example x", "example.net" },
      ["=?utf-8?q?b=40evil.com=3e?=@example.net"] = { "", "=?utf-8?q?b=40evil.com=3e?=", "example.net" },
      ["=?utf-8?q?x?= <a@example.com>"] = { "=?utf-8?q?x?=", "a", "example.com" },
      ['"" <a@example.com>'] = { "", "a", "example.com" },
      ['""@example.com'] = { "", "", "example.com" },
    }
    for s, wanted in pairs(cases) do assert.same(wanted, parts(s), s) end
  end)

  it("says in wire form what it read", function()
    assert.equal('"a b"@example.com', address.parse('"a\\ b"@example.com').address)
    assert.equal("a@example.com", address.parse('"a"@example.com').address)
    assert.is_true(address.parse("caf\195\169@example.com").utf8)
    assert.is_nil(address.parse("cafe@example.com").utf8)
  end)

  it("refuses the rest, and says why", function()
    local cases = {
      [""] = "no address", [" "] = "no address", ["<>"] = "no address", ["a"] = "no @", ["@example.com"] = "before the @",
      ["a@"] = "domain is missing", ["a@b.cd@example.net"] = "behind", ["a@b@example.net"] = "two labels", ["a b@example.com"] = "quotes",
      ["a@example.com b"] = "behind", ["a@example.com, b@example.com"] = "one address", ["Doe, John <a@example.com>"] = "no @",
      ["list: a@example.com;"] = "one address", ["<a@example.com"] = "< >", ["<a@example.com>>"] = "behind",
      ["a@example.com>"] = "behind", ['"a@example.com'] = "does not end", ["a@example.com (x"] = "comment",
      ["<a@example.com> (x"] = "comment", [".a@example.com"] = "quotes", ["a..b@example.com"] = "quotes",
      ['"a".b@example.com'] = "quotes", ["a@example.com\r\nBcc: x"] = "control", ["\255@example.com"] = "UTF-8",
      ["@relay.example:b@example.net"] = "before the @", ["b@[127.0.0.1]"] = "allow_literals",
      ["b@example.net NOTIFY=NEVER"] = "behind", ["x <y <a@example.com>>"] = "no @", ["a\\@example.com"] = "no @",
    }
    for s, why in pairs(cases) do
      local ok, text = parts(s)
      assert.is_nil(ok, s)
      assert.is_truthy(text:find(why, 1, true), s .. ": " .. text)
    end
  end)

  it("takes a path, and no more, as a path", function()
    assert.same({ "", "a", "example.com" }, parts("a@example.com", "path"))
    for _, s in ipairs { "<a@example.com>", "N <a@example.com>", " a@example.com", "a@example.com ", "(x)a@example.com",
                         "a@example.com(x)", "a @example.com", "" } do
      assert.is_nil(parts(s, "path"), s)
    end
  end)

  it("takes a bare name when told to", function()
    assert.same({ "", "root", "" }, parts("root", "bare"))
    assert.same({ "Cron", "root", "" }, parts("Cron <root>", "bare"))
    assert.equal("root", address.parse("root", "bare").address)
    assert.is_nil(parts("a b", "bare"))
    for _, s in ipairs { "root@", "<root@>", "root@(home)", "root@(home", "root (home", "Ana (work <ana@example.com>", "(" } do
      assert.is_nil(parts(s, "bare"), s)
    end
    assert.is_nil(parts("root@", "bare path"))
  end)

  it("takes literals when told to", function()
    assert.same({ "", "a", "[192.0.2.1]" }, parts("a@[192.0.2.1]", "literals"))
    assert.equal("a@[IPv6:2001:db8::1]", address.parse("a@[IPv6:2001:DB8:0::1]", "literals").address)
    assert.is_nil(parts("a@[192.0.2.1", "literals"))
    assert.is_nil(parts("a@[x]", "literals"))
  end)

  it("reads a megabyte of anything in one go", function()
    for _, unit in ipairs { "(", "<", '"', '\\"', '"\\"', "a,", ")", "@", ":", "a.", "\195\169" } do
      assert.is_nil((parts(unit:rep(math.floor(1048576 / #unit)))))
      assert.is_nil((parts(unit:rep(math.floor(1048576 / #unit)) .. "a@example.com")))
    end
    assert.is_nil(parts(("()"):rep(500000)))
    assert.same({ "", "a", "example.com" }, parts(("()"):rep(500000) .. "a@example.com"))
    assert.same({ "", "a", "example.com" }, parts(("("):rep(500000) .. (")"):rep(500000) .. "a@example.com"))
  end)

  it("raises on what is no string", function()
    for _, v in ipairs { 1, true, {}, print } do assert.has_error(function() address.parse(v) end) end
    assert.has_error(function() address.parse() end)
  end)
end)

describe("address.list", function()
  local function paths(s, how)
    local list, why = address.list(s, how)
    if not list then return nil, why end
    local out = {}
    for i, a in ipairs(list) do out[i] = (a.name and a.name .. "|" or "") .. a.address end
    return table.concat(out, " ")
  end

  it("reads what headers hold", function()
    assert.equal("", paths "")
    assert.equal("", paths "undisclosed-recipients:;")
    assert.equal("a@b.cd e@f.gh", paths "a@b.cd,e@f.gh")
    assert.equal("Doe, J|a@b.cd e@f.gh", paths '"Doe, J" <a@b.cd>, ,, e@f.gh,')
    assert.equal("a@b.cd c@d.ef g@h.ij k@l.mn", paths "a@b.cd, Team: c@d.ef, g@h.ij; , k@l.mn")
    assert.equal("a@b.cd c@d.ef", paths "A:a@b.cd;B:c@d.ef,;")
    assert.equal("a@b.cd", paths "(x, y) a@b.cd (z; w),")
    assert.equal("root x@y.zz", paths("root, x@y.zz", "bare"))
  end)

  it("refuses the whole when one will not do", function()
    for _, s in ipairs { "a@b.cd e@f.gh", "a@b.cd; e@f.gh", "A: B: a@b.cd;;", "a@b.cd, (", "x", "a@b.cd,\n e@f.gh", ":a@b.cd" } do
      assert.is_nil(paths(s), s)
    end
    for _, s in ipairs { "root@, a@b.cd", "root (x, a@b.cd", "a@b.cd, root (" } do
      assert.is_nil(paths(s, "bare"), s)
    end
  end)

  it("is linear", function()
    assert.equal(100000, #address.list(("a@b.cd,"):rep(100000)))
    assert.is_nil(paths(("a:"):rep(100000)))
    assert.equal("", paths((","):rep(1000000)))
  end)
end)
