local directsend = require "directsend"
local dkim = require "directsend.dkim"
local reader = require "support.reader"
local vectors = require "support.dkim_vectors"

local noon = 1700000000
local record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
local keys = { domain = "example.org", selector = "s1", key = vectors.ed25519 }

local letter = { from = "J\195\182rg <a@example.org>", to = "b@example.com", subject = "\195\164", text = "caf\195\169\n",
                 html = "<p>", attach = { { data = ("\0\255"):rep(40000), name = "x.bin" } } }

local function sent(m, signs)
  local mailer = assert(directsend.new { transport = "capture", dkim = signs })
  local report = assert(mailer:send(m))
  return mailer.sent[1].raw, report
end

-- how many signatures a message has, all of which hold
local function held(raw)
  local v = dkim.verifier():feed(raw)
  local list = v:finish()
  for i in ipairs(list) do assert.is_true(v:check(i, record, noon)) end
  return #list
end

describe("a message that was built before", function()
  it("is signed by a mailer that signs, and stays as it was", function()
    local r = reader.of(("x"):rep(50000), 999)
    for _, t in ipairs { letter, { raw = { data = "From: a@example.org\nTo: b@example.com\nDate: Mon, 01 Jan 2024 10:00:00 +0000\n\nx\n" } },
                         { from = "a@example.org", to = "b@example.com", attach = { reader.part(r) } },
                         { from = "a@example.org", to = "b@example.com", encoding = "8bit", text = "caf\195\169", date = noon } } do
      local m = assert(directsend.message(t))
      local plain = assert(m:tostring())
      local outer = assert(directsend.message { from = "a@example.org", to = "b@example.com", encoding = "8bit",
                                                attach = { { message = m } } })
      for _ = 1, 2 do
        local raw, report = sent(m, keys)
        assert.equal(1, held(raw))
        assert.equal(plain, raw:sub(-#plain))
        assert.equal(#raw, report.bytes)
        assert.equal(m.message_id, report.message_id)
      end
      assert.equal(plain, m:tostring())
      assert.truthy(assert(outer:tostring()):find(plain, 1, true))
      if t.raw then assert.truthy(sent(m, keys):find("t=1704103200;", 1, true)) end
      if t.date then assert.truthy(sent(m, keys):find("t=" .. noon .. ";", 1, true)) end
    end
  end)

  it("is sent once at a time", function()
    local m = assert(directsend.message { from = "a@example.org", to = "b@example.com",
                                          attach = { reader.part(reader.of("xyz", 1, true)) } })
    local mailer = assert(directsend.new { transport = "capture", dkim = keys })
    local co = coroutine.create(function() return assert(mailer:send(m)) end)
    assert(coroutine.resume(co))
    local report, why, detail = mailer:send(m)
    assert.is_nil(report)
    assert.truthy(why:find("being sent", 1, true))
    assert.equal("message", detail.field)
    while coroutine.status(co) ~= "dead" do assert(coroutine.resume(co)) end
    assert.equal(1, held(mailer.sent[1].raw))
  end)

  it("is sent as it is where nobody signs", function()
    local m = assert(directsend.message(letter))
    for _ = 1, 2 do assert.equal(m:tostring(), (sent(m))) end
  end)

  describe("and is sent by a mailer with force_from", function()
    local function forced(m, more)
      local c = { transport = "capture", force_from = "Device <dev@example.org>" }
      for key, v in pairs(more or {}) do c[key] = v end
      local mailer = assert(directsend.new(c))
      local report, why, detail = mailer:send(m)
      if not report then return nil, why, detail end
      return mailer.sent[1], report
    end
    local many = {}
    for i = 1, 300 do many[i] = "c" .. i .. "@example.net" end
    local function without_from(s) return (s:gsub("From: [^\r\n]*\r\n", "", 1)) end

    it("is from that one, in its header and envelope, and stays as it was", function()
      for _, keys_of in ipairs { false, keys } do
        for _, t in ipairs { letter, { from = "x@y.zz", to = "b@example.com", text = ("y"):rep(90000) },
                             { from = { "x@y.zz", "z@y.zz" }, sender = "z@y.zz", to = "b@example.com", cc = many, text = "x" },
                             { raw = { data = "Received: x\nfrom: a@b.cd\nFrom:\n x@y.zz\nTo: b@example.com\n\nx\n" } },
                             { from = "x@y.zz", to = "b@example.com", attach = { reader.part(reader.of(("x"):rep(50000), 999)) } } } do
          local m = assert(directsend.message(t))
          local plain = m:tostring()
          local sent_to, report = forced(m, { dkim = keys_of or nil })
          assert.equal("dev@example.org", sent_to.envelope.sender)
          assert.same(m:envelope().recipients, sent_to.envelope.recipients)
          if keys_of then assert.equal(1, held(sent_to.raw)) end
          local unsigned = sent_to.raw:gsub("^DKIM%-Signature:.-\r\n(%a)", "%1")
          assert.equal("From: Device <dev@example.org>\r\n", unsigned:match "^[^\n]*\n")
          assert.equal(1, select(2, ("\n" .. unsigned):match "^.-\r\n\r\n":gsub("\n[Ff]rom *:", "")))
          if not t.raw then assert.equal(without_from(plain), without_from(unsigned)) end
          assert.equal(#sent_to.raw, report.bytes)
          assert.equal(plain, m:tostring())
        end
      end
    end)

    it("goes as it is where it is his already", function()
      local m = assert(directsend.message { from = "Other name <dev@example.org>", to = "b@example.com", text = "x" })
      assert.equal(m:tostring(), forced(m).raw)
    end)

    it("keeps an empty sender", function()
      local m = assert(directsend.message { from = "x@y.zz", to = "b@example.com", text = "x", envelope = { sender = "" } })
      assert.equal("", forced(m).envelope.sender)
    end)

    it("is refused where somebody has signed who wrote it", function()
      local m = assert(directsend.message { raw = { data = "DKIM-Signature: v=1\nFrom: x@y.zz\nTo: b@example.com\n\nx" } })
      for _ = 1, 2 do
        local report, why, detail = forced(m)
        assert.is_nil(report)
        assert.equal("message: it is signed (DKIM), and force_from would change its From", why)
        assert.same({ kind = "usage", field = "message" }, detail)
      end
    end)
  end)

  it("is free again once it could not be signed", function()
    local m = assert(directsend.message { raw = { data = "To: b@example.com\n\nx" }, envelope = { sender = "a@example.org" } })
    local mailer = assert(directsend.new { transport = "capture", dkim = keys })
    for _ = 1, 2 do
      local report, why = mailer:send(m)
      assert.is_nil(report)
      assert.truthy(why:find("From", 1, true), why)
    end
    assert.equal(m:tostring(), (sent(m)))
  end)
end)
