local core = require "directsend.core"
local dialog = require "support.dialog"
local drive = require "support.drive"
local native = require "directsend.driver.native"
local servers = require "support.servers"

local message = "Subject: s\r\n\r\nhello\r\n"

local function job(port, rows, t)
  local config = { destination = "127.0.0.1", pinned = true, port = port,
                   hostname = "client.example", level = "off",
                   timeout = { connect = 5, greeting = 20, command = 20,
                               data = 20, body = 20, final = 20, total = 60 } }
  for k, v in pairs(t or {}) do config[k] = v end
  local given = false
  return {
    delivery = assert(core.delivery(config)),
    feed = {
      next = function()
        if given then return "no_more" end
        given = true
        return "message", { sender = "a@contoso.test", size = #message,
                            recipients = { "b@contoso.test" } }
      end,
      body = function(op)
        local data = message:sub(op.offset + 1, op.offset + op.max)
        return "body", data, op.offset + #data >= #message
      end,
      rewind = function() return "rewound" end,
      result = function(op) rows[#rows + 1] = op.row end,
    },
  }
end

describe("the native driver", function()
  after_each(servers.stop_all)

  it("says what it can do", function()
    assert.equal("native", native.name)
    assert.is_true(native.capabilities.udp)
    assert.equal("number", type(native.capabilities.max_chunk))
  end)

  it("has nothing to do for no delivery", function()
    assert.is_true(native.run {})
  end)

  it("carries many deliveries at once", function()
    local server = servers.aiosmtpd { tls = false, delay = 0.2 }
    local jobs, rows = {}, {}
    for i = 1, 20 do jobs[i] = job(server.port, rows) end
    assert.is_true(native.run(jobs))
    assert.equal(20, #rows)
    for _, row in ipairs(rows) do assert.equal("delivered", row.outcome) end
    -- the last one came before the first one went
    local last, first
    for i, c in ipairs(server:commands()) do
      if c.line:find "^EHLO" then last = i end
      if c.line:find "^QUIT" then first = first or i end
    end
    assert.is_true(not first or last < first)
  end)

  it("lets one that fails be no concern of the others", function()
    local server = servers.aiosmtpd { tls = false }
    local gone = servers.aiosmtpd { tls = false }
    gone:stop()
    local rows = {}
    assert.is_true(native.run { job(gone.port, rows), job(server.port, rows) })
    local outcome = {}
    for _, row in ipairs(rows) do outcome[row.port] = row.outcome end
    assert.same({ [gone.port] = "deferred", [server.port] = "delivered" },
                outcome)
  end)

  it("asks the DNS over UDP", function()
    local server = servers.aiosmtpd { tls = false }
    local nsd = servers.nsd { ["example.test"] = "@ MX 5 mx\nmx A 127.0.0.1" }
    local rows = {}
    assert.is_true(native.run { job(server.port, rows, {
      destination = "example.test", pinned = false, allow_private = true,
      dns = { servers = { "127.0.0.1:" .. nsd.port } },
    }) })
    assert.equal("delivered", rows[1].outcome)
    assert.equal("mx.example.test", rows[1].host)
  end)

  it("goes on after a signal", function()
    local server = servers.aiosmtpd { tls = false, delay = 0.3 }
    os.execute "( sleep 0.1; kill -STOP $PPID; kill -CONT $PPID ) &"
    local rows = {}
    assert.is_true(native.run { job(server.port, rows) })
    assert.equal("delivered", rows[1].outcome)
  end)

  it("says so when there is no event loop to be had", function()
    local loop = core.loop
    core.loop = function() return nil, "no event loop to be had: why" end
    local ok, why, detail = native.run {}
    core.loop = loop
    assert.is_nil(ok)
    assert.equal("no event loop to be had: why", why)
    assert.equal("local", detail.kind)
  end)

  it("closes its sockets when a feed raises", function()
    local d = dialog.parse(drive.scenarios.delivered)
    local server = servers.dialog({ d }, { tls = false })
    local j = job(server.port, {})
    j.feed.body = function() error("a bug", 0) end
    assert.has_error(function() native.run { j } end, "a bug")
    j = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal("the client closed", server:sessions(1)[1].complaint)
  end)
end)
