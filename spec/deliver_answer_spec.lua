local core = require "directsend.core"
local world = require "support.world"

local function fresh()
  return core.delivery{ destination = "contoso.test", hostname = "c.example", dns = { servers = { "9.1.1.1" } } }
end

local answers = {
  { "connected", 1, "9.9.9.9", "9.0.0.1" }, { "sent", 1, 3 }, { "no_more" }, { "rewound" }, { "body", "x", true },
  { "message", { sender = "", recipients = { "a@x.test" }, size = 1 } },
}

describe("an answer", function()
  it("that nothing asked for raises, and changes nothing", function()
    local fits = { next = { message = true, no_more = true } }
    local d = fresh()
    local op = d:step(1)
    assert.equal("next", op.op)
    for _, a in ipairs(answers) do
      if not fits.next[a[1]] then
        assert.has_error(function() d:step(1, (table.unpack or unpack)(a)) end)
      end
    end
    assert.is_nil(d:step(1)) -- still open
    assert.equal("connect", d:step(1, (table.unpack or unpack)(answers[6])).op)
  end)

  it("of no known name, or to a delivery that is done, raises", function()
    local d = fresh()
    d:step(1)
    assert.has_error(function() d:step(1, "perhaps") end)
    assert.equal("done", d:step(1, "no_more").op)
    assert.has_error(function() d:step(1, "no_more") end)
    assert.equal("done", d:step(2).op)
  end)

  it("of another connection raises", function()
    local d = fresh()
    d:step(1)
    local op = d:step(1, (table.unpack or unpack)(answers[6]))
    assert.has_error(function() d:step(1, "connected", op.conn + 1, "9.9.9.9", "9.0.0.1") end)
  end)

  it("may be that it failed, at every step and in every way", function()
    for _, kind in ipairs{ "refused", "unreachable", "timeout", "closed", "reset", "local", "cancelled" } do
      for n = 1, 100 do
        local w = world.new{ zone = { ["contoso.test"] = { MX = { { 1, "a.contoso.test" }, { 2, "b.contoso.test" } } },
                                      ["a.contoso.test"] = { A = { "9.0.0.1" } }, ["b.contoso.test"] = { A = { "9.0.0.2" } } },
                             hosts = { ["9.0.0.1"] = world.smtp{}, ["9.0.0.2"] = world.smtp{} } }
        local count, hit = 0, false
        local rows = w:deliver({ destination = "contoso.test" }, { { body = "x\r\n" } }, function(op, i)
          count = i
          local answered = op.op ~= "close" and op.op ~= "result" and op.op ~= "next"
          if i == n and answered then
            hit = true
            return "fail " .. kind
          end
        end)
        assert.equal(1, #rows)
        assert.equal(0, w.open)
        local got = #w.hosts["9.0.0.1"].received + #w.hosts["9.0.0.2"].received
        if rows[1].outcome == "delivered" then assert.is_true(got >= 1) end
        if rows[1].outcome == "deferred" then assert.equal(0, got) end
        if not hit and n > count then break end
      end
    end
  end)

  it("may come in pieces of any size", function()
    for _, chunk in ipairs{ 1, 2, 3, 7, 100 } do
      local mx = world.smtp{}
      local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }, hosts = { ["9.0.0.1"] = mx }, chunk = 16384 }
      w.smtp_chunk = chunk
      local rows = w:deliver({ destination = "contoso.test", max_chunk = 64 }, { { body = ("line\r\n"):rep(50) } })
      assert.equal("delivered", rows[1].outcome)
      assert.equal(("line\r\n"):rep(50), mx.received[1].body)
    end
  end)
end)
