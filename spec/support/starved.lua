-- One send in memory, over and over, with the n-th allocation failing: run by
-- allocation_spec in a process of its own, where the core and the doors into
-- it are one shared object and so have one allocation hook.
--
--   starved.lua SCENARIO [CERTIFICATE KEY]
--
-- Prints "<n> <messages the host took>" for each n until nothing fails any
-- more; raises on what must not be.

local scenario, cert, key = arg[1], arg[2], arg[3]

local core = require "support.starve".open "core"

local directsend = require "directsend"
local dns = require "support.dnspacket"
local hook = require("directsend.test").util
local smtp_peer = require "support.smtp_peer"
require "support.traversal"

-- a name server and a mail host as the sockets of a driver
local peer
local conn = {}
conn.__index = conn

function conn:send(data)
  if self.udp then
    local name = data:find("\2mx", 13, true) and "A" or "MX"
    self.out = dns.reply(data, { answer = { name == "A" and dns.a("mx.contoso.test", "9.0.0.1")
                                            or dns.mx("contoso.test", 10, "mx.contoso.test") } })
  else
    peer:take(data)
  end
  return #data
end

function conn:receive()
  local from = self.udp and self or peer
  local data = from.out
  if data == "" and not peer.closed then return nil, "timeout" end
  from.out = ""
  return data
end

function conn:close()
  self.closed = true
end

local driver = {
  capabilities = { race = false, peek = false, duplex = false, udp = true, bind = false, max_chunk = 16384 },
  now = core.now,
  connect = function(op)
    return setmetatable({ udp = not op.tcp, out = "", local_ip = "9.9.9.9", peer_ip = op.ip }, conn)
  end,
}

local file = os.tmpname()
local handle = io.open(file, "w")
handle:write(("attached\n"):rep(500))
handle:close()

local scenarios = {
  plain = { tls = "off", message = { text = "hello" } },
  message = { tls = "off", message = { text = "Größe – " .. ("x"):rep(2000), html = "<p>hello</p>", subject = ("ü"):rep(80),
              inline = { logo = { data = "PNG", name = "l.png" } }, attach = { file, { data = "\0\1\2", name = "naïve.bin" } },
              headers = { { "X-Test", "value" } }, bcc = "c@contoso.test" } },
  starttls = { tls = "required", message = { text = "hello" } },
}

local function once(s)
  peer = smtp_peer.new{ tls = cert and { cert = cert, key = key } or nil }
  local mailer = assert(directsend.new{ from = "a@contoso.test", hostname = "c.example", driver = driver, tls = s.tls,
                                        dns = { servers = { "9.1.1.1" } } })
  local m = { to = "b@contoso.test", subject = "s" }
  for k, v in pairs(s.message) do m[k] = v end
  local report, why, detail = mailer:send(m)
  mailer:close()
  assert(report or type(why) == "string" and type(detail) == "table")
  return report or detail.report
end

local function outcome_of(rows)
  if not rows then return "nothing" end
  local outcome
  for i, row in ipairs(rows) do
    assert(i == 1 or scenario == "message", "more rows than recipients")
    outcome = outcome or row.outcome
  end
  return assert(outcome, "a report without rows")
end

local s = scenarios[scenario]
assert(outcome_of(once(s)) == "delivered") -- loads what is loaded but once
peer = nil
local base = hook.live()

-- what became of the n-th try; whether an allocation did fail
local function try(n)
  hook.fail_at(n)
  local before = hook.allocations()
  local ok, rows = pcall(once, s)
  local failed = hook.allocations() - before >= n
  hook.fail_at(0)
  if not ok then assert(tostring(rows):find("memory", 1, true), rows) end
  return ok and outcome_of(rows) or "nothing", failed
end

for n = 1, 5000 do
  local outcome, failed = try(n)
  local taken = #peer.bodies
  assert(outcome ~= "delivered" or taken == 1, "delivered, but the host has nothing")
  assert(outcome == "delivered" or outcome == "unknown" or taken == 0,
         "the host has it, but it is said to be " .. outcome)
  peer = nil
  local live = hook.live()
  assert(live == base, ("%d: %d blocks are left"):format(n, live - base))
  io.write(n, " ", outcome, "\n")
  if not failed then
    os.remove(file)
    os.exit(0, true)
  end
end
error "it never ends"
