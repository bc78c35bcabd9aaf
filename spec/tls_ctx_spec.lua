local door = require "directsend.test"
local parse = require("support.hello").parse
local pki = require "support.pki"
local process = require "support.process"

local function hello(verify)
  local files = pki.new()
  files:authority("ca")
  local client = assert(door.tls.client {
    host = "mx.example.test", verify = verify, time = os.time(), ca_file = files:path("ca.pem"),
  })
  files:remove()
  assert.equal(0, client:handshake())
  return parse(client:out())
end

describe("tls context", function()
  for _, verify in ipairs { true, false } do
    describe(verify and "that verifies" or "that encrypts only", function()
      local h

      setup(function()
        h = hello(verify)
      end)

      it("offers TLS 1.3 and 1.2 and nothing older", function()
        assert.equal("\4\3\4\3\3", h.extensions[43])
      end)

      it("offers X25519 first, and only classic groups", function()
        assert.equal("\0\29", h.extensions[10]:sub(3, 4))
        assert.equal(8, h.extensions[10]:byte(2))
        assert.equal("\0\36\0\29\0\32", h.extensions[51]:sub(1, 6))
        assert.equal(38, #h.extensions[51])
      end)

      it("offers no compression and takes no tickets", function()
        assert.equal("\0", h.compression)
        assert.is_nil(h.extensions[35])
        assert.is_nil(h.extensions[41])
      end)

      it("offers no suite without a key or a certificate", function()
        local weak = {}
        for _, n in ipairs { 0x0001, 0x0002, 0x003b, 0x0034, 0x003a, 0x006c, 0x006d, 0x00a6, 0x00a7,
                             0xc015, 0xc018, 0xc019, 0x0005, 0x000a, 0x008c } do
          weak[n] = true
        end
        for i = 1, #h.suites, 2 do
          local n = h.suites:byte(i) * 256 + h.suites:byte(i + 1)
          assert.is_nil(weak[n], ("suite 0x%04x"):format(n))
        end
      end)
    end)
  end

  -- what libssl and libcrypto share in a process, nginx's or another's, is not
  -- touched: no function that could is even known to the module
  it("changes nothing that others use", function()
    local found
    for entry in package.cpath:gmatch "[^;]+" do
      local path = entry:gsub("?", "directsend/tls")
      local file = not found and io.open(path, "rb")
      found = found or file and path
      if file then
        file:close()
      end
    end
    local pipe = assert(io.popen("nm -D --undefined-only " .. process.quote(found)))
    local asked, count = pipe:read "*a", 0
    pipe:close()
    for name in asked:gmatch "U ([%w_]+)" do
      count = count + (name:find "^SSL_" and 1 or 0)
      for _, global in ipairs {
        "_cleanup", "CRYPTO_set_", "ex_new_index", "RAND_", "ENGINE_", "CONF_", "CONFIG", "OPENSSL_config", "ERR_load",
        "ERR_remove", "EVP_set_default", "EVP_default", "EVP_add_", "OSSL_PROVIDER", "OSSL_LIB_CTX", "OBJ_create",
        "SSL_COMP_", "BIO_get_new_index",
      } do
        assert.is_nil(name:find(global, 1, true), name)
      end
    end
    assert.is_true(count > 40)
  end)
end)
