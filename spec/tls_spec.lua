local tls = require "directsend.tls"
local pki = require "support.pki"
local process = require "support.process"

describe("directsend.tls", function()
  it("says which OpenSSL runs", function()
    assert.truthy(tls.library:find("^OpenSSL %d+%.%d+"))
  end)

  it("makes contexts, and loads no trust for it", function()
    for _, options in ipairs { {}, { ca_file = "/nonexistent" }, { ca_path = "/nonexistent" } } do
      local context = assert(tls.context(options))
      assert.equal("userdata", type(context))
      context:close()
    end
    assert.truthy(tls.context())
  end)

  it("closes a context any number of times", function()
    local context = tls.context()
    local type_of = debug.getmetatable(context)
    context:close()
    context:close()
    type_of.__gc(context)
    type_of.__close(context)
  end)

  it("raises for what can only be a mistake", function()
    local cases = {
      { "x", "table expected" }, { 1, "table expected" }, { { ca = "x" }, "unknown key 'ca'" },
      { { "x" }, "unknown key 'number'" }, { { ca_file = 1 }, "ca_file must be a string, not a number" },
      { { ca_path = {} }, "ca_path must be a string, not a table" },
      { { client_cert = true }, "client_cert must be a string, not a boolean" },
      { { client_key = 5 }, "client_key must be a string, not a number" },
      { { sessions = "many" }, "sessions: a number" }, { { sessions = -1 }, "sessions: a whole number" },
    }
    for _, case in ipairs(cases) do
      local ok, message = pcall(tls.context, case[1])
      assert.is_false(ok)
      assert.truthy(message:find(case[2], 1, true), message)
    end
    assert.is_false(pcall(tls.context().close, io.stdout))
  end)

  it("looks at no metatable of its options", function()
    local trap = setmetatable({}, { __index = function()
      error("looked")
    end })
    assert.truthy(tls.context(trap))
  end)

  it("refuses a path with a NUL", function()
    local context, message, detail = tls.context { ca_file = "/etc/ca\0.pem" }
    assert.is_nil(context)
    assert.equal("ca_file: a path cannot hold a NUL", message)
    assert.same({ kind = "usage", field = "ca_file" }, detail)
  end)

  describe("with a client certificate", function()
    local files, chain

    setup(function()
      files = pki.new()
      files:authority "ca"
      files:leaf("own", { issuer = "ca" })
      files:leaf("other", { issuer = "ca" })
      chain = files:write("chain.pem", files:read "own.pem" .. files:read "ca.pem")
      files:write("both.pem", files:read "own.pem" .. files:read "own.key")
      files:write("empty.pem", "")
      files:run "chmod 600 *.key both.pem && mkdir folder && head -c 70000 /dev/zero >long.pem"
    end)

    teardown(function()
      files:remove()
    end)

    it("reads files and texts", function()
      local own = files:read "own.key"
      for _, options in ipairs {
        { client_cert = chain, client_key = files:path "own.key" }, { client_cert = files:path "both.pem" },
        { client_cert = files:read "chain.pem", client_key = own }, { client_cert = files:read "both.pem" },
        { client_cert = chain, client_key = own, sessions = 10 },
      } do
        local context = assert(tls.context(options))
        assert.same({}, context:warnings())
        context:close()
      end
    end)

    it("names the file that will not do", function()
      local key = files:path "own.key"
      for _, case in ipairs {
        { { client_cert = "/nonexistent", client_key = key }, "client_cert", "/nonexistent: No such file or directory" },
        { { client_cert = chain, client_key = "/nonexistent" }, "client_key", "/nonexistent: No such file or directory" },
        { { client_cert = chain, client_key = files:path "folder" }, "client_key",
          files:path "folder" .. ": is not a regular file" },
        { { client_cert = chain, client_key = files:path "long.pem" }, "client_key",
          files:path "long.pem" .. ": is too long for a key" },
        { { client_cert = files:path "empty.pem" }, "client_cert", files:path "empty.pem" .. ": is empty" },
        { { client_cert = chain, client_key = files:path "other.key" }, "client_key",
          files:path "other.key" .. ": this is not the key of the certificate in client_cert" },
        { { client_cert = key, client_key = key }, "client_cert", key .. ": it holds a private key and no certificate" },
        { { client_cert = chain }, "client_key", "is missing, and client_cert holds none" },
        { { client_key = key }, "client_cert", "is missing beside client_key" },
        { { client_cert = chain, client_key = "-----BEGIN\n" }, "client_key",
          "there is no private key in PEM in it; openssl pkey -in FILE writes one in DER so, openssl pkcs12 -in FILE " ..
            "-nodes one in PKCS#12" },
        { { client_cert = "a\0b", client_key = key }, "client_cert", "a path cannot hold a NUL" },
      } do
        local context, message, detail = tls.context(case[1])
        assert.is_nil(context)
        assert.equal(case[2] .. ": " .. case[3], message)
        assert.same({ kind = "usage", field = case[2] }, detail)
      end
    end)

    it("warns of a key that others can read", function()
      for _, options in ipairs {
        { client_cert = chain, client_key = files:path "own.key" }, { client_cert = files:path "both.pem" },
      } do
        local path = options.client_key or options.client_cert
        files:run("chmod 644 " .. path)
        assert.same({ path .. ": anybody on this machine can read this key, or change it; chmod 600 is what it needs" },
          tls.context(options):warnings())
        files:run("chmod 600 " .. path)
      end
      files:run "chmod 644 chain.pem"
      assert.same({}, tls.context { client_cert = chain, client_key = files:path "own.key" }:warnings())
    end)

    it("loads the trust store when it is told to", function()
      assert.is_true(tls.context { ca_file = files:path "ca.pem" }:trust())
      local loads, message, detail = tls.context { ca_file = "/nonexistent" }:trust()
      assert.is_nil(loads)
      assert.equal("ca_file: /nonexistent: no certificate could be read: No such file or directory", message)
      assert.same({ kind = "tls", field = "ca_file" }, detail)
      local context = tls.context()
      context:close()
      assert.has_error(function()
        context:trust()
      end, "trust: the context is closed")
    end)
  end)

  it("leaves nothing behind that a closing state would trip over", function()
    local files = pki.new()
    finally(function()
      files:remove()
    end)
    local script = files:write("exit.lua", [[
      local tls = require "directsend.tls"
      kept = tls.context {}
      local closed = tls.context {}
      closed:close()
      if arg[1] == "exit" then
        os.exit(_VERSION == "Lua 5.1" and 0 or true, true)
      end]])
    for _, how in ipairs { "exit", "return" } do
      local said, ended = process.run(script, {}, how)
      assert.equal("", said)
      assert.is_true(ended)
    end
  end)
end)
