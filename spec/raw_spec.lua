local message = require "directsend.message"

local function new(data, also, settings)
  local t = { raw = { data = data } }
  for k, v in pairs(also or {}) do t[k] = v end
  return message.new(t, settings)
end

local function envelope(data, also, settings)
  local e = assert(new(data, also, settings)):envelope()
  return e.sender .. " > " .. table.concat(e.recipients, " ")
end

local function refusal(data, also, settings)
  local m, text, detail = new(data, also, settings)
  assert.is_nil(m)
  assert.equal("usage", detail.kind)
  return text, detail.field
end

local to = { envelope = { sender = "a@b.cd", recipients = { "e@f.gh" } } }

local function read(name)
  local file = assert(io.open(name, "rb"))
  local s = file:read "*a"
  file:close()
  return s
end

describe("a raw message", function()
  it("passes as it is but for its line ends", function()
    local crlf = "X: 1\r\n  folded\r\nSubject: =?x?=\r\n\r\nbody \t\r\n.\r\n\r\n"
    for _, s in ipairs { crlf, (crlf:gsub("\r", "")), (crlf:gsub("\n", "")), crlf:sub(1, -3) } do
      local m = assert(new(s, to))
      local got = m:tostring()
      assert.equal(s == crlf:sub(1, -3) and s or crlf, got)
      assert.equal(#got, m:size())
      assert.equal(got, m:tostring())
      assert.equal(0, m.flags)
    end
    assert.equal("X: 1\r\n\r\nno end\r\n", assert(new("X: 1\n\nno end", to)):tostring())
    assert.equal("X: 1\r\n", assert(new("X: 1", to)):tostring())
    assert.equal("X: 1\r\n\r\n", assert(new("X: 1\n\n", to)):tostring())
  end)

  it("is any of the examples in the RFCs", function()
    for i = 0, 9 do
      local s = read(("spec/vectors/mime/eml/%03d.eml"):format(i))
      local crlf = s:gsub("\r\n", "\n"):gsub("\n", "\r\n")
      if crlf:sub(-2) ~= "\r\n" then crlf = crlf .. "\r\n" end
      local m = assert(new(s, to))
      assert.is_true(crlf == m:tostring())
    end
  end)

  it("loses its Bcc, and only that, to the envelope", function()
    local s = "From: a@b.cd\nBcc: x@y.zz,\n z@y.zz\nTo: e@f.gh\nX-Bcc: stays\nbcc: v@y.zz\nResent-Bcc: u@y.zz\n\nBcc: text\n"
    local m = assert(new(s))
    assert.equal("From: a@b.cd\r\nTo: e@f.gh\r\nX-Bcc: stays\r\n\r\nBcc: text\r\n", m:tostring())
    assert.equal(#m:tostring(), m:size())
    assert.equal("a@b.cd > e@f.gh x@y.zz z@y.zz v@y.zz", envelope(s))
  end)

  it("reads a large header and body from a file in pieces", function()
    local name = os.tmpname()
    local file = io.open(name, "wb")
    local s = ("X-Field: " .. ("v"):rep(60) .. "\n"):rep(900) .. "Bcc: x@y.zz\n\n" .. ("line\r\n"):rep(50000)
    file:write(s)
    file:close()
    local m = assert(message.new { raw = { path = name }, envelope = to.envelope })
    local wanted = s:gsub("Bcc: x@y.zz\n", ""):gsub("\r\n", "\n"):gsub("\n", "\r\n")
    assert.is_true(wanted == m:tostring())
    assert.is_true(wanted == m:tostring())
    os.remove(name)
    assert.equal("raw.path", select(3, message.new { raw = { path = name }, envelope = to.envelope }).field)
  end)

  it("takes a header in single octets, and looks at none twice", function()
    local octets = "From: a@example.com\r\nTo: b@example.net\r\nX-A: y\r\n" .. (" y\r\n"):rep(60000) .. "\r\nbody\r\n"
    local r = require "support.reader".of(octets, 1)
    assert.equal(octets, assert(message.new { raw = { read = r.read, rewind = r.rewind, size = r.size } }):tostring())
  end)

  it("tells its id, and whom it is from and for", function()
    local s = "Sender: s@b.cd\nFrom: A <a@b.cd>\nMessage-ID:\n <1@b.cd>\nTo: list: e@f.gh, \"x, y\" <i@j.kl>;\nCc: E@f.gh\n\n"
    assert.equal("1@b.cd", assert(new(s)).message_id)
    assert.is_nil(assert(new("To: a@b.cd\n\n", to)).message_id)
    assert.equal("s@b.cd > e@f.gh i@j.kl E@f.gh", envelope(s))
    assert.equal("x@y.zz > e@f.gh", envelope(s, { envelope = { sender = "x@y.zz", recipients = "e@f.gh" } }))
    assert.equal("a@b.cd > r@x.yz", envelope("From: a@b.cd\nTo: root\n\n", nil, { aliases = { root = "r@x.yz" } }))
    assert.equal("root@x.yz > e@x.yz", envelope("From: root\nTo: e\n\n", nil, { domain = "x.yz" }))
    assert.equal("c@x.yz > e@f.gh", envelope("To: e@f.gh\n\n", nil, { from = "c@x.yz" }))
    assert.equal("d@x.yz > e@f.gh", envelope("From: odd odd\nTo: e@f.gh\n\n", nil, { force_from = "d@x.yz" }))
  end)

  it("needs what it is made of", function()
    assert.equal(1, assert(new("X: 1\n\ncaf\195\169\n", to)).flags)
    assert.equal(3, assert(new("X: caf\195\169\n\n", to)).flags)
  end)

  it("is refused where it could not pass", function()
    assert.is_truthy(refusal("X: 1\n\na\0b", to):find "NUL")
    assert.is_truthy(refusal("X: a\0b\n\n", to):find "NUL")
    assert.is_truthy(refusal("X: 1\n\n" .. ("x"):rep(999), to):find "998")
    assert.is_truthy(refusal("X: " .. ("x"):rep(996) .. "\n\n", to):find "998")
    assert.is_truthy(refusal("", to):find "no header")
    assert.is_truthy(refusal("\nbody", to):find "no header")
    assert.is_truthy(refusal("Bcc: a@b.cd\n\nbody", to):find "no header")
    assert.is_truthy(refusal("no field\n\n", to):find "field 1")
    assert.is_truthy(refusal("X: 1\nX Y: 1\n\n", to):find "field 2")
    assert.is_truthy(refusal(" X: 1\n\n", to):find "field 1")
    assert.is_truthy(refusal(": 1\n\n", to):find "field 1")
    assert.is_truthy(refusal(("X: 1\n"):rep(1001) .. "\n", to):find "1000")
    assert.is_truthy(refusal("X: 1\n" .. (" folded\n"):rep(40000) .. "\n", to):find "262144")
    assert.is_truthy(refusal(("X"):rep(300000), to):find "262144")
    local _, field = refusal "From: a@b.cd\n\n"
    assert.equal("to", field)
    _, field = refusal "To: a@b.cd\n\n"
    assert.equal("envelope.sender", field)
    _, field = refusal "From: a@b.cd\nTo: a b\n\n"
    assert.equal("raw", field)
  end)

  it("stands alone", function()
    for _, key in ipairs { "subject", "text", "to" } do
      assert.has_error(function() new("X: 1\n\n", { [key] = "x" }) end, "message: '" .. key .. "' cannot be given beside raw")
    end
    assert.has_error(function() message.new { raw = {} } end, "raw: either path or data is wanted")
    assert.has_error(function() message.new { raw = { pth = "x" } } end, "raw: unknown key 'pth' (did you mean 'path'?)")
  end)
end)
