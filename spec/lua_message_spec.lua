local core = require "directsend.core"

local random = ("\1"):rep(48)

local function built()
  local m = core.message()
  assert(m:text("Subject", "s"))
  assert(m:plain(("line\n"):rep(10000)))
  assert(m:finish(random))
  return m
end

describe("core.message", function()
  it("counts octets in integers where there are such", function()
    local m = core.message()
    m:plain "x"
    m:finish(("\1"):rep(48))
    local kind = math.type or function() return "integer" end -- luacheck: ignore
    assert.equal("integer", kind(m:size()))
    assert.equal(tostring(#m:read()), tostring(m:size()))
    local mailer = require "directsend".new { transport = "null" }
    local report = mailer:send { from = "a@b.cd", to = "e@f.gh", text = "x" }
    assert.equal("integer", kind(report.bytes))
    assert.truthy(tostring(report.bytes):find "^%d+$")
  end)

  it("reads on in pieces, and again from the start", function()
    local m, out = built(), {}
    repeat
      out[#out + 1] = m:read(1000)
      assert.is_true(#out[#out] <= 1000)
    until out[#out] == ""
    assert.equal(m:size(), #table.concat(out))
    assert.equal("", m:read())
    assert.is_true(m:rewind())
    assert.equal(16384, #m:read())
    assert.equal(16384, #m:read(100000))
    assert.equal(0, m:flags())
  end)

  it("is written, then finished, then read", function()
    local m = core.message()
    for _, name in ipairs { "size", "flags", "read", "rewind", "header" } do
      assert.has_error(function() m[name](m) end)
    end
    m = built()
    for _, call in ipairs { { "text", "X", "y" }, { "mailboxes", "To", { "", "a", "b.cd" } }, { "idents", "X", { "a@b" } },
                            { "date", 0 }, { "plain", "x" }, { "html", "x" }, { "attach", "x" }, { "inline", "a", "x" },
                            { "raw", "x" }, { "finish", random } } do
      assert.has_error(function() m[call[1]](m, call[2], call[3]) end)
    end
  end)

  it("cannot be finished without a body", function()
    local ok = core.message():finish(random)
    assert.is_nil(ok)
  end)

  it("raises on wrong types and leaks nothing", function()
    local values = { false, true, 1, 0 / 0, {}, print, coroutine.create(function() end), io.stdout, setmetatable({}, { __index = error }) }
    for _, name in ipairs { "text", "mailboxes", "idents", "plain", "html", "raw", "attach", "inline", "finish" } do
      local m = core.message()
      for _, v in ipairs(values) do
        assert.has_error(function() m[name](m, v, v, v, v, v) end)
        assert.has_error(function() m[name](v) end)
      end
      assert.has_error(function() m[name](m) end)
      assert.has_error(function() m[name]() end)
    end
    assert.has_error(function() core.message():mailboxes("To", { "a", "b" }) end)
    assert.has_error(function() core.message():mailboxes("To", {}) end)
    assert.has_error(function() core.message():mailboxes("T o", { "", "a", "b.cd" }) end)
    assert.has_error(function() core.message():idents("X", { 1 }) end)
    assert.has_error(function() built():read(0) end)
    assert.has_error(function() core.message():date("x") end)
  end)

  it("wraps another one, which is not changed by what is put in front", function()
    local m, w = built(), core.message()
    local plain = m:read(99)
    assert.is_true(w:wrap(m))
    assert.equal(plain, w:read(99))
    assert.is_true(w:prefix "X: 1\r\n")
    assert.equal("X: 1\r\n" .. plain, w:read(105))
    assert.equal(m:size() + 6, w:size())
    assert.equal(m:flags(), w:flags())
    assert.is_true(m:rewind())
    m:close()
    assert.equal(plain, m:read(99))
    assert.has_error(function() w:wrap(m) end)
    assert.has_error(function() core.message():wrap(core.message()) end)
    assert.has_error(function() core.message():wrap() end)
  end)

  it("takes no moment that is none", function()
    for _, t in ipairs { 0 / 0, 1 / 0, -1 / 0, 1e300, -1e18 } do
      local ok, why = core.message():date(t, 0)
      assert.is_nil(ok)
      assert.is_truthy(why:find "1900")
      assert.is_nil((core.message():date(0, t)))
    end
  end)

  it("is collected in any order, used or not", function()
    for _ = 1, 200 do
      local m = built()
      m:read(10)
      core.message():text("X", "y")
      core.message():attach(nil, "spec/lua_message_spec.lua")
    end
    collectgarbage()
    collectgarbage()
  end)
end)
