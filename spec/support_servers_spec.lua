local dialog = require "support.dialog"
local servers = require "support.servers"

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local python = "/usr/bin/python3"

-- Python's own client is the witness that a server is there and does its work.
local function deliver(port, options)
  options = options or {}
  local script = ([[
import smtplib, ssl, sys
s = smtplib.SMTP("127.0.0.1", %d, timeout=20)
try:
    %s
    print(s.sendmail("a@b.test", %s, "Subject: hello\r\n\r\n.dot\r\n"))
except smtplib.SMTPException as e:
    print(type(e).__name__, e)
]]):format(port, options.tls and [[
context = ssl.create_default_context(cafile="]] .. options.tls .. [[")
    context.check_hostname = False
    s.starttls(context=context)]] or "pass", options.to or '["c@example.test"]')
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(script)
  file:close()
  local text = output(python .. " " .. name .. " 2>&1")
  os.remove(name)
  return text
end

-- What is left of a server after its end: processes that name its folder, and
-- the folder. The brackets keep the search from finding itself.
local function remains(dir)
  local pattern = dir:gsub("%.", "[.]"):gsub("^/(.)", "/[%1]")
  return output("grep -la '" .. pattern .. "' /proc/[0-9]*/cmdline 2>/dev/null; ls -d " .. pattern .. " 2>/dev/null")
end

describe("servers", function()
  after_each(servers.stop_all)

  it("postfix takes a message over STARTTLS and delivers it", function()
    local certs = servers.certificates()
    local s = servers.postfix {}
    assert.equal("{}\n", deliver(s.port, { tls = certs.ca_file }))
    assert.not_equal("", remains(s.dir))
    local text = s:messages(1)[1]
    assert.truthy(text:find("using TLSv1.3", 1, true), text)
    assert.truthy(text:find("\n\n.dot\n", 1, true), text)
    s:stop()
    assert.equal("", remains(s.dir))
  end)

  it("postfix refuses one recipient by its access list", function()
    local s = servers.postfix { tls = false, main = { smtpd_recipient_restrictions =
      "check_recipient_access inline:{ {no@example.test=550 5.1.1 nobody} }" } }
    local text = deliver(s.port, { to = '["c@example.test", "no@example.test"]' })
    assert.truthy(text:find("no@example.test': (550", 1, true), text)
    assert.truthy(s:messages(1)[1]:find("Delivered-To: c@example.test", 1, true))
  end)

  it("smtp-sink injects faults and keeps what it took", function()
    local s = servers.smtp_sink()
    assert.equal("{}\n", deliver(s.port))
    local message = s:messages(1)[1]
    assert.same({ "<c@example.test>" }, message.recipients)
    s:stop()
    assert.equal("", remains(s.dir))
    s = servers.smtp_sink { "-f", "RCPT" }
    assert.truthy(deliver(s.port):find("SMTPRecipientsRefused", 1, true))
  end)

  it("aiosmtpd keeps the octets and the arguments", function()
    local certs = servers.certificates()
    local s = servers.aiosmtpd { extensions = { "PIPELINING" } }
    assert.equal("{}\n", deliver(s.port, { tls = certs.ca_file }))
    local message = s:messages()[1]
    assert.equal("Subject: hello\r\n\r\n.dot\r\n", message.raw)
    assert.equal("TLSv1.3", message.tls)
    assert.same({ "c@example.test" }, message.recipients)
    assert.equal("a@b.test", message.sender)
    local verbs = {}
    for i, command in ipairs(s:commands()) do
      verbs[i] = command.line:match("^%a+")
    end
    assert.equal("EHLO STARTTLS EHLO MAIL RCPT DATA", table.concat(verbs, " "))
    s:stop()
    assert.equal("", remains(s.dir))
  end)

  it("aiosmtpd answers as told, so many times", function()
    local s = servers.aiosmtpd { tls = false, times = 2, replies = {
      rcpt = { ["no@example.test"] = "550 5.1.1 nobody" }, ["."] = "451 4.3.0 later" } }
    local text = deliver(s.port, { to = '["c@example.test", "no@example.test"]' })
    assert.truthy(text:find("SMTPDataError (451", 1, true), text)
    assert.equal("{}\n", deliver(s.port, { to = '["no@example.test"]' }))
    assert.equal(1, #s:messages())
  end)

  it("aiosmtpd turns a client away, with words or without", function()
    local s = servers.aiosmtpd { tls = false, replies = { connect = "554 5.7.1 no" } }
    assert.truthy(deliver(s.port):find("554", 1, true))
    s = servers.aiosmtpd { tls = false, replies = { mail = "" } }
    assert.truthy(deliver(s.port):find("SMTPServerDisconnected", 1, true))
  end)

  it("dialog plays the server and tells where the client left", function()
    local spoken = dialog.parse [[
---
S: 220 mx1 ready
C~ ehlo .*
S: 250-mx1
...
S: 250 STARTTLS
C: STARTTLS
S: 220 go
TLS
C~ ehlo .*
S: 250 mx1
C: mail FROM:<a@b.test>
S: 451 later
C: rset
S<EOF>
]]
    local hasty = dialog.parse "---\nS: 220 mx1\nC~ ehlo .*\nS: 250 mx1\nC: mail FROM:<x@b.test>\n"
    local s = servers.dialog { spoken, hasty }
    local certs = servers.certificates()
    assert.truthy(deliver(s.port, { tls = certs.ca_file }):find("SMTPSenderRefused (451", 1, true))
    deliver(s.port)
    local sessions = s:sessions(2)
    assert.is_nil(sessions[1].complaint)
    assert.equal("TLSv1.3", sessions[1].tls)
    assert.truthy(sessions[1].heard:find("mail FROM:<a@b.test>\r\nrset\r\n$"), sessions[1].heard)
    assert.truthy(sessions[2].complaint:find("not b'mail FROM:<x@b.test>", 1, true), sessions[2].complaint)
    s:stop()
    assert.equal("", remains(s.dir))
  end)

  it("nsd answers for the zones it was given", function()
    local s = servers.nsd { ["contoso.test"] = "@ MX 10 mx1\nmx1 A 127.0.0.1" }
    -- one question by hand: contoso.test MX; the answer's counts tell enough
    local text = output(python .. [[ -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
s.sendto(b"\0\7\1\0\0\1\0\0\0\0\0\0\7contoso\4test\0\0\17\0\1", ("127.0.0.1", ]] .. s.port .. [[))
a = s.recv(1232)
print(a[3] & 15, a[7], b"\3mx1" in a)']])
    assert.equal("0 1 True\n", text)
    s:stop()
    assert.equal("", remains(s.dir))
  end)

  it("nginx runs Lua in one worker", function()
    local s = servers.nginx { locations = { ["/worker"] = 'ngx.print(ngx.worker.count(), " ", _VERSION)' } }
    local body, status = s:get("/worker")
    assert.equal("1 Lua 5.1", body)
    assert.equal(200, status)
    assert.equal(404, select(2, s:get("/other")))
    s:stop()
    assert.equal("", remains(s.dir))
  end)

  it("tells the log of one that will not start", function()
    local ok, text = pcall(servers.nginx, { main = "nonsense on;" })
    assert.False(ok)
    assert.truthy(text:find('unknown directive "nonsense"', 1, true), text)
  end)

  it("end with the process that started them", function()
    local dir = output("LUA_PATH='spec/?.lua;;' " .. (arg and arg[-1] or "lua5.4") .. [[ -e '
local s = require("support.servers").smtp_sink()
io.write(s.dir)
io.flush()
os.execute("kill -9 $PPID")' 2>/dev/null]])
    assert.truthy(dir:match("^/"), dir)
    for _ = 1, 200 do
      if remains(dir) == "" then
        break
      end
      os.execute("sleep 0.05")
    end
    assert.equal("", remains(dir))
  end)

  it("hold certificates that are what they say", function()
    local certs = servers.certificates()
    local good, old, own = certs:host("mx1.example.test"), certs:host("mx1.example.test", { days = 0 }),
      certs:host("mx1.example.test", { self = true })
    local function verify(c)
      return output("openssl verify -CApath " .. certs.ca_path .. " -verify_hostname mx1.example.test " .. c.cert .. " 2>&1")
    end
    os.execute("sleep 1")
    assert.truthy(verify(good):find("OK", 1, true))
    assert.truthy(verify(old):find("expired", 1, true), verify(old))
    assert.truthy(verify(own):find("self-signed", 1, true))
    assert.equal(64, #good.digest)
  end)
end)
