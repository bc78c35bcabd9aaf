local mailbox = require "directsend.mailbox"

local function thrown(f, ...)
  local ok, got = pcall(f, ...)
  assert.is_false(ok)
  return got
end

describe("mailbox.list", function()
  it("counts, and raises on what is no list", function()
    assert.equal(0, mailbox.list({}, "f"))
    assert.equal(2, mailbox.list({ 1, 2 }, "f"))
    assert.equal("f[2]: the list has a hole here", thrown(mailbox.list, { 1, nil, 3 }, "f"))
    assert.equal("f[1]: the list has a hole here", thrown(mailbox.list, { [0] = 1 }, "f"))
    assert.equal("f: a list is wanted, and it has the key 'x'", thrown(mailbox.list, { 1, x = 2 }, "f"))
    assert.equal("f: expected table, got string", thrown(mailbox.list, "x", "f"))
  end)
end)

describe("a reader", function()
  local plain = mailbox.reader {}
  local full = mailbox.reader { domain = "x.yz", aliases = { root = { "a@b.cd", "e" } }, allow_literals = true }

  local function paths(list)
    local out = {}
    for i, a in ipairs(list) do out[i] = (a.name and a.name .. " " or "") .. a.address end
    return table.concat(out, ", ")
  end

  it("throws what will not do, with its field", function()
    local e = thrown(plain.one, plain, "x", "to")
    assert.same({ field = "to", text = "to: 'x': there is no domain to add to a bare name" }, e)
    e = thrown(plain.some, plain, { "a@b.cd", ("y"):rep(100) .. "\r\n@" }, "to")
    assert.equal("to[2]", e.field)
    assert.is_truthy(e.text:find(("y"):rep(77) .. "...'", 1, true))
    e = thrown(plain.one, plain, "x@[192.0.2.1]", "to")
    assert.is_truthy(e.text:find "allow_literals")
  end)

  it("reads strings, tables and lists of both", function()
    assert.equal("N a@b.cd", paths(plain:some({ name = "N", address = "a@b.cd" }, "to")))
    assert.equal("a@b.cd", paths(plain:some({ name = "", address = "a@b.cd" }, "to")))
    assert.equal("N a@b.cd, e@f.gh", paths(plain:some({ "N <a@b.cd>", { address = "e@f.gh" } }, "to")))
    assert.equal("", paths(plain:some({}, "to")))
  end)

  it("adds the domain, and knows aliases of recipients only", function()
    assert.equal("root@x.yz", full:one("root", "from").address)
    assert.equal("R a@b.cd, R e@x.yz", paths(full:recipients("R <root>", "to")))
    assert.equal("root@b.cd", paths(full:recipients("root@b.cd", "to")))
    assert.equal("a@b.cd, e@x.yz", paths(full:recipients("root", "to", " path")))
    assert.equal("a@[192.0.2.1]", full:one("a@[192.0.2.1]", "to").address)
  end)

  it("reads the values of header fields", function()
    assert.equal("root@x.yz, u@v.wx", paths(full:header("root, u@v.wx", "raw")))
    assert.equal("a@b.cd, e@x.yz, u@v.wx", paths(full:header("g: root, u@v.wx;", "raw", true)))
    assert.equal("raw", thrown(plain.header, plain, "a b", "raw").field)
  end)

  it("wants a path where an envelope is meant", function()
    assert.equal("e", thrown(plain.one, plain, "N <a@b.cd>", "e", " path").field)
  end)
end)
