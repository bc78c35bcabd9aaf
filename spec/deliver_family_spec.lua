local world = require "support.world"

local message = { { body = "Subject: x\r\n\r\nx\r\n" } }

local function zone(four, six)
  return { ["contoso.test"] = { MX = { { 1, "mx.contoso.test" } } }, ["mx.contoso.test"] = { A = four, AAAA = six } }
end

local function run(w, config)
  local c = { destination = "contoso.test", hostname = "c.example" }
  for k, v in pairs(config or {}) do c[k] = v end
  return w:deliver(c, message)[1]
end

local function fresh(hosts, four, six)
  local w = world.new{ zone = zone(four or { "9.0.0.1", "9.0.0.2" }, six or { "2600::1", "2600::2" }), hosts = hosts }
  w.raced = {}
  return w
end

local race = { ip = "race", can = { "race", "recall" } }

describe("two families of addresses", function()
  it("run against each other, in turn one of each, IPv6 first", function()
    local w = fresh{ ["9.0.0.1"] = world.smtp{} }
    local r = run(w, race)
    assert.equal("delivered", r.outcome)
    assert.equal("9.0.0.1", r.ip)
    local op = w.raced[1]
    local list = {}
    for i, t in ipairs(op.targets) do list[i] = t.ip .. ":" .. t.port end
    assert.same({ "2600::1:25", "9.0.0.1:25", "2600::2:25", "9.0.0.2:25" }, list)
    assert.equal(op.targets[1].ip, op.ip)
    assert.equal(0.25, op.stagger)
    assert.equal(1, #w.raced)
  end)

  it("are bound each to its own source", function()
    local w = fresh{ ["9.0.0.1"] = world.smtp{} }
    run(w, { ip = "race", can = { "race" }, source = { "9.9.9.8", "2600::8" } })
    for _, t in ipairs(w.raced[1].targets) do
      assert.equal(t.ip:find ":" and "2600::8" or "9.9.9.8", t.source)
    end
  end)

  it("count each as a connection, five to a host", function()
    local w = fresh({}, { "9.0.0.1", "9.0.0.2", "9.0.0.3", "9.0.0.4" })
    local r = run(w, race)
    assert.equal("deferred", r.outcome)
    assert.equal(1, #w.raced)
    assert.equal(5, #w.raced[1].targets)
    assert.matches("connect to %[2600::1%]:25, 9.0.0.1:25, %[2600::2%]:25, 9.0.0.2:25, 9.0.0.3:25: unreachable", r.text)
  end)

  it("go one after the other where the owner cannot race them", function()
    local w = fresh{ ["9.0.0.2"] = world.smtp{} }
    assert.equal("delivered", run(w, { ip = "race" }).outcome)
    assert.same({ "2600::1:25", "9.0.0.1:25", "2600::2:25", "9.0.0.2:25" }, w.connects)
    assert.equal(0, #w.raced)
  end)

  it("are not raced where one is first, or there is one only", function()
    for _, ip in ipairs{ "4first", "6first", "4", "6" } do
      local w = fresh{}
      run(w, { ip = ip, can = { "race" } })
      assert.equal(0, #w.raced)
    end
    local w = fresh({ ["9.0.0.1"] = world.smtp{} }, { "9.0.0.1" }, {})
    assert.equal("delivered", run(w, race).outcome)
    assert.equal(0, #w.raced)
  end)

  it("are remembered for ten minutes when IPv6 led nowhere", function()
    for _, config in ipairs{ race, { ip = "6first", can = { "recall" } } } do
      local w = fresh{ ["9.0.0.1"] = world.smtp{} }
      run(w, config)
      assert.equal("dead", w.memory["family 6"])
      local core = require "directsend.core"
      local age = w.remembered[1].expires - (core.epoch() - core.now() + w.clock)
      assert.is_true(math.abs(age - 600) < 5)
      local before, questions = #w.connects, #w.questions
      assert.equal("9.0.0.1", run(w, config).ip)
      if config.ip == "race" then
        assert.equal("9.0.0.1", w.raced[2].ip)
      else
        assert.equal(before + 1, #w.connects)
        assert.equal(questions + 2, #w.questions)
      end
    end
  end)

  it("forget that when IPv6 answers again", function()
    local w = fresh({ ["2600::1"] = world.smtp{} }, {})
    w.memory["family 6"] = "dead"
    assert.equal("2600::1", run(w, { ip = "6first", can = { "recall" } }).ip)
    assert.is_nil(w.memory["family 6"])
  end)

  it("are not judged by one host's refusal", function()
    local w = fresh{ ["2600::1"] = "refused", ["2600::2"] = "refused", ["9.0.0.1"] = world.smtp{} }
    run(w, { ip = "6first", can = { "recall" } })
    assert.is_nil(w.memory["family 6"])
  end)
end)
