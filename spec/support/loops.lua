--- The event loops whose drivers the specs run over, and how one runs in them.
-- Which of them a Lua must have here is what Debian packages for it; where one
-- is not to be had the driver cannot be tried.

local core = require "directsend.core"
local sockets = require "directsend.driver.sockets"

local loops = {}

local version = rawget(_G, "jit") and "jit" or _VERSION:match "%d%.%d"

local modules = { native = "directsend.core", luasocket = "socket",
                  cqueues = "cqueues", copas = "copas", luv = "luv" }

-- each spec file has modules of its own, but there is one libuv in a process
local registry = debug.getregistry()
package.loaded.luv = package.loaded.luv or registry["spec.luv"]
pcall(require, "luv")
registry["spec.luv"] = package.loaded.luv

-- Debian's Copas is for these
local copas_for = { ["5.1"] = true, ["5.2"] = true, jit = true }

--- Whether the module must load in this Lua.
function loops.expected(name)
  return name ~= "copas" or copas_for[version] == true
end

--- The drivers that can be tried, in order; those over somebody's sockets.
loops.names, loops.tables = {}, {}
for _, name in ipairs { "native", "luasocket", "cqueues", "copas", "luv" } do
  if pcall(require, modules[name]) then
    loops.names[#loops.names + 1] = name
    if name ~= "native" then loops.tables[#loops.tables + 1] = name end
  end
end

function loops.has(name)
  return (pcall(require, modules[name]))
end

function loops.driver(name)
  return require("directsend.driver." .. name)
end

-- ----------------------------------------------------------------- running

local within = {}

-- no loop: one after the other
local function in_turn(list)
  for i = 1, #list do list[i]() end
end
within.native, within.luasocket = in_turn, in_turn

function within.cqueues(list)
  local cq = require "cqueues".new()
  for i = 1, #list do cq:wrap(list[i]) end
  assert(cq:loop())
end

function within.copas(list)
  local copas = require "copas"
  local left = #list
  for i = 1, #list do
    copas.addthread(function()
      list[i]()
      left = left - 1
    end)
  end
  while left > 0 do copas.step() end
end

function within.luv(list)
  local uv = require "luv"
  local timer = uv.new_timer()
  timer:start(0, 0, function() -- so that the loop runs when they begin
    timer:close()
    for i = 1, #list do coroutine.wrap(list[i])() end
  end)
  uv.run()
end

-- what a loop does not hand on itself; 5.1 cannot yield in a pcall, nor luv be
-- told of whom it resumes
local protect = { copas = sockets.pcall, luv = sockets.yieldable and pcall }

--- Run these functions within a loop, at once where it can, to their ends; a
-- list of what each gave. What one raises is raised here.
function loops.within(name, ...)
  local list, gave, failed = { ... }, {}, nil
  for i, f in ipairs(list) do
    list[i] = function()
      local ok, value = true
      if protect[name] then ok, value = protect[name](f) else value = f() end
      if ok then gave[i] = value else failed = failed or { value } end
    end
  end
  within[name](list)
  if failed then error(failed[1], 0) end
  return gave
end

-- the loop's own way to let time pass
local sleeps = {}

function sleeps.cqueues(seconds) require "cqueues".sleep(seconds) end

function sleeps.luv(seconds)
  local timer, co = require "luv".new_timer(), coroutine.running()
  timer:start(math.ceil(seconds * 1000), 0, function()
    timer:close()
    assert(coroutine.resume(co))
  end)
  coroutine.yield()
end

-- an old Copas has none
function sleeps.copas(seconds)
  loops.driver "copas".sleep(core.now() + seconds)
end

--- Loops others live in, too: all but native and luasocket.
loops.shared = {}
for _, name in ipairs(loops.names) do
  if sleeps[name] then loops.shared[#loops.shared + 1] = name end
end

function loops.sleep(name, seconds)
  sleeps[name](seconds)
end

return loops
