local core = require "directsend.core"
local forced = require "directsend.forced"
local message = require "directsend.message"

local force = { force_from = "J\195\182rg <d@x.yz>" }
local from = "From: =?utf-8?B?SsO2cmc=?= <d@x.yz>\r\n"

local function new(data, settings)
  return message.new({ raw = { data = data } }, settings or force)
end

local function text(data) return assert(new(data)):tostring() end

describe("force_from", function()
  it("is put in the place of who has written a raw message", function()
    assert.equal(from .. "To: e@f.gh\r\nX: 1\r\n\r\nbody\r\n",
                 text "To: e@f.gh\nFROM: a@b.cd\nX: 1\nFrom: z\n  <y@b.cd>\n\nbody")
    assert.equal(from .. "To: e@f.gh\r\n\r\n", text "To: e@f.gh\n\n")
    assert.equal(from .. "To: e@f.gh\r\n\r\nFrom: a\r\n", text "From: d@x.yz, a@b.cd\nTo: e@f.gh\n\nFrom: a\n")
    assert.equal(from .. "To: e@f.gh\r\n\r\n", text "From: g: d@x.yz, a@b.cd;\nTo: e@f.gh\n\n")
    assert.equal(from .. "To: e@f.gh\r\n\r\n", text "From: odd odd\nTo: e@f.gh\n\n")
    local m = assert(new("From: a@b.cd\nTo: e@f.gh\n\n", { force_from = "\195\182@x.yz" }))
    assert.equal(2, m.flags)
    assert.equal("\195\182@x.yz", m:envelope().sender)
  end)

  it("leaves a message as it is that he has written, whatever he is called there", function()
    for _, field in ipairs { "From: d <d@x.yz>", "FROM:\r\n (c) d@x.yz", "From: \"d, e\" <d@X.YZ>", "From: g: d@x.yz;" } do
      assert.equal("To: e@f.gh\r\n" .. field .. "\r\n\r\n", text("To: e@f.gh\nBcc: x@y.zz\n" .. field .. "\n\n"))
    end
  end)

  it("is refused where somebody signed another", function()
    local m, why, detail = new "From: a@b.cd\nDKIM-Signature: v=1;\nTo: e@f.gh\n\n"
    assert.is_nil(m)
    assert.equal("raw: it is signed (DKIM), and force_from would change its From", why)
    assert.same({ kind = "usage", field = "raw" }, detail)
    assert.truthy(new "From: d@x.yz\nDKIM-Signature: v=1;\nTo: e@f.gh\n\n")
    m, why = new("From: a@b.cd\nTo: e@f.gh\n" .. ("X: 1\n"):rep(998) .. "\n")
    assert.is_nil(m)
    assert.truthy(why:find "1000")
  end)

  it("reads the message as it comes", function()
    local r = require "support.reader".of("From: a@b.cd\nTo: e@f.gh\n\nbody", 1)
    local m = assert(message.new({ raw = { read = r.read, rewind = r.rewind, size = r.size } }, force))
    assert.equal(from .. "To: e@f.gh\r\n\r\nbody\r\n", m:tostring())
    assert.equal(#m:tostring(), m:size())
  end)

  it("closes what it wraps with it, where that is its own", function()
    for _, own in ipairs { true, false } do
      local inner = core.message()
      inner:raw "From: a@b.cd\n\nx"
      local outer = forced(inner, force, "raw", own)
      assert.not_equal(inner, outer)
      outer:close()
      assert.equal(not own, (pcall(inner.size, inner)))
    end
  end)
end)
