local core = require "directsend.core"

local function fresh(config)
  local c = { destination = "[9.0.0.1]", hostname = "c.example" }
  for k, v in pairs(config or {}) do c[k] = v end
  return assert(core.delivery(c))
end

local function finished(text)
  local m = core.message()
  m:text("Subject", "s")
  m:plain(text or "hello\n")
  assert(m:finish(("0123456789abcdef"):rep(4)))
  return m
end

-- a delivery whose operation is `want`, and that operation
local function at(want)
  local d = fresh()
  local op = d:step(1)
  local turns = {
    next = { "message", { recipients = { "b@x.test" }, size = 3, tag = 7 } },
    send = function() return "sent", op.conn, #op.data end,
    connect = function() return "connected", op.conn, "9.9.9.9", "9.0.0.1" end,
    receive = function() return "received", op.conn, op.greeted and "250-mx\r\n250 STARTTLS\r\n" or "220 mx\r\n" end,
  }
  local greeted = false
  while op.op ~= want do
    op.greeted = greeted
    greeted = greeted or op.op == "receive"
    local turn = turns[op.op]
    if type(turn) == "table" then
      op = d:step(1, turn[1], turn[2])
    else
      op = d:step(1, turn())
    end
  end
  return d, op
end

describe("core.delivery", function()
  it("raises for a field of the wrong type or out of range, and names it", function()
    local nan, huge = 0 / 0, math.huge
    local cases = {
      { "destination", nil, {} }, { "port", nil, "25" }, { "hostname", nil, 5 }, { "hostname", nil, "a\0b" },
      { "level", nil, "none" }, { "ip", nil, "5" }, { "interface", nil, {} }, { "policy", nil, true },
      { "max_chunk", nil, -1 }, { "max_chunk", nil, nan }, { "max_chunk", nil, huge }, { "max_chunk", nil, 0.5 }, { "max_chunk", nil, "16" },
      { "timeout", nil, 5 }, { "timeout.connect", "timeout", { connect = -1 } }, { "timeout.total", "timeout", { total = nan } },
      { "timeout.final", "timeout", { final = "5" } }, { "timeout.quit", "timeout", { quit = -huge } },
      { "dns", nil, "9.9.9.9" }, { "dns.servers", "dns", { servers = "9.9.9.9" } }, { "dns.servers[1]", "dns", { servers = { "x" } } },
      { "dns.servers[1]", "dns", { servers = { 5 } } }, { "dns.timeout", "dns", { servers = { "9.9.9.9" }, timeout = -1 } },
      { "dns.attempts", "dns", { servers = { "9.9.9.9" }, attempts = nan } }, { "dns.attempts", "dns", { servers = { "9.9.9.9" }, attempts = -1 } },
      { "allowed", nil, "10.0.0.0/8" }, { "allowed[2]", "allowed", { "10.0.0.0/8", "ten" } }, { "allowed[1]", "allowed", { {} } },
      { "source", nil, "9.9.9.9" }, { "source[1]", "source", { "9.9.9" } }, { "source[1]", "source", { true } },
    }
    for _, c in ipairs(cases) do
      local ok, why = pcall(fresh, { [c[2] or c[1]] = c[3] })
      assert.is_false(ok, c[1])
      assert.matches(c[1] .. ":", why, 1, true)
    end
    assert.has_error(function() core.delivery() end)
    assert.has_error(function() core.delivery{} end, "destination: a string, not nil")
  end)

  it("returns why a value will not do, with its field", function()
    for field, value in pairs{ destination = "a b", hostname = "-", port = 0 } do
      local d, why, named = core.delivery{ destination = "contoso.test", [field] = value }
      assert.is_nil(d)
      assert.is_string(why)
      assert.equal(field, named)
    end
  end)

  it("takes waits of any length", function()
    local d = fresh{ timeout = { total = math.huge, connect = 1e300 } }
    d:step(9e12)
    local op = d:step(9e12, "message", { recipients = { "b@x.test" } })
    assert.is_true(op.deadline > 9e12)
    assert.has_error(function() d:step(0 / 0) end)
    assert.has_error(function() d:step(1e13) end)
  end)

  it("takes lists of any length", function()
    local allowed = {}
    for i = 1, 300 do allowed[i] = ("10.%d.0.0/16"):format(i % 256) end
    local d = core.delivery{ destination = "[10.99.1.1]", allowed = allowed,
                             source = { "9.9.9.1", "9.9.9.2", "9.9.9.3", "9.9.9.4", "9.9.9.5", "9.9.9.6", "9.9.9.7", "9.9.9.8", "2600::1", "9.9.9.9" } }
    d:step(1)
    local op = d:step(1, "message", { recipients = { "b@x.test" } })
    assert.equal("connect", op.op)
    assert.equal("9.9.9.9", op.source)
  end)

  it("asks no metamethod: nobody would keep what it makes", function()
    local asked = setmetatable({}, { __index = function(_, k)
      return k == "destination" and "contoso" .. ".test" or error "asked"
    end })
    assert.has_error(function() core.delivery(asked) end, "destination: a string, not nil")
    local d = fresh()
    d:step(1)
    assert.has_error(function() d:step(1, "message", asked) end, "recipients: a list of 1 to 1000")
  end)
end)

describe("an answer to a delivery", function()
  it("raises where it does not fit, and leaves the operation open", function()
    local wrong = {
      { "nonsense" }, { 5 }, { {} }, { "connected" }, { "connected", 1, "x", "y" }, { "connected", 1, {}, {} }, { "sent" }, { "sent", 1, -1 },
      { "sent", 1, "x" }, { "received", 1 }, { "received", 1, {} }, { "body" }, { "body", {} }, { "context" }, { "context", {} },
      { "context", core.message() }, { "failed", "odd" }, { "failed", {} }, { "message" }, { "message", 5 }, { "message", {} },
      { "message", { recipients = {} } }, { "message", { recipients = { "a", 5 } } }, { "message", { recipients = { "a" }, tag = -1 } },
      { "message", { recipients = { "a" }, tag = 0 / 0 } }, { "message", { recipients = { "a" }, size = -1 } },
      { "message", { recipients = { "a" }, size = math.huge } }, { "message", { recipients = { "a" }, flags = 8 } },
      { "message", { recipients = { "a" }, dsn = 5 } }, { "message", { recipients = { "a" }, dsn = { notify = { "never", "ever" } } } },
      { "message", { recipients = { "a" }, dsn = { ret = "some" } } }, { "message", { recipients = { "a" }, dsn = { orcpt = { 5 } } } },
      { "later" }, { "later", "soon" }, { "recalled", {} }, { "admitted", -1 }, { "adopted", 1 }, { "adopted", 1, {} }, { "tick" },
      { "message", { recipients = { "a" }, source = {} } }, { "message", { recipients = { "a" }, source = core.message() } },
      { "message", { recipients = { "a" }, sender = "a\0b" } },
    }
    local right = { next = { "no_more" }, connect = { "failed" }, send = { "failed" }, receive = { "failed" }, context = { "failed" } }
    for want, answer in pairs(right) do
      local d, op = at(want)
      for i, w in ipairs(wrong) do
        assert.is_false(pcall(d.step, d, 1, w[1], w[2], w[3], w[4]), want .. " " .. i)
        assert.is_nil(d:step(1))
      end
      assert.truthy(d:step(1, answer[1]), op.op)
      assert.is_false(pcall(d.step, d, 1, "rewound"))
    end
  end)

  it("names the field of a message that will not do", function()
    for field, value in pairs{ recipients = 5, sender = 5, tag = 0.5, size = "1", flags = 9, source = "x" } do
      local d = at "next"
      local ok, why = pcall(d.step, d, 1, "message", { recipients = { "b@x.test" }, [field] = value })
      assert.is_false(ok)
      assert.matches("^" .. field .. ": ", why)
    end
  end)

  it("does not give two messages in hand one tag", function()
    local d = at "next"
    local op = d:step(1, "message", { recipients = { "b@x.test" }, size = 100, tag = 7, source = finished() })
    op = d:step(1, "connected", op.conn, "9.9.9.9", "9.0.0.1")
    op = d:step(1, "received", op.conn, "220 mx\r\n")
    op = d:step(1, "sent", op.conn, #op.data)
    op = d:step(1, "received", op.conn, "250-mx\r\n250-PIPELINING\r\n250 SIZE 50\r\n")
    assert.equal("next", op.op) -- the first waits for another host
    assert.has_error(function() d:step(1, "message", { recipients = { "c@x.test" }, tag = 7 }) end, "tag: 7 is in hand already")
    assert.equal("send", d:step(1, "message", { recipients = { "c@x.test" }, tag = 8 }).op)
  end)

  it("that comes unasked changes nothing of what the delivery holds", function()
    local d = at "next"
    local held = setmetatable({}, { __mode = "k" })
    do
      local m = finished()
      held[m] = true
      d:step(1, "message", { recipients = { "b@x.test" }, tag = 7, source = m })
    end
    assert.has_error(function() d:step(1, "message", { recipients = { "b@x.test" }, tag = 7, source = finished() }) end)
    assert.has_error(function() d:step(1, "message", { recipients = { "b@x.test" }, tag = 8, source = finished() }) end)
    collectgarbage()
    collectgarbage()
    assert.truthy(next(held))
    d:cancel(1)
    while d:step(1).op ~= "done" do collectgarbage() end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(held))
  end)

  it("holds the TLS context it was given, whatever comes after", function()
    local tls = require "directsend.tls"
    local d = at "context"
    local held = setmetatable({}, { __mode = "k" })
    do
      local context = tls.context{}
      held[context] = true
      assert.equal("send", d:step(1, "context", context).op)
    end
    assert.has_error(function() d:step(1, "context", tls.context{}) end)
    collectgarbage()
    collectgarbage()
    assert.truthy(next(held))
  end)
end)

describe("an operation", function()
  it("has no empty fields in its row", function()
    local d = at "connect"
    d:cancel(1)
    local op = d:step(1)
    assert.equal("result", op.op)
    for k, v in pairs(op.row) do assert.not_equal("", v, k) end
    for k, v in pairs(op.row.tls) do assert.not_equal("", v, k) end
    assert.same({ level = "none", policy = "default" }, op.row.tls)
    assert.is_nil(op.row.code)
    assert.is_nil(op.row.queue_id)
    assert.equal("local", op.row.kind)
  end)
end)

describe("a process that ends within a TLS session", function()
  it("ends well, though libssl was loaded after the delivery was made", function()
    local text, well = require "support.process".run("spec/support/ends_within_tls.lua", {})
    assert.is_true(well, text)
    assert.equal("send\n", text)
  end)
end)
