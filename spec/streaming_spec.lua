-- Bodies on their way: read piece by piece while they are sent, in every kind
-- of driver, and never held.

local directsend = require "directsend"
local dns = require "support.dnspacket"
local mailers = require "support.mailers"
local process = require "support.process"
local reader = require "support.reader"
local servers = require "support.servers"
local smtp_peer = require "support.smtp_peer"

local alert, to = mailers.alert, mailers.to

local head = "From: a@contoso.test\r\nTo: b@example.test\r\nSubject: x\r\n\r\n"
local message = head .. ("Gr\195\188\195\159e\r\n.\r\n..dots\r\n"):rep(6000)

local function raw_of(r, lone)
  return { raw = reader.part(r, lone), envelope = { sender = "a@contoso.test", recipients = "b@example.test" } }
end

-- f in a coroutine, to its end: what it returned, and how often it yielded
local function driven(f)
  local yields, co = 0, coroutine.create(f)
  while true do
    local got = { coroutine.resume(co) }
    assert(got[1], got[2])
    if coroutine.status(co) == "dead" then return got[2], yields, got[3], got[4] end
    assert.equal("reading", got[2])
    yields = yields + 1
  end
end

-- ------------------------------------------------- a driver's own sockets

-- name servers and mail hosts in memory; hosts[ip] is a peer
local function memory(hosts)
  local clock = 0
  local conn = {}
  conn.__index = conn
  local function resolve(query)
    local n = query:match("\3mx([12])", 13)
    if n then return dns.reply(query, { answer = { dns.a("mx" .. n .. ".example.test", "9.0.0." .. n) } }) end
    return dns.reply(query, { answer = { dns.mx("example.test", 10, "mx1.example.test"),
                                         dns.mx("example.test", 20, "mx2.example.test") } })
  end
  function conn:send(data)
    if not self.peer then
      self.out = resolve(data)
      return #data
    end
    if self.peer.breaks and self.peer.taken > self.peer.breaks then return nil, "reset" end
    self.peer.taken = self.peer.taken + #data
    self.peer:take(data)
    return #data
  end
  function conn:receive()
    local from = self.peer or self
    local data = from.out
    if data == "" and not from.closed then return nil, "timeout" end
    from.out = ""
    return data
  end
  function conn.close() end
  return {
    capabilities = { race = false, peek = false, duplex = false, udp = true, bind = false, max_chunk = 16384 },
    now = function()
      clock = clock + 0.001
      return clock
    end,
    connect = function(op)
      return setmetatable({ peer = op.tcp and hosts[op.ip], out = "", local_ip = "9.9.9.9", peer_ip = op.ip }, conn)
    end,
  }
end

-- what the peer got, without the dots that were stuffed
local function body_of(peer)
  return (peer.bodies[1]:gsub("\r\n%.%.", "\r\n."))
end

local function host(t)
  local peer = smtp_peer.new { replies = { EHLO = "250-mx.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n" } }
  peer.taken, peer.breaks = 0, t and t.breaks
  return peer
end

describe("a body that is read while it is sent", function()
  after_each(servers.stop_all)

  for _, lone in ipairs { false, true } do
    it("arrives whole over the native loop, its reader yielding" .. (lone and ", spooled" or ""), function()
      local server = servers.aiosmtpd { tls = false }
      local r = reader.of(message, 1000, true)
      local rows, yields = driven(function() return to(server.port):send(raw_of(r, lone)) end)
      assert.is_true(rows.ok)
      assert.equal(r.reads, yields)
      assert.is_true(yields > #message / 1000)
      assert.equal(message, server:messages()[1].raw)
      assert.equal(lone and 0 or 1, r.rewinds)
    end)

    it("arrives whole over sockets a caller brings" .. (lone and ", spooled" or ""), function()
      local peer = host()
      local mailer = assert(directsend.new { hostname = "c.example", tls = "off", driver = memory { ["9.0.0.1"] = peer },
                                             dns = { servers = "9.1.1.1" } })
      local r = reader.of(message, 1000, true)
      local rows, yields = driven(function() return mailer:send(raw_of(r, lone)) end)
      assert.is_true(rows.ok)
      assert.equal(r.reads, yields)
      assert.equal(message, body_of(peer))
    end)
  end

  it("begins again at the next host", function()
    local one, two = host { breaks = 50000 }, host()
    local mailer = assert(directsend.new { hostname = "c.example", tls = "off", dns = { servers = "9.1.1.1" },
                                           driver = memory { ["9.0.0.1"] = one, ["9.0.0.2"] = two } })
    local r = reader.of(message, 1000)
    local rows = assert(mailer:send(raw_of(r)))
    assert.equal("mx2.example.test", rows[1].host)
    assert.equal(message, body_of(two))
    assert.equal(2, r.rewinds)
    assert.equal(0, #one.bodies)
  end)

  it("goes to several destinations, read once for all", function()
    local one, two = servers.aiosmtpd { tls = false }, servers.aiosmtpd { tls = false }
    local r = reader.of(message, 1000)
    local t = raw_of(r)
    t.envelope.recipients = { "b@one.test", "c@two.test" }
    local rows = assert(to(0, { route = { ["one.test"] = "127.0.0.1:" .. one.port,
                                          ["two.test"] = "127.0.0.1:" .. two.port } }):send(t))
    assert.is_true(rows.ok)
    assert.equal(message, one:messages()[1].raw)
    assert.equal(message, two:messages()[1].raw)
    assert.equal(1, r.rewinds)
  end)

  it("that breaks off is no mail", function()
    local server = servers.aiosmtpd { tls = false }
    local r = reader.of(message, 1000)
    local reads = 0
    local t = alert { attach = { { size = #message, rewind = r.rewind, read = function()
      reads = reads + 1
      if reads > 20 then return nil, "the tape tore" end
      return r.read()
    end } } }
    local rows, why, detail = to(server.port):send(t)
    assert.is_nil(rows)
    assert.equal("deferred", detail.report[1].outcome)
    assert.equal("local", detail.kind)
    assert.truthy(why:find("attach[1]: read: the tape tore", 1, true), why)
    assert.equal(0, #server:messages())
  end)

  it("is as large as it said, or no mail", function()
    local server = servers.aiosmtpd { tls = false }
    for _, told in ipairs { #message - 1, #message + 1 } do
      local r = reader.of(message, 1000)
      local rows, why = to(server.port):send(alert { attach = { { size = told, rewind = r.rewind, read = r.read } } })
      assert.is_nil(rows)
      assert.truthy(why:find "while it was read", why)
    end
    assert.equal(0, #server:messages())
  end)

  it("may be a message in a message", function()
    local server = servers.aiosmtpd { tls = false }
    local r = reader.of("x\r\n" .. ("y"):rep(50000), 1000, true)
    local inner = { from = "x@example.com", attach = { reader.part(r, false, { name = "y.bin" }) } }
    local rows, yields = driven(function()
      return to(server.port):send(alert { attach = { { message = inner } } })
    end)
    assert.is_true(rows.ok)
    assert.equal(r.reads, yields)
    assert.equal(rows.bytes, #server:messages()[1].raw)
  end)
end)

describe("a large body", function()
  after_each(servers.stop_all)

  local mega = 1048576
  -- KiB; a sanitizer has memory of its own for each allocation
  local most = os.getenv "ASAN_OPTIONS" and 3072 or 2048

  -- how many KiB more a message with so large a part takes
  local function growth(kind, size, file)
    local sink = servers.smtp_sink { discard = true }
    local text, ok = process.run("spec/support/heavy.lua",
      { env = 'ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=0"' }, sink.port, kind, size, file)
    assert.is_true(ok, text)
    return tonumber(text)
  end

  it("of 1 GiB goes out with less than 2 MiB more memory", function()
    local name = os.tmpname()
    for path, size in pairs { [name] = 1024 * mega, [name .. ".small"] = 1000 } do
      local file = assert(io.open(path, "wb"))
      file:seek("set", size - 1)
      file:write "\0"
      file:close()
    end
    local more = growth("file", 1024 * mega, name)
    os.remove(name)
    os.remove(name .. ".small")
    assert.is_true(more < most, more .. " KiB")
  end)

  for _, kind in ipairs { "read", "raw", "spool" } do
    it("takes no more when a function gives it: " .. kind, function()
      local more = growth(kind, 64 * mega)
      assert.is_true(more < most, more .. " KiB")
    end)
  end
end)
