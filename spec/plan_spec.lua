local cjson = require "cjson"
local command = require "support.command"
local config = require "directsend.config"
local plan = require "directsend.plan"
local servers = require "support.servers"

local zones = {
  ["example.test"] = "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 127.0.0.1\n"
                     .. "mx2 AAAA ::1\nmx2 A 127.0.0.2",
  ["bare.test"] = "@ A 127.0.0.3",
  ["null.test"] = "@ MX 0 .",
}

local function message(...)
  return { from = "a@contoso.test", to = { ... }, subject = "s", text = "x" }
end

describe("a plan", function()
  local nsd

  setup(function()
    nsd = servers.nsd(zones)
    nsd.kept = true
  end)

  local lax = { level = "opportunistic", policy = "default" }

  teardown(function() nsd:stop() end)

  after_each(servers.stop_all)

  local function settings(t)
    t = t or {}
    t.dns = { servers = "127.0.0.1:" .. nsd.port }
    if t.allow_private == nil then t.allow_private = true end
    return assert(config.read(t))
  end

  it("tells who goes where", function()
    local p = assert(plan(settings { port = 2525 },
                          message("b@example.test", "c@EXAMPLE.test")))
    assert.equal("a@contoso.test", p.sender)
    assert.same({}, p.refused)
    assert.equal(1, #p.destinations)
    local d = p.destinations[1]
    assert.equal("example.test", d.destination)
    assert.equal("mx", d.route)
    assert.equal("opportunistic", d.level)
    assert.equal("default", d.policy)
    assert.equal(2, #d.recipients)
    assert.same({
      { name = "mx1.example.test", preference = 10,
        addresses = { "127.0.0.1:2525" }, tls = lax },
      { name = "mx2.example.test", preference = 20,
        addresses = { "127.0.0.2:2525", "[::1]:2525" }, tls = lax },
    }, d.hosts)
  end)

  it("tells of an implicit MX and of a pin", function()
    local p = assert(plan(settings { route = {
      ["pin.test"] = { host = "127.0.0.9", port = 26, tls = "required" },
      ["*"] = "mx" } }, message("b@bare.test", "c@pin.test")))
    assert.same({ { name = "bare.test", addresses = { "127.0.0.3:25" }, tls = lax } },
                p.destinations[1].hosts)
    local pin = p.destinations[2]
    assert.same({ { name = "127.0.0.9", addresses = { "127.0.0.9:26" },
                    tls = { level = "required", policy = "config" } } },
                pin.hosts)
    assert.equal("127.0.0.9:26", pin.route)
    assert.equal("required", pin.level)
    assert.equal("config", pin.policy)
  end)

  it("tells of hosts that would not be tried, and why", function()
    local p = assert(plan(settings { allow_private = false },
                          message("b@bare.test")))
    local host = p.destinations[1].hosts[1]
    assert.equal("failed", host.outcome)
    assert.equal("policy", host.kind)
    assert.truthy(host.refused:find("127.0.0.3", 1, true))
  end)

  it("tells of recipients nothing leads to", function()
    local p = assert(plan(settings { accepted_domains = "contoso.test" },
                          message("b@example.test")))
    assert.same({}, p.destinations)
    assert.equal("b@example.test", p.refused[1].address)
  end)

  it("connects to nobody", function()
    local drive = require "support.drive"
    local asked = {}
    local memory = drive.memory { steps = {} }
    local connect = memory.connect
    function memory.connect(op)
      asked[#asked + 1] = op.port
      return connect(op)
    end
    local c = settings { driver = memory, route = "127.0.0.1:2525" }
    assert.equal(1, #assert(plan(c, message("b@bare.test"))).destinations)
    assert.same({}, asked)
  end)

  describe("by the command", function()
    local function run(...)
      return command { "plan", "--from", "a@contoso.test", "--text", "x",
                       "--dns", "127.0.0.1:" .. nsd.port, ... }
    end

    it("is a table for people", function()
      local status, out = run("--to", "b@example.test", "--allow-private")
      assert.equal(0, status)
      assert.equal("example.test  route=mx  tls=opportunistic (default)\n"
                   .. "  to b@example.test\n"
                   .. "   10  mx1.example.test  127.0.0.1:25\n"
                   .. "   20  mx2.example.test  127.0.0.2:25 [::1]:25\n", out)
    end)

    it("is JSON for programs", function()
      local status, out = run("--to", "b@example.test", "--allow-private",
                              "--json")
      assert.equal(0, status)
      local p = cjson.decode(out)
      assert.is_true(p.ok)
      assert.equal("example.test", p.destinations[1].destination)
      assert.equal("127.0.0.1:25", p.destinations[1].hosts[1].addresses[1])
      assert.truthy(out:find('"refused":[]', 1, true))
    end)

    it("ends as the send would", function()
      assert.equal(77, (run("--to", "b@example.test")))
      assert.equal(68, (run("--to", "b@null.test")))
      assert.equal(68, (run("--to", "b@none.null.test")))
      assert.equal(64, (run("--to", "b@[127.0.0.1]")))
    end)
  end)
end)
