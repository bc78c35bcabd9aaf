local message = require "directsend.message"
local process = require "support.process"

local settings = { time = 1057049557, zone = 7200, random = function(n) return ("\171"):rep(n) end }

local function new(t, also)
  local c = {}
  for k, v in pairs(settings) do c[k] = v end
  for k, v in pairs(also or {}) do c[k] = v end
  t.from = t.from or "a@example.com"
  return message.new(t, c)
end

local function text_of(t, also)
  t.to = t.to or "b@example.net"
  return assert(new(t, also)):tostring()
end

local function field(s, name)
  return ("\r\n" .. s):match("\r\n" .. name:gsub("%-", "%%-") .. ": ([^\r\n]*)")
end

local function names(s)
  local out = {}
  for name in s:match "^(.-\r\n)\r\n":gmatch "([%w-]+):[^\r\n]*\r\n" do out[#out + 1] = name end
  return table.concat(out, " ")
end

local function refusal(t, also)
  local m, text, detail = new(t, also)
  assert.is_nil(m)
  assert.equal("usage", detail.kind)
  assert.equal(detail.field .. ": ", text:sub(1, #detail.field + 2))
  return detail.field, text
end

describe("a message", function()
  it("is exactly this, given the time and random octets", function()
    assert.equal(table.concat({
      "Date: Tue, 01 Jul 2003 10:52:37 +0200", "From: a@example.com", "To: b@example.net", "Subject: hi",
      "Message-ID: <abababababababababababababababab@example.com>", "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=us-ascii", "Content-Transfer-Encoding: 7bit", "", "one", "two", "" }, "\r\n"),
      text_of { subject = "hi", text = "one\ntwo" })
  end)

  it("has its fields in one order, each once", function()
    local s = text_of { from = { "a@example.com", "c@example.com" }, sender = "s@example.com", reply_to = "r@example.com",
                        cc = "c@example.net", bcc = "hidden@example.net", subject = "s", in_reply_to = "<x@y>",
                        references = "<x@y> <z@y>", auto = "generated", priority = "high", headers = { { "X-B", "1" }, { "X-A", "2" } },
                        text = "x" }
    assert.equal("Date From Sender Reply-To To Cc Subject Message-ID In-Reply-To References Auto-Submitted X-Priority "
                 .. "Importance X-B X-A MIME-Version Content-Type Content-Transfer-Encoding", names(s))
    assert.is_nil(s:lower():find "bcc")
    assert.is_nil(s:find "hidden")
    assert.equal("<x@y> <z@y>", field(s, "References"))
    assert.equal("auto-generated", field(s, "Auto-Submitted"))
  end)

  it("does not change what it is made from, and reads it raw", function()
    local to = { "b@example.net", { name = "C", address = "c@example.net" } }
    local t = setmetatable({ from = "a@example.com", to = to, text = "x" }, { __index = error, __newindex = error })
    assert.is_truthy(message.new(t, settings))
    assert.same({ "b@example.net", { name = "C", address = "c@example.net" } }, to)
  end)

  it("is taken as it is when it is built already", function()
    local m = assert(new { to = "b@example.net" })
    assert.equal(m, message.new(m))
  end)

  it("has 128 random bits at the domain of From for an id, or its own", function()
    local seen = {}
    for _ = 1, 50 do
      local m = assert(message.new { from = "a@Example.com", to = "b@example.net" })
      assert.is_truthy(m.message_id:find "^%x+@Example%.com$")
      assert.equal(32 + 12, #m.message_id)
      assert.is_nil(seen[m.message_id])
      seen[m.message_id] = true
    end
    assert.equal("x@y", assert(new { to = "b@example.net", message_id = "<x@y>" }).message_id)
    assert.equal("x@y", assert(new { to = "b@example.net", message_id = "x@y" }).message_id)
  end)

  it("has an id on the line of the field's name, however long", function()
    local id = ("x"):rep(100) .. "@example.com"
    local s = text_of { message_id = id, references = id .. " " .. id }
    assert.equal("<" .. id .. ">", field(s, "Message-ID"))
    assert.is_truthy(s:find("References: <" .. id .. ">\r\n <" .. id .. ">\r\n", 1, true))
  end)

  it("may have a body of none, text, html or both", function()
    assert.is_truthy(text_of {}:find "us%-ascii\r\n.-\r\n\r\n$")
    assert.is_truthy(text_of { html = "<p>" }:find("text/html", 1, true))
    assert.is_truthy(text_of { text = "x", html = "<p>" }:find "multipart/alternative.*text/plain.*text/html")
  end)

  it("tells the undisclosed", function()
    assert.equal("undisclosed-recipients:;", field(assert(new { bcc = "b@example.net" }):tostring(), "To"))
    assert.is_nil(field(assert(new { cc = "b@example.net" }):tostring(), "To"))
  end)

  it("has any body on the wire with one kind of line end", function()
    for _, body in ipairs { "one\n.\nMAIL FROM:<x@y>\n", "one\r.\rMAIL", "one\r\n.\r\r\nMAIL", "\r\r\n.\r\r\n", "", ".", "..",
                            "no end", ("x"):rep(1500), "a\0b", "caf\195\169", "\255\254", ("x"):rep(1000000) } do
      for _, encoding in ipairs { false, "8bit" } do
        local m = assert(new { to = "b@example.net", text = body, encoding = encoding or nil })
        local s = m:tostring()
        assert.equal(#s, m:size())
        assert.is_nil(s:gsub("\r\n", ""):find "[\r\n%z]")
        assert.is_true(s:sub(-2) == "\r\n")
        for line in s:gmatch "([^\r\n]*)\r\n" do assert.is_true(#line <= 998) end
        if not encoding then assert.is_nil(s:find "[\128-\255]") end
      end
    end
  end)

  it("goes as 8bit when told to, and then says so", function()
    local m = assert(new { to = "b@example.net", text = "caf\195\169", html = "<p>", encoding = "8bit" })
    assert.equal(1, m.flags)
    assert.is_truthy(m:tostring():find "multipart/alternative.-Content%-Transfer%-Encoding: 8bit.-\r\ncaf\195\169\r\n")
    assert.equal(0, assert(new { to = "b@example.net", text = "plain", encoding = "8bit" }).flags)
    assert.equal(0, assert(new { to = "b@example.net", text = "caf\195\169" }).flags)
  end)

  it("needs SMTPUTF8 where a local part is beyond ASCII", function()
    assert.equal(2, assert(new { to = "b\195\169@example.net" }).flags)
    assert.equal(2, assert(new { bcc = "b\195\169@example.net" }).flags)
    assert.equal(2, assert(new { from = "b\195\169@example.net", to = "b@example.net" }).flags)
    assert.equal(0, assert(new { to = { name = "B\195\169", address = "b@example.net" } }).flags)
  end)

  it("writes itself to a path or a file", function()
    local m, name = assert(new { to = "b@example.net", text = ("line\n"):rep(9000) }), os.tmpname()
    assert.is_true(m:write { path = name })
    local file = io.open(name, "rb")
    assert.equal(m:tostring(), file:read "*a")
    file:close()
    file = io.open(name, "wb")
    assert.is_true(m:write { file = file })
    file:close()
    file = io.open(name, "rb")
    assert.equal(m:tostring(), file:read "*a")
    file:close()
    os.remove(name)
    local ok, _, detail = m:write { path = name .. "/no" }
    assert.is_nil(ok)
    assert.equal("local", detail.kind)
    assert.has_error(function() m:write { pth = name } end, "write: unknown key 'pth' (did you mean 'path'?)")
    file = io.open("/dev/full", "wb")
    file:setvbuf "no"
    ok, _, detail = m:write { file = file }
    assert.is_nil(ok)
    assert.equal("local", detail.kind)
    file:close()
    assert.is_nil((m:write { path = "/dev/full" }))
  end)

  it("reads a text from a file", function()
    local name = os.tmpname()
    local file = io.open(name, "wb")
    file:write "from a file"
    file:close()
    assert.is_truthy(text_of { text = { path = name } }:find "\r\n\r\nfrom a file\r\n$")
    os.remove(name)
    assert.equal("text.path", (refusal { to = "b@example.net", text = { path = name } }))
  end)

  it("opens nothing that it is not told to", function()
    for _, s in ipairs { "/etc/passwd", "file:///etc/passwd", '<img src="file:///etc/passwd">' } do
      assert.is_truthy(text_of { html = s }:find(s, 1, true))
    end
  end)
end)

describe("a date", function()
  it("is the message's, or now", function()
    assert.equal("Thu, 01 Jan 1970 02:00:00 +0200", field(text_of { date = 0 }, "Date"))
    assert.equal("Thu, 01 Jan 1970 00:00:01 +0000", field(text_of({ date = 1.75 }, { zone = 0 }), "Date"))
    local m = assert(message.new { from = "a@example.com", to = "b@example.net" })
    assert.is_truthy(field(m:tostring(), "Date"):find(os.date "%Y"))
  end)

  it("is a time between 1900 and 9999", function()
    for _, date in ipairs { 0 / 0, 1 / 0, -1 / 0, 1e300, -1e18, 253402300800, -2208988801 } do
      assert.equal("date", (refusal { to = "b@example.net", date = date }))
    end
  end)
end)

describe("an envelope", function()
  local function envelope(t, also)
    local e = assert(new(t, also)):envelope()
    return e.sender .. " > " .. table.concat(e.recipients, " ")
  end

  it("is told by the header", function()
    assert.equal("a@example.com > b@x.yz c@x.yz d@x.yz",
                 envelope { to = "B <b@x.yz>", cc = { "c@x.yz" }, bcc = { address = "d@x.yz" } })
    assert.equal("s@example.com > b@x.yz", envelope { sender = "s@example.com", to = "b@x.yz" })
  end)

  it("names each recipient once; local parts have their case", function()
    assert.equal("a@example.com > B@x.yz b@X.yz", envelope { to = { "B@x.yz", "b@X.yz" }, cc = "b@x.YZ", bcc = "B@x.yz" })
    assert.equal('a@example.com > "b c"@x.yz', envelope { to = { '"b c"@x.yz', '"b\\ c"@x.yz' } })
  end)

  it("may be given", function()
    local e = { sender = "bounce@example.com", recipients = { "x@x.yz", "x@X.yz" } }
    assert.equal("bounce@example.com > x@x.yz", envelope { to = "b@x.yz", envelope = e })
    assert.equal(" > x@x.yz", envelope { to = "b@x.yz", envelope = { sender = "", recipients = "x@x.yz" } })
    assert.equal(" > b@x.yz", envelope { to = "b@x.yz", envelope = { sender = "<>" } })
  end)

  it("is the caller's own copy", function()
    local m = assert(new { to = "b@x.yz" })
    m:envelope().recipients[1] = "evil@x.yz"
    assert.same({ "b@x.yz" }, m:envelope().recipients)
  end)
end)

describe("settings", function()
  it("complete what a message does not say", function()
    local s = text_of({ to = "root" }, { domain = "example.org" })
    assert.equal("root@example.org", field(s, "To"))
    local m = assert(message.new({ to = "b@x.yz" }, { from = "Router <r@example.org>" }))
    assert.equal("Router <r@example.org>", field(m:tostring(), "From"))
    assert.equal("r@example.org", m:envelope().sender)
    assert.equal("auto-generated", field(text_of({}, { auto = "generated" }), "Auto-Submitted"))
    assert.is_nil(field(text_of({ auto = false }, { auto = "generated" }), "Auto-Submitted"))
  end)

  it("know whom an alias means", function()
    local also = { aliases = { root = { "it@contoso.com", "admin" }, ops = "ops@contoso.com" }, domain = "contoso.com" }
    local m = assert(new({ to = "Root <root>", cc = "ops", bcc = "root@contoso.com" }, also))
    assert.same({ "it@contoso.com", "admin@contoso.com", "ops@contoso.com", "root@contoso.com" }, m:envelope().recipients)
    assert.equal("Root <it@contoso.com>, Root <admin@contoso.com>", field(m:tostring(), "To"))
    assert.same({ "it@contoso.com" }, assert(new({ to = "b@x.yz", envelope = { recipients = "root" } },
                { aliases = { root = { "it@contoso.com" } } })):envelope().recipients)
    assert.equal("aliases.root", (refusal({ to = "root" }, { aliases = { root = { "a b" } } })))
  end)

  it("force the sender", function()
    local m = assert(new({ from = "cron@x.yz", to = "b@x.yz", envelope = { sender = "y@x.yz" } },
                         { force_from = "Device <d@example.org>" }))
    assert.equal("Device <d@example.org>", field(m:tostring(), "From"))
    assert.equal("d@example.org", m:envelope().sender)
    m = assert(new({ to = "b@x.yz", envelope = { sender = "" } }, { force_from = "d@example.org" }))
    assert.equal("", m:envelope().sender)
  end)

  it("may be very many, if not in the header", function()
    local many = {}
    for i = 1, 40000 do many[i] = "r" .. i .. "@x.yz" end
    for _, key in ipairs { "to", "cc", "reply_to" } do
      local where, text = refusal { to = "a@b.cd", [key] = many }
      assert.equal(key, where)
      assert.truthy(text:find("a header has 262144 octets, and these do not fit: recipients in bcc or", 1, true), text)
    end
    assert.equal(40000, #assert(new { bcc = many }):envelope().recipients)
    assert.equal(40000, #assert(new { to = "a@b.cd", envelope = { recipients = many } }):envelope().recipients)
    local report = assert(require "directsend".new { transport = "null" }:send { from = "a@b.cd", bcc = many, text = "x" })
    assert.equal(40000, #report)
    local _, ids = refusal { to = "a@b.cd", references = many }
    assert.truthy(ids:find("a header of more than", 1, true))
  end)

  it("allow literals", function()
    assert.equal("to", (refusal { to = "b@[192.0.2.1]" }))
    assert.equal("b@[192.0.2.1]", field(text_of({ to = "b@[192.0.2.1]" }, { allow_literals = true }), "To"))
  end)
end)

describe("misuse", function()
  local function raises(text, t)
    assert.has_error(function() new(t) end, text)
  end

  it("raises, and says what was meant", function()
    raises("message: unknown key 'subjekt' (did you mean 'subject'?)", { subjekt = "x" })
    raises("message: unknown key 'wallpaper'", { wallpaper = {} })
    raises("message.subject: expected string, got number", { subject = 1 })
    raises("message.to: expected string or table, got number", { to = 1 })
    raises("to[1]: expected string or table, got number", { to = { 1 } })
    raises("to[2]: the list has a hole here", { to = { "a@b.cd", [3] = "e@f.gh" } })
    raises("to: a list is wanted, and it has the key 'adress'", { to = { adress = "x" } })
    raises("to: unknown key 'adress' (did you mean 'address'?)", { to = { name = "x", adress = "x" } })
    raises("to.address: expected string, got nil", { to = { name = "x" } })
    raises("envelope: unknown key 'from'", { to = "a@b.cd", envelope = { from = "x" } })
    raises("text: unknown key 'pat' (did you mean 'path'?)", { to = "a@b.cd", text = { pat = "x" } })
    raises("text.path: expected string, got nil", { to = "a@b.cd", text = {} })
    raises("references[1]: expected string, got table", { to = "a@b.cd", references = { {} } })
    assert.has_error(function() message.new() end, "message: expected table, got nil")
    assert.has_error(function() message.new "x" end, "message: expected table, got string")
  end)

  it("is told apart from values that will not do", function()
    assert.equal("from", (function()
      local m, _, detail = message.new { to = "a@b.cd" }
      assert.is_nil(m)
      return detail.field
    end)())
    assert.equal("to", (refusal {}))
    assert.equal("to", (refusal { to = {} }))
    assert.equal("to[2]", (refusal { to = { "a@b.cd", "x y" } }))
    assert.equal("to.address", (refusal { to = { address = "N <a@b.cd>" } }))
    assert.equal("to", (refusal { to = { address = "a@b.cd", name = "x\r\ny" } }))
    assert.equal("sender", (refusal { from = { "a@b.cd", "e@b.cd" }, to = "a@b.cd" }))
    assert.equal("from", (refusal { from = {}, to = "a@b.cd" }))
    assert.equal("auto", (refusal { to = "a@b.cd", auto = true }))
    assert.equal("encoding", (refusal { to = "a@b.cd", encoding = "binary" }))
    assert.equal("message_id", (refusal { to = "a@b.cd", message_id = "<a@b> <c@d>" }))
    assert.equal("references", (refusal { to = "a@b.cd", references = {} }))
    assert.equal("references", (refusal { to = "a@b.cd", references = "nonsense" }))
    assert.equal("envelope.recipients", (refusal { to = "a@b.cd", envelope = { recipients = {} } }))
  end)
end)

describe("memory that runs out", function()
  it("raises, whichever allocation of the C core it is, and leaks nothing", function()
    local out, ok = process.run("spec/support/starved_message.lua", {})
    assert.is_true(ok, out)
    assert.is_true(tonumber(out:match "(%d+) failures") > 20, out)
  end)
end)
