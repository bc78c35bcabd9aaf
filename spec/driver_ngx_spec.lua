local servers = require "support.servers"

-- what every handler below begins with: send(config, message) tells the rows
-- as "outcome …" lines, or why there are none
local prelude = [[
  local directsend = require "directsend"
  local args = ngx.req.get_uri_args()

  local function message(to)
    return { from = "a@contoso.test", to = to or "b@example.test",
             subject = "s", text = "hello" }
  end

  local function mailer(t)
    t.hostname = t.hostname or "client.example"
    t.route = t.route or ("127.0.0.1:" .. args.port)
    return assert(directsend.new(t))
  end

  local function told(rows, why, detail)
    rows = rows or detail.report
    if not rows then return ("%s %s: %s"):format(detail.kind, detail.field, why) end
    local out = {}
    for i, row in ipairs(rows) do
      out[i] = table.concat({ row.outcome, row.kind or "", row.stage or "",
                              row.tls and row.tls.version or "",
                              row.text or row.reply or "" }, "|")
    end
    return table.concat(out, "\n")
  end
]]

local handlers = {
  ["/send"] = [[
    ngx.print(told(mailer { tls = args.tls, timeout = { total = 20 } }:send(message())))
  ]],
  ["/mx"] = [[
    local m = mailer { route = "mx", port = tonumber(args.port), allow_private = true,
                       dns = { servers = "127.0.0.1:" .. args.dns } }
    ngx.print(told(m:send(message { "b@one.test", "c@two.test" })))
  ]],
  ["/source"] = [[
    local m = mailer { source_address = args.source, tls = "off" }
    m.config.hostname = nil
    ngx.print(told(m:send(message())))
  ]],
  ["/many"] = [[
    local m, threads, answered, left = mailer { tls = "off" }, {}, 0, 50
    local outcomes = {}
    local function one()
      local text = told(m:send(message()))
      outcomes[text:match "^%a+"] = (outcomes[text:match "^%a+"] or 0) + 1
      left = left - 1
    end
    local function ask()
      while left > 0 do
        local sock = ngx.socket.tcp()
        assert(sock:connect("127.0.0.1", ngx.var.server_port))
        assert(sock:send "GET /count HTTP/1.0\r\n\r\n")
        assert(sock:receive "*a")
        sock:close()
        if left > 0 then answered = answered + 1 end
        ngx.sleep(0.02)
      end
    end
    for i = 1, 50 do threads[i] = ngx.thread.spawn(one) end
    threads[51] = ngx.thread.spawn(ask)
    for i = 1, 51 do ngx.thread.wait(threads[i]) end
    ngx.print(outcomes.delivered, " ", answered)
  ]],
  ["/read"] = [[
    local data, at, others = (("x"):rep(70) .. "\r\n"):rep(10), 0, 0
    local head = "From: a@contoso.test\r\nTo: b@example.test\r\n\r\n"
    local t = { rewind = function() at = 0 end, size = #head + 100 * #data }
    function t.read()
      ngx.sleep(0.001) -- what a socket or a database would do
      at = at + 1
      if at <= 101 then return at == 1 and head or data end
    end
    local counting = ngx.thread.spawn(function()
      while others >= 0 do
        others = others + 1
        ngx.sleep(0.001)
      end
    end)
    if args.lone then t.rewind, t.size = nil, nil end
    local text = told(mailer { tls = args.tls }:send { raw = t })
    local seen = others
    others = -1000
    ngx.thread.wait(counting)
    ngx.print(text, " ", seen > 20 and "yielded" or "blocked")
  ]],
  ["/count"] = [[ ngx.print "1" ]],
  ["/pid"] = [[ ngx.print(ngx.worker.pid()) ]],
  ["/driver"] = [[ ngx.print(require "directsend.driver".pick().name) ]],
  ["/raise"] = [[
    local core = require "directsend.core"
    local d = assert(core.delivery { destination = "127.0.0.1", pinned = true,
                                     port = tonumber(args.port) })
    local given = false
    local feed = {}
    function feed.next()
      if given then return "no_more" end
      given = true
      return "message", { sender = "a@contoso.test", recipients = { "b@example.test" }, size = 7 }
    end
    function feed.body() error("a bug", 0) end
    function feed.context() return "failed", "local", "none" end
    function feed.result() end
    local jobs = { { delivery = d, feed = feed } }
    local ok, why = pcall(require "directsend.driver.ngx".run, jobs)
    ngx.print(tostring(ok), " ", why)
  ]],
  ["/timer"] = [[
    local seen = ngx.shared.seen
    assert(ngx.timer.at(0, function()
      seen:set("timer", told(mailer { tls = "off" }:send(message())))
    end))
    while not seen:get "timer" do ngx.sleep(0.01) end
    ngx.print(seen:get "timer")
  ]],
  ["/seen"] = [[
    while not ngx.shared.seen:get(args.phase) do ngx.sleep(0.01) end
    ngx.print(ngx.shared.seen:get(args.phase))
  ]],
}

-- a send in a phase, remembered under the phase's name
local function attempt(phase)
  local code = prelude .. [[
    local text = told(mailer { tls = "off" }:send(message()))
    ngx.shared.seen:set("PHASE", text)
  ]]
  return (code:gsub("PHASE", phase))
end

-- request or not, no socket may be had here
local function attempt_init()
  return [[
    local directsend = require "directsend"
    local m = assert(directsend.new { route = "127.0.0.1:1" })
    local _, why, detail = m:send { from = "a@contoso.test", to = "b@example.test", text = "x" }
    ngx.shared.seen:set("init", detail.kind .. " " .. tostring(detail.field) .. ": " .. why)
  ]]
end

local function locations_of_phases()
  local out = {}
  for _, phase in ipairs { "rewrite", "access", "header_filter", "body_filter", "log" } do
    out[#out + 1] = ("location = /in_%s { %s_by_lua_block {\n%s\n}\n content_by_lua_block { ngx.print 'ok' } }")
                    :format(phase, phase, attempt(phase))
  end
  return table.concat(out, "\n")
end

describe("the ngx driver", function()
  local nginx

  setup(function()
    local locations = {}
    for path, code in pairs(handlers) do locations[path] = prelude .. code end
    nginx = servers.nginx {
      locations = locations, server = locations_of_phases(),
      http = "lua_shared_dict seen 1m;\ninit_by_lua_block {\n" .. attempt_init() .. "\n}",
    }
    nginx.kept = true
  end)

  teardown(function() nginx:stop() end)

  after_each(servers.stop_all)

  local function get(path, ...)
    local text, status = nginx:get(path:format(...))
    assert.equal(200, status, nginx:log())
    return text
  end

  it("is the one inside nginx", function()
    assert.equal("ngx", get "/driver")
  end)

  it("delivers, over TLS too", function()
    local server = servers.aiosmtpd {}
    local text = get("/send?tls=required&port=%d", server.port)
    assert.truthy(text:find "^delivered||final|TLSv1", text)
    assert.equal(1, #server:messages())
  end)

  it("finds hosts by the DNS, and carries two deliveries at once", function()
    local nsd = servers.nsd { ["one.test"] = "@ MX 5 mx\nmx A 127.0.0.1",
                              ["two.test"] = "@ MX 5 mx\nmx A 127.0.0.1" }
    local server = servers.aiosmtpd { tls = false, delay = 0.1 }
    local text = get("/mx?port=%d&dns=%d", server.port, nsd.port)
    local _, delivered = text:gsub("delivered", "")
    assert.equal(2, delivered, text)
    local last, first
    for i, c in ipairs(server:commands()) do
      if c.line:find "^EHLO" then last = i end
      if c.line:find "^QUIT" then first = first or i end
    end
    assert.is_true(last < first)
  end)

  it("reads a body that yields", function()
    local server = servers.aiosmtpd {}
    for _, query in ipairs { "", "&lone=1", "&tls=required" } do
      local text = get("/read?port=%d%s", server.port, query)
      assert.truthy(text:find "^delivered.*yielded$", text)
    end
    for i = 1, 3 do
      assert.equal("From: a@contoso.test\r\nTo: b@example.test\r\n\r\n" .. (("x"):rep(70) .. "\r\n"):rep(1000),
                   server:messages()[i].raw)
    end
  end)

  it("never blocks the worker: fifty sends and other requests at once", function()
    local server = servers.aiosmtpd { tls = false, delay = 0.2 }
    local delivered, answered = get("/many?port=%d", server.port):match "^(%d+) (%d+)$"
    assert.equal("50", delivered)
    assert.is_true(tonumber(answered) > 0)
    local ehlo, quit = 0, 0
    for _, c in ipairs(server:commands()) do
      if c.line:find "^EHLO" and quit == 0 then ehlo = ehlo + 1 end
      if c.line:find "^QUIT" then quit = quit + 1 end
    end
    assert.equal(50, ehlo) -- all had come before the first one went
    assert.equal(50, quit)
  end)

  it("gives its own address in EHLO where it has no name", function()
    local server = servers.aiosmtpd { tls = false }
    assert.truthy(get("/source?port=%d", server.port):find "^delivered")
    assert.truthy(get("/source?port=%d&source=127.0.0.2", server.port):find "^delivered")
    local ehlo = {}
    for i, m in ipairs(server:messages()) do ehlo[i] = m.ehlo end
    assert.same({ "[127.0.0.1]", "[127.0.0.2]" }, ehlo)
  end)

  it("binds to the address it is told, or says why not", function()
    local server = servers.aiosmtpd { tls = false }
    local text = get("/source?port=%d&source=192.0.2.1", server.port)
    assert.truthy(text:find("deferred|local|connect", 1, true), text)
    assert.equal(0, #server:commands())
  end)

  for _, phase in ipairs { "rewrite", "access" } do
    it("works in the " .. phase .. " phase", function()
      local server = servers.aiosmtpd { tls = false }
      assert.equal("ok", get("/in_%s?port=%d", phase, server.port))
      assert.truthy(get("/seen?phase=" .. phase):find "^delivered")
    end)
  end

  it("works in a timer", function()
    local server = servers.aiosmtpd { tls = false }
    assert.truthy(get("/timer?port=%d", server.port):find "^delivered")
  end)

  for _, phase in ipairs { "header_filter", "body_filter", "log" } do
    it("says what to do in the " .. phase .. " phase", function()
      assert.equal("ok", get("/in_%s?port=1", phase))
      local text = get("/seen?phase=" .. phase)
      assert.truthy(text:find("^usage driver: .*" .. phase .. ".*timer"), text)
    end)
  end

  it("says so while nginx starts, too", function()
    assert.truthy(get("/seen?phase=init"):find "^usage driver: .*init.*timer")
  end)

  it("hands on what a feed raises", function()
    local server = servers.aiosmtpd { tls = false }
    assert.equal("false a bug", get("/raise?port=%d", server.port))
  end)

  it("closes every socket, and touches none that is closed", function()
    local function descriptors()
      local pipe = io.popen("ls /proc/" .. get "/pid" .. "/fd | wc -l")
      local n = tonumber(pipe:read "*a")
      pipe:close()
      return n
    end
    local before = descriptors()
    local gone = servers.aiosmtpd { tls = false }
    gone:stop()
    assert.truthy(get("/send?port=%d", gone.port):find "^deferred|connect|connect")
    for verb, reply in pairs { connect = "", ehlo = "", mail = "421 4.3.2 bye", data = "", ["."] = "" } do
      local server = servers.aiosmtpd { tls = false, replies = { [verb] = reply } }
      assert.falsy(get("/send?port=%d", server.port):find "^delivered")
      server:stop()
    end
    local server = servers.aiosmtpd {}
    get("/raise?port=%d", server.port)
    get("/send?port=%d", server.port)
    local now = descriptors()
    for _ = 1, 100 do -- nginx may not have seen yet that a client left
      if now == before then break end
      os.execute "sleep 0.05"
      now = descriptors()
    end
    assert.equal(before, now)
    assert.falsy(nginx:log():find("attempt to", 1, true), nginx:log())
    assert.falsy(nginx:log():find("[alert]", 1, true))
  end)
end)
