-- What every type of userdata has, whichever module it is of.

local core = require "directsend.core"
local dkim = require "directsend.dkim"
local process = require "support.process"
local vectors = require "support.dkim_vectors"

local meta = debug.getmetatable

describe("lua/class", function()
  local signer = dkim.signer { domain = "example.org", selector = "s1", key = vectors.ed25519 }
  local closed = { loop = core.loop(), delivery = core.delivery { destination = "example.org" },
                   message = core.message(), spool = core.spool "/tmp" }
  local collected = { key = dkim.key(vectors.ed25519), signer = signer, signing = signer:begin(),
                      verifier = dkim.verifier(), source = core.source(1) }

  it("has methods, and an end the collector knows", function()
    for _, list in ipairs { closed, collected } do
      for name, object in pairs(list) do
        local class = meta(object)
        assert.equal("function", type(class.__gc), name)
        assert.equal("function", type(select(2, next(class.__index))), name)
      end
    end
  end)

  it("ends with its block where it is closed by hand, too", function()
    for name, object in pairs(closed) do
      assert.equal("function", type(meta(object).__close), name)
      meta(object).__close(object)
      object:close()
      meta(object).__close(object)
    end
    for name, object in pairs(collected) do assert.is_nil(meta(object).__close, name) end
  end)

  it("bears with who calls it after its end", function()
    local text, ok = process.run("spec/support/finalized.lua", {})
    assert.is_true(ok and text == "done\n", text)
  end)

  it("is one type however often its module is opened", function()
    local open
    for dir in package.cpath:gmatch "([^;]*)%?%.so" do
      open = open or package.loadlib(dir .. "directsend/dkim.so", "luaopen_directsend_dkim")
    end
    local again = open()
    assert.equal(meta(collected.key), meta(again.key(vectors.ed25519)))
    assert.equal("ed25519-sha256", collected.key:algorithm())
  end)
end)
