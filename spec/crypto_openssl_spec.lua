local pki = require "support.pki"
local process = require "support.process"

describe("crypto/openssl", function()
  local files

  setup(function() files = pki.new() end)
  teardown(function() files:remove() end)

  for _, module in ipairs { "directsend.tls", "directsend.dkim", "directsend.smime" } do
    it("keeps " .. module .. " from running on an OpenSSL of another major version", function()
      local script = files:write("load.lua", ("print(select(2, pcall(require, %q)))"):format(module))
      for _, version in ipairs { "0x1010117fL", "0x40000000L" } do
        local so = process.shim(files, "version",
                                "unsigned long OpenSSL_version_num (void) { return " .. version .. "; }")
        local said, ended = process.run(script, { env = process.preload(so) })
        assert.is_true(ended)
        assert.truthy(said:find(module .. " was built for OpenSSL ", 1, true), said)
        assert.truthy(said:find("(" .. version:sub(1, -2) .. ") is loaded: build it for that one (make OPENSSL_DIR=...)",
                                1, true), said)
      end
    end)
  end
end)
