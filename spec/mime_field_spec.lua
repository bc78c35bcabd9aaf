local decode = require "support.decode"
local mime = require "directsend.test".mime

local function lines(field)
  local out = {}
  for line in field:gmatch "([^\r\n]*)\r\n" do out[#out + 1] = line end
  return out
end

local function value(field)
  return (decode.words(decode.unfold(field):match "^[^:]+:(.*)$"):gsub("^ ", "", 1))
end

describe("a field", function()
  it("stands as it is while it can", function()
    assert.equal("Subject: hi\r\n", mime.field("Subject", "hi"))
    assert.equal("Subject:\r\n", mime.field("Subject", ""))
    assert.equal("Subject: a  b\r\n", mime.field("Subject", "a  b"))
  end)

  it("is folded at its own spaces, which stay what they were", function()
    for _, gap in ipairs { " ", "  ", "     " } do
      local words = {}
      for i = 1, 60 do words[i] = ("w"):rep(i % 17 + 1) end
      local s = table.concat(words, gap)
      local field = mime.field("Subject", s)
      assert.equal("Subject: " .. s, decode.unfold(field))
      for _, line in ipairs(lines(field)) do
        assert.is_true(#line <= 78)
        assert.is_truthy(line:find "[^ ]")
      end
    end
  end)

  it("encodes what would not come back by itself", function()
    for _, s in ipairs { " a", "a ", " ", "caf\195\169", "=?utf-8?Q?x?=", "a =?b?= c",
                         ("x"):rep(2000), ("x"):rep(71), "a" .. (" "):rep(500) .. "b",
                         ("\240\159\152\128"):rep(400), "a" .. ("\195\169 "):rep(300) } do
      local field = mime.field("Subject", s)
      assert.is_truthy(field:find("=?utf-8?", 1, true))
      assert.equal(s, value(field))
      for _, line in ipairs(lines(field)) do assert.is_true(#line <= 78) end
    end
  end)

  it("leaves a long word alone where a machine reads it, up to 998", function()
    local url = "<https://example.com/" .. ("x"):rep(900) .. ">"
    local field = mime.field("List-Unsubscribe", url .. ", " .. url, true)
    assert.equal("List-Unsubscribe: " .. url .. ", " .. url, decode.unfold(field))
    for n = 970, 1010 do
      local out = mime.field("X", ("y"):rep(n), true)
      assert.equal(("y"):rep(n), value(out))
      for _, line in ipairs(lines(out)) do assert.is_true(#line <= 998) end
    end
  end)

  it("has room for a name of 76", function()
    local name = ("N"):rep(76)
    assert.equal("caf\195\169", value(mime.field(name, "caf\195\169")))
    assert.equal("a", value(mime.field(name, "a")))
    assert.is_false(mime.name_ok(name .. "N"))
  end)

  it("refuses a name that is none", function()
    for _, name in ipairs { "", "X A", "X:", "X-A: b\r\nBcc", "\195\156n\195\175", "a\127", "a\0", "a\t" } do
      assert.is_false(mime.name_ok(name))
      local ok, why, code = mime.field(name, "x")
      assert.is_nil(ok)
      assert.equal(-2, code)
      assert.is_truthy(why:find "cannot be the name")
    end
    assert.is_true(mime.name_ok "X-A!#$%&'*+-.^_`|~1")
  end)

  it("refuses a value that could break out, and does not repair it", function()
    for _, bad in ipairs { "hi\r\nBcc: x@y", "hi\nBcc: x", "hi\rBcc: x", "\0", "\11", "\12", "\27", "\t",
                           "\127", "\255", "\237\160\128" } do
      local ok, _, code = mime.field("Subject", "hi" .. bad)
      assert.is_nil(ok)
      assert.equal(-2, code)
    end
  end)
end)
