-- Two deliveries of many messages in memory, the second over the session the
-- first has kept, over and over with the n-th allocation failing: run by
-- allocation_spec in a process of its own (see starved.lua).
--
-- Prints "<n> <outcome>" for each n until nothing fails any more; the outcome
-- is that of the messages that fared worst.

require "support.starve".open "core"

local hook = require("directsend.test").util
local world = require "support.world"
require "support.traversal"

local function letters(turn)
  local list = {}
  for i = 1, 6 do
    local recipients = {}
    for k = 1, i == 2 and 5 or 1 do recipients[k] = ("r%d@contoso.test"):format(k) end
    list[i] = { body = ("Subject: %d.%d\r\n\r\n%s\r\n"):format(turn, i, ("x"):rep(60)), recipients = recipients,
                dsn = { notify = { "failure" }, envid = "e" .. i } }
  end
  return list
end

local config = { destination = "contoso.test", hostname = "c.example", can = { "recall", "admit", "keep", "race" }, ip = "race", recipients = 2,
                 keep = { idle = 10 }, auth = { user = "me", password = "secret", clear = true }, trace = true }

local ranks = { delivered = 1, deferred = 2, unknown = 3, nothing = 4, failed = 5 }

-- "delivered" means that this host has it
local function judge(rows, mx, turn, worst)
  for _, r in ipairs(rows) do
    local head = ("Subject: %d.%d\r\n"):format(turn, r.tag)
    local taken = false
    for _, got in ipairs(mx.received) do
      for _, address in ipairs(got.recipients) do
        taken = taken or got.body:find(head, 1, true) and address == ("r%d@contoso.test"):format(r.recipient)
      end
    end
    assert(r.outcome ~= "delivered" or taken, "delivered, but the host has nothing")
    assert(r.outcome == "delivered" or r.outcome == "unknown" or not taken, "the host has it, but it is said to be " .. r.outcome)
    if ranks[r.outcome] > ranks[worst] then worst = r.outcome end
  end
  return worst
end

local function once()
  local mx = world.smtp{ EHLO = "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-DSN\r\n250 AUTH PLAIN", AUTH = "235 ok" }
  local w = world.new{ zone = { ["contoso.test"] = { MX = { { 1, "mx.contoso.test" } } },
                                ["mx.contoso.test"] = { A = { "9.0.0.1" }, AAAA = { "2600::1" } } }, hosts = { ["9.0.0.1"] = mx } }
  local worst = "delivered"
  for turn = 1, 2 do
    local ok, rows = pcall(w.deliver, w, config, letters(turn))
    if not ok then
      assert(tostring(rows):find("memory", 1, true), rows)
      worst = "nothing"
    else
      assert(#rows == 10, #rows .. " rows")
      worst = judge(rows, mx, turn, worst)
    end
    if w.delivery then w.delivery:close() end
  end
  for _, k in ipairs(w.kept) do k.session:close() end
  return worst
end

local function clean()
  collectgarbage()
  collectgarbage()
  return hook.live()
end

assert(once() == "delivered")
local base = clean()

for n = 1, 5000 do
  hook.fail_at(n)
  local before = hook.allocations()
  local outcome = once()
  local failed = hook.allocations() - before >= n
  hook.fail_at(0)
  local live = clean()
  assert(live == base, ("%d: %d blocks are left"):format(n, live - base))
  io.write(n, " ", outcome, "\n")
  if not failed then os.exit(0, true) end
end
