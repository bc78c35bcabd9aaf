-- The whole way against real mail servers, through the public interface.

local directsend = require "directsend"
local servers = require "support.servers"

local function mailer(server, config)
  local c = { from = "Alert <a@example.test>", hostname = "client.example.test",
              route = { ["*"] = { host = "127.0.0.1", port = server.port } } }
  for k, v in pairs(config or {}) do c[k] = v end
  return assert(directsend.new(c))
end

local function send(server, message, config)
  local m = { to = "b@example.test", subject = "s", text = "hello" }
  for k, v in pairs(message or {}) do m[k] = v end
  local one = mailer(server, config)
  local report, why, detail = one:send(m)
  one:close()
  return report or detail.report, why, detail
end

-- subject, text and whether the attachment came whole, as Python reads them
local function read_back(raw)
  local name = os.tmpname()
  local f = io.open(name, "wb")
  f:write(raw)
  f:close()
  local p = io.popen("python3 - " .. name .. [[ <<'END'
import sys, email, email.policy
with open(sys.argv[1], "rb") as f:
    m = email.message_from_binary_file(f, policy=email.policy.default)
out = open(1, "w", encoding="utf-8")
print(m["subject"], file=out)
print(m.get_body().get_content().rstrip("\n").replace("\n", "|"), file=out)
print(str(all(a.get_content() == bytes(range(256)) * 3 for a in m.iter_attachments())).lower(), file=out)
END
]])
  local lines = {}
  for line in p:lines() do lines[#lines + 1] = line end
  p:close()
  os.remove(name)
  return lines
end

describe("with Postfix", function()
  local mx

  setup(function()
    mx = servers.postfix{ main = { smtpd_recipient_restrictions = "check_recipient_access inline:{ {u550@example.test=550 5.1.1 no such user}"
      .. " {u451@example.test=451 4.7.1 try again later} }, permit" } }
  end)
  teardown(servers.stop_all)

  it("goes over TLS 1.3 without being asked to", function()
    local report = send(mx)
    assert.is_true(report.ok)
    local row = report[1]
    assert.equal("delivered", row.outcome)
    assert.equal("encrypted", row.tls.level)
    assert.equal("TLSv1.3", row.tls.version)
    assert.equal("default", row.tls.policy)
    assert.matches("^%w+$", row.queue_id)
  end)

  it("arrives as it was built, with an attachment of every octet", function()
    local octets = {}
    for i = 0, 255 do octets[i + 1] = string.char(i) end
    local data = table.concat(octets):rep(3)
    local report = send(mx, { to = "whole@example.test", subject = "Größe – ütf", text = "línea\n.\n..\nend",
                              attach = { { data = data, name = "alle.bin" } } })
    assert.is_true(report.ok)
    local raw
    for _, m in ipairs(mx:messages(2)) do
      if m:find("whole@example.test", 1, true) then raw = m end
    end
    assert.same({ "Größe – ütf", "línea|.|..|end", "true" }, read_back(raw))
  end)

  it("refuses one recipient and delivers to the others", function()
    local report = send(mx, { to = { "x@example.test", "u550@example.test", "y@example.test", "u451@example.test" } })
    assert.is_false(report.ok)
    local outcome = {}
    for i, row in ipairs(report) do outcome[i] = row.outcome end
    assert.same({ "delivered", "failed", "delivered", "deferred" }, outcome)
    assert.equal("5.1.1", report[2].enhanced)
    assert.equal("rcpt", report[2].stage)
    assert.is_true(report[4].temporary)
  end)

  it("is told what a refusal of everybody means", function()
    local rows, message, detail = send(mx, { to = "u550@example.test" })
    assert.equal("failed", rows[1].outcome)
    assert.matches("no such user", message)
    assert.equal("reply", detail.kind)
    assert.equal(550, detail.code)
  end)

  it("does not believe a certificate it does not know, when told to verify", function()
    local rows, message = send(mx, nil, { tls = "verified", ca_file = servers.certificates().ca_file })
    -- the right authority, but no certificate for an address
    assert.equal("deferred", rows[1].outcome)
    assert.equal("tls", rows[1].kind)
    assert.equal("handshake", rows[1].stage)
    assert.is_string(message)
  end)

  it("knows a message that is too large before it says MAIL", function()
    local rows, message = send(mx, { attach = { { data = ("x"):rep(60 * 1024 * 1024), name = "big.bin" } } })
    assert.equal("failed", rows[1].outcome)
    assert.matches("SIZE", message)
  end)
end)

describe("with a verified name", function()
  after_each(servers.stop_all)

  it("delivers, and says so", function()
    local mx = servers.postfix{ hostname = "mx1.example.test" }
    local dns = servers.nsd{ ["example.test"] = "@ MX 10 mx1\nmx1 A 127.0.0.1" }
    local one = assert(directsend.new{ from = "a@example.test", hostname = "client.example.test", tls = "verified", port = mx.port,
      ca_file = servers.certificates().ca_file, allow_private = true, dns = { servers = { "127.0.0.1:" .. dns.port } } })
    local report = assert(one:send{ to = "b@example.test", subject = "s", text = "t" })
    assert.equal("verified", report[1].tls.level)
    assert.equal("config", report[1].tls.policy)
  end)
end)

describe("with smtp-sink, which breaks at every command", function()
  after_each(servers.stop_all)

  local stages = { CONNECT = "greeting", EHLO = "ehlo", MAIL = "mail", RCPT = "rcpt", DATA = "data", ["."] = "final" }

  for command, stage in pairs(stages) do
    it("by a hard refusal at " .. command, function()
      local sink = servers.smtp_sink{ "-f", command }
      local rows = send(sink, nil, { tls = "off" })
      -- EHLO refused is HELO spoken
      assert.equal(command == "EHLO" and "delivered" or "failed", rows[1].outcome)
      if command ~= "EHLO" then assert.equal(stage, rows[1].stage) end
    end)

    it("by a soft refusal at " .. command, function()
      local rows = send(servers.smtp_sink{ "-r", command }, nil, { tls = "off" })
      assert.equal("deferred", rows[1].outcome)
      assert.equal(stage, rows[1].stage)
      assert.is_true(rows[1].temporary)
    end)

    it("by hanging up at " .. command, function()
      local rows = send(servers.smtp_sink{ "-q", command }, nil, { tls = "off" })
      assert.equal(command == "." and "unknown" or "deferred", rows[1].outcome)
    end)

    it("by 421 at " .. command, function()
      local rows = send(servers.smtp_sink{ "-Q", command }, nil, { tls = "off" })
      assert.equal("deferred", rows[1].outcome)
      assert.equal(421, rows[1].code)
    end)
  end

  for _, switches in ipairs{ { "-p" }, { "-8" }, { "-E" }, { "-e" }, { "-P" }, { "-T", "100" } } do
    it("or only lacks something: " .. switches[1], function()
      local sink = servers.smtp_sink(switches)
      local report = send(sink, { text = ("line\n"):rep(2000) }, { tls = "off" })
      assert.equal("delivered", report[1].outcome)
      assert.matches("line\nline", sink:messages(1)[1].raw:gsub("\r", ""), 1, true)
    end)
  end

  it("by a refusal in the middle of the body", function()
    local rows = send(servers.smtp_sink{ "-A", "1" }, { text = ("0123456789\n"):rep(300000) }, { tls = "off" })
    assert.not_equal("delivered", rows[1].outcome)
  end)
end)

describe("with aiosmtpd", function()
  after_each(servers.stop_all)

  it("delivers on the caller's second try what was deferred", function()
    local mx = servers.aiosmtpd{ replies = { mail = "451 4.7.1 greylisted" }, times = 1 }
    local one = mailer(mx)
    local message = { to = "b@example.test", subject = "s", text = "t" }
    local report, why, detail = one:send(message)
    assert.is_nil(report)
    assert.matches("greylisted", why)
    assert.is_true(detail.temporary)
    assert.equal(451, detail.code)
    report = assert(one:send(message))
    assert.is_true(report.ok)
    assert.equal(1, #mx:messages())
    one:close()
  end)

  it("is handed exactly the octets that were built", function()
    local mx = servers.aiosmtpd{}
    local text = "one\n.\n..two\n\n.three"
    local report = send(mx, { text = text, date = 1700000000, message_id = "<fixed@example.test>" })
    assert.is_true(report.ok)
    local raw = mx:messages()[1].raw
    assert.equal(report.bytes, #raw)
    assert.matches("\r\n\r\none\r\n.\r\n..two\r\n\r\n.three\r\n$", raw)
    assert.equal("TLSv1.3", mx:messages()[1].tls)
  end)

  it("falls back to a new connection in clear when the handshake fails", function()
    local mx = servers.aiosmtpd{ tls_most = "TLSv1_1" }
    local report = send(mx)
    local row = report[1]
    assert.equal("delivered", row.outcome)
    assert.equal("none", row.tls.level)
    assert.matches("sent in clear", row.tls.note)
  end)

  it("sends nothing in clear when TLS is required and not to be had", function()
    for _, options in ipairs{ { tls = false }, { replies = { starttls = "454 4.7.0 not now" } } } do
      local mx = servers.aiosmtpd(options)
      local rows = send(mx, nil, { tls = "required" })
      assert.equal("deferred", rows[1].outcome)
      assert.equal("tls", rows[1].kind)
      for _, c in ipairs(mx:commands()) do assert.is_nil(c.line:upper():match "^MAIL") end
      servers.stop_all()
    end
  end)
end)
