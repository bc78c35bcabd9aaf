-- What has broken other programs: injected lines, addresses that are none,
-- bodies that end too early.  Every row is one such input, and what becomes of
-- it before anything is connected: refused, naming the field, or made harmless.

local message = require "directsend.message"

local function build(t, settings)
  local m = { from = "a@example.com", to = "b@example.net", text = "x" }
  for k, v in pairs(t) do m[k] = v end
  if t.raw then m.from, m.to, m.text = nil, nil, nil end
  return message.new(m, settings)
end

local function to(address) return { to = address } end
local function subject(s) return { subject = s } end
local function headers(...) return { headers = { { ... } } } end
local function named(name) return { attach = { { data = "x", name = name } } } end
local function typed(type) return { attach = { { data = "x", type = type } } } end

-- id, message, field that is blamed
local refused = {
  { "E01", to "b@example.net>\r\nRCPT TO:<evil@x.yz>", "to" },
  { "E01", to { "c@example.net", "b@example.net>\r\nRCPT TO:<evil@x.yz>" }, "to[2]" },
  { "E01", { cc = "b@example.net>\r\nRCPT TO:<evil@x.yz>" }, "cc" },
  { "E01", { bcc = { address = "b@example.net>\r\nRCPT TO:<evil@x.yz>" } }, "bcc.address" },
  { "E01", { envelope = { recipients = "b@example.net>\r\nRCPT TO:<evil@x.yz>" } }, "envelope.recipients" },
  { "E02", to "b@example.net>\nRCPT TO:<evil@x.yz>", "to" },
  { "E02", to "b@example.net\r", "to" },
  { "E04", { from = "a@example.com>\r\nRCPT TO:<evil@x.yz>" }, "from" },
  { "E04", { envelope = { sender = "a@example.com>\r\nRCPT TO:<evil@x.yz>" } }, "envelope.sender" },
  { "E08", to "b@example.net> NOTIFY=NEVER ORCPT=rfc822;x", "to" },
  { "E08", { envelope = { recipients = { "b@example.net> NOTIFY=NEVER" } } }, "envelope.recipients[1]" },
  { "E09", { envelope = { sender = "a@example.com> SIZE=1 AUTH=<>" } }, "envelope.sender" },
  { "E13", to "a@b@example.net", "to" },
  { "E13", to "a@b.cd@example.net", "to" },
  { "E15", to "a\1b@example.net", "to" },
  { "E15", to "a\127b@example.net", "to" },
  { "E15", to "a\tb@example.net", "to" },
  { "E15", to '"a\tb"@example.net', "to" },
  { "E18", to(("x"):rep(65) .. "@example.net"), "to" },
  { "E18", to("b@" .. ("x"):rep(64) .. ".net"), "to" },
  { "E18", to("b@" .. ("x."):rep(127) .. "net"), "to" },
  { "E19", to "@relay.example:b@example.net", "to" },
  { "E19", { envelope = { recipients = "@relay.example:b@example.net" } }, "envelope.recipients" },
  { "E21", to "", "to" }, { "E21", to "<>", "to" }, { "E21", to "  ", "to" },
  { "E21", { envelope = { recipients = "<>" } }, "envelope.recipients" },
  { "E21", { envelope = { recipients = { "" } } }, "envelope.recipients[1]" },
  { "E23", to "b@example.net.", "to" }, { "E23", to "b@-example.net", "to" },
  { "E23", to "b@example..net", "to" }, { "E23", to "b@exa_mple.net", "to" },
  { "E24", to "b@[127.0.0.1]", "to" }, { "E24", to "b@[IPv6:::1]", "to" }, { "E24", to "b@[10.0.0.1]", "to" },
  { "E31", to(("("):rep(1000000)), "to" }, { "E31", to(("<"):rep(1000000)), "to" },
  { "E31", to(('"\\"\\""'):rep(200000)), "to" },
  { "E33", to("b@" .. ("\217\160"):rep(5000000)), "to" }, { "E33", to("b@" .. ("\227\131\187"):rep(3000000)), "to" },
  { "H01", subject "hi\r\nBcc: evil@x.yz", "subject" },
  { "H01", headers("X-A", "hi\r\nBcc: evil@x.yz"), "headers[1]" },
  { "H01", { from = { name = "hi\r\nBcc: x", address = "a@example.com" } }, "from" },
  { "H02", subject "hi\nBcc: evil@x.yz", "subject" }, { "H02", subject "hi\rBcc: evil@x.yz", "subject" },
  { "H03", subject "hi\r\n\r\n<b>body</b>", "subject" },
  { "H05", headers("X-A: b\r\nBcc", "x"), "headers[1]" }, { "H05", headers("X A", "x"), "headers[1]" },
  { "H05", headers("X:", "x"), "headers[1]" }, { "H05", headers("", "x"), "headers[1]" },
  { "H05", headers("\195\156n\195\175", "x"), "headers[1]" }, { "H05", headers("X\127", "x"), "headers[1]" },
  { "H06", subject "a\0b", "subject" }, { "H06", subject "a\11b", "subject" }, { "H06", subject "a\12b", "subject" },
  { "H06", subject "a\27b", "subject" }, { "H06", headers("X-A", "a\0b"), "headers[1]" },
  { "H14", named "x\r\nContent-Type: text/html", "attach[1].name" },
  { "H15", named ".", "attach[1].name" }, { "H15", named "..", "attach[1].name" }, { "H15", named "a/", "attach[1].name" },
  { "H17", typed "text/plain\r\nX: y", "attach[1].type" }, { "H17", typed "text", "attach[1].type" },
  { "H17", typed "text/pl ain", "attach[1].type" }, { "H17", typed 'text/plain; charset=utf-8"\r\n', "attach[1].type" },
  { "H17", { attach = { { data = "x", disposition = "inline\r\n" } } }, "attach[1].disposition" },
  { "H18", { html = "h", inline = { ["<x>\r\n"] = { data = "x" } } }, "inline.<x>??.cid" },
  { "H18", { html = "h", inline = { ["x>y"] = { data = "x" } } }, "inline.x>y.cid" },
  { "H18", { message_id = "nothing" }, "message_id" }, { "H18", { message_id = "a b@example.com" }, "message_id" },
  { "H18", { in_reply_to = "<a@b>\r\nX: y" }, "in_reply_to" },
  { "H19", headers("From", "evil@x.yz"), "headers[1]" }, { "H19", headers("subject", "x"), "headers[1]" },
  { "H19", headers("DATE", "x"), "headers[1]" },
  { "H20", headers("Bcc", "x@y.zz"), "headers[1]" }, { "H20", headers("Return-Path", "<>"), "headers[1]" },
  { "H20", headers("Received", "x"), "headers[1]" }, { "H20", headers("MIME-Version", "1.0"), "headers[1]" },
  { "H20", headers("Content-Transfer-Encoding", "7bit"), "headers[1]" },
  { "H20", headers("DKIM-Signature", "v=1"), "headers[1]" },
  { "H29", { raw = { data = "From: a@b.cd\nTo: e@f.gh\n\na\0b" } }, "raw" },
  { "H36", { attach = { "/" } }, "attach[1].path" }, { "H36", { attach = { "/dev/zero" } }, "attach[1].path" },
  { "H36", { text = { path = "/dev/zero" } }, "text.path" }, { "H36", { raw = { path = "/" } }, "raw.path" },
  { "H40", headers("List-Unsubscribe", "<https://x.yz>"), "headers[1]" },
  { "H40", headers("List-Help", "<https://x.yz>\r\nBcc: y"), "headers[1]" },
  { "H40", headers("List-Help", "<javascript:alert(1)>"), "headers[1]" },
  { "H40", headers("list-archive", "<https://x.yz>, <ftp://x.yz>"), "headers[1]" },
  { "H40", headers("List-Owner", "https://x.yz"), "headers[1]" },
  { "H40", { list_unsubscribe = { https = "https://x\r\nBcc: y" } }, "list_unsubscribe.https" },
  { "H40", { list_unsubscribe = { https = "https://x.yz/>" } }, "list_unsubscribe.https" },
  { "H40", { list_unsubscribe = { https = "https://x.yz/a,b" } }, "list_unsubscribe.https" },
  { "H40", { list_unsubscribe = { https = "https://x.yz/=?utf-8?Q?x?=" } }, "list_unsubscribe.https" },
  { "H40", { list_unsubscribe = { https = "https://a@x.yz/" } }, "list_unsubscribe.https" },
  { "H40", { list_unsubscribe = { https = "http://x.yz/" } }, "list_unsubscribe.https" },
  { "H40", { list_unsubscribe = { https = "javascript:alert(1)" } }, "list_unsubscribe.https" },
  { "H40", { list_unsubscribe = { mailto = "javascript:alert(1)" } }, "list_unsubscribe.mailto" },
  { "H40", { list_unsubscribe = { mailto = "u@x.yz>, <https://y.zz" } }, "list_unsubscribe.mailto" },
  { "H40", { list_unsubscribe = { mailto = "u@x.yz", one_click = true } }, "list_unsubscribe.one_click" },
  { "H40", { list_unsubscribe = {} }, "list_unsubscribe" },
  { "H40", { list_id = "News <n.example.com>\r\nBcc: y" }, "list_id" },
  { "H40", { list_id = { name = "a\nb", id = "n.example.com" } }, "list_id" },
  { "H40", { list_id = "news" }, "list_id" }, { "H40", { list_id = "n\195\164ws.example.com" }, "list_id" },
  { "H41", { date = 0 / 0 }, "date" }, { "H41", { date = 1 / 0 }, "date" }, { "H41", { date = 1e300 }, "date" },
  { "H41", { date = -1e18 }, "date" }, { "H41", { date = 253402300800 }, "date" },
}

local function path(address) return function(m) return assert.same({ address }, m:envelope().recipients) end end

local function holds(text)
  return function(_, s) assert.is_truthy(s:find(text, 1, true), text) end
end

-- every line within bounds, one kind of line end, none but ASCII
local function clean(_, s)
  assert.is_nil(s:gsub("\r\n", ""):find "[\r\n%z\128-\255]")
  assert.equal("\r\n", s:sub(-2))
  for line in s:gmatch "([^\r\n]*)\r\n" do assert.is_true(#line <= 998) end
end

-- id, message, what it must be
local harmless = {
  { "E11", to '"evil@attacker.example x"@example.net', path '"evil@attacker.example x"@example.net' },
  { "E16", to "b\195\169@example.net", function(m) assert.equal(2, m.flags) end },
  { "E20", to "user%evil.com@example.net", path "user%evil.com@example.net" },
  { "E20", to "evil!user@example.net", path "evil!user@example.net" },
  { "E21", { envelope = { sender = "<>" } }, function(m) assert.equal("", m:envelope().sender) end },
  { "E22", to "-oQ/tmp@example.net", path "-oQ/tmp@example.net" },
  { "E26", to "=?utf-8?q?b=40evil.com=3e?=@example.net", path "=?utf-8?q?b=40evil.com=3e?=@example.net" },
  { "E27", to "b@b\195\188cher.example", path "b@xn--bcher-kva.example" },
  { "E27", { envelope = { recipients = "b@b\195\188cher.example" } }, path "b@xn--bcher-kva.example" },
  { "E30", to "b@\208\176pple.com", path "b@xn--pple-43d.com" },
  { "E30", to "b@\208\176pple.com", holds "To: b@xn--pple-43d.com\r\n" },
  { "E34", to { "B@example.net", "b@Example.net", "b@example.NET" },
    function(m) assert.same({ "B@example.net", "b@Example.net" }, m:envelope().recipients) end },
  { "H08", { from = { name = 'Evil" <evil@x.yz>, "', address = "a@example.com" } },
    holds 'From: "Evil\\" <evil@x.yz>, \\"" <a@example.com>\r\n' },
  { "H09", to { name = ",;:<>@()[]", address = "b@example.net" }, holds 'To: ",;:<>@()[]" <b@example.net>\r\n' },
  { "H11", subject(("x"):rep(2000)), function(_, s)
    for line in s:match "^(.-)\r\n\r\n":gmatch "[^\r\n]+" do assert.is_true(#line <= 78) end
  end },
  { "H13", named 'a"b\\c.txt', holds 'filename="a\\"b\\\\c.txt"\r\n' },
  { "H15", named "../../etc/passwd", holds "filename=passwd\r\n" },
  { "H15", named "C:\\x\\y.txt", holds "filename=y.txt\r\n" },
  { "H15", named "/abs/x", holds "filename=x\r\n" },
  { "H21", { bcc = "hidden@example.org" }, function(m, s)
    assert.equal("hidden@example.org", m:envelope().recipients[2])
    assert.is_nil(s:lower():find "\nbcc:") -- a Message-ID may well have bcc in it
    assert.is_nil(s:find "hidden")
  end },
  { "H22", { text = "one\n.\nMAIL FROM:<x@y.zz>\n" }, clean }, { "H23", { text = "one\r.\rMAIL FROM:<x@y.zz>" }, clean },
  { "H24", { text = "one\r\n.\r\r\nMAIL" }, clean }, { "H24", { text = "\r\r\n.\r\r\n" }, clean },
  { "H27", { text = "" }, clean }, { "H27", { text = "." }, clean }, { "H27", { text = ".." }, clean },
  { "H28", { text = ("x"):rep(1500) }, clean }, { "H28", { text = ("x"):rep(10000000) }, clean },
  { "H29", { text = "a\0b" }, clean }, { "H30", { text = "caf\195\169" }, clean },
  { "H30", { text = "caf\195\169", encoding = "8bit" }, function(m, s)
    assert.equal(1, m.flags)
    assert.is_truthy(s:find("\r\ncaf\195\169\r\n", 1, true))
  end },
  { "H31", { text = "\255\192\128\237\160\128" }, clean },
  { "H34", { raw = { data = "From: a@b.cd\nTo: e@f.gh\r\rone\n\rtwo" } },
    function(_, s) assert.equal("From: a@b.cd\r\nTo: e@f.gh\r\n\r\none\r\n\r\ntwo\r\n", s) end },
  { "H38", { html = '<img src="file:///etc/passwd">' }, holds '<img src="file:///etc/passwd">' },
}

-- a message so many levels deep in others
local function deep(n)
  local t = { from = "a@example.com", text = "x" }
  for _ = 1, n do t = { from = "a@example.com", attach = { { message = t } } } end
  return t
end

local function many(n, item)
  local out = {}
  for i = 1, n do out[i] = item end
  return out
end

for _, t in ipairs { deep(50), { attach = many(10001, { data = "" }) }, { headers = many(10001, { "X-A", "b" }) },
                     { headers = { { "X-A", ("b "):rep(524288) } } } } do
  refused[#refused + 1] = { "H33", t, t.headers and (t.headers[2] and "headers[997]" or "headers[1]")
                            or #t.attach > 1 and "attach[1000]" or true }
end

-- id, message: misuse, which raises
local raised = {
  { "E36", to { "b@example.net", nil, "c@example.net" } }, { "E36", to { 1 } }, { "E36", to { {} } }, { "E36", to { { {} } } },
  { "E36", to(setmetatable({ {} }, { __tostring = error })) }, { "E36", to { setmetatable({}, { __tostring = error, __index = error }) } },
}

describe("a bad input", function()
  for i, row in ipairs(refused) do
    it(row[1] .. " is refused (row " .. i .. ")", function()
      local m, text, detail = build(row[2])
      assert.is_nil(m)
      assert.equal("usage", detail.kind)
      if row[3] ~= true then assert.equal(row[3], detail.field) end
      assert.is_nil(text:find "%c")
      assert.is_true(#text < 1000)
    end)
  end

  for i, row in ipairs(harmless) do
    it(row[1] .. " is made harmless (row " .. i .. ")", function()
      local m = assert(build(row[2]))
      local s = m:tostring()
      assert.equal(#s, m:size())
      row[3](m, s)
    end)
  end

  for i, row in ipairs(raised) do
    it(row[1] .. " raises (row " .. i .. ")", function()
      local ok, why = pcall(build, row[2])
      assert.is_false(ok)
      assert.is_truthy(tostring(why):find "^to")
    end)
  end
end)

describe("an input without end", function()
  -- a stack of 128 KiB is what the interpreter itself needs, and little more
  it("E31 is read without recursion, and nothing is kept of it", function()
    local script = os.tmpname()
    local file = io.open(script, "w")
    file:write [[
      local address = require "directsend.core".address
      for _, piece in ipairs { "(", "<", '"', '"\\"', "a:", "((a)", "a,", "<a@b.cd>,", "@", "." } do
        local text = piece:rep(math.floor(1000000 / #piece))
        assert(not address.parse(text))
        address.list(text)
      end
      print "read"
    ]]
    file:close()
    local text = require "support.process".run(script, { under = "sh -c 'ulimit -s 128; exec \"$@\"' limited" })
    os.remove(script)
    assert.equal("read\n", text)
  end)
end)

describe("an address that needs SMTPUTF8", function()
  local servers = require "support.servers"
  local mailers = require "support.mailers"

  after_each(servers.stop_all)

  it("E16 fails where the server does not offer it, and none of it is said", function()
    local server = servers.postfix { tls = false, main = { smtputf8_enable = "no" } }
    local lines = {}
    local mailer = mailers.to(server.port, { trace = function(line) lines[#lines + 1] = line end })
    local rows, why, detail = mailer:send(mailers.alert { to = "b\195\169@example.net" })
    assert.is_nil(rows)
    assert.truthy(why:find("does not offer SMTPUTF8", 1, true), why)
    assert.equal("failed", detail.report[1].outcome)
    assert.is_false(detail.temporary)
    local dialogue = table.concat(lines, "\n")
    assert.truthy(dialogue:find("EHLO", 1, true))
    assert.falsy(dialogue:find("MAIL FROM", 1, true))
  end)

  it("E16 is said where the server offers it, in the header too", function()
    local server = servers.aiosmtpd { tls = false, extensions = { "PIPELINING", "8BITMIME", "SMTPUTF8" } }
    local rows = assert(mailers.to(server.port):send(mailers.alert { to = "J\195\182rg <b\195\169@example.net>" }))
    assert.is_true(rows.ok)
    local m = server:messages()[1]
    assert.same({ "b\195\169@example.net" }, m.recipients)
    assert.truthy(m.raw:find("<b\195\169@example.net>\r\n", 1, true))
  end)

  it("E27 needs none when just its domain is not ASCII", function()
    local server = servers.aiosmtpd { tls = false, extensions = { "PIPELINING" } }
    assert(mailers.to(server.port):send(mailers.alert { to = "b@b\195\188cher.example" }))
    assert.same({ "b@xn--bcher-kva.example" }, server:messages()[1].recipients)
  end)
end)
