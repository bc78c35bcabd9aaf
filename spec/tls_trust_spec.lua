local door = require "directsend.test"
local pair = require "support.tls_pair"
local pki = require "support.pki"
local process = require "support.process"

local tls = door.tls

-- runs in a process of its own, so that the environment is its own too:
-- arguments: verify, ca_file, certificate, key
local SCRIPT = [[
local tls = require "directsend.test".tls
local pair = require "support.tls_pair"
local client, text, kind = tls.client {
  host = "mx.example.test", verify = arg[1] == "verify", time = os.time(),
  ca_file = arg[2] ~= "" and arg[2] or nil,
}
if client then
  local done
  done, text, kind = pair.handshake(client, tls.server { cert = arg[3], key = arg[4] })
  text = done and "verified: " .. tostring((select(3, client:info()))) or text
end
print(text .. (kind and " (" .. kind .. ")" or ""))
]]

describe("tls trust", function()
  local files, mx

  setup(function()
    files = pki.new()
    files:authority("ca", { subject = "/CN=Test CA" })
    files:leaf("mx", { issuer = "ca", san = "DNS:mx.example.test" })
    files:hashed("hashed", "ca.pem")
    files:run("mkdir plain && cp ca.pem plain/ && mkdir empty")
    files:write("empty.pem", "")
    files:write("garbage.pem", "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")
    files:write("script.lua", SCRIPT)
    mx = { cert = files:path("mx.pem"), key = files:path("mx.key") }
  end)

  teardown(function()
    files:remove()
  end)

  local function open(options)
    options.host, options.verify, options.time = "mx.example.test", true, os.time()
    return tls.client(options)
  end

  it("is exactly the file that was named", function()
    local client = assert(open { ca_file = files:path("ca.pem") })
    assert.equal(1, pair.handshake(client, tls.server(mx)))
  end)

  it("is exactly the directory that was named", function()
    local client = assert(open { ca_path = files:path("hashed") })
    assert.equal(1, pair.handshake(client, tls.server(mx)))
  end)

  it("fails closed, and names the file, where that does not load", function()
    for _, name in ipairs { "missing.pem", "empty.pem", "garbage.pem", "plain", "mx.key" } do
      local client, text, kind, _, field = open { ca_file = files:path(name) }
      assert.is_nil(client)
      assert.truthy(text:find("ca_file: " .. files:path(name) .. ": no certificate could be read", 1, true))
      assert.equal("tls", kind)
      assert.equal("ca_file", field)
    end
  end)

  it("fails closed where a directory has no hashed names", function()
    for _, name in ipairs { "missing", "empty", "plain", "ca.pem" } do
      local client, text, _, _, field = open { ca_path = files:path(name) }
      assert.is_nil(client)
      assert.truthy(text:find("ca_path: " .. files:path(name) .. ": no hashed certificate there", 1, true))
      assert.equal("ca_path", field)
    end
  end)

  it("can be asked for before anybody is connected", function()
    local context = tls.context { ca_file = files:path "ca.pem" }
    assert.is_true(context:trust())
    assert.is_true(context:trust())
    files:run "cp ca.pem later.pem && : >later.pem"
    context = tls.context { ca_file = files:path "later.pem" }
    local loads, text, kind, _, field = context:trust()
    assert.is_nil(loads)
    assert.equal("ca_file: " .. files:path "later.pem" .. ": no certificate could be read", text)
    assert.equal("tls", kind)
    assert.equal("ca_file", field)
    files:run "cp ca.pem later.pem"
    assert.is_true(context:trust())
    local client = assert(tls.client({ host = "mx.example.test", verify = true, time = os.time() }, context))
    assert.equal(1, pair.handshake(client, tls.server(mx)))
  end)

  it("is not asked for where nothing is verified", function()
    local client = assert(tls.client { host = "mx.example.test", ca_file = files:path("missing.pem") })
    assert.equal(1, pair.handshake(client, tls.server(mx)))
  end)

  -- what the script prints, and the files it opened, with this environment
  local function traced(env, verify, ca_file)
    local log = files:path("strace.log")
    local said = process.run(files:path("script.lua"), {
      env = env, under = "strace -f -e trace=open,openat -o " .. process.quote(log),
    }, verify and "verify" or "encrypt", ca_file or "", mx.cert, mx.key)
    local opened = {}
    for name in files:read("strace.log"):gmatch('open[at]*%([^"\n]*"([^"]*)"') do
      opened[#opened + 1] = name
    end
    return (said:gsub("\n$", "")), table.concat(opened, "\n") .. "\n"
  end

  local function environment(file, path)
    return ("SSL_CERT_FILE=%s SSL_CERT_DIR=%s"):format(file and process.quote(files:path(file)) or "",
      path and process.quote(files:path(path)) or "")
  end

  it("is looked up by hash, and no bundle is read, where that will do", function()
    local said, opened = traced(environment(nil, "hashed"), true)
    assert.equal("verified: true", said)
    assert.truthy(opened:find(files:path("hashed") .. "/%x+%.0\n"))
    assert.is_nil(opened:find("cert.pem", 1, true))
    assert.is_nil(opened:find("ca-certificates", 1, true))
  end)

  it("is a file that SSL_CERT_FILE names", function()
    assert.equal("verified: true", (traced(environment("ca.pem", "empty"), true)))
    local said = traced(environment("garbage.pem", "hashed"), true)
    assert.truthy(said:find("SSL_CERT_FILE: " .. files:path("garbage.pem"), 1, true))
  end)

  it("is the hashed folder among those in SSL_CERT_DIR", function()
    local both = process.quote(files:path("plain") .. ":" .. files:path("hashed"))
    assert.equal("verified: true", (traced("SSL_CERT_FILE= SSL_CERT_DIR=" .. both, true)))
  end)

  it("is the bundle where no directory has hashed names, or an error that helps", function()
    local so = process.shim(files, "bundle", [[
      #include <stdlib.h>
      const char *X509_get_default_cert_file (void) { return getenv("BUNDLE"); }]])
    local env = "SSL_CERT_FILE= SSL_CERT_DIR=" .. process.quote(files:path("plain")) .. " " .. process.preload(so) .. " BUNDLE="
    local script = files:path("script.lua")
    assert.equal("verified: true\n", (process.run(script, { env = env .. files:path("ca.pem") }, "verify", "",
      mx.cert, mx.key)))
    local missing = files:path("missing.pem")
    assert.equal(("no trust store: install ca-certificates or set ca_file (nothing in %s or %s) (tls)\n"):format(
      files:path("plain"), missing), (process.run(script, { env = env .. missing }, "verify", "", mx.cert, mx.key)))
  end)

  it("opens no file of certificates for who does not verify", function()
    local said, opened = traced(environment("ca.pem", "hashed"), false)
    assert.equal("verified: false", said)
    assert.truthy(opened:find(mx.cert, 1, true))
    assert.is_nil(opened:find(files:path("ca.pem"), 1, true))
    assert.is_nil(opened:find(files:path("hashed"), 1, true))
    assert.is_nil(opened:find("cert.pem", 1, true))
    assert.is_nil(opened:find("openssl.cnf", 1, true))
  end)

  it("ignores the environment where a file is configured", function()
    local said, opened = traced(environment("garbage.pem", "hashed"), true, files:path("ca.pem"))
    assert.equal("verified: true", said)
    assert.is_nil(opened:find("garbage", 1, true))
    assert.is_nil(opened:find("hashed", 1, true))
  end)
end)
