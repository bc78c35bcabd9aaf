local core = require "directsend.core"
local mime = require "directsend.test".mime

local random = ("\1"):rep(48)

local function built(write, care)
  local m = core.message(care)
  write(m)
  assert(m:finish(random))
  return m:read(), m
end

describe("a text part", function()
  it("says its charset and encoding", function()
    local s = built(function(m) m:plain "x" end)
    assert.equal("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                 .. "Content-Transfer-Encoding: 7bit\r\n\r\nx\r\n", s)
    s = built(function(m) m:html "\195\164\195\164\195\164" end)
    assert.is_truthy(s:find("text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n", 1, true))
    s = built(function(m) m:html(("a readable line\n"):rep(5) .. "\195\164") end)
    assert.is_truthy(s:find("charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n", 1, true))
    s = built(function(m) m:plain "\195\164" end, "8bit")
    assert.is_truthy(s:find("charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\195\164\r\n", 1, true))
  end)
end)

describe("an attached part", function()
  it("has its name twice: for all readers, and for old ones", function()
    local s = built(function(m) m:attach("x", nil, "d/\195\164.pdf") end)
    assert.is_truthy(s:find('Content-Type: application/pdf; name="=?utf-8?B?w6QucGRm?="\r\n', 1, true))
    assert.is_truthy(s:find("Content-Disposition: attachment; filename*=utf-8''%C3%A4.pdf\r\n", 1, true))
  end)

  it("names the value that will not do", function()
    local m = core.message()
    for field, args in pairs { name = { "x", nil, "a/.." }, type = { "x", nil, "a", "text" }, path = { nil, "/none/such" } } do
      local ok, why, at = m:attach(args[1], args[2], args[3], args[4])
      assert.is_nil(ok)
      assert.is_string(why)
      assert.equal(field, at)
    end
    local ok, _, at = m:inline("a b", "x")
    assert.is_nil(ok)
    assert.equal("cid", at)
  end)
end)

describe("a multipart", function()
  it("has nothing before its first and behind its last boundary", function()
    local s = built(function(m) m:plain "t" m:html "h" end)
    local b = s:match 'boundary="([^"]+)"'
    local body = s:match "\r\n\r\n(.*)$"
    assert.equal("--" .. b .. "\r\n", body:sub(1, #b + 4))
    assert.equal("\r\n--" .. b .. "--\r\n", body:sub(-#b - 8))
  end)

  it("cannot do without random octets", function()
    local m = core.message()
    m:plain "t"
    m:html "h"
    local ok, why = m:finish "too short"
    assert.is_nil(ok)
    assert.is_truthy(why:find "random")
    assert.equal(-8, select(3, mime.misuse()))
  end)
end)
