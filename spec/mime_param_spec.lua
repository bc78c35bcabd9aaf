local decode = require "support.decode"
local mime = require "directsend.test".mime

local function percent(s)
  return (s:gsub("%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end))
end

-- the value of parameter p in a field, read as RFC 2231 says
local function value(field)
  local s = decode.unfold(field)
  local plain = s:match 'p=([^"; ]+)$'
  if plain then return plain end
  local quoted = s:match 'p="(.*)"$'
  if quoted then return (quoted:gsub("\\(.)", "%1")) end
  local one = s:match "p%*=utf%-8''(.*)$"
  if one then return percent(one) end
  local out, i = {}, 0
  for k, v in s:gmatch "p%*(%d+)%*=([^;]*)" do
    assert(tonumber(k) == i)
    out[#out + 1] = i == 0 and v:gsub("^utf%-8''", "") or v
    i = i + 1
  end
  return percent(table.concat(out))
end

describe("parameters", function()
  it("are tokens, quoted strings, or RFC 2231", function()
    assert.equal("X: a; p=b.txt\r\n", mime.param("p", "b.txt"))
    assert.equal('X: a; p="b c.txt"\r\n', mime.param("p", "b c.txt"))
    assert.equal('X: a; p="a\\"b\\\\c.txt"\r\n', mime.param("p", 'a"b\\c.txt'))
    assert.equal('X: a; p="it\'s 50%.txt"\r\n', mime.param("p", "it's 50%.txt"))
    assert.equal('X: a; p="f\'e*"\r\n', mime.param("p", "f'e*"))
    assert.equal("X: a; p*=utf-8''%C3%A4.txt\r\n", mime.param("p", "\195\164.txt"))
    assert.equal("X: a; p*=utf-8''%3D%3Fx%3F%3D\r\n", mime.param("p", "=?x?="))
  end)

  it("are read back at every length, on lines of at most 78", function()
    for _, char in ipairs { "a", " ", '"', "\\", "%", "'", "\195\164", "\227\129\130", "\240\159\152\128" } do
      for n = 1, 130 do
        local s = "x" .. char:rep(n) .. "y"
        local field = mime.param("p", s)
        assert.equal(s, value(field))
        for line in field:gmatch "([^\r\n]*)\r\n" do assert.is_true(#line <= 78) end
      end
    end
  end)

  it("leave room for the semicolon of another", function()
    for n = 40, 80 do
      for line in mime.params("p", ("x"):rep(n), "q", "y"):gmatch "([^\r\n]*)\r\n" do
        assert.is_true(#line <= 78)
      end
    end
  end)

  it("as encoded words come back too", function()
    assert.equal("X: a; p=b.txt\r\n", mime.param("p", "b.txt", true))
    for n = 1, 200, 7 do
      local s = ("\195\164"):rep(n) .. ".txt"
      local field = mime.param("p", s, true)
      local quoted = decode.unfold(field):match 'p="(.*)"$'
      assert.equal(s, decode.words(quoted))
      for line in field:gmatch "([^\r\n]*)\r\n" do assert.is_true(#line <= 78) end
    end
  end)

  it("know a token", function()
    assert.is_true(mime.token_ok "a-b_c.1")
    for _, s in ipairs { "", "a b", "a/b", "a;b", 'a"', "a\r", "\195\164", "a=b", "\127" } do
      assert.is_false(mime.token_ok(s))
    end
  end)
end)
