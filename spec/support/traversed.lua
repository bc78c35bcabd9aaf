-- A LuaJIT of its own: checks keys and builds messages until the loops of that
-- are compiled, and prints how many traces there are, and in how many of them
-- LuaJIT traverses a table itself.

local jutil, vmdef = require "jit.util", require "jit.vmdef"
local check = require "directsend.check"
local directsend = require "directsend"

local traces, traversals = 0, 0

local function traverses(trace)
  for i = 1, jutil.traceinfo(trace).nins do
    local _, ot, _, op2 = jutil.traceir(trace, i)
    local name = ot and math.floor(ot / 256) * 6 + 1
    if name and vmdef.irnames:sub(name, name + 3) == "CALL"
       and vmdef.ircall[op2] == "lj_vm_next" then return true end
  end
  return false
end

jit.attach(function(what, trace)
  if what == "stop" then
    traces = traces + 1
    if traverses(trace) then traversals = traversals + 1 end
  end
end, "trace")

local known = { from = true, to = true, cc = true, subject = true, text = true }
local t = { from = "a", to = "b", cc = "c", subject = "s", text = "t" }
for _ = 1, 2000 do check.keys(t, known, "message") end
for _ = 1, 300 do
  assert(directsend.message {
    from = "a@example.com", to = { "b@example.net" }, subject = "s",
    cc = { { name = "C", address = "c@example.net" } }, text = "t",
    html = "<p>t" })
end

print(traces, traversals)
