local config = require "directsend.config"
local configs = require "support.configs"

local refused, with_file = configs.refused, configs.with_file

describe("a configuration file", function()
  it("is the table the file returns", function()
    with_file("return { port = 24 + 1, tls = 'off' }", function(name)
      assert.equal("off", config.read(name).tls)
    end)
  end)

  it("is data: no name of the program is in reach", function()
    for _, text in ipairs { "return { from = os.getenv 'HOME' }",
                            "return require 'os'", "print 'x' return {}" } do
      with_file(text, function(name) refused(name, "config") end)
    end
  end)

  it("leaves no global behind", function()
    with_file("leak = 1 return {}", function(name)
      assert(config.read(name))
      assert.is_nil(rawget(_G, "leak"))
    end)
  end)

  it("is never bytecode", function()
    with_file(string.dump(function() return {} end), function(name)
      refused(name, "config", "is not text")
    end)
  end)

  it("does not raise, whatever it holds", function()
    for text, field in pairs { ["return {"] = "config",
                               ["return 1"] = "config",
                               ["error 'x'"] = "config",
                               ["return { tsl = 1 }"] = "config",
                               ["return { tls = 1 }"] = "config",
                               ["return { port = 0 }"] = "port" } do
      with_file(text, function(name) refused(name, field, name) end)
    end
  end)

  it("is named first in whatever is wrong with it, in one line", function()
    local long = ("d"):rep(100)
    for _, text in ipairs { "return {", "error 'x'", "return 1", "\27Lua",
                            "return { tsl = 1 }", "return { port = 0 }",
                            "local x = '" .. long .. long .. "\n", "\n\n\1\2",
                            "return { ['a\\nb'] = 1 }" } do
      local name = os.tmpname()
      with_file(text, function(short)
        os.rename(short, name .. long)
        local c, why = config.read(name .. long)
        os.remove(name .. long)
        assert.is_nil(c)
        assert.equal(name .. long .. ":", why:sub(1, #name + #long + 1))
        assert.falsy(why:find "%c", why)
        assert.is_true(#why < 420, why)
      end)
      os.remove(name)
    end
  end)

  it("is named with the line where it went wrong", function()
    with_file("return {\n  port = nil + 1 }", function(name)
      local _, why = config.read(name)
      assert.truthy(why:find(name .. ":2: ", 1, true), why)
    end)
  end)

  it("must be there when it is named", function()
    refused("/nonexistent/directsend.lua", "config", "/nonexistent")
  end)
end)
