local config = require "directsend.config"
local configs = require "support.configs"

local refused = configs.refused

describe("settings", function()
  describe("raises on misuse,", function()
    local function raises(t, words)
      assert.has_error(function() config.read(t) end, words)
    end

    it("naming an unknown key and the nearest one", function()
      raises({ tsl = "off" }, "config: unknown key 'tsl' (did you mean 'tls'?)")
      raises({ timeout = { conect = 1 } },
             "timeout: unknown key 'conect' (did you mean 'connect'?)")
      raises({ dns = { server = {} } },
             "dns: unknown key 'server' (did you mean 'servers'?)")
      raises({ route = { ["contoso.com"] = { hots = "mx" , host = "mx" } } },
             "route.contoso.com: unknown key 'hots' (did you mean 'host'?)")
    end)

    it("naming a key whose type is wrong", function()
      raises({ tls = true }, "tls: expected string, got boolean")
      raises({ port = {} }, "port: expected number or string, got table")
      raises({ dns = 53 }, "dns: expected table, got number")
      raises({ allow_literals = "yes" },
             "allow_literals: expected boolean, got string")
      raises({ timeout = { total = true } },
             "timeout.total: expected number or string, got boolean")
      raises({ driver = { capabilities = {} } },
             "driver.race: expected boolean, got nil")
      raises(42, "config: expected table or string or nil, got number")
    end)
  end)

  it("refuses lists of another shape, or longer than what is kept", function()
    refused({ aliases = { root = {} } }, "aliases.root", "is empty")
    refused({ aliases = { root = { address = "a@b.test" } } }, "aliases.root",
            'no list, it has the key "address"')
    refused({ accepted_domains = { ["contoso.test"] = true } },
            "accepted_domains", 'no list, it has the key "contoso.test"')
    refused({ accepted_domains = {} }, "accepted_domains", "is empty")
    refused({ allow_private = { ["10.0.0.0/8"] = true } }, "allow_private",
            'no list, it has the key "10.0.0.0/8"')
    refused({ dns = { servers = {} } }, "dns.servers", "is empty")
    refused({ dns = { servers = { "192.0.2.1", nil, "192.0.2.3" } } },
            "dns.servers", "no list")
    refused({ source_address = { ipv4 = "192.0.2.1" } }, "source_address",
            "no list")
    local networks, servers = {}, {}
    for i = 1, 32 do networks[i] = "10." .. i .. ".0.0/16" end
    for i = 1, 8 do servers[i] = "192.0.2." .. i end
    local c = assert(config.read { allow_private = networks,
                                   dns = { servers = servers } })
    assert.equal(32, #c.allow_private)
    assert.equal(8, #c.dns.servers)
    networks[33], servers[9] = "10.0.0.0/16", "192.0.2.9"
    refused({ allow_private = networks }, "allow_private", "32 at most")
    refused({ dns = { servers = servers } }, "dns.servers", "8 at most")
  end)

  it("reads who sends before anybody does", function()
    assert.has_error(function() config.read { from = 5 } end,
                     "from: expected string or table, got number")
    assert.has_error(function() config.read { from = { nmae = "x" } } end)
    refused({ from = "a@@b" }, "from")
    refused({ from = "root" }, "from", "no domain")
    refused({ force_from = "x y" }, "force_from")
    local c = assert(config.read { from = "root", domain = "contoso.test" })
    assert.equal("root", c.from)
    assert(config.read { from = { name = "Roof", address = "r@contoso.test" },
                         force_from = "x@contoso.test" })
  end)

  it("refuses the driver of nginx elsewhere", function()
    refused({ driver = "ngx" }, "driver",
            "the driver ngx works inside nginx only")
  end)

  it("refuses a driver whose module is not there, and names that", function()
    local name = "directsend.driver.luv"
    local loaded = package.loaded[name]
    package.loaded[name] = nil
    package.preload[name] = function() error("module 'luv' not found:\n\tno file", 0) end
    local c, why, detail = config.read { driver = "luv" }
    package.loaded[name], package.preload[name] = loaded, nil
    assert.is_nil(c)
    assert.equal("driver: the driver luv does not load: module 'luv' not found:", why)
    assert.equal("driver", detail.field)
    assert.equal("luasocket", config.read { driver = "luasocket" }.driver)
  end)

  it("speaks in one line of whatever it is told", function()
    local _, why = config.read { tls = "off\nor\27[2J" .. ("x"):rep(1000) }
    assert.falsy(why:find "%c")
    assert.is_true(#why < 350, why)
    local ok, e = pcall(config.read, { [("a\nb"):rep(500)] = 1 })
    assert.is_false(ok)
    assert.falsy(e:find "%c")
    assert.is_true(#e < 300, e)
  end)

  it("refuses what is no port", function()
    for _, port in ipairs { 0, 65536, 1.5, -25, 0 / 0, 1 / 0, "25 ", "", "0x19",
                            "2e1" } do
      refused({ port = port }, "port")
    end
    assert.equal(2525, config.read { port = "2525" }.port)
    assert.equal(65535, config.read { port = 65535 }.port)
  end)

  it("reads times as seconds, or with their unit", function()
    for text, seconds in pairs { ["5 min"] = 300, ["30 s"] = 30, ["2h"] = 7200,
                                 ["500 ms"] = 0.5, ["1.5 s"] = 1.5 } do
      local c = assert(config.read { timeout = { connect = text } })
      assert.equal(seconds, c.timeout.connect)
    end
    assert.equal(0.25, config.read { timeout = { final = 0.25 } }.timeout.final)
  end)

  it("refuses what is no time", function()
    for _, v in ipairs { -1, 0, 1e308, 0 / 0, 1 / 0, "5", "5 parsecs", "-5 s",
                         "", "1e3 s", "nan s" } do
      refused({ timeout = { connect = v } }, "timeout.connect")
    end
    assert.equal(0, config.read { timeout = { quit = 0 } }.timeout.quit)
  end)

  it("refuses words that are none of the known ones", function()
    refused({ tls = "requird" }, "tls", "not one of off, opportunistic, required, verified")
    refused({ tls = "dane" }, "tls")
    refused({ ip = "5" }, "ip")
    refused({ transport = "files:/tmp" }, "transport")
    refused({ transport = "file:" }, "transport")
    refused({ driver = "epoll" }, "driver")
  end)

  it("takes only a name for EHLO that a host may say", function()
    local long = ("a"):rep(63)
    for _, name in ipairs { "", "me\r\nMAIL FROM:<x@y>\r\n", "two words", "a>b",
                            "-a.example", "under_score.example", "a..b",
                            table.concat({ long, long, long, long, "a" }, ".") } do
      refused({ hostname = name }, "hostname")
    end
    assert.equal("[192.0.2.1]",
                 config.read { hostname = "[192.0.2.1]" }.hostname)
  end)

  it("reads networks, servers and local addresses", function()
    local c = assert(config.read {
      allow_private = { "10.0.0.0/8" }, source_address = "192.0.2.1",
      dns = { servers = { "127.0.0.1", "[::1]:5353" }, attempts = 3 },
    })
    assert.same({ "10.0.0.0/8" }, c.allow_private)
    assert.same({ "192.0.2.1" }, c.source_address)
    assert.same({ "127.0.0.1:53", "[::1]:5353" }, c.dns.servers)
    refused({ allow_private = { "10/8" } }, "allow_private")
    refused({ dns = { servers = { "localhost" } } }, "dns.servers")
    refused({ dns = { attempts = 0 } }, "dns.attempts")
    refused({ source_address = { "192.0.2.1", "192.0.2.2" } },
            "source_address")
    refused({ source_address = "eth0" }, "source_address")
  end)

  it("reads routes", function()
    local c = assert(config.read { route = {
      ["Contoso.COM"] = "contoso-com.mail.protection.outlook.com",
      ["a.test"] = "mx1.a.test:2525", ["b.test"] = "[2001:db8::1]:26",
      ["c.test"] = "2001:db8::1", ["d.test"] = "192.0.2.1:587",
      ["e.test"] = { host = "MX.e.test", port = 2526, tls = "verified" },
      ["*"] = "mx",
    } })
    assert.same({
      ["contoso.com"] = { host = "contoso-com.mail.protection.outlook.com" },
      ["a.test"] = { host = "mx1.a.test", port = 2525 },
      ["b.test"] = { host = "2001:db8::1", port = 26 },
      ["c.test"] = { host = "2001:db8::1" },
      ["d.test"] = { host = "192.0.2.1", port = 587 },
      ["e.test"] = { host = "mx.e.test", port = 2526, tls = "verified" },
      ["*"] = "mx",
    }, c.route)
    assert.same({ ["*"] = { host = "mail.a.test" } },
                config.read { route = "mail.a.test" }.route)
  end)

  it("refuses routes that lead nowhere", function()
    refused({ route = { ["a.test"] = "host:0" } }, "route.a.test")
    refused({ route = { ["a.test"] = "host:65536" } }, "route.a.test")
    refused({ route = { ["a.test"] = "two words" } }, "route.a.test")
    refused({ route = { ["a.test"] = "[::1" } }, "route.a.test")
    refused({ route = { ["a.test"] = { port = 25 } } }, "route.a.test")
    refused({ route = { ["no domain"] = "mx" } }, "route.no domain")
    refused({ route = { ["a.test"] = { host = "x\r\n" } } },
            "route.a.test.host")
  end)

  it("reads accepted_domains as a set", function()
    assert.same({ ["contoso.com"] = true, ["fabrikam.com"] = true },
                config.read { accepted_domains = { "Contoso.com",
                              "fabrikam.com" } }.accepted_domains)
    refused({ accepted_domains = { "contoso .com" } }, "accepted_domains")
  end)
end)
