local cjson = require "cjson"
local command = require "support.command"
local dialog = require "support.dialog"
local drive = require "support.drive"
local pki = require "support.pki"
local process = require "support.process"
local servers = require "support.servers"

local unpack = table.unpack or unpack -- luacheck: ignore

local function words(...)
  local out = {}
  for _, group in ipairs { ... } do
    for _, word in ipairs(group) do out[#out + 1] = word end
  end
  return out
end

local letter = { "--from", "a@contoso.test", "--to", "b@example.test",
                 "--subject", "s" }
local text = { "--text", "hello" }

local function pinned(port)
  return { "--route", "*=127.0.0.1:" .. port, "--hostname", "client.example" }
end

describe("the command", function()
  after_each(servers.stop_all)

  it("tells its version", function()
    for _, word in ipairs { "version", "--version" } do
      local status, out = command { word }
      assert.equal(0, status)
      assert.equal("directsend 0.1.0\n", out)
    end
  end)

  it("runs from a checkout by itself, from anywhere", function()
    local link = os.tmpname()
    os.remove(link)
    os.execute("ln -s \"$PWD/bin/directsend\" " .. link)
    local pipe = io.popen("cd / && " .. link .. " version")
    local out = pipe:read "*a"
    pipe:close()
    os.remove(link)
    assert.equal("directsend 0.1.0\n", out)
  end)

  -- what the command writes to the system's log, which is a file here
  local function with_log(words_, options)
    local files = pki.new()
    local log = files:path "syslog.txt"
    local shim = process.shim(files, "syslog", [[
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
void syslog (int priority, const char *format, ...) {
  FILE *f = fopen(getenv("SYSLOG_FILE"), "a");
  va_list ap;
  va_start(ap, format);
  fprintf(f, "%d ", priority);
  vfprintf(f, format, ap);
  fputc('\n', f);
  va_end(ap);
  fclose(f);
}
]])
    options.env = process.preload(shim) .. " SYSLOG_FILE=" .. process.quote(log)
    local status = command(words_, options)
    local file = io.open(log)
    local told = file and file:read "*a"
    if file then file:close() end
    files:remove()
    return told, status
  end

  it("writes failures to the system's log where there is no terminal", function()
    local told, status = with_log({ "send", "--quiet", "--from", "a@contoso.test", "--to", "b@%n.test" }, { stdin = "x" })
    assert.equal(64, status)
    assert.truthy(told:find("^3 .*b@%%n%.test"), told)
    assert.is_nil(with_log({ "version" }, {}))
  end)

  it("asks a person at a terminal for the body, and logs nothing there", function()
    local pty = "python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)'"
    local told, status = with_log(words({ "send" }, letter), { under = pty })
    assert.equal(64, status)
    assert.is_nil(told)
  end)

  describe("send", function()
    it("delivers standard input and shows a row for people", function()
      local server = servers.aiosmtpd {}
      local status, out, err = command(words({ "send" }, letter,
                                             pinned(server.port)),
                                       { stdin = "from a pipe\n" })
      assert.equal(0, status)
      assert.equal("", err)
      assert.truthy(out:find "^b@example%.test  outcome=delivered  ")
      assert.truthy(out:find("  tls.level=encrypted  tls.version=TLSv1.3  ", 1,
                             true), out)
      local m = server:messages()[1]
      assert.truthy(m.raw:find("\r\n\r\nfrom a pipe\r\n", 1, true))
      assert.truthy(m.raw:find("\r\nAuto-Submitted: auto-generated\r\n", 1,
                               true))
      assert.equal("client.example", m.ehlo)
    end)

    it("says that a program wrote it, unless told not to", function()
      for option, says in pairs { ["--no-auto"] = false, ["--quiet"] = true } do
        local _, out = command(words({ "render", option }, letter, text))
        assert.equal(says, out:find("\r\nAuto-Submitted: ", 1, true) ~= nil)
      end
    end)

    it("goes by the DNS it is told", function()
      local nsd = servers.nsd { ["example.test"] = "@ MX 5 mx\nmx A 127.0.0.1" }
      local server = servers.aiosmtpd {}
      local status, out = command(words({ "send", "--json", "--allow-private",
        "--dns", "127.0.0.1:" .. nsd.port, "--port", tostring(server.port) },
        letter), { stdin = "x" })
      assert.equal(0, status)
      local report = cjson.decode(out)
      assert.is_true(report.ok)
      assert.truthy(report.message_id:find "^[^<]+@[^>]+$")
      assert.equal(1, #report.recipients)
      local row = report.recipients[1]
      assert.equal("b@example.test", row.address)
      assert.equal("delivered", row.outcome)
      assert.equal("mx.example.test", row.host)
      assert.equal("encrypted", row.tls.level)
      assert.is_nil(report.error)
    end)

    it("sends all there is to a message", function()
      local server = servers.aiosmtpd { tls = false }
      local file = os.tmpname()
      local f = io.open(file, "w")
      f:write "attached"
      f:close()
      local status, _, err = command(words({ "send", "--cc", "c@example.test",
        "--bcc", "d@example.test", "--header", "X-Site: roof", "--attach",
        file, "--to", "e@example.test,f@example.test" }, letter, text,
        pinned(server.port)))
      os.remove(file)
      assert.equal(0, status, err)
      local m = server:messages()[1]
      table.sort(m.recipients)
      assert.same({ "b@example.test", "c@example.test", "d@example.test",
                    "e@example.test", "f@example.test" }, m.recipients)
      assert.truthy(m.raw:find("\r\nX-Site: roof\r\n", 1, true))
      assert.falsy(m.raw:find("d@example.test", 1, true))
      assert.truthy(m.raw:find("multipart/mixed", 1, true))
    end)

    it("says nothing when told to be quiet", function()
      local server = servers.aiosmtpd { tls = false,
                                        replies = { rcpt = "550 no" } }
      local status, out, err = command(words({ "send", "--quiet" }, letter,
                                             text, pinned(server.port)))
      assert.equal(69, status)
      assert.equal("", out .. err)
    end)

    it("shows the dialogue", function()
      local server = servers.aiosmtpd { tls = false }
      local _, out, err = command(words({ "send", "--trace" }, letter, text,
                                        pinned(server.port)))
      assert.truthy(err:find("C: EHLO client.example\n", 1, true), err)
      assert.falsy(out:find("EHLO", 1, true))
      local file = os.tmpname()
      command(words({ "send", "--trace=" .. file }, letter, text,
                    pinned(server.port)))
      local f = io.open(file)
      assert.truthy(f:read "*a":find("C: EHLO client.example\n", 1, true))
      f:close()
      os.remove(file)
    end)

    it("ends well when nobody reads what it prints", function()
      local server = servers.aiosmtpd { tls = false }
      local args = words({ "send", "--trace" }, letter, text,
                         pinned(server.port))
      command(args, { shell = ">&- 2>&- <&-" })
      command(args, { shell = "2>&1 </dev/null | true", launcher = true })
      assert.equal(2, #server:messages())
      for _, m in ipairs(server:messages()) do
        assert.falsy(m.raw:find("outcome", 1, true))
      end
    end)
  end)

  describe("ends with", function()
    local function status_with(replies, more)
      local server = servers.aiosmtpd { tls = false, replies = replies }
      local status, out, err = command(words({ "send" }, letter, text,
        pinned(server.port), more or {}))
      return status, out, err, server
    end

    it("75 for what is deferred", function()
      local status, out, err = status_with { rcpt = "451 4.7.1 later" }
      assert.equal(75, status)
      assert.truthy(out:find("outcome=deferred  stage=rcpt  code=451", 1, true))
      assert.truthy(err:find("451 4.7.1 later", 1, true))
    end)

    it("75 for what is unknown", function()
      assert.equal(75, (status_with { ["."] = "" }))
    end)

    it("69 for what is refused", function()
      local status, _, err = status_with { rcpt = "550 5.1.1 no such user" }
      assert.equal(69, status)
      assert.truthy(err:find("check the address", 1, true))
    end)

    it("75, and no MAIL said, where TLS is required and not offered", function()
      local status, _, err, server = status_with({}, { "--tls", "required" })
      assert.equal(75, status)
      assert.truthy(err:find("STARTTLS", 1, true))
      local heard = server:commands()
      assert.is_true(#heard > 0)
      for _, c in ipairs(heard) do assert.falsy(c.line:find "^MAIL") end
    end)

    it("75 before 69 where both are due", function()
      local status = status_with({ rcpt = {
        ["b@example.test"] = "550 5.1.1 no", ["c@example.test"] = "450 later" } },
        { "--to", "c@example.test" })
      assert.equal(75, status)
    end)

    describe("68 and 77 by the DNS:", function()
      local function by_dns(address)
        local nsd = servers.nsd { ["null.test"] = "@ MX 0 .",
                                  ["private.test"] = "@ MX 5 mx\nmx A 127.0.0.1" }
        return (command(words({ "send", "--from", "a@contoso.test", "--to",
          address, "--dns", "127.0.0.1:" .. nsd.port }, text)))
      end

      it("no such domain", function()
        assert.equal(68, by_dns "b@none.null.test")
      end)

      it("a null MX", function() assert.equal(68, by_dns "b@null.test") end)

      it("a private address", function()
        assert.equal(77, by_dns "b@private.test")
      end)
    end)

    -- counts who connects
    local function busy()
      local d = dialog.parse(drive.scenarios.busy)
      return servers.dialog({ d }, { tls = false })
    end

    it("64 for usage, before anything is connected", function()
      local server = busy()
      for _, wrong in ipairs {
        { "send", "--form", "a@contoso.test" }, { "sned" }, {},
        { "send", "--port" }, { "send", "--inline", "nothing" },
        { "send", "--header", "nothing" }, { "send", "--route", "nothing" },
        { "send", "--tls", "none" }, { "send", "--port", "0" },
        { "send", "--timeout", "-1" }, { "send", "--ip", "5" },
        { "send", "--to", "b@example.test\r\nRCPT TO:<evil@example.test>" },
        { "send", "--to", "b@example.test>\r\nRCPT TO:<evil@example.test" },
        { "send", "--to", "not an address" },
        { "send", "--hostname", "x\r\nMAIL FROM:<>" },
      } do
        local sound = words({ wrong[1] }, letter, text, pinned(server.port))
        if wrong[1] ~= "send" then sound = {} end
        local status, out, err = command(words(sound, { select(
          wrong[1] == "send" and 2 or 1, unpack(wrong)) }))
        assert.equal(64, status, table.concat(wrong, " ") .. ": " .. err)
        assert.equal("", out)
        assert.truthy(err:find "^directsend: ")
      end
      -- the first to come is one that may
      assert.equal(75, (command(words({ "send" }, letter, text,
                                      pinned(server.port)))))
      assert.equal(1, #server:sessions(1))
    end)

    it("the nearest word for a misspelt option", function()
      local _, _, err = command { "send", "--form", "x" }
      assert.truthy(err:find("--from", 1, true))
    end)

    it("65 for content that will not do", function()
      local status, _, err = command(words({ "send", "--from", "a@b.test",
        "--to", "b@example.test", "--subject", "s\r\nBcc: evil@example.test" },
        text, pinned(1)))
      assert.equal(65, status, err)
      status = command(words({ "send", "--attach", "/nonexistent" }, letter,
                             text, pinned(1)))
      assert.equal(65, status)
    end)

    it("78 for a configuration that will not do", function()
      local file = os.tmpname()
      for _, content in ipairs { "return {", "return { tsl = 1 }",
                                 "return { port = 0 }" } do
        local f = io.open(file, "w")
        f:write(content)
        f:close()
        local status, _, err = command(words({ "send", "--config", file },
                                             letter, text))
        assert.equal(78, status, err)
        assert.truthy(err:find "^directsend: ")
      end
      os.remove(file)
      assert.equal(78, (command(words({ "send", "--config", file }, letter,
                                      text))))
    end)

    it("JSON in every case", function()
      local status, out = command(words({ "send", "--json", "--to", "b@@c" },
                                        letter, text))
      assert.equal(64, status)
      local report = cjson.decode(out)
      assert.is_false(report.ok)
      assert.same({}, report.recipients)
      assert.truthy(out:find('"recipients":[]', 1, true))
      assert.equal("usage", report.detail.kind)
      assert.equal("string", type(report.error))
      local server = servers.aiosmtpd { tls = false,
                                        replies = { rcpt = "550 5.1.1 no" } }
      status, out = command(words({ "send", "--json" }, letter, text,
                                  pinned(server.port)))
      assert.equal(69, status)
      report = cjson.decode(out)
      assert.equal("failed", report.recipients[1].outcome)
      assert.equal("reply", report.detail.kind)
      assert.truthy(report.error:find("550 5.1.1 no", 1, true))
    end)
  end)

  it("takes its defaults from the configuration it finds", function()
    local server = servers.aiosmtpd { tls = false }
    local file = os.tmpname()
    local f = io.open(file, "w")
    f:write(("return { from = 'Roof <roof@contoso.test>', hostname = "
             .. "'roof.example', route = { ['example.test'] = '127.0.0.1:%d' } }")
            :format(server.port))
    f:close()
    local status, _, err = command(words({ "send", "--to", "b@example.test" },
      text), { env = "DIRECTSEND_CONFIG=" .. file })
    assert.equal(0, status, err)
    assert.equal("roof@contoso.test", server:messages()[1].sender)
    assert.equal("roof.example", server:messages()[1].ehlo)
    -- options come first, and add to what is there
    status = command(words({ "send", "--to", "b@example.test", "--hostname",
      "cellar.example", "--route", "other.test=127.0.0.1:1" }, text),
      { env = "DIRECTSEND_CONFIG=" .. file })
    os.remove(file)
    assert.equal(0, status)
    assert.equal("cellar.example", server:messages()[2].ehlo)
  end)

  it("render prints the message and sends nothing", function()
    local server = servers.aiosmtpd { tls = false }
    local status, out = command(words({ "render" }, letter, text,
                                      pinned(server.port)))
    assert.equal(0, status)
    assert.truthy(out:find("^From: a@contoso.test\r\n")
                  or out:find("\r\nFrom: a@contoso.test\r\n", 1, true), out)
    assert.truthy(out:find "\r\n\r\nhello\r\n$")
    assert.equal(0, #server:commands())
  end)

  it("says which module it lacks", function()
    local status, _, err = command({ "version" }, { env =
      "LUA_INIT='package.preload.argparse = function() error(\"gone\", 0) end'"
      })
    assert.equal(78, status, err)
    assert.truthy(err:find("lua-argparse", 1, true))
  end)
end)
