local directsend = require "directsend"
local smime = require "support.smime"

local message = require "directsend.message"

describe("a message with smime", function()
  local people, sign, encrypt

  setup(function()
    people = smime.new()
    people:person("ann", { kind = "rsa" })
    people:person "bob"
    sign, encrypt = people:signer "ann", { people:path "bob.pem" }
  end)
  teardown(function() people:remove() end)

  local function new(t, settings)
    local all = { from = "ann@contoso.test", to = "bob@contoso.test", subject = "s", text = "hello\n" }
    for k, v in pairs(t) do all[k] = v end
    return message.new(all, settings)
  end

  local function text_of(t, settings)
    return assert(assert(new(t, settings)):tostring())
  end

  -- the octets between the outer header and its end, and that header
  local function opened(text)
    return text:match "^(.-\r\n)\r\n(.*)$"
  end

  it("is signed: the same message, all but its bodies in front", function()
    local settings = { time = os.time(), random = function(n) return ("\171"):rep(n) end }
    local plain = text_of({ html = "<p>hello" }, settings)
    local text = text_of({ html = "<p>hello", smime = { sign = sign } }, settings)
    local header, body = opened(plain)
    local front, content = header:match "^(.-)(Content%-.*)$"
    assert.equal(front .. "Content-Type: multipart/signed;", text:sub(1, #front + 31))
    assert.equal(content .. "\r\n" .. body, assert(people:verified(text)))
  end)

  it("is encrypted, or signed and then encrypted", function()
    local text = text_of { smime = { encrypt = encrypt[1] } }
    assert.truthy(text:find("\r\nSubject: s\r\n", 1, true))
    assert.falsy(text:find("text/plain", 1, true))
    local inner = assert(people:decrypted(text, "bob"))
    assert.truthy(inner:find "^Content%-Type: text/plain.-\r\n\r\nhello\r\n$")
    inner = assert(people:decrypted(text_of { smime = { sign = sign, encrypt = encrypt } }, "bob"))
    assert.truthy(assert(people:verified(inner)):find "\r\n\r\nhello\r\n$")
  end)

  it("with text, html, a picture and files is found good, and any change bad", function()
    local text = text_of { text = "caf\195\169\n", html = "<img src=cid:x>", inline = { x = { data = "\1\2" } },
                           attach = { { data = ("\0\255"):rep(700), name = "na\195\175ve.bin" } }, smime = { sign = sign } }
    assert.truthy(assert(people:verified(text)):find("multipart/mixed", 1, true))
    local changed, n = text:gsub("caf=C3=A9", "caf=C3=A8")
    assert.equal(1, n)
    assert.is_nil(people:verified(changed))
    local script = people.files:write("types.py", table.concat({ "import email.policy, sys",
      "message = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)",
      "for part in message.walk(): print(part.get_content_type(), *part.defects)" }, "\n"))
    local pipe = io.popen(("python3 %s <%s 2>&1"):format(script, people.files:write("read.eml", text)))
    local seen = pipe:read "*a"
    pipe:close()
    assert.equal("multipart/signed multipart/mixed multipart/alternative text/plain multipart/related text/html "
                 .. "application/octet-stream application/octet-stream application/pkcs7-signature ", (seen:gsub("\n", " ")))
  end)

  it("of some megabytes leaves memory, and is the same on every pass", function()
    local rest = 5000000
    local function read()
      local n = math.min(rest, 16384)
      rest = rest - n
      return n > 0 and ("x"):rep(n) or nil
    end
    local m = assert(new { attach = { { read = read, name = "big.txt" } }, smime = { sign = sign, encrypt = encrypt } })
    local text = m:tostring()
    assert.is_true(#text > 9000000)
    assert.equal(#text, m:size())
    assert.is_true(text == m:tostring())
    assert.is_string(assert(people:verified((assert(people:decrypted(text, "bob"))))))
  end)

  it("is signed for its domain over what was sealed", function()
    local dkim = require "directsend.dkim"
    local key = dkim.generate "ed25519-sha256"
    local signer = assert(dkim.signer { domain = "contoso.test", selector = "x", key = key })
    local text = text_of({ smime = { sign = sign, encrypt = encrypt } },
                         { time = os.time(), dkim = { signer = signer } })
    local field, rest = text:match "^(DKIM%-Signature:.-\r\n)(%a.*)$"
    assert.truthy(rest:find "^Date: ")
    assert.equal((signer:sign(rest, tonumber(field:match "t=(%d+)"))), field)
    assert.is_string(people:decrypted(text, "bob"))
  end)

  it("keeps its envelope, id, tag and path", function()
    local m = assert(new { to = { "bob@contoso.test" }, bcc = "eve@contoso.test", tag = "t", message_id = "<a@b>",
                           smime = { sign = sign } })
    assert.same({ sender = "ann@contoso.test", recipients = { "bob@contoso.test", "eve@contoso.test" } }, m:envelope())
    assert.equal("a@b", m.message_id)
    assert.equal("t", m.tag)
    assert.equal(0, m.flags)
    local wide = assert(new { to = "b\195\182b@contoso.test", smime = { sign = sign } })
    assert.equal(1, math.floor(wide.flags / 2) % 2) -- SMTPUTF8
  end)

  it("takes bodies from functions that yield", function()
    local sent, m = 0, nil
    local run = coroutine.wrap(function()
      local body = { size = 9, name = "x.txt", rewind = function() sent = 0 end }
      function body.read()
        coroutine.yield "wait"
        sent = sent + 1
        return sent <= 3 and "abc" or nil
      end
      m = assert(new { attach = { body }, smime = { sign = sign } })
      return "done"
    end)
    local waits = 0
    while run() == "wait" do waits = waits + 1 end
    assert.is_true(waits >= 3)
    assert.is_string(assert(people:verified(m:tostring())))
  end)

  it("is 7-bit clean inside, whatever encoding says", function()
    local text = text_of { text = "caf\195\169", encoding = "8bit", smime = { sign = sign } }
    assert.falsy(text:find "[\128-\255]")
    assert.is_string(people:verified(text))
  end)

  -- what gateways are known to do (RFC 8551 §3.1.3, RFC 4155)
  local function through_gateway(text)
    return (text:gsub("[ \t]+\r\n", "\r\n"):gsub("\nFrom ", "\n>From "))
  end

  it("outlives gateways that cut blanks and quote From", function()
    local odd = "From here \r\nto\t\n \n\nFrom there\n" .. ("x"):rep(74) .. "From y\n" .. ("From z "):rep(40)
    local letter = { from = "a@contoso.test", to = "b@contoso.test", text = odd, subject = "x" }
    local bodies = {
      { text = odd }, { html = odd }, { text = odd .. "caf\195\169" }, { text = ("From \208\150 "):rep(100) },
      { text = odd, html = odd, calendar = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nX:y \r\nEND:VCALENDAR\r\n" },
      { text = "x", attach = { { data = odd, name = "x.txt" }, { data = odd, type = "message/delivery-status" },
                               { message = letter } } },
      { text = { size = #odd, rewind = function() end, read = (function()
        local at = 0
        return function()
          at = at % 2 + 1
          return at == 1 and odd or nil
        end
      end)() } },
    }
    for i, body in ipairs(bodies) do
      body.smime = { sign = sign }
      local text = text_of(body)
      assert.equal(text, through_gateway(text), i)
      local inner = assert(people:verified(through_gateway(text)), i)
      assert.truthy(inner:find "[Tt]ransfer%-[Ee]ncoding: %l", i)
      body.smime = nil
      if i ~= 3 and i ~= 4 then assert.not_equal(text_of(body), through_gateway(text_of(body))) end
    end
    local inner = assert(people:verified(text_of { text = odd, smime = { sign = sign } }))
    local plain = odd:gsub("\r?\n", "\r\n") .. "\r\n"
    assert.equal(plain, require "support.decode".qp(inner:match "\r\n\r\n(.*)$"))
  end)

  it("takes no built message that would not outlive them", function()
    local built = assert(new { text = "a \n" })
    local raw = { raw = { data = "From: a@b.cd\r\nTo: c@d.ef\r\n\r\nFrom x\r\n" } }
    for _, m in ipairs { built, raw, assert(new { attach = { { message = built } } }) } do
      local ok, why, detail = new { attach = { { message = m } }, smime = { sign = sign } }
      assert.is_nil(ok)
      assert.equal("attach[1]", detail.field)
      assert.truthy(why:find("would not stay as they are signed", 1, true), why)
      assert.truthy(new { attach = { { message = m } }, smime = { encrypt = encrypt } })
    end
  end)

  it("may hang on another, each with its own seal", function()
    local settings = { random = function(n) return ("\171"):rep(n) end }
    local inner = { from = "bob@contoso.test", to = "ann@contoso.test", text = "inner", smime = { sign = people:signer "bob" } }
    local content = assert(people:verified(text_of({ attach = { { message = inner } }, smime = { sign = sign } }, settings)))
    local nested = content:match "Content%-Type: message/rfc822.-\r\n\r\n(.-)\r\n%-%-=_m"
    assert.truthy(assert(people:verified(nested)):find "\r\n\r\ninner")
  end)

  it("warns of a key that others can read", function()
    people.files:run "cp ann.key open.key && chmod 644 open.key"
    local m = assert(new { smime = { sign = { cert = sign.cert, key = people:path "open.key" } } })
    assert.truthy(m.warnings[1]:find("open.key: anybody", 1, true))
    local nested = assert(new { attach = { { message = m }, { message = m } }, smime = { sign = sign } })
    assert.same({ m.warnings[1], m.warnings[1] }, nested.warnings)
    local report = assert(directsend.new { transport = "null" }:send(nested))
    assert.same(m.warnings, report.warnings)
    assert.is_nil(assert(new { smime = { sign = sign } }).warnings)
  end)

  it("names the field that will not do, before any body is read", function()
    local function refused(t, settings)
      local called
      local m, why, detail = new({ attach = { { read = function() called = true end } }, smime = t }, settings)
      assert.is_nil(m)
      assert.is_nil(called)
      assert.equal("usage", detail.kind)
      assert.equal(detail.field .. ": ", why:sub(1, #detail.field + 2))
      return detail.field, why
    end
    assert.equal("smime", refused {})
    assert.equal("smime.sign.cert", refused { sign = {} })
    assert.equal("smime.sign.key", refused { sign = { cert = sign.cert, key = people:path "bob.key" } })
    assert.equal("smime.encrypt", refused { encrypt = {} })
    assert.equal("smime.encrypt[2]", refused { encrypt = { encrypt[1], people:path "ann.key" } })
    local _, why = refused({ sign = sign }, { time = os.time() + 90 * 86400 })
    assert.truthy(why:find("expired on", 1, true))
  end)

  it("raises on misuse, and names it", function()
    local function raises(text, smime_value, more)
      local t = { smime = smime_value }
      for k, v in pairs(more or {}) do t[k] = v end
      local ok, why = pcall(new, t)
      assert.is_false(ok)
      assert.truthy(tostring(why):find(text, 1, true), why)
    end
    raises("message.smime: expected table", "x")
    raises("smime: unknown key 'signs' (did you mean 'sign'?)", { signs = {} })
    raises("smime.sign: unknown key 'crt'", { sign = { crt = "x" } })
    raises("smime.sign.key: expected string", { sign = { key = 1 } })
    raises("smime.encrypt[1]: expected string", { encrypt = { 1 } })
    raises("smime.encrypt: a list is wanted", { encrypt = { bob = "x" } })
    local ok, why = pcall(message.new, { raw = { data = "From: a@b.test\r\nTo: c@d.test\r\n\r\n" }, smime = { sign = sign } })
    assert.is_false(ok)
    assert.truthy(why:find("'smime' cannot be given beside raw", 1, true))
  end)

  it("tells when there is no room for it", function()
    local m, why, detail = new({ attach = { { data = ("x"):rep(2000000), name = "x" } }, smime = { sign = sign } },
                               { tmpdir = people:path "nowhere" })
    assert.is_nil(m)
    assert.equal("local", detail.kind)
    assert.truthy(why:find("nowhere", 1, true))
  end)

  it("is what loads S/MIME, and nothing else does", function()
    local process = require "support.process"
    local script = people.files:write("loads.lua", [[
      local directsend = require "directsend"
      directsend.message { from = "a@contoso.test", to = "b@contoso.test", text = "x" }
      print(package.loaded["directsend.sealing"], package.loaded["directsend.smime"])]])
    local text, well = process.run(script, {})
    assert.is_true(well, text)
    assert.equal("nil\tnil\n", text)
  end)

  it("is sent by a mailer as any other", function()
    local mailer = assert(directsend.new { from = "ann@contoso.test", transport = "capture" })
    local report = assert(mailer:send { to = "bob@contoso.test", text = "x", smime = { sign = sign } })
    assert.is_true(report.ok)
    assert.is_string(assert(people:verified(mailer.sent[1].raw)))
  end)
end)
