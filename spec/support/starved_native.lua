-- One delivery over the native loop, over and over, with the n-th allocation
-- failing: run by allocation_spec, as support/starved.lua is.
--
--   starved_native.lua PORT
--
-- Prints "<n> <outcome>" for each n until nothing fails any more.

local port = tonumber(arg[1])
local core = require "support.starve".open "core"
local hook = require("directsend.test").util

local random = ("0123456789abcdef"):rep(4)

local function message()
  local m = core.message()
  assert(m:text("Subject", "s"))
  assert(m:plain(("hello\n"):rep(99)))
  assert(m:finish(random))
  return m
end

local open -- what is to be closed when a try breaks off

local function once()
  local m, row, given = message(), nil, false
  local d = assert(core.delivery{ destination = "127.0.0.1", pinned = true, port = port, level = "off", trace = true, hostname = "c.example" })
  local loop = assert(core.loop())
  open = { loop, d, m }
  loop:add(d)
  while true do
    local asking, op = loop:wait()
    if asking == nil then return assert(row, "no RESULT").outcome end
    if op and op.op == "next" and not given then
      loop:answer(d, "message", { sender = "a@x.test", recipients = { "b@x.test" }, source = m })
      given = true
    elseif op and op.op == "next" then
      loop:answer(d, "no_more")
    elseif op and op.op == "result" then
      assert(not row, "two RESULTs")
      row = op.row
    end
  end
end

local function try(n)
  open = {}
  hook.fail_at(n)
  local before = hook.allocations()
  local ok, outcome = pcall(once)
  local failed = hook.allocations() - before >= n
  hook.fail_at(0)
  for _, o in ipairs(open) do o:close() end
  if not ok then assert(tostring(outcome):lower():find("memory", 1, true), outcome) end
  return ok and outcome or "nothing", failed
end

assert(once() == "delivered")
for _, o in ipairs(open) do o:close() end
open = nil
collectgarbage()
collectgarbage()
local base = hook.live()

for n = 1, 5000 do
  local outcome, failed = try(n)
  open = nil
  collectgarbage()
  collectgarbage()
  local live = hook.live()
  assert(live == base, ("%d: %d blocks are left"):format(n, live - base))
  io.write(n, " ", outcome, "\n")
  if not failed then os.exit(0, true) end
end
error "it never ends"
