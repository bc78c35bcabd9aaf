-- choice: which driver, where there is one.

local value = require "directsend.value"

local choice = {}

local loaded = package.loaded

-- choice.around: that of the loop that runs around us, nil when it is none of
-- ours. Inside nginx it is always its own: any other would stop the worker. A
-- coroutine that others resume is no place to yield to a loop from, and an old
-- Copas does not tell that it runs.
function choice.around()
  local ngx, cqueues = loaded.ngx, loaded.cqueues
  local copas, luv = loaded.copas, loaded.luv
  if ngx and ngx.get_phase then return "ngx" end
  if cqueues and select(2, cqueues.running()) then return "cqueues" end
  local co, main = coroutine.running()
  if copas and copas.running and co and not main then return "copas" end
  if luv and luv.loop_mode and luv.loop_mode() then return "luv" end
end

local word = value.word("native", "ngx", "cqueues", "copas", "luv",
                        "luasocket")

-- a driver's name, if it loads here
local function named(v, field)
  local name = word(v, field)
  if name == "ngx" and not (loaded.ngx and loaded.ngx.get_phase) then
    value.refuse(field, "the driver ngx works inside nginx only")
  end
  local ok, why = pcall(require, "directsend.driver." .. name)
  if not ok then
    value.refuse(field, "the driver %s does not load: %s", name,
                 tostring(why):match "[^\n]*")
  end
  return name
end

-- choice.read: a reader of settings, of a name or a table
function choice.read(v, field)
  if type(v) ~= "table" then return named(v, field) end
  require "directsend.driver.given".check(v)
  return v
end

return choice
