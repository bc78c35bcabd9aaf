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
