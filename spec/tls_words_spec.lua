local door = require "directsend.test"
local pair = require "support.tls_pair"
local pki = require "support.pki"

local tls = door.tls

describe("tls words", function()
  local files

  setup(function()
    files = pki.new()
    files:leaf("mx", { san = "DNS:mx.example.test" })
    files:leaf("old", { san = "DNS:mx.example.test", key = "rsa:1024" })
  end)

  teardown(function()
    files:remove()
  end)

  local function server(more, name)
    more.cert = files:path((name or "mx") .. ".pem")
    more.key = files:path((name or "mx") .. ".key")
    return tls.server(more)
  end

  local function client()
    return assert(tls.client { host = "mx.example.test" })
  end

  it("say that the peer speaks no TLS", function()
    for _, bytes in ipairs {
      "220 mx.example.test ESMTP\r\n", "250-mx.example.test\r\n250 AUTH PLAIN\r\n",
      "HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\0\0\0\0\0",
    } do
      local c = client()
      c:handshake()
      c:feed(bytes)
      local done, text, kind = c:handshake()
      assert.is_nil(done)
      assert.equal("the server does not speak TLS here", text)
      assert.equal("tls", kind)
    end
  end)

  it("say that a server's TLS is too old", function()
    for _, version in ipairs { "1.0", "1.1" } do
      local done, text, kind = pair.handshake(client(), server { min = version, max = version })
      assert.is_nil(done)
      assert.equal("the server's TLS is too old: 1.2 is the least", text)
      assert.equal("tls", kind)
    end
  end)

  it("name the alert of a server that refuses", function()
    local done, text = pair.handshake(client(), server { max = "1.2", ciphers = "NULL:@SECLEVEL=0" })
    assert.is_nil(done)
    assert.equal("the server refused the TLS handshake (alert: handshake failure)", text)
  end)

  it("refuse anonymous and unencrypted suites, whatever the certificate", function()
    for _, suites in ipairs { "aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0" } do
      local done, text = pair.handshake(client(), server { max = "1.2", ciphers = suites })
      assert.is_nil(done)
      assert.truthy(text:find("handshake failure", 1, true))
    end
  end)

  it("name a goodbye in the middle of the handshake", function()
    local c = client()
    c:handshake()
    c:feed("\21\3\3\0\2\1\0")
    local done, text, kind = c:handshake()
    assert.is_nil(done)
    assert.equal("the server closed the connection during the TLS handshake", text)
    assert.equal("tls", kind)
  end)

  it("have a sentence for what has none of its own", function()
    local c = client()
    c:handshake()
    -- a handshake record that holds no handshake message
    c:feed("\22\3\3\0\4\99\0\0\0")
    local done, text = c:handshake()
    assert.is_nil(done)
    assert.truthy(text:find("^the TLS handshake failed: %l"))
  end)

  it("are not needed for an old key where nothing is verified", function()
    assert.equal(1, pair.handshake(client(), server({ max = "1.2" }, "old")))
  end)
end)
