-- One core, any sockets: the same dialogue by every driver ends in the same
-- rows, and puts the same octets on the wire; and in every loop others go on
-- meanwhile.

local core = require "directsend.core"
local dialog = require "support.dialog"
local drive = require "support.drive"
local loops = require "support.loops"
local mailers = require "support.mailers"
local pick = require "directsend.driver".pick
local servers = require "support.servers"

local unpack = table.unpack or unpack -- luacheck: ignore

local names = {}
for name in pairs(drive.scenarios) do names[#names + 1] = name end
table.sort(names)

describe("every driver", function()
  local nginx

  setup(function()
    nginx = servers.nginx { locations = { ["/drive"] = [[
      local drive = require "support.drive"
      local args = ngx.req.get_uri_args()
      ngx.print(drive.tell(args.name, "ngx", tonumber(args.port)))
    ]] } }
    nginx.kept = true
  end)

  teardown(function() nginx:stop() end)

  after_each(servers.stop_all)

  for _, name in ipairs(names) do
    it("tells the same of " .. name:gsub("_", " "), function()
      local d = dialog.parse(drive.scenarios[name])
      local memory = drive.memory(d)
      local rows = drive.tell(name, memory, 25)
      assert.is_nil(memory.conn.complaint)
      assert.is_true(memory.conn.closed)
      assert.truthy(rows:find("outcome=", 1, true))

      local host = servers.dialog({ d }, { tls = false })
      for _, driver in ipairs(loops.names) do
        local told = loops.within(driver, function()
          return drive.tell(name, driver, host.port)
        end)
        assert.equal(rows, told[1], driver)
      end
      local text, status = nginx:get("/drive?name=" .. name .. "&port="
                                     .. host.port)
      assert.equal(200, status)
      assert.equal(rows, text)

      local heard = memory.conn.heard
      for _, s in ipairs(host:sessions(#loops.names + 1)) do
        assert.is_nil(s.complaint)
        assert.equal(heard, s.heard:sub(1, #heard))
      end
    end)

    it("tells the same of " .. name:gsub("_", " ")
       .. ", octet by octet", function()
      local d = dialog.parse(drive.scenarios[name])
      local whole = drive.tell(name, drive.memory(d), 25)
      assert.equal(whole, drive.tell(name, drive.memory(d, 1), 25))
    end)
  end
end)

-- the first QUIT came after so many EHLOs
local function ehlos_before_quit(server)
  local n = 0
  for _, c in ipairs(server:commands()) do
    if c.line:find "^QUIT" then return n end
    if c.line:find "^EHLO" then n = n + 1 end
  end
  return n
end

for _, name in ipairs(loops.names) do
  describe("the driver " .. name, function()
    after_each(servers.stop_all)

    local function mailer(port, t)
      t = t or {}
      t.driver = name
      return mailers.to(port, t)
    end

    -- the outcomes of a send within the loop, or why there are none
    local function send(m, message)
      local gave = loops.within(name, function()
        local report, why = m:send(message)
        if not report then return why end
        local words = {}
        for i, row in ipairs(report) do
          words[i] = row.outcome .. " " .. tostring(row.tls.version)
        end
        return table.concat(words, ", ")
      end)
      return gave[1]
    end

    it("says what it can do", function()
      local d = pick(name)
      assert.equal(name, d.name)
      for _, ability in ipairs { "race", "peek", "duplex", "udp", "bind" } do
        assert.equal("boolean", type(d.capabilities[ability]))
      end
      assert.is_true(d.capabilities.udp)
      assert.is_true(d.capabilities.peek)
    end)

    it("delivers under TLS, whatever the loop does", function()
      local server = servers.aiosmtpd {}
      local m = mailer(server.port, { tls = "required" })
      assert.matches("^delivered TLSv1", send(m, mailers.alert()))
      assert.is_true(m:send(mailers.alert()).ok) -- nobody's loop runs
      assert.equal(2, #server:messages())
    end)

    it("delivers what is large", function()
      local server = servers.aiosmtpd {}
      local line = ("0123456789"):rep(7) .. "\r\n"
      for _, tls in ipairs { "off", "required" } do
        local m = mailer(server.port, { tls = tls })
        local raw = "From: a@contoso.test\r\nTo: b@example.test\r\n\r\n"
                    .. line:rep(10000)
        assert.matches("^delivered", send(m, { raw = { data = raw } }))
        local took = table.remove(server:messages())
        assert.is_true(took.raw == raw)
      end
    end)

    it("finds hosts by the DNS, and carries deliveries at once", function()
      local nsd = servers.nsd { ["one.test"] = "@ MX 5 mx\nmx A 127.0.0.1",
                                ["two.test"] = "@ MX 5 mx\nmx A 127.0.0.1" }
      local server = servers.aiosmtpd { tls = false, delay = 0.05 }
      local m = mailer(server.port, {
        route = "mx", port = server.port, allow_private = true,
        dns = { servers = "127.0.0.1:" .. nsd.port },
      })
      local message = mailers.alert { to = { "b@one.test", "c@two.test" } }
      assert.equal("delivered nil, delivered nil", send(m, message))
      assert.equal(2, ehlos_before_quit(server))
      assert.is_true(m:send(message).ok)
    end)

    -- a delivery of one message; body: what its feed says
    local function job(port, body)
      local rows, given = {}, false
      local feed = { body = body, rewind = function() return "rewound" end }
      function feed.next()
        if given then return "no_more" end
        given = true
        return "message", { sender = "a@contoso.test", size = 7,
                            recipients = { "b@contoso.test" } }
      end
      function feed.result(op) rows[#rows + 1] = op.row end
      local delivery = assert(core.delivery {
        destination = "127.0.0.1", pinned = true, port = port,
        hostname = "client.example", level = "off",
      })
      return { delivery = delivery, feed = feed }, rows
    end

    it("waits when its feed says later", function()
      local server = servers.aiosmtpd { tls = false }
      local j, rows = job(server.port, function() return "body", "hello\r\n", true end)
      local following, asked, time = j.feed.next, 0, core.now() + 0.05
      function j.feed.next()
        asked = asked + 1
        if asked == 1 then return "later", time end
        time = core.now() - time
        j.feed.next = following
        return following()
      end
      loops.within(name, function() assert(pick(name).run { j }) end)
      assert.equal("delivered", rows[1].outcome)
      assert.equal(2, asked)
      assert.is_true(time >= 0 and time < 5)
    end)

    it("closes its sockets when a feed raises", function()
      local server = servers.dialog({ dialog.parse(drive.scenarios.delivered) },
                                    { tls = false })
      local jobs = { (job(server.port, function() error("a bug", 0) end)) }
      assert.has_error(function() pick(name).run(jobs) end, "a bug")
      jobs = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      local complaint = server:sessions(1)[1].complaint
      assert.truthy(complaint == "the client closed"
                    or complaint:find "reset", complaint)
    end)
  end)
end

for _, name in ipairs(loops.shared) do
  describe("in the loop of " .. name, function()
    after_each(servers.stop_all)

    it("twenty sends are under way at once, and others go on", function()
      local server = servers.aiosmtpd { tls = false, delay = 0.1 }
      local m = mailers.to(server.port, { driver = name })
      local list, left, ticks = {}, 20, 0
      for i = 1, 20 do
        list[i] = function()
          local report, why = m:send(mailers.alert())
          left = left - 1
          return report and report[1].outcome or why
        end
      end
      list[21] = function()
        while left > 0 do
          loops.sleep(name, 0.005)
          ticks = ticks + 1
        end
        return "ticked"
      end
      local gave = loops.within(name, unpack(list))
      for i = 1, 20 do assert.equal("delivered", gave[i]) end
      assert.equal(20, ehlos_before_quit(server))
      assert.is_true(ticks > 20)
    end)

    it("a body may wait in the loop's own way", function()
      local server = servers.aiosmtpd {}
      local line = ("x"):rep(70) .. "\r\n"
      local raw = "From: a@contoso.test\r\nTo: b@example.test\r\n\r\n"
                  .. line:rep(200)
      for _, tls in ipairs { "off", "required" } do
        local m, at = mailers.to(server.port, { driver = name, tls = tls }), 0
        local body = { size = #raw, rewind = function() at = 0 end }
        function body.read()
          loops.sleep(name, 0.001)
          at = at + 1
          local piece = raw:sub(at * 999 - 998, at * 999)
          return piece ~= "" and piece or nil
        end
        local gave = loops.within(name, function()
          local report, why = m:send { raw = body }
          return report and report[1].outcome or why
        end)
        assert.equal("delivered", gave[1])
        assert.equal(raw, table.remove(server:messages()).raw)
      end
    end)

    it("deadlines are held while a host is silent", function()
      local server = servers.dialog({ dialog.parse(drive.scenarios.silent) },
                                    { tls = false })
      local m = mailers.to(server.port, { driver = name,
                                          timeout = { command = 0.1 } })
      local gave = loops.within(name, function()
        return select(2, m:send(mailers.alert()))
      end)
      assert.matches("deferred at EHLO", gave[1])
      assert.matches("within 100 ms", gave[1])
    end)
  end)
end
