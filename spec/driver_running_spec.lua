local core = require "directsend.core"
local native = require "directsend.driver.native"
local servers = require "support.servers"

-- a delivery of so many messages to that port, and its feed
local function work(port, n, rows)
  local sent = 0
  local delivery = assert(core.delivery { destination = "127.0.0.1", pinned = true, port = port, level = "off",
                                          hostname = "client.example" })
  return delivery, {
    next = function()
      if sent == n then return "no_more" end
      sent = sent + 1
      return "message", { sender = "a@contoso.test", recipients = { "b@contoso.test", "c@contoso.test" },
                          tag = sent, data = "Subject: " .. sent .. "\r\n\r\n.\r\n" }
    end,
    result = function(op) rows[#rows + 1] = { op.row.tag, op.row.outcome, op.last or false } end,
  }
end

describe("a loop that deliveries are added to", function()
  after_each(servers.stop_all)

  it("stops at each row, takes more meanwhile, and tells when nothing is left", function()
    local server = servers.aiosmtpd { tls = false }
    local runner, rows = assert(native.open()), {}
    assert.is_false(runner.turn())
    local delivery, feed = work(server.port, 2, rows)
    local over = 0
    function feed.over() over = over + 1 end
    runner.add(delivery, feed)
    assert.is_true(runner.turn())
    assert.equal(1, #rows)
    runner.add(work(server.port, 1, rows))
    while runner.turn() do end
    assert.equal(6, #rows)
    assert.equal(1, over)
    local last = 0
    for _, row in ipairs(rows) do
      assert.equal("delivered", row[2])
      if row[3] then last = last + 1 end
    end
    assert.equal(3, last)
    for _, m in ipairs(server:messages()) do assert.matches("^Subject: %d\r\n\r\n%.\r\n$", m.raw) end
    runner.close()
  end)

  it("goes on when a feed has raised: what it asked has failed", function()
    local server = servers.aiosmtpd { tls = false }
    local runner, rows = assert(native.open()), {}
    local delivery, feed = work(server.port, 1, rows)
    local give = feed.next
    function feed.next() error("no such list", 0) end
    runner.add(delivery, feed)
    assert.has_error(function() runner.turn() end, "no such list")
    feed.next = give
    while runner.turn() do end
    assert.equal(0, #rows) -- a feed that failed has no more
    runner.close()
  end)

  it("cancels all", function()
    local server = servers.aiosmtpd { tls = false, delay = 0.2 }
    local runner, rows = assert(native.open()), {}
    local delivery, feed = work(server.port, 3, rows)
    local asked = feed.next
    function feed.next()
      local word, m = asked()
      runner.cancelled = true
      return word, m
    end
    runner.add(delivery, feed)
    local other, idle = work(server.port, 1, rows)
    function idle.next() return "later", core.now() + 0.05 end
    runner.add(other, idle)
    runner.cancel()
    while runner.turn() do end
    assert.equal(0, #rows)
    runner.close()
  end)

  it("refuses data that is no text, or not as long as its size", function()
    local d = assert(core.delivery { destination = "127.0.0.1", pinned = true, port = 25 })
    assert.equal("next", d:step(core.now()).op)
    assert.has_error(function()
      d:step(core.now(), "message", { recipients = { "a@x.test" }, data = 5 })
    end, "data: a string, not number")
  end)
end)
