-- every_allocation(f): run f with the n-th allocation of the test door failing,
-- for every n there is.  f returns true, or nil, message, code; how many runs
-- it took.

local util = require "directsend.test".util

return function(f)
  local n, before = 0, util.live()
  repeat
    n = n + 1
    util.fail_at(n)
    local ok, why, code = f()
    util.fail_at(0)
    if not ok and code ~= -1 then error(("allocation %d: %s"):format(n, tostring(why)), 2) end
    if util.live() ~= before then error("a leak at allocation " .. n, 2) end
  until ok
  return n
end
