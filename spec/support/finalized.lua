-- What a finalizer of somebody else may do: call the methods of objects whose
-- own finalizers came first.  Prints "done"; run by lua_class_spec in a process
-- of its own, which a fault would end.

local core = require "directsend.core"
local dkim = require "directsend.dkim"
local smime = require "directsend.smime"
local tls = require "directsend.tls"
local people = require "support.smime".new()
local vectors = require "support.dkim_vectors"

people:person "ec"

local unpack = unpack or table.unpack
local meta = debug.getmetatable
local identity = { domain = "example.org", selector = "s1", key = vectors.ed25519 }

local function built()
  local m = core.message()
  assert(m:plain(("line\n"):rep(10000)))
  assert(m:finish(("\1"):rep(48)))
  return m
end

local makers = {
  function() return core.message() end,
  built,
  function() local s = core.spool "/tmp"; s:write "x"; return s end,
  function() return core.source(3) end,
  function() return core.source(3, "text") end,
  function() return core.source(3, "raw") end,
  function() local l = core.loop(); l:add(core.delivery { destination = "example.org" }); return l end,
  function() return core.delivery { destination = "example.org" } end,
  function() return tls.context {} end,
  function() return dkim.key(vectors.ed25519) end,
  function() return dkim.signer(identity) end,
  function() return dkim.signer(identity):begin() end,
  function() return dkim.verifier() end,
  function() local v = dkim.verifier(); v:feed "a: b\r\n\r\n"; v:finish(); return v end,
  function() return assert(smime.seal { time = core.epoch(), encrypt = { people:path "ec.pem" } }) end,
}
local arguments = { {}, { "x" }, { "x", "y" }, { 1, "x", 2 }, { built() }, { nil, "/dev/null" }, { "x", { "y" } } }

for _, make in ipairs(makers) do
  for name in next, meta(make()).__index do
    for _, list in ipairs(arguments) do
      local object = make()
      for _ = 1, 2 do
        meta(object).__gc(object)
        pcall(object[name], object, unpack(list, 1, 3))
      end
    end
  end
end
people:remove()

-- what a message reads goes before who reads the message
local function late(attach)
  local seen
  do
    local outer = core.message()
    local function read()
      repeat seen = { outer:read() } until not seen[1] or seen[1] == ""
    end
    local object = newproxy and newproxy(true) or setmetatable({}, { __gc = read }) -- luacheck: ignore
    if newproxy then meta(object).__gc = read end -- luacheck: ignore
    assert(outer:plain "x")
    assert(attach(outer))
    assert(outer:finish(("\2"):rep(48)))
    assert(#outer:read(8000) == 8000)
  end
  collectgarbage()
  collectgarbage()
  return assert(seen)
end

local long = ("x\n"):rep(20000)
local path = os.tmpname()
local file = assert(io.open(path, "w"))
assert(file:write(long) and file:close())
assert(not late(function(m) return m:nest(built(), nil, true, false) end)[1])
local seen = late(function(m) return m:attach(nil, path, "name") end)
assert(seen[1] == nil and not seen[2]:find "null", seen[2])
os.remove(path)
print "done"
