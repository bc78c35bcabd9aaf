local core = require "directsend.core"
local dkim = require "directsend.dkim"
local pki = require "support.pki"
local process = require "support.process"
local vectors = require "support.dkim_vectors"

describe("net/secret", function()
  local files

  before_each(function() files = pki.new() end)
  after_each(function() files:remove() end)

  local function refuses(path, why)
    local key, text, detail = dkim.key { path = path }
    assert.is_nil(key)
    assert.equal(path .. ": " .. why, text)
    assert.same({ kind = "usage", field = "key" }, detail)
  end

  local function mode(path)
    files:run("ls -l " .. path .. " | cut -c1-10 >mode")
    return (files:read("mode"):gsub("%s", ""))
  end

  it("reads a file, through links as well", function()
    local path = files:write("key.pem", vectors.rsa)
    files:run "chmod 600 key.pem; ln -s key.pem link"
    assert.equal(1024, dkim.key { path = path }:bits())
    assert.equal(1024, dkim.key { path = files:path "link" }:bits())
    assert.equal(1024, dkim.key(path):bits())
  end)

  it("says why a file will not do", function()
    refuses(files:path "none", "No such file or directory")
    refuses(files.dir, "is not a regular file")
    files:run "mkfifo pipe"
    refuses(files:path "pipe", "is not a regular file")
    refuses(files:write("long", ("x"):rep(65537)), "is too long for a key")
    refuses(files:write("empty", ""), "there is no private key in PEM in it; openssl pkey -in FILE writes one in DER "
      .. "so, openssl pkcs12 -in FILE -nodes one in PKCS#12")
    assert.has_error(function() dkim.key { path = "a\0b" } end)
  end)

  it("warns of what others on this machine can read or write", function()
    local path = files:write("key.pem", vectors.ed25519)
    for bits, warned in pairs { ["600"] = 0, ["640"] = 0, ["400"] = 0, ["644"] = 1, ["604"] = 1, ["602"] = 1 } do
      files:run("chmod " .. bits .. " key.pem")
      local warnings = dkim.key { path = path }:warnings()
      assert.equal(warned, #warnings, bits)
      assert.is_true(warned == 0 or warnings[1]:sub(1, #path + 2) == path .. ": ")
    end
  end)

  it("writes a file for its owner alone, whatever the umask", function()
    for _, mask in ipairs { "000", "022", "077" } do
      local path = files:path("new" .. mask)
      local script = files:write("write.lua", ("assert(require 'directsend.core'.write_private(%q, 'secret'))"):format(path))
      local said, ended_well = process.run(script, { under = "sh -c 'umask " .. mask .. "; exec \"$@\"' sh" })
      assert.is_true(ended_well, said)
      assert.equal("-rw-------", mode("new" .. mask))
      assert.equal("secret", files:read("new" .. mask))
    end
  end)

  it("never writes over a file, nor through a link", function()
    files:write("there", "old")
    files:run "ln -s elsewhere link"
    for _, name in ipairs { "there", "link" } do
      local ok, text, detail = core.write_private(files:path(name), "new")
      assert.is_nil(ok)
      assert.equal(files:path(name) .. ": File exists", text)
      assert.same({ kind = "usage" }, detail)
    end
    assert.equal("old", files:read "there")
    assert.is_nil(io.open(files:path "elsewhere"))
  end)
end)
