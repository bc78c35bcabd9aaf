-- A delivery to a destination with an MTA-STS policy and TLSA records, over and
-- over, with the n-th allocation failing: run by deliver_discover_spec.
--
--   starved_policy.lua FOLDER      (of support.pki, made by support.secured)
--
-- What lacks memory may defer the mail; a policy that cannot be had for want of
-- it is none, as for want of anything else, but it is not remembered that there
-- is none.  TLSA records that cannot be had defer the mail.

local folder = arg[1]
local path
for template in package.cpath:gmatch "[^;]+" do
  local name = template:gsub("%?", "directsend/test")
  local f = io.open(name, "rb")
  if f then
    f:close()
    path = path or name
  end
end
package.loaded["directsend.core"] = assert(package.loadlib(path, "luaopen_directsend_core"))()
package.loaded["directsend.tls"] = assert(package.loadlib(path, "luaopen_directsend_tls"))()

local door = require "directsend.test"
local hook = door.util
local secured = require "support.secured"

local files = { dir = folder }
function files:path(name) return self.dir .. "/" .. name end
function files:read(name)
  local f = assert(io.open(self:path(name), "rb"))
  local s = f:read "*a"
  f:close()
  return s
end

-- one delivery; only what the core allocates for it is counted
local function once(n)
  local s = secured.new(files, { secure = n % 2 == 0, sts = true })
  s:tlsa "match"
  hook.fail_at(n)
  local before = hook.allocations()
  local ok, row = pcall(s.deliver, s, { can = { "recall" } })
  local failed = hook.allocations() - before >= n
  hook.fail_at(0)
  if ok and row.outcome == "delivered" then
    local level, kept = row.tls.level, s.world.memory["sts contoso.test"]
    local known = kept and door.policy.sts_read(kept)
    assert(level == (n % 2 == 0 and "dane" or "verified") or n % 2 == 1 and failed and level == "encrypted", n .. ": " .. level)
    assert(not known or known.mode == "enforce" or known.failed > 0, n .. ": " .. tostring(kept))
  elseif ok then
    assert(failed and row.outcome == "deferred", n .. ": " .. tostring(row.text))
  else
    assert(failed and tostring(row):find "memory", n .. ": " .. tostring(row))
  end
  s.world.context:close()
  if s.world.delivery then s.world.delivery:close() end
  return failed
end

local n, fine = 0, 0
collectgarbage()
local live = hook.live()
repeat
  n = n + 1
  fine = once(n) and 0 or fine + 1
  if n % 50 == 0 then collectgarbage() collectgarbage() end
until fine == 2
collectgarbage()
collectgarbage()
assert(hook.live() <= live, "leaked " .. hook.live() - live)
print(n .. " runs")
