-- Loaded by busted before any spec (.busted), and by scripts of specs that run
-- long: all their traversals are such as LuaJIT does not compile.  core.next
-- says why.

if not rawget(_G, "jit") then return end

local next = require "directsend.core".next
rawset(_G, "next", next)
rawset(_G, "pairs", function(t) return next, t end)

-- these were loaded before and know the other pairs
for _, f in next, package.loaded["pl.tablex"] or {} do
  if type(f) == "function" then jit.off(f) end
end
