local cjson = require "cjson"
local command = require "support.command"
local pki = require "support.pki"
local servers = require "support.servers"
local vectors = require "support.dkim_vectors"

local unpack = table.unpack or unpack -- luacheck: ignore

local names = { "--domain", "example.org", "--selector", "s1" }

local function words(...)
  local out = {}
  for _, group in ipairs { ... } do
    for _, word in ipairs(type(group) == "table" and group or { group }) do out[#out + 1] = word end
  end
  return out
end

describe("the command dkim", function()
  local files

  setup(function() files = pki.new() end)
  teardown(function() files:remove() end)
  after_each(servers.stop_all)

  it("makes a key, for its owner alone, and prints its record", function()
    for name, more in pairs { rsa = { "--bits", "2048" }, ed25519 = { "--ed25519" } } do
      local path = files:path(name .. ".pem")
      local status, out, err = command(words("dkim", "keygen", names, more, "--out", path))
      assert.equal(0, status, err)
      assert.equal("directsend: the key is in " .. path .. "\n", err)
      assert.truthy(out:find("s1._domainkey.example.org. IN TXT ( \"v=DKIM1; k=" .. name .. "; p=", 1, true), out)
      for s in out:gmatch '"([^"]*)"' do assert.is_true(#s <= 255) end
      local _, again, warned = command(words("dkim", "record", path, names))
      assert.equal(out, again)
      assert.equal("", warned)
    end
  end)

  it("never writes over a key", function()
    local path = files:write("there.pem", "x")
    local status, out, err = command(words("dkim", "keygen", names, "--ed25519", "--out", path))
    assert.equal(64, status)
    assert.equal("", out)
    assert.equal("directsend: " .. path .. ": File exists\n", err)
    assert.equal("x", files:read "there.pem")
  end)

  it("refuses what makes no key", function()
    local path = files:path "no.pem"
    for why, more in pairs {
      ["--bits: \"1024\" is no whole number from 2048 to 8192"] = { names, "--bits", "1024" },
      ["--bits: \"1e999\" is no whole number from 2048 to 8192"] = { names, "--bits", "1e999" },
      ["--bits is for RSA alone"] = { names, "--bits", "2048", "--ed25519" },
      ["'a;b' is no selector (letters, digits, '-' and dots)"] = { "--domain", "example.org", "--selector", "a;b",
                                                                   "--ed25519" },
      ["missing option '--selector'"] = { "--domain", "example.org" },
    } do
      local status, out, err = command(words("dkim", "keygen", "--out", path, words(unpack(more))))
      assert.equal(64, status)
      assert.equal("", out)
      assert.truthy(err:find(why, 1, true), err)
      assert.is_nil(io.open(path))
    end
  end)

  it("warns of a weak key, and of one that others can read", function()
    local path = files:write("weak.pem", vectors.rsa)
    files:run "chmod 644 weak.pem"
    local status, out, err = command(words("dkim", "record", path, names))
    assert.equal(0, status)
    assert.truthy(out:find "^s1%._domainkey")
    assert.truthy(err:find("anybody on this machine can read this key", 1, true))
    assert.truthy(err:find("an RSA key of 1024 bits is weak", 1, true))
  end)

  it("verifies a message with a record from a file", function()
    local record = files:write("record", vectors.records["20120113._domainkey.gmail.com"])
    local gmail = "spec/vectors/dkim/gmail.msg"
    local line = "20120113._domainkey.gmail.com  rsa-sha256"
    local status, out = command { "dkim", "verify", gmail, "--key", record }
    assert.equal(0, status)
    assert.equal("pass  " .. line .. "\n", out)
    local wrong = files:write("wrong", "v=DKIM1; p=")
    status, out = command { "dkim", "verify", gmail, "--key", wrong }
    assert.equal(65, status)
    assert.equal("fail  " .. line .. "  the key was revoked\n", out)
    status, out = command({ "dkim", "verify", "-", "--key", record, "--quiet" },
      { stdin = vectors.message "gmail.msg" })
    assert.equal(0, status)
    assert.equal("", out)
  end)

  it("verifies with the record as the command printed it", function()
    local key, signed = files:path "own.pem", files:path "signed"
    local _, out = command(words("dkim", "keygen", names, "--out", key))
    local record = files:write("own.record", out)
    local config = files:write("config.lua", ("return { dkim = { domain = 'example.org', selector = 's1', key = %q } }")
      :format(key))
    local message
    _, message = command { "render", "--config", config, "--from", "a@example.org", "--to", "b@c.d", "--text", "x" }
    files:write("signed", message)
    local status
    status, out = command { "dkim", "verify", signed, "--key", record }
    assert.equal(0, status)
    assert.equal("pass  s1._domainkey.example.org  rsa-sha256\n", out)
  end)

  it("verifies with what the DNS says", function()
    local zone = ""
    for name, text in pairs(vectors.records) do
      local inner = name:match "^(.*)%.football%.example%.com$"
      if inner then zone = zone .. ('%s TXT "%s" "%s"\n'):format(inner, text:sub(1, 200), text:sub(201)) end
    end
    local nsd = servers.nsd { ["football.example.com"] = zone }
    local dns = { "--dns", "127.0.0.1:" .. nsd.port }
    local example = "spec/vectors/dkim/rfc8463-example.msg"
    local status, out = command(words("dkim", "verify", example, dns))
    assert.equal(0, status)
    assert.equal("pass  brisbane._domainkey.football.example.com  ed25519-sha256\n"
      .. "pass  test._domainkey.football.example.com  rsa-sha256\n", out)
    local other = files:write("other", (vectors.message "rfc8463-example.msg":gsub("s=%l+;", "s=none;")))
    status, out = command(words("dkim", "verify", other, dns))
    assert.equal(65, status)
    assert.truthy(out:find("there is no record of the key", 1, true))
    status, out = command(words("dkim", "verify", "spec/vectors/dkim/gmail.msg", dns))
    assert.equal(75, status)
    assert.truthy(out:find("unknown  20120113._domainkey.gmail.com  rsa-sha256", 1, true), out)
  end)

  it("tells programs in JSON", function()
    local gmail = "spec/vectors/dkim/gmail.msg"
    local function said(status, ...)
      local got, out = command(words("dkim", "verify", "--json", ...))
      assert.equal(status, got)
      assert.equal(1, select(2, out:gsub("\n", "")), out)
      return cjson.decode(out)
    end
    local one = { verdict = "pass", domain = "gmail.com", selector = "20120113",
                  name = "20120113._domainkey.gmail.com", algorithm = "rsa-sha256" }
    local record = files:write("json.record", vectors.records[one.name])
    assert.same({ ok = true, signatures = { one } }, said(0, gmail, "--key", record))
    assert.same({ ok = true, signatures = { one } }, said(0, gmail, "--key", record, "--quiet"))
    one.verdict, one.text = "fail", "the key was revoked"
    assert.same({ ok = false, signatures = { one }, error = one.text, detail = { kind = "usage" } },
                said(65, gmail, "--key", files:write("json.revoked", "v=DKIM1; p=")))
    one.text = "the body is not the one that was signed"
    local more = files:write("json.more", vectors.message "gmail.msg" .. "more\r\n")
    assert.same({ ok = false, signatures = { one }, error = one.text, detail = { kind = "policy" } },
                said(65, more, "--key", record))
    one.verdict = "unknown"
    local lost = said(75, gmail, "--dns", "127.0.0.1:1")
    one.text = lost.error
    assert.same({ one }, lost.signatures)
    assert.same({ kind = "dns", temporary = true }, lost.detail)
    local broken = files:write("json.broken", "DKIM-Signature: v=1\n" .. "From: a\n\nx\n")
    local answer = said(65, broken, "--key", record)
    assert.same({ { verdict = "fail", text = answer.error } }, answer.signatures)
    local plain = files:write("json.plain", "From: a\n\nx\n")
    assert.same({ ok = false, signatures = {}, error = "the message has no signature", detail = { kind = "usage" } },
                said(65, plain, "--key", record))
    local none = files:path "none"
    assert.same({ ok = false, signatures = {}, error = none .. ": No such file or directory",
                  detail = { kind = "usage" } }, said(64, none, "--key", record))
  end)

  it("tells when a message, or a record, cannot be read", function()
    local record = files:write("read.record", vectors.records["20120113._domainkey.gmail.com"])
    for _, from in ipairs { "</", "<&-" } do
      for _, case in ipairs { { "-", "--key", record }, { "spec/vectors/dkim/gmail.msg", "--key", "-" } } do
        local said = files:path "read.said"
        local status = command(words("dkim", "verify", case), { shell = ">" .. said .. " 2>&1 " .. from })
        assert.equal(64, status)
        assert.truthy(files:read "read.said":find "^directsend: standard input: [^%c]+\n$", files:read "read.said")
      end
    end
    local status, _, err = command(words("dkim", "verify", files.dir, "--key", record))
    assert.equal(64, status)
    assert.truthy(err:find(files.dir .. ": ", 1, true), err)
  end)

  it("tells when its output is not taken", function()
    local record = files:write("full.record", vectors.records["20120113._domainkey.gmail.com"])
    for _, more in ipairs { {}, { "--json" } } do
      local status = command(words("dkim", "verify", "spec/vectors/dkim/gmail.msg", "--key", record, more),
                             { shell = ">/dev/full 2>/dev/null </dev/null" })
      assert.equal(74, status)
    end
  end)

  it("tells a message without signature, no message, and no server", function()
    local plain = files:write("plain", "From: a\n\nx\n")
    local status, _, err = command { "dkim", "verify", plain, "--key", plain }
    assert.equal(65, status)
    assert.equal("directsend: the message has no signature\n", err)
    status = command { "dkim", "verify", files:path "none", "--key", plain }
    assert.equal(64, status)
    status, _, err = command { "dkim", "verify", plain, "--dns", "nowhere" }
    assert.equal(64, status)
    assert.truthy(err:find("\"nowhere\" is no address of a DNS server", 1, true), err)
  end)

  it("shows a mailer's warnings", function()
    local key = files:write("weak2.pem", vectors.rsa)
    files:run "chmod 600 weak2.pem"
    local config = files:write("weak.lua", ("return { dkim = { domain = 'example.org', selector = 's1', key = %q } }")
      :format(key))
    local status, out, err = command { "render", "--config", config, "--from", "a@example.org", "--to", "b@c.d",
                                       "--text", "x" }
    assert.equal(0, status)
    assert.truthy(out:find "^DKIM%-Signature")
    assert.equal("directsend: " .. key .. ": an RSA key of 1024 bits is weak: 2048 is good\n", err)
  end)
end)
