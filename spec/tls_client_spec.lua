local door = require "directsend.test"
local pair = require "support.tls_pair"
local pki = require "support.pki"

local tls = door.tls

describe("tls client", function()
  local files, read

  setup(function()
    files = pki.new()
    files:authority("ca", { subject = "/CN=Test CA" })
    files:authority("middle", { issuer = "ca", subject = "/CN=Middle CA" })
    files:leaf("mx", { issuer = "ca", san = "DNS:mx.example.test" })
    files:leaf("contoso", { issuer = "middle", subject = "/CN=mail.contoso.test" })
    files:leaf("rsa", { subject = "/CN=rsa.contoso.test", key = "rsa:2048" })
    files:leaf("weak", { subject = "/CN=weak.contoso.test", key = "rsa:768" })
    files:leaf("ed", { subject = "/CN=ed.contoso.test", key = "ed25519" })
    files:write("chain.pem", files:read "contoso.pem" .. files:read "middle.pem")
    files:write("all.pem", files:read "contoso.key" .. files:read "chain.pem")
    files:run [[
      openssl pkey -in contoso.key -aes128 -passout pass:secret -out locked.key
      openssl ec -in contoso.key -aes128 -passout pass:secret -out old-locked.key
      openssl pkey -in contoso.key -pubout -out public.key
      openssl ec -in contoso.key -out ec.key
      openssl pkey -in contoso.key -outform der -out der.key
      openssl x509 -in contoso.pem -outform der -out der.pem
      openssl req -new -key contoso.key -subj /CN=x -out request.pem
      openssl pkcs12 -export -inkey contoso.key -in contoso.pem -passout pass: -out pkcs12.pem]]
    read = function(name)
      return files:read(name)
    end
  end)

  teardown(function()
    files:remove()
  end)

  -- the certificates a server sees that asks for them
  local function shown(config, version, asks)
    local client, text = tls.client {
      host = "mx.example.test", client_cert = config[1], client_key = config[2],
    }
    assert(client, text)
    local server = tls.server {
      cert = files:path "mx.pem", key = files:path "mx.key", min = version, max = version, asks = asks or 1,
    }
    assert.equal(1, pair.handshake(client, server))
    return server:client()
  end

  for _, version in ipairs { "1.2", "1.3" } do
    it("is shown with its chain over TLS " .. version, function()
      assert.same({ "mail.contoso.test", "Middle CA" }, shown({ read "chain.pem", read "contoso.key" }, version))
      assert.same({ "mail.contoso.test" }, shown({ read "contoso.pem", read "contoso.key" }, version))
      assert.same({ "mail.contoso.test" }, shown({ read "contoso.pem", read "ec.key" }, version))
      assert.same({ "mail.contoso.test", "Middle CA" }, shown({ read "all.pem" }, version))
      assert.same({ "mail.contoso.test", "Middle CA" }, shown({ read "all.pem", read "all.pem" }, version))
      assert.same({ "rsa.contoso.test" }, shown({ read "rsa.pem", read "rsa.key" }, version))
      assert.same({ "ed.contoso.test" }, shown({ read "ed.pem", read "ed.key" }, version))
    end)

    it("is shown to nobody who does not ask, over TLS " .. version, function()
      assert.same({}, shown({ read "chain.pem", read "contoso.key" }, version, 0))
      assert.same({}, shown({}, version))
    end)
  end

  it("says what it is that will not do", function()
    local text = "there is no certificate in PEM in it; openssl x509 -in FILE writes one in DER so, openssl pkcs12 -in FILE " ..
      "-nodes one in PKCS#12"
    local chain, key = read "chain.pem", read "contoso.key"
    local cases = {
      { nil, key, "client_cert", "is missing beside client_key" },
      { "nothing", key, "client_cert", text },
      { read "der.pem", key, "client_cert", text },
      { read "pkcs12.pem", key, "client_cert", text },
      { key, key, "client_cert", "it holds a private key and no certificate" },
      { read "request.pem", key, "client_cert", "it asks for a certificate and is none yet" },
      { chain:sub(1, 300), key, "client_cert", "a certificate in it is damaged" },
      { chain:sub(1, -80), key, "client_cert", "a certificate in it is damaged" },
      { chain:gsub("M", "N", 20), key, "client_cert", "a certificate in it is damaged" },
      { read "middle.pem" .. read "contoso.pem", key, "client_cert",
        "the certificate that the key belongs to must stand first, its issuers behind" },
      { chain, nil, "client_key", "is missing, and client_cert holds none" },
      { read "locked.key" .. chain, nil, "client_key",
        "the key is encrypted; openssl pkey -in FILE writes it without its password" },
      { chain, chain, "client_key", "there is a certificate and no private key in it" },
      { chain, read "rsa.key", "client_key", "this is not the key of the certificate in client_cert" },
      { chain, read "ca.key", "client_key", "this is not the key of the certificate in client_cert" },
      { chain, read "public.key", "client_key", "this is a public key; the private one is wanted" },
      { chain, read "locked.key", "client_key",
        "the key is encrypted; openssl pkey -in FILE writes it without its password" },
      { chain, read "old-locked.key", "client_key",
        "the key is encrypted; openssl pkey -in FILE writes it without its password" },
      { chain, key:sub(1, 100), "client_key", "the private key is damaged, or of an unknown kind" },
      { chain, read "der.key", "client_key",
        "there is no private key in PEM in it; openssl pkey -in FILE writes one in DER so, openssl pkcs12 -in FILE " ..
        "-nodes one in PKCS#12" },
      { read "weak.pem", read "weak.key", "client_cert", "ee key too small" },
    }
    for _, case in ipairs(cases) do
      local context, said, kind, _, field = tls.context { client_cert = case[1], client_key = case[2] }
      assert.is_nil(context)
      assert.equal(case[3] .. ": " .. case[4], said)
      assert.equal("usage", kind)
      assert.equal(case[3], field)
    end
  end)

  it("is held to its key also where a session is gone on with", function()
    local options = { host = "mx.example.test", session_key = "one" }
    local ours = tls.context { client_cert = read "chain.pem", client_key = read "contoso.key" }
    local nobody = tls.context {}
    local of = tls.server { cert = files:path "mx.pem", key = files:path "mx.key", asks = 1 }
    for i, want in ipairs { { ours, false }, { ours, true }, { nobody, false }, { nobody, true }, { ours, true } } do
      local client, server = assert(tls.client(options, want[1])), tls.server { like = of }
      assert.equal(1, pair.handshake(client, server))
      server:write "250 ok\r\n"
      client:feed(server:out())
      assert.equal("250 ok\r\n", (pair.read(client)))
      assert.same({ i, want[2] }, { i, server:resumed() })
      assert.equal(want[1] == ours and "mail.contoso.test" or nil, server:client()[1])
      client:close()
    end
  end)

  it("says so where memory is out", function()
    local chain, key = read "chain.pem", read "contoso.key"
    local n, failed = 0, true
    collectgarbage()
    while failed do
      n = n + 1
      tls.failing(n)
      local context, text, kind = tls.context { client_cert = chain, client_key = key }
      if context then
        context:close()
      end
      local live
      failed, live = tls.succeeding()
      assert.equal(0, live)
      assert.equal(failed, context == nil)
      if failed then
        assert.equal("out of memory", text)
        assert.equal("local", kind)
      end
      assert.is_true(n < 20)
    end
  end)
end)
