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
