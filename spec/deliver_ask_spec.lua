local core = require "directsend.core"
local world = require "support.world"

local function fresh(hosts)
  return world.new{
    zone = { ["contoso.test"] = { MX = { { 10, "mx.contoso.test" }, { 20, "mx2.contoso.test" } } },
             ["mx.contoso.test"] = { A = { "9.0.0.1" } }, ["mx2.contoso.test"] = { A = { "9.0.0.2" } } },
    hosts = hosts or { ["9.0.0.1"] = world.smtp{} },
  }
end

local message = { body = "Subject: x\r\n\r\nx\r\n" }

local function config(t)
  local c = { destination = "contoso.test", can = { "admit" } }
  for k, v in pairs(t or {}) do c[k] = v end
  return c
end

local function count(list, word)
  local n = 0
  for _, w in ipairs(list) do n = n + (w == word and 1 or 0) end
  return n
end

-- what was asked of its kind
local function asked(w, what)
  local list = {}
  for _, op in ipairs(w.asked) do
    if op.what == what then list[#list + 1] = op end
  end
  return list
end

-- an admission that refuses this kind while `times` is more than 0, for `wait`
local function refusing(w, what, times, wait)
  return function(op)
    if op.what == what and times > 0 then
      times = times - 1
      return w.clock + wait
    end
  end
end

describe("what a delivery asks of its owner", function()
  it("is nothing its owner did not say it can do", function()
    local w = fresh()
    w:deliver(config { can = {} }, { message })
    for _, word in ipairs{ "admit", "release", "recall", "remember", "keep", "wait" } do
      assert.equal(0, count(w.ops, word), word)
    end
  end)

  it("names what it cannot ask", function()
    assert.error_matches(function() core.delivery(config { can = { "admit", "fly" } }) end, "can%[2%]: \"fly\"")
  end)

  it("is leave for each connection, given back when it is closed", function()
    local w = fresh{ ["9.0.0.1"] = "refused", ["9.0.0.2"] = world.smtp{} }
    local rows = w:deliver(config(), { message })
    assert.equal("delivered", rows[1].outcome)
    local list = asked(w, "connection")
    assert.equal(2, #list)
    assert.equal("mx.contoso.test", list[1].provider)
    assert.equal("mx2.contoso.test", list[2].provider)
    assert.equal("contoso.test", list[1].destination)
    assert.equal(1, list[1].n)
    assert.equal(2, count(w.ops, "release"))
    assert.is_nil(next(w.tokens))
  end)

  it("names the provider whose host it is, as its limits hold for all its domains", function()
    local w = world.new{ zone = { ["contoso.test"] = { MX = { { 1, "contoso-com.mail.protection.outlook.com" } } },
                                  ["contoso-com.mail.protection.outlook.com"] = { A = { "9.0.0.1" } } },
                         hosts = { ["9.0.0.1"] = world.smtp{} } }
    w:deliver(config(), { message })
    assert.equal("microsoft365", asked(w, "connection")[1].provider)
  end)

  it("is leave for as many messages as fit in the window, before it asks for them", function()
    local w = fresh()
    w.admit = function(op) if op.what == "messages" then return nil, 2 end end
    local rows = w:deliver(config { window = 5 }, { message, message, message })
    assert.equal(3, #rows)
    local list = asked(w, "messages")
    assert.equal(2, #list)
    assert.equal(5, list[1].n)
    assert.equal("admit", w.ops[1])
    assert.equal("next", w.ops[2])
  end)

  it("is time, when it is told `later`, and then the same again", function()
    for _, what in ipairs{ "connection", "messages" } do
      local w = fresh()
      w.admit = refusing(w, what, 2, 5)
      local start = w.clock
      local rows = w:deliver(config(), { message })
      assert.equal("delivered", rows[1].outcome)
      assert.equal(3, #asked(w, what))
      assert.equal(2, count(w.ops, "wait"))
      assert.is_true(w.clock >= start + 10)
    end
  end)

  it("is no admission for ever: the total time ends it", function()
    local w = fresh()
    w.admit = refusing(w, "connection", 1000, 50)
    local rows = w:deliver(config { timeout = { total = 120 } }, { message })
    assert.equal("deferred", rows[1].outcome)
    assert.equal(0, #w.connects)
  end)

  it("is a message later, between two of them too", function()
    local w, waits = fresh(), 0
    w.later = function(given)
      waits = waits + 1
      if waits % 2 == 1 and given < 2 then return w.clock + 3 end
    end
    local rows = w:deliver(config(), { message, message })
    assert.equal("delivered", rows[1].outcome)
    assert.equal("delivered", rows[2].outcome)
    assert.equal(2, count(w.ops, "wait"))
  end)

  it("defers what it has when it is admitted nowhere", function()
    local w = fresh()
    local rows = w:deliver(config(), { message }, function(op)
      if op.what == "connection" then return "fail local" end
    end)
    assert.equal("deferred", rows[1].outcome)
    assert.matches("no connection is admitted", rows[1].text)
    rows = w:deliver(config(), { message }, function(op)
      if op.what == "messages" then return "fail local" end
    end)
    assert.equal(0, #rows)
  end)

  it("ends with what is open when it is cancelled", function()
    for _, word in ipairs{ "admit", "wait", "next" } do
      local w = fresh()
      w.later = word == "wait" and function() return w.clock + 9 end
      local rows = w:deliver(config(), { message }, function(op)
        if op.op == word and op.what ~= "messages" then return "cancel" end
      end)
      assert.equal(word == "admit" and 1 or 0, #rows, word)
      assert.is_nil(next(w.tokens))
    end
  end)

  it("is answered by nothing else", function()
    local d = core.delivery(config { can = {} })
    assert.equal("next", d:step(1).op)
    for _, answer in ipairs{ "tick", "recalled", "admitted" } do
      assert.error_matches(function() d:step(1, answer) end, "no operation is open")
    end
    assert.equal("wait", d:step(1, "later", 5).op)
    assert.error_matches(function() d:step(1, "later", 5) end, "no operation is open")
    local op = d:step(2, "tick") -- too early: it waits on
    assert.equal("wait", op.op)
    assert.equal(5, op.deadline)
    assert.equal("next", d:step(5, "tick").op)
  end)
end)
