local smtp = require "directsend.test".smtp

local USAGE = -2

-- each octet below 0x80 at each place of an address
local function each_insertion(f)
  for c = 0, 127 do
    local octet = string.char(c)
    f(octet, octet .. "a@b.example")
    f(octet, "a" .. octet .. "@b.example")
    f(octet, "a@b.example" .. octet)
    f(octet, '"a' .. octet .. '"@b.example', true)
  end
end

describe("smtp/command", function()
  it("writes lines", function()
    assert.are.equal("DATA\r\n", smtp.command_word "DATA")
    assert.are.equal("EHLO a.example\r\n", smtp.command_ehlo "a.example")
    assert.are.equal("RCPT TO:<a@b.example>\r\n", smtp.command_rcpt "a@b.example")
    assert.are.equal("MAIL FROM:<>\r\n", smtp.command_mail "")
    assert.are.equal("MAIL FROM:<a@b> SIZE=5 BODY=8BITMIME SMTPUTF8\r\n", smtp.command_mail("a@b", 5, true, true))
  end)

  it("lets no control leave inside a line (E01, E02)", function()
    for _, bad in ipairs { "a\rb", "a\nb", "a\r\nRCPT TO:<x@y>", "a\27", "a\127", "\t" } do
      assert.are.equal(USAGE, smtp.command_word(bad))
      assert.are.equal(USAGE, smtp.command_ehlo(bad))
      assert.are.equal(USAGE, smtp.command_rcpt(bad .. "@b"))
      assert.are.equal(USAGE, smtp.command_mail(bad .. "@b"))
    end
  end)

  it("holds a path between its brackets", function()
    each_insertion(function(c, path, quoted)
      local line = smtp.command_rcpt(path)
      local fine = c:byte() > 32 and c:byte() < 127 and not c:find '["<>\\]' or quoted and c:find "^[ <>]$"
      if fine then
        assert.are.equal("RCPT TO:<" .. path .. ">\r\n", line)
      else
        assert.are.equal(USAGE, line, ("%q"):format(path))
      end
    end)
    assert.are.equal('RCPT TO:<"a\\"> x"@b>\r\n', smtp.command_rcpt '"a\\"> x"@b')
    assert.are.equal(USAGE, smtp.command_rcpt '"a\\"@b')
    assert.are.equal(USAGE, smtp.command_rcpt 'a"@b')
    assert.are.equal(USAGE, smtp.command_rcpt "a@b> NOTIFY=NEVER")
    assert.are.equal(USAGE, smtp.command_rcpt "")
  end)

  it("takes octets from 0x80 only as SMTPUTF8, well-formed", function()
    assert.are.equal(USAGE, smtp.command_rcpt "j\195\182rg@b")
    assert.are.equal("RCPT TO:<j\195\182rg@b>\r\n", smtp.command_rcpt("j\195\182rg@b", true))
    for _, bad in ipairs { '"\\\233"@b', '"\\\195\188"@b', "\246@b", "\195@b", "\194\133@b", "\237\160\128@b" } do
      assert.are.equal(USAGE, smtp.command_rcpt(bad, true))
      assert.are.equal(USAGE, smtp.command_mail(bad, 0, false, true))
    end
  end)

  it("keeps paths to 254 octets and lines to 512", function()
    local function path(n)
      return ("a"):rep(n - 2) .. "@b"
    end
    assert.are.equal("RCPT TO:<" .. path(254) .. ">\r\n", smtp.command_rcpt(path(254)))
    assert.are.equal(USAGE, smtp.command_rcpt(path(255)))
    assert.are.equal(USAGE, smtp.command_mail(path(255)))
    assert.are.equal(512, #smtp.command_word(("a"):rep(510)))
    assert.are.equal(USAGE, smtp.command_word(("a"):rep(511)))
    assert.are.equal(USAGE, smtp.command_word(("a"):rep(100000)))
  end)

  it("writes what DSN wants to hear, encoded", function()
    local function mail(dsn, ...)
      return smtp.command_mail("a@b", 0, ..., false, false, dsn)
    end
    assert.are.equal("MAIL FROM:<a@b> RET=FULL\r\n", mail { ret = 1 })
    assert.are.equal("MAIL FROM:<a@b> RET=HDRS ENVID=QQ314159\r\n", mail { ret = 2, envid = "QQ314159" })
    assert.are.equal("MAIL FROM:<a@b> ENVID=a+2Bb+3Dc+20d\r\n", mail { envid = "a+b=c d" })
    assert.are.equal("MAIL FROM:<a@b> SIZE=5 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=FULL ENVID=x\r\n",
      smtp.command_mail("a@b", 5, true, true, true, { ret = 1, envid = "x" }))
    local function rcpt(notify, orcpt)
      return smtp.command_rcpt("a@b", false, { notify = notify, orcpt = orcpt })
    end
    assert.are.equal("RCPT TO:<a@b> NOTIFY=NEVER\r\n", rcpt(1))
    assert.are.equal("RCPT TO:<a@b> NOTIFY=SUCCESS,FAILURE,DELAY\r\n", rcpt(2 + 4 + 8))
    assert.are.equal("RCPT TO:<a@b> NOTIFY=DELAY ORCPT=rfc822;Bob+2Bx@example.com\r\n", rcpt(8, "Bob+x@example.com"))
    assert.are.equal("RCPT TO:<a@b> ORCPT=utf-8;j\\x{F6}rg\\x{2B}\\x{5C}\\x{20}\\x{1F600}@b\r\n",
      rcpt(0, "j\195\182rg+\\ \240\159\152\128@b"))
  end)

  it("says nothing of DSN that is not printable, too long, or no wish", function()
    for _, bad in ipairs { "a\rb", "a\nb", "a\r\nRCPT TO:<x@y>", "a\0", "a\127", "j\246rg", ("a"):rep(101), ("+"):rep(34) } do
      assert.are.equal(USAGE, smtp.command_mail("a@b", 0, false, false, false, { envid = bad }))
    end
    assert.are.equal(USAGE, smtp.command_mail("a@b", 0, false, false, false, { envid = "j\195\182rg" }))
    assert.are.equal(15 + 107 + 2, #smtp.command_mail("a@b", 0, false, false, false, { envid = ("a"):rep(100) }))
    for _, bad in ipairs { "a\rb@c", "a\n@c", "a\0@c", "\127", "j\246rg@b", "\194\133@b", ("a"):rep(494), ("+"):rep(165) } do
      assert.are.equal(USAGE, smtp.command_rcpt("a@b", false, { orcpt = bad }))
    end
    assert.is_string(smtp.command_rcpt("a@b", false, { orcpt = ("a"):rep(493) }))
    for _, notify in ipairs { 3, 5, 9, 15, 16, 32 } do
      assert.are.equal(USAGE, smtp.command_rcpt("a@b", false, { notify = notify }))
    end
    local longest = smtp.command_rcpt(("a"):rep(252) .. "@b", false, { notify = 14, orcpt = ("a"):rep(493) })
    assert.is_truthy(longest:find "NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+\r\n$")
  end)

  it("says only a host name or an address literal in EHLO", function()
    local label = ("a"):rep(63)
    for _, name in ipairs {
      "localhost", "a.example", "A-1.Example", "1.example", "xn--bcher-kva.example", "[192.0.2.1]", "[IPv6:2001:db8::1]",
      "[ipv6:::1]", label, table.concat({ label, label, label, label }, "."),
    } do
      assert.is_true(smtp.hostname_ok(name), name)
      assert.are.equal("EHLO " .. name .. "\r\n", smtp.command_ehlo(name))
    end
    for _, name in ipairs {
      "", ".", "a.", ".a", "a..b", "-a.example", "a-.example", "a_b", "a b", "a\r\nb", "192.0.2.1", "[192.0.2.1", "[]",
      "[300.1.1.1]", "[2001:db8::1]", "[IPv6:192.0.2.1]", "[IPv6:]", "[mx]", label .. "a", "b\195\188.example", "a\0b",
      table.concat({ label, label, label, label, "a" }, "."),
    } do
      assert.is_false(smtp.hostname_ok(name), name)
      assert.are.equal(USAGE, smtp.command_ehlo(name))
    end
  end)
end)
