-- starve: every allocation failing in turn, in a process of its own: a module
-- comes out of the test door, and so it and the doors into the rooms are one
-- shared object with one allocation hook.

local util = nil
local starve = {}

-- the path of the door, which is there
local function door()
  for template in package.cpath:gmatch "[^;]+" do
    local name = template:gsub("%?", "directsend/test")
    local file = io.open(name, "rb")
    if file then
      file:close()
      return name
    end
  end
end

--- From now on `require "directsend.NAME"` is the door's.
function starve.open(name)
  local open = assert(package.loadlib(door(), "luaopen_directsend_" .. name))
  package.loaded["directsend." .. name] = open()
  util = require "directsend.test".util
  return package.loaded["directsend." .. name]
end

--- Run f with the n-th allocation failing, for every n there is; how many times
--- it failed, each time with words of memory and nothing left behind.
function starve.all(f)
  f() -- loads what is loaded but once
  collectgarbage()
  collectgarbage()
  local n, before = 0, util.live()
  repeat
    n = n + 1
    util.fail_at(n)
    local ok, trouble = pcall(f)
    util.fail_at(0)
    collectgarbage()
    collectgarbage()
    assert(util.live() == before, "a leak at allocation " .. n)
    assert(ok or tostring(trouble):find "memory", trouble)
  until ok
  return n - 1
end

return starve
