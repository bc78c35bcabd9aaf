-- A driver that fails must not cost anybody an outcome that is known.

local mailers = require "support.mailers"
local servers = require "support.servers"
local smtp_peer = require "support.smtp_peer"

local able = { race = false, peek = false, duplex = false, udp = true,
               bind = false, max_chunk = 16384 }

local function two(t)
  local m = mailers.alert { to = { "a@one.test", "b@two.test" } }
  for k, v in pairs(t or {}) do m[k] = v end
  return m
end

-- a mailer over this driver, with a host of its own for each domain
local function over(driver)
  driver.capabilities = able
  return mailers.to(0, { driver = driver, route = {
    ["one.test"] = "9.0.0.1:25", ["two.test"] = "9.0.0.2:25" } })
end

-- sockets in memory; each function may be replaced
local function memory(changes)
  local driver = { hosts = {}, open = 0, now = os.clock }
  local conn = {}
  conn.__index = conn
  function conn:send(data)
    self.peer:take(data)
    return #data
  end
  function conn:receive()
    local data = self.peer.out
    self.peer.out = ""
    return data
  end
  function conn.close()
    driver.open = driver.open - 1
  end
  function driver.connect(op)
    driver.open = driver.open + 1
    local peer = smtp_peer.new {}
    driver.hosts[op.ip] = peer
    return setmetatable({ peer = peer, local_ip = "9.9.9.9", peer_ip = op.ip },
                        conn)
  end
  for name, change in pairs(changes or {}) do
    local t = driver[name] and driver or conn
    local was = t[name]
    t[name] = function(...) return change(was, ...) end
  end
  return driver
end

local function outcomes(driver, t)
  local mailer = over(driver)
  local report, why, detail = mailer:send(two(t))
  mailer:close()
  local out = {}
  for i, row in ipairs(report or detail.report) do out[i] = row.outcome end
  return out, why, report or detail.report
end

describe("a driver", function()
  after_each(servers.stop_all)

  it("that works is not in the way", function()
    assert.same({ "delivered", "delivered" }, (outcomes(memory())))
  end)

  it("that does nothing leaves everybody deferred", function()
    local idle = { run = function() return true end }
    local out, why = outcomes(idle)
    assert.same({ "deferred", "deferred" }, out)
    assert.truthy(why:find("left it undone", 1, true), why)
    assert.same({ "deferred", "deferred" }, (outcomes { run = function() end }))
    assert.same({ "deferred", "deferred" }, (outcomes(idle, { all = true })))
  end)

  it("that raises keeps what was delivered, and closes what is open", function()
    local driver = memory { connect = function(connect, op)
      if op.ip == "9.0.0.2" then error "driver bug" end
      return connect(op)
    end }
    local out, _, rows = outcomes(driver)
    assert.same({ "delivered", "deferred" }, out)
    assert.truthy(rows[2].text:find("driver bug", 1, true))
    assert.equal(0, driver.open)
  end)

  it("that raises behind the end of a body leaves it unknown", function()
    local driver = memory { receive = function(receive, conn)
      if #conn.peer.bodies > 0 then error "gone" end
      return receive(conn)
    end }
    local out = outcomes(driver)
    assert.equal("unknown", out[1])
    assert.equal(0, driver.open)
  end)

  it("that returns nonsense is named", function()
    for name, values in pairs { send = { -1, 1.5, true, {}, 1e9 },
                                receive = { 5, true, {} },
                                connect = { true, {}, { local_ip = 5 } } } do
      for _, value in ipairs(values) do
        local driver = memory { [name] = function() return value end }
        local out, _, rows = outcomes(driver)
        assert.same({ "deferred", "deferred" }, out)
        assert.truthy(rows[1].text:find("driver: " .. name .. " gave", 1, true),
                      rows[1].text)
      end
    end
  end)

  it("may fail in words of its own", function()
    local driver = memory { connect = function() return nil, "bogus", 7 end }
    local out, _, rows = outcomes(driver)
    assert.same({ "deferred", "deferred" }, out)
    assert.equal("local", rows[1].kind)
  end)

  it("that delivers and fails then has delivered", function()
    for _, last in ipairs { function() error "late" end,
                            function() return nil, "late", {} end } do
      local obey = require "directsend.driver.loop"
      local io = memory()
      local out = outcomes { run = function(jobs)
        for _, job in ipairs(jobs) do obey(job.delivery, io, job.feed, {}) end
        return last()
      end }
      assert.same({ "delivered", "delivered" }, out)
    end
  end)

  it("that sends a built message lets nobody else send it meanwhile", function()
    local directsend = require "directsend"
    local m = assert(directsend.message(two()))
    local why, detail
    local driver = memory { send = function(send, conn, data)
      if not why then
        local _
        _, why, detail = over(memory()):send(m)
      end
      return send(conn, data)
    end }
    assert.is_true(over(driver):send(m).ok)
    assert.truthy(why:find("being sent", 1, true))
    assert.equal("message", detail.field)
    assert.is_true(over(memory()):send(m).ok) -- afterwards it may be sent again
  end)

  it("of our own lets go of its deliveries when a feed raises", function()
    local server = servers.aiosmtpd { tls = false }
    local mailer = mailers.to(server.port)
    local m = mailer.carry
    local count = 0
    function mailer.carry(self, message, envelope, groups, rows)
      return m(self, setmetatable({ core = message.core, size = message.size,
        read = function()
          count = count + 1
          error "no such scanner"
        end }, { __index = message }), envelope, groups, rows)
    end
    local report, why, detail = mailer:send(mailers.alert { to = { "a@x.test" } })
    mailer:close()
    if count > 0 then
      assert.is_nil(report)
      assert.truthy(why:find("no such scanner", 1, true))
      assert.equal("deferred", detail.report[1].outcome)
    else
      assert.is_true(report.ok) -- the loop read the message itself
    end
  end)
end)
