local directsend = require "directsend"
local dkim = require "directsend.dkim"
local message = require "directsend.message"
local pki = require "support.pki"
local vectors = require "support.dkim_vectors"

local noon = 1700000000
local record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

local function identity(more)
  local out = { domain = "example.org", selector = "s1", key = vectors.ed25519 }
  for key, value in pairs(more or {}) do out[key] = value end
  return out
end

local letter = { from = "J\195\182rg <a@example.org>", to = "b@example.com", subject = "\195\164", text = "caf\195\169\n",
                 html = "<p>", attach = { { data = ("\0\255"):rep(40000), name = "x.bin" } } }

local function sent(t, more)
  local mailer = assert(directsend.new { transport = "capture", dkim = identity(more) })
  local report, why, detail = mailer:send(t or letter)
  if not report then return nil, why, detail end
  return mailer.sent[1].raw, report
end

-- how many signatures a message has, all of which hold
local function held(raw)
  local v = dkim.verifier():feed(raw)
  local list = v:finish()
  for i, s in ipairs(list) do
    assert.is_nil(s.invalid)
    assert.is_true(v:check(i, record, noon))
  end
  return #list
end

describe("a mailer with dkim", function()
  it("signs what it sends, and counts the signature", function()
    local raw, report = sent()
    assert.equal(1, held(raw))
    assert.truthy(raw:find "^DKIM%-Signature: ")
    assert.equal(#raw, report.bytes)
  end)

  it("signs once for each identity", function()
    local mailer = assert(directsend.new { transport = "capture", dkim = {
      identity(), identity { selector = "s2", canonicalization = "simple/simple" } } })
    assert(mailer:send(letter))
    assert.equal(2, held(mailer.sent[1].raw))
  end)

  it("signs a finished message, beside what stands there already", function()
    local raw = sent()
    local again = assert(sent { raw = { data = raw } })
    assert.equal(2, held(again))
    assert.equal(raw, again:sub(-#raw))
    assert.equal(1, held((sent { raw = { data = "From: a@example.org\nTo: b@example.com\nBcc: c@d.e\n\nText\n" } })))
  end)

  it("refuses a finished message that has no From", function()
    local raw, why, detail = sent { raw = { data = "To: b@example.com\n\nText\n" },
                                    envelope = { sender = "a@example.org" } }
    assert.is_nil(raw)
    assert.equal("the message has no From field", why)
    assert.equal("usage", detail.kind)
  end)

  local function built(t, more, settings)
    local c = assert(require "directsend.config".check { dkim = identity(more) })
    c.random = function(n) return ("r"):rep(n) end
    c.zone = 0
    for key, value in pairs(settings or {}) do c[key] = value end
    local all = {}
    for key, value in pairs(letter) do all[key] = value end
    for key, value in pairs(t or {}) do all[key] = value end
    return assert(assert(message.new(t and t.raw and t or all, c)):tostring())
  end

  it("makes the same octets of the same message", function()
    local t = { date = noon, message_id = "<1@example.org>" }
    assert.equal(built(t), built(t))
    assert.equal("1700000000", built(t):match " t=(%d+);")
  end)

  it("takes the time of a signature from the Date, but none that is to come", function()
    assert.equal("1600000000", built({ date = 1600000000 }, nil, { time = noon }):match " t=(%d+);")
    assert.equal("1700000000", built({ date = 1800000000 }, nil, { time = noon }):match " t=(%d+);")
    assert.equal("1700000000", built({}, nil, { time = noon }):match " t=(%d+);")
    assert.equal("0", built({ date = -5 }, nil, { time = noon }):match " t=(%d+);")
  end)

  it("lets a signature that expires begin now", function()
    local raw = built({ date = 1600000000 }, { expire = "1 d" }, { time = noon })
    assert.equal("1700000000", raw:match " t=(%d+);")
    assert.equal("1700086400", raw:match " x=(%d+);")
  end)

  it("reads the Date of a finished message", function()
    for text, seconds in pairs {
      ["Tue, 14 Nov 2023 22:13:20 +0000"] = 1700000000, ["Wed, 15 Nov 2023 00:13:20 +0200 (EET)"] = 1700000000,
      ["14 nov 2023 17:43:20 -0430"] = 1700000000, ["Thu, 29 Feb 2024 12:00:00 +0000"] = 1709208000,
      ["Fri, 01 Mar 2024 00:00:00 +0000"] = 1709251200, ["Sat, 01 Mar 2025 00:00:00 +0000"] = 1740787200,
      ["Thu, 01 Jan 1970 00:00:00 +0000"] = 0, ["Fri, 31 Dec 1999 23:59 +0000"] = 946684740,
      ["Tue, 29 Feb 2000 00:00:00 +0000"] = 951782400, ["Wed, 01 Mar 2000 00:00:00 +0000"] = 951868800,
      ["yesterday"] = 1800000000, ["Tue, 14 Foo 2023 22:13:20 +0000"] = 1800000000,
      ["Mon, 01 Jan 2040 00:00:00 +0000"] = 1800000000,
    } do
      for _, head in ipairs { "From: a@example.org\nTo: b@c.d\nDate: ", "date:" } do
        local raw = head .. text .. "\nFrom: a@example.org\nTo: b@c.d\nX-Date: x\n\n"
        assert.equal(("%d"):format(seconds),
          built({ raw = { data = raw } }, nil, { time = 1800000000 }):match " t=(%d+);", text)
      end
    end
  end)

  it("says which setting will not do", function()
    local function refuses(t, field, why)
      local mailer, text, detail = directsend.new { dkim = t }
      assert.is_nil(mailer)
      assert.equal(field .. ": " .. why, text)
      assert.same({ kind = "usage", field = field }, detail)
    end
    refuses({ domain = "example.org", key = "x" }, "dkim", "names no selector")
    refuses({ identity(), { selector = "s", key = "x" } }, "dkim[2]", "names no domain")
    refuses(identity { key = "/none/key.pem" }, "dkim.key", "/none/key.pem: No such file or directory")
    refuses({ identity(), identity { key = "/none" } }, "dkim[2].key", "/none: No such file or directory")
    refuses(identity { selector = "a;b" }, "dkim.selector", "'a;b' is no selector (letters, digits, '-' and dots)")
    refuses(identity { expire = "soon" }, "dkim.expire", "\"soon\" is no time (seconds, or like 5 min)")
    refuses(identity { algorithm = "rsa-sha256" }, "dkim.key", "the key is for ed25519-sha256, not for rsa-sha256")
    assert.has_error(function() directsend.new { dkim = "x" } end)
    assert.has_error(function() directsend.new { dkim = {} , x = 1 } end)
    assert.has_error(function() directsend.new { dkim = identity { selectr = "x" } } end,
      "dkim: unknown key 'selectr' (did you mean 'selector'?)")
    assert.has_error(function() directsend.new { dkim = { identity { key = 7 } } } end)
    assert.has_error(function() directsend.new { dkim = { identity(), nil, identity() } } end, "dkim[2]: the list has a hole here")
    assert.has_error(function() directsend.new { dkim = { identity(), domain = "example.org" } } end,
      "dkim: a list is wanted, and it has the key 'domain'")
  end)

  it("keeps the warnings about its keys", function()
    local files = pki.new()
    local path = files:write("key.pem", vectors.rsa)
    files:run "chmod 644 key.pem"
    local mailer = assert(directsend.new { dkim = identity { key = { path = path } } })
    files:remove()
    assert.equal(2, #mailer.config.dkim.warnings)
    for _, text in ipairs(mailer.config.dkim.warnings) do assert.equal(path, text:sub(1, #path)) end
  end)

  it("tells them in its first report, and in no other", function()
    local function mailer() return assert(directsend.new { transport = "null", dkim = identity { key = vectors.rsa } }) end
    for _, m in ipairs { mailer(), mailer() } do
      assert.is_nil(m:send { from = "nobody", to = "b@example.com" }) -- not signed
      local report = assert(m:send(letter))
      assert.same({ "the key: an RSA key of 1024 bits is weak: 2048 is good" }, report.warnings)
      assert.is_nil(assert(m:send(letter)).warnings)
    end
    assert.is_nil(select(2, sent()).warnings)
  end)

  it("tells them where nobody gets the message, too", function()
    local mailer = assert(directsend.new { accepted_domains = "example.net", dkim = identity { key = vectors.rsa } })
    local _, _, detail = mailer:send(letter)
    assert.equal(1, #detail.report.warnings)
  end)
end)
