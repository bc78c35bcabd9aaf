local config = require "directsend.config"
local core = require "directsend.core"
local configs = require "support.configs"

local refused, with_file = configs.refused, configs.with_file

describe("config", function()
  it("has every default of the interface", function()
    local c = assert(config.read {})
    assert.equal(25, c.port)
    assert.equal("mx", c.route)
    assert.equal("opportunistic", c.tls)
    assert.equal("default", c.policy)
    assert.equal("4first", c.ip)
    assert.equal("network", c.transport)
    assert.same({ connect = 10, greeting = 300, command = 300, handshake = 60,
                  data = 120, body = 180, final = 60, quit = 0, dns = 10,
                  total = 120 }, c.timeout)
  end)

  it("leaves the caller's table alone", function()
    local t = { timeout = { total = "2 min" }, dns = { servers = "127.0.0.1" } }
    assert(config.read(t))
    assert.same({ timeout = { total = "2 min" },
                  dns = { servers = "127.0.0.1" } }, t)
  end)

  it("says who set the TLS level", function()
    assert.equal("config", config.read { tls = "opportunistic" }.policy)
  end)

  describe("with no name for EHLO", function()
    local hostname = core.hostname
    after_each(function() core.hostname = hostname end)

    local function named(name)
      core.hostname = function() return name end
      return config.read({}).hostname
    end

    it("gives this machine's name", function()
      assert.equal("gw.contoso.com", named "gw.contoso.com")
    end)

    it("gives none that means nothing to a stranger", function()
      for _, name in ipairs { "", "router", "nas.lan", "pc.local", "a.internal",
                              "localhost.localdomain", "x.home.arpa",
                              "bad_name.contoso.com" } do
        assert.is_nil(named(name))
      end
    end)
  end)

  describe("that is not named", function()
    local getenv = os.getenv
    after_each(function() os.getenv = getenv end) -- luacheck: ignore

    local function environment(t)
      os.getenv = function(name) return t[name] end -- luacheck: ignore
    end

    it("is the one DIRECTSEND_CONFIG names", function()
      with_file("return { port = 2525 }", function(name)
        environment { DIRECTSEND_CONFIG = name }
        assert.equal(2525, config.read().port)
      end)
      environment { DIRECTSEND_CONFIG = "/nonexistent/x.lua" }
      refused(nil, "config", "/nonexistent/x.lua")
    end)

    it("may lie in the home directory", function()
      local home = os.tmpname()
      os.remove(home)
      os.execute("mkdir -p " .. home .. "/.config")
      local file = assert(io.open(home .. "/.config/directsend.lua", "w"))
      file:write "return { port = 2526 }"
      file:close()
      environment { HOME = home }
      local c = config.read()
      os.execute("rm -r " .. home)
      assert.equal(2526, c.port)
    end)

    it("may not be there", function()
      local open = io.open
      io.open = function(name) -- luacheck: ignore
        return nil, name .. ": No such file or directory", 2
      end
      environment {}
      local ok, c = pcall(config.read)
      io.open = open -- luacheck: ignore
      assert(ok, c)
      assert.equal(25, c.port)
    end)
  end)
end)
