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
    assert.equal("mx.contoso.test", w.asked[1].provider)
    assert.equal("mx2.contoso.test", w.asked[2].provider)
    assert.equal("connection", w.asked[1].what)
    assert.equal("contoso.test", w.asked[1].destination)
    assert.equal(2, count(w.ops, "admit"))
    assert.equal(2, count(w.ops, "release"))
    assert.is_nil(next(w.tokens))
  end)

  it("is time, when it is told `later`, and then the same again", function()
    local w, refused = fresh(), 0
    w.admit = function()
      refused = refused + 1
      if refused < 3 then return w.clock + 5 end
    end
    local rows = w:deliver(config(), { message })
    assert.equal("delivered", rows[1].outcome)
    assert.equal(3, count(w.ops, "admit"))
    assert.equal(2, count(w.ops, "wait"))
    assert.is_true(rows[1].seconds >= 10)
  end)

  it("is no admission for ever: the total time ends it", function()
    local w = fresh()
    w.admit = function() return w.clock + 50 end
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
      if op.op == "admit" then return "fail local" end
    end)
    assert.equal("deferred", rows[1].outcome)
    assert.matches("no connection is admitted", rows[1].text)
  end)

  it("ends with what is open when it is cancelled", function()
    for _, word in ipairs{ "admit", "wait", "next" } do
      local w = fresh()
      w.later = word == "wait" and function() return w.clock + 9 end
      local rows = w:deliver(config(), { message }, function(op)
        if op.op == word then return "cancel" end
      end)
      assert.equal(word == "admit" and 1 or 0, #rows, word)
      assert.is_nil(next(w.tokens))
    end
  end)

  it("is answered by nothing else", function()
    local d = core.delivery(config())
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
