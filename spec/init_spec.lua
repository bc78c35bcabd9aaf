local directsend = require "directsend"
local core = require "directsend.core"
local mailers = require "support.mailers"
local process = require "support.process"
local servers = require "support.servers"

local alert, to = mailers.alert, mailers.to

local function column(rows, key)
  local out = {}
  for i, row in ipairs(rows) do out[i] = row[key] end
  return out
end

describe("directsend", function()
  after_each(servers.stop_all)

  it("says its version", function()
    assert.equal("directsend " .. core.version, directsend._VERSION)
  end)

  describe("a mailer", function()
    it("delivers and reports", function()
      local server = servers.aiosmtpd {}
      local rows = assert(to(server.port, { tls = "required" }):send(alert()))
      local m = server:messages()[1]
      assert.is_true(rows.ok)
      assert.equal(1, #rows)
      assert.equal(#m.raw, rows.bytes)
      assert.truthy(m.raw:find(rows.message_id, 1, true))
      local row = rows[1]
      assert.equal("b@example.test", row.address)
      assert.equal("delivered", row.outcome)
      assert.equal(250, row.code)
      assert.equal("127.0.0.1:" .. server.port, row.route)
      assert.equal("encrypted", row.tls.level)
      assert.equal(m.tls, row.tls.version)
      assert.equal("config", row.tls.policy)
      assert.is_nil(row.tag)
      assert.is_nil(row.recipient)
    end)

    it("goes the whole way: MX, address, STARTTLS, delivery", function()
      local nsd = servers.nsd { ["example.test"] = "@ MX 10 mx1\n"
                                .. "@ MX 20 mx2\nmx1 A 127.0.0.9\n"
                                .. "mx2 A 127.0.0.1" }
      local server = servers.aiosmtpd {}
      local mailer = to(0 + server.port, {
        route = "mx", tls = "opportunistic", allow_private = true,
        port = server.port, dns = { servers = "127.0.0.1:" .. nsd.port },
      })
      local rows = assert(mailer:send(alert()))
      assert.equal("mx2.example.test", rows[1].host) -- nobody is at mx1
      assert.equal("mx", rows[1].route)
      assert.equal("encrypted", rows[1].tls.level)
    end)

    it("gives rows in the caller's order, whatever came first", function()
      local one = servers.aiosmtpd { tls = false, delay = 0.05 }
      local two = servers.aiosmtpd { tls = false, replies = {
        rcpt = { ["d@two.test"] = "550 5.1.1 no such user" } } }
      local mailer = to(0, { route = {
        ["one.test"] = "127.0.0.1:" .. one.port,
        ["two.test"] = "127.0.0.1:" .. two.port,
      } })
      local rows = assert(mailer:send(alert {
        to = { "a@one.test", "b@two.test", "c@ONE.test", "d@two.test",
               "b@two.test", "e@three.test" } }))
      assert.same({ "a@one.test", "b@two.test", "c@ONE.test", "d@two.test",
                    "e@three.test" }, column(rows, "address"))
      assert.same({ "delivered", "delivered", "delivered", "failed", "failed" },
                  column(rows, "outcome"))
      assert.equal("policy", rows[5].kind)
      assert.is_false(rows.ok)
      assert.same({ "a@one.test", "c@ONE.test" }, one:messages()[1].recipients)
      assert.equal(1, #one:messages())
    end)

    it("puts the recipients of a pinned endpoint in one delivery", function()
      local server = servers.aiosmtpd { tls = false }
      local mailer = to(0, { route = {
        ["one.test"] = "127.0.0.1:" .. server.port,
        ["two.test"] = { host = "127.0.0.1", port = server.port } } })
      assert(mailer:send(alert { to = { "a@one.test", "b@two.test" } }))
      assert.equal(1, #server:messages())
      assert.same({ "a@one.test", "b@two.test" },
                  server:messages()[1].recipients)
    end)

    it("says RCPT at most a hundred times a transaction", function()
      local server = servers.aiosmtpd { tls = false,
                                        extensions = { "PIPELINING" } }
      local list = {}
      for i = 1, 205 do list[i] = ("u%d@example.test"):format(i) end
      local rows = assert(to(server.port):send(alert { to = list }))
      assert.same(list, column(rows, "address"))
      assert.is_true(rows.ok)
      local sizes, all = {}, {}
      for i, m in ipairs(server:messages()) do
        sizes[i] = #m.recipients
        for _, r in ipairs(m.recipients) do all[#all + 1] = r end
        assert.equal(server:messages()[1].raw, m.raw)
      end
      assert.same({ 100, 100, 5 }, sizes)
      assert.same(list, all)
    end)

    it("tells of nobody delivered as nil, message, detail", function()
      local server = servers.aiosmtpd { tls = false, replies = {
        rcpt = "550 5.1.1 no such user" } }
      local rows, why, detail = to(server.port):send(alert())
      assert.is_nil(rows)
      assert.truthy(why:find("b@example.test: refused by 127.0.0.1 at RCPT: "
                             .. "550 5.1.1 no such user", 1, true), why)
      assert.equal("reply", detail.kind)
      assert.equal("rcpt", detail.stage)
      assert.equal(550, detail.code)
      assert.equal("5.1.1", detail.enhanced)
      assert.is_false(detail.temporary)
      assert.equal("failed", detail.report[1].outcome)
    end)

    it("takes some delivered for a report, unless all are asked for", function()
      local server = servers.aiosmtpd { tls = false, replies = {
        rcpt = { ["c@example.test"] = "450 4.2.1 later" } } }
      local both = { "b@example.test", "c@example.test" }
      local rows = assert(to(server.port):send(alert { to = both }))
      assert.is_false(rows.ok)
      local none, _, detail = to(server.port):send(alert { to = both,
                                                           all = true })
      assert.is_nil(none)
      assert.is_true(detail.temporary)
      assert.same({ "delivered", "deferred" },
                  column(detail.report, "outcome"))
    end)

    it("says unknown when the last reply does not come", function()
      local server = servers.aiosmtpd { tls = false,
                                        replies = { ["."] = "" } }
      local _, why, detail = to(server.port):send(alert())
      assert.equal("unknown", detail.report[1].outcome)
      assert.truthy(why:find("deliver it twice", 1, true))
    end)

    it("never speaks in clear where TLS is required", function()
      local server = servers.aiosmtpd { tls = false }
      local _, _, detail = to(server.port, { tls = "required" }):send(alert())
      assert.equal("deferred", detail.report[1].outcome)
      assert.equal("tls", detail.kind)
      for _, c in ipairs(server:commands()) do
        assert.falsy(c.line:find "^MAIL")
      end
    end)

    it("verifies against the authority it is given", function()
      local server = servers.aiosmtpd {
        certificate = servers.certificates():host("mx1.example.test",
                                                  { ip = "127.0.0.1" }) }
      local ca = servers.certificates()
      for _, trust in ipairs { { ca_file = ca.ca_file },
                               { ca_path = ca.ca_path } } do
        trust.tls = "verified"
        local rows = assert(to(server.port, trust):send(alert()))
        assert.equal("verified", rows[1].tls.level)
      end
      local _, _, detail = to(server.port, { tls = "verified",
        ca_file = "/nonexistent/ca.pem" }):send(alert())
      assert.equal("deferred", detail.report[1].outcome)
      assert.equal("tls", detail.kind)
    end)

    it("gives a pinned route a level of its own", function()
      local server = servers.aiosmtpd {}
      local mailer = to(0, { route = { ["*"] = {
        host = "127.0.0.1", port = server.port, tls = "required" } } })
      local rows = assert(mailer:send(alert()))
      assert.equal("encrypted", rows[1].tls.level)
      assert.equal("config", rows[1].tls.policy)
    end)

    it("asks OpenSSL only when TLS begins, and survives its absence", function()
      local server = servers.aiosmtpd {}
      local loaded, preload = package.loaded["directsend.tls"], nil
      package.loaded["directsend.tls"] = nil
      package.preload["directsend.tls"] = function()
        error("built for OpenSSL 9, this is OpenSSL 3", 0)
      end
      local clear = to(server.port):send(alert())
      local _, why = to(server.port, { tls = "required" }):send(alert())
      package.preload["directsend.tls"] = preload
      package.loaded["directsend.tls"] = loaded
      assert.is_true(clear.ok)
      assert.truthy(why:find("built for OpenSSL 9", 1, true), why)
    end)

    it("is closed once and for all", function()
      local mailer = to(1)
      assert.is_true(mailer:close())
      assert.is_true(mailer:close())
      assert.has_error(function() mailer:send(alert()) end,
                       "directsend: this mailer is closed")
      local other = to(1)
      getmetatable(other).__close(other)
      assert.has_error(function() other:send(alert()) end)
    end)

    local function descriptors()
      local name = os.tmpname() -- a pipe would be counted, or half of it
      os.execute("ls /proc/$PPID/fd | wc -l >" .. name)
      local file = io.open(name)
      local n = tonumber(file:read "*a")
      file:close()
      os.remove(name)
      return n
    end

    it("does not grow", function()
      local server = servers.aiosmtpd {}
      local mailer = to(server.port, { tls = "required" })
      local function used()
        collectgarbage()
        collectgarbage()
        return collectgarbage "count", descriptors()
      end
      for _ = 1, 5 do assert(mailer:send(alert())) end
      local memory, open = used()
      for _ = 1, 40 do assert(mailer:send(alert())) end
      local memory_now, open_now = used()
      assert.equal(open, open_now)
      assert.is_true(memory_now - memory < 64) -- a kilobyte or two a send is a leak
    end)

    it("gives back sockets and files without waiting for the collector", function()
      local server = servers.aiosmtpd { tls = false }
      local mailer = to(server.port)
      local file = os.tmpname()
      collectgarbage()
      collectgarbage()
      collectgarbage "stop"
      local before = descriptors()
      for _ = 1, 5 do assert(mailer:send(alert { attach = { file } })) end
      local several = to(1, { route = {
        ["one.test"] = "127.0.0.1:" .. server.port,
        ["two.test"] = "127.0.0.1:1" } })
      several:send(alert { to = { "a@one.test", "b@two.test" },
                           text = ("0123456789abcde\n"):rep(70000) })
      assert.is_nil((mailer:send(alert { attach = { file, "/nonexistent" } })))
      local after = descriptors()
      collectgarbage "restart"
      os.remove(file)
      assert.equal(before, after)
    end)

    it("leaves open a message it did not make", function()
      local server = servers.aiosmtpd { tls = false }
      local mailer, m = to(server.port), assert(directsend.message(alert()))
      local first = assert(mailer:send(m))
      local second = assert(mailer:send(m))
      assert.equal(first.message_id, second.message_id)
      assert.equal(server:messages()[1].raw, server:messages()[2].raw)
      assert.equal(m:tostring(), server:messages()[2].raw)
    end)
  end)

  describe("the guard", function()
    local function outcome(config, message)
      local mailer = to(1, config)
      mailer.carry = function() error "a delivery" end
      local _, why, detail = mailer:send(alert(message))
      return detail, why
    end

    it("refuses recipients outside accepted_domains", function()
      local detail, why = outcome({ accepted_domains = "contoso.test" })
      assert.equal("policy", detail.kind)
      assert.equal("failed", detail.report[1].outcome)
      assert.truthy(why:find("example.test is not among", 1, true))
    end)

    it("refuses senders outside it", function()
      local detail, why = outcome({ accepted_domains = "example.test" })
      assert.equal("policy", detail.kind)
      assert.truthy(why:find("sender's domain contoso.test", 1, true))
    end)

    it("lets through whom the route table names", function()
      local mailer = to(1, { accepted_domains = "contoso.test",
                             transport = "null",
                             route = { ["example.test"] = "mx" } })
      assert.is_true(assert(mailer:send(alert())).ok)
    end)

    it("refuses domains no route leads to", function()
      local detail = outcome({ route = { ["contoso.test"] = "mx" } })
      assert.equal("policy", detail.kind)
      assert.is_false(detail.temporary)
    end)

    it("refuses address literals as misuse, unless they are allowed", function()
      local detail = outcome({}, { to = "b@[127.0.0.1]" })
      assert.equal("usage", detail.kind)
      assert.equal("to", detail.field)
      local mailer = to(1, { allow_literals = true, route = "mx" })
      local _, _, private = mailer:send(alert { to = "b@[127.0.0.1]" })
      assert.equal("policy", private.kind)
      assert.equal("failed", private.report[1].outcome)
    end)

    it("delivers to a literal that may be private", function()
      local server = servers.aiosmtpd { tls = false }
      local mailer = to(1, { allow_literals = true, route = "mx",
                             allow_private = { "127.0.0.0/8" },
                             port = server.port })
      assert.is_true(assert(mailer:send(alert { to = "b@[127.0.0.1]" })).ok)
    end)
  end)

  it("takes any driver that has what it must", function()
    local drive = require "support.drive"
    local memory = drive.memory({ steps = { { side = "S", lines = {
      { text = "554 5.7.1 not you\r\n" } } } } }, 3)
    local _, _, detail = to(1, { driver = memory }):send(alert())
    assert.equal(554, detail.code)
    assert.equal("greeting", detail.stage)
  end)

  it("loads few lines of code for one alert, and no TLS", function()
    local script = os.tmpname()
    local file = assert(io.open(script, "w"))
    file:write [[
      local before = {}
      for name in pairs(package.loaded) do before[name] = true end
      local core = require "directsend.core"
      core.resolv_conf = function()
        return { servers = { "127.0.0.1:1" }, timeout = 1, attempts = 1 }
      end
      local report, why, detail = require "directsend".send {
        from = "a@contoso.test", to = "b@example.test", subject = "s",
        text = "hello" }
      assert(detail.kind == "dns", why)
      local lines = 0
      for name in pairs(package.loaded) do
        if not before[name] then
          for path in package.path:gmatch "[^;]+" do
            local file = io.open((path:gsub("%?", (name:gsub("%.", "/")))))
            if file then
              for line in file:lines() do
                if line:find "^%s*[^%s-]" then lines = lines + 1 end
              end
              file:close()
              break
            end
          end
        end
      end
      print(lines, package.loaded["directsend.tls"])
    ]]
    file:close()
    local text, ok = process.run(script,
      { env = "HOME=/nonexistent DIRECTSEND_CONFIG=" })
    os.remove(script)
    assert.is_true(ok, text)
    local lines, tls = text:match "^(%d+)%s+(%a+)"
    assert.is_true(tonumber(lines) <= 800, lines .. " lines")
    assert.is_true(tonumber(lines) > 300)
    assert.equal("nil", tls)
  end)
end)
