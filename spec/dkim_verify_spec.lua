local dkim = require "directsend.dkim"
local pieces = require "support.pieces"
local vectors = require "support.dkim_vectors"

local function seen(cut)
  local v = dkim.verifier()
  for _, piece in ipairs(cut) do v:feed(piece) end
  return v, assert(v:finish())
end

-- true for each signature that holds, else why not
local function judged(message, record, now)
  local v, list = seen { message }
  local out = {}
  for i, s in ipairs(list) do
    out[i] = s.invalid
    if not s.invalid then
      local ok, why = v:check(i, record or vectors.records[s.name], now or 1700000000)
      out[i] = ok or why
    end
  end
  return out
end

local body_changed = "the body is not the one that was signed"
local header_changed = "the header is not the one that was signed, or not with this key"

local record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
local plain = "From: a@example.org\r\nTo: b@example.com\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\nText \r\n\r\n"

local function signed(form)
  local s = assert(dkim.signer {
    domain = "example.org", selector = "s1", key = vectors.ed25519, canonicalization = form, expire = 100,
  })
  return s:sign(plain, 1700000000) .. plain
end

describe("dkim/verify", function()
  it("holds for messages as others signed them, in whatever pieces they come", function()
    local messages = { "rfc8463-example.msg", "gmail.msg", "multipart-no-end-boundary.msg" }
    for _, name in ipairs(messages) do
      local message = vectors.message(name)
      assert.equal(true, judged(message)[1])
      for _, cut in ipairs(pieces(message)) do
        local v, list = seen(cut)
        assert.is_true(#list >= 1)
        for i, s in ipairs(list) do assert.is_true(v:check(i, vectors.records[s.name], 1)) end
      end
    end
  end)

  it("lists the signatures from the top", function()
    local _, list = seen { vectors.message "rfc8463-example.msg" }
    assert.same({
      { domain = "football.example.com", selector = "brisbane", name = "brisbane._domainkey.football.example.com",
        algorithm = "ed25519-sha256" },
      { domain = "football.example.com", selector = "test", name = "test._domainkey.football.example.com",
        algorithm = "rsa-sha256" },
    }, list)
    _, list = seen { plain }
    assert.same({}, list)
  end)

  it("does not hold once anything that is signed has changed", function()
    local message = vectors.message "rfc8463-example.msg"
    assert.same({ true, true }, judged(message))
    assert.same({ body_changed, body_changed }, judged(message .. "x"))
    assert.same({ body_changed, body_changed }, judged((message:gsub("Hi", "Ho"))))
    assert.same({ header_changed, header_changed }, judged((message:gsub("dinner", "Dinner"))))
    assert.same({ header_changed, header_changed }, judged((message:gsub("t=1528637909", "t=1528637908"))))
  end)

  it("does not hold once anything is added to what this library signed", function()
    for _, form in ipairs { "relaxed/relaxed", "simple/simple" } do
      local message = signed(form)
      assert.same({ true }, judged(message, record))
      assert.same({ true }, judged("Received: by mx\r\n" .. message, record))
      assert.same({ body_changed }, judged(message .. "more\r\n", record))
      for _, field in ipairs {
        "From: x", "Subject: x", "To: x", "Content-Type: text/html", "Cc: x", "Date: x", "Message-ID: x",
        "Reply-To: x", "MIME-Version: x",
      } do
        assert.same({ header_changed }, judged(field .. "\r\n" .. message, record))
        assert.same({ header_changed }, judged((message:gsub("\r\n\r\n", "\r\n" .. field .. "\r\n\r\n", 1)), record))
      end
    end
  end)

  it("knows what canonicalisation forgives, and simple does not", function()
    local message = signed "relaxed/relaxed"
    assert.same({ true }, judged((message:gsub("To: ", "TO:\r\n  ")), record))
    assert.same({ true }, judged((message:gsub("Text ", "Text")), record))
    message = signed "simple/simple"
    assert.same({ header_changed }, judged((message:gsub("To: ", "TO: ")), record))
    assert.same({ body_changed }, judged((message:gsub("Text ", "Text")), record))
    assert.same({ true }, judged(message .. "\r\n\r\n", record))
  end)

  it("holds until it expires", function()
    local message = signed()
    assert.same({ true }, judged(message, record, 1700000100))
    assert.same({ "the signature has expired" }, judged(message, record, 1700000101))
  end)

  it("says what is wrong with a record", function()
    local key = record:match "p=.*"
    for text, why in pairs {
      [""] = "this is no record of a key", ["v=spf1 -all"] = "this is no record of a key",
      ["v=DKIM2; k=ed25519; " .. key] = "the record is not one of DKIM1",
      ["k=ed25519; v=DKIM1; " .. key] = "the record is not one of DKIM1",
      [key] = "the record's key is of another kind", ["k=ed25519; p="] = "the key was revoked",
      ["k=ed25519; h=sha1; " .. key] = "the record does not allow SHA-256",
      ["k=ed25519; s=tlsrpt; " .. key] = "the record's key is not for mail",
      ["k=ed25519; p=?"] = "the record's key is no base64", ["k=ed25519; p=AAAA"] = "the public key cannot be read",
      ["k=ed25519; s=tlsrpt:email; h=sha1:sha256; t=y:s; " .. key] = true, ["k=ed25519;s=*;" .. key .. ";"] = true,
    } do
      assert.same({ why }, judged(signed(), text), text)
    end
    local rsa = assert(dkim.signer { domain = "example.org", selector = "s1", key = vectors.rsa })
    assert.same({ "the public key cannot be read" }, judged(rsa:sign(plain) .. plain, "p=AAAA"))
    assert.same({ header_changed }, judged(rsa:sign(plain) .. plain, vectors.example_record))
  end)

  it("takes an RSA key in either form", function()
    local rsa = assert(dkim.signer { domain = "example.org", selector = "s1", key = vectors.rsa })
    local octets = require("directsend.test").dkim.base64(assert(dkim.key(vectors.rsa)):record():match "p=(.*)")
    local bare = octets:sub(-140) -- a SubjectPublicKeyInfo of 1024 bits ends in the RSAPublicKey
    assert.same({ true }, judged(rsa:sign(plain) .. plain, "p=" .. vectors.base64(bare)))
  end)

  it("refuses i= outside d=, and in a subdomain where the record says so", function()
    local message = vectors.message "rfc8463-example.msg"
    assert.equal("i= is not in the domain d=", judged((message:gsub("i=@", "i=@not")))[1])
    assert.equal(header_changed, judged((message:gsub("i=@", "i=a@sub.")))[1])
    local strict = vectors.records["brisbane._domainkey.football.example.com"] .. "; t=s"
    assert.equal(true, judged(message, strict)[1])
    assert.equal("the record allows no subdomain in i=", judged((message:gsub("i=@", "i=@sub.")), strict)[1])
  end)

  it("says what is wrong with a signature", function()
    local function with(pattern, text)
      return judged((signed():gsub(pattern, text, 1)), record)
    end
    assert.same({ "v= is not 1" }, with("v=1", "v=2"))
    assert.same({ "a= names no algorithm that is known" }, with("a=ed25519%-sha256", "a=x"))
    assert.same({ "rsa-sha1 is worth nothing any more (RFC 8301)" }, with("a=ed25519%-sha256", "a=rsa-sha1"))
    assert.same({ "c= names no canonicalisation that is known" }, with("c=relaxed/relaxed", "c=x/relaxed"))
    assert.same({ "c= names no canonicalisation that is known" }, with("c=relaxed/relaxed", "c=relaxed/"))
    assert.same({ "only a part of the body is signed (l=)" }, with("v=1;", "v=1; l=4;"))
    assert.same({ "the key is not in the DNS (q=)" }, with("v=1;", "v=1; q=x;"))
    assert.same({ "From is not signed" }, with("h=From:From:", "h="))
    assert.same({ "h=, bh= or b= is missing" }, with(" bh=", " ch="))
    assert.same({ "d= and s= do not name a key" }, with("d=[^;]*", "d="))
    assert.same({ "t= and x= are no times, or the wrong way round" }, with("x=%d*", "x=1"))
    assert.same({ "t= and x= are no times, or the wrong way round" }, with("t=%d*", "t=now"))
    assert.same({ "the field is no list of tags" }, with("v=1;", "v=1; v=1;"))
    assert.same({ body_changed }, with("bh=", "bh=AAAA"))
    assert.same({ header_changed }, with(" b=", " b=AAAA"))
  end)

  it("looks at the first twenty signatures", function()
    local _, list = seen { ("DKIM-Signature: x\r\n"):rep(25) .. plain }
    assert.equal(20, #list)
  end)

  it("never crashes on a signature that was bent", function()
    local message, seed = signed(), 11
    for _ = 1, 2000 do
      seed = (seed * 16807) % 2147483647
      local at = seed % 330 + 1
      local bent = message:sub(1, at - 1) .. string.char(seed % 251 + 5) .. message:sub(at + 1 + seed % 2)
      local v = dkim.verifier():feed(bent)
      for i, s in ipairs(v:finish() or {}) do
        if not s.invalid then v:check(i, record, 1700000000) end
      end
    end
  end)

  it("takes its calls in order alone", function()
    local v = dkim.verifier()
    assert.has_error(function() v:check(1, record, 1) end)
    v:feed(plain):finish()
    assert.has_error(function() v:feed "x" end)
    assert.has_error(function() v:finish() end)
    assert.has_error(function() v:check(1, record, 1) end)
  end)
end)
