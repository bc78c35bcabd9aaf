-- luasocket.lua b64|qp: LuaSocket's filters, as its own smtp module uses them
local ltn12, mime = require "ltn12", require "mime"
local filters = {
  b64 = function() return ltn12.filter.chain(mime.encode "base64", mime.wrap()) end,
  qp = function() return ltn12.filter.chain(mime.encode("quoted-printable", "text"), mime.wrap "quoted-printable") end,
}
local filter = filters[arg[1]]

local file = assert(io.open(os.getenv "B_IN", "rb"))
local data = file:read "*a"
file:close()

local function encode()
  local out = {}
  ltn12.pump.all(ltn12.source.chain(ltn12.source.string(data), filter()), (ltn12.sink.table(out)))
  return #table.concat(out)
end

local out, rounds, start = encode(), 0, os.clock()
repeat
  encode()
  rounds = rounds + 1
until os.clock() - start >= tonumber(os.getenv "B_SECS")
print(('{"bytes":%d,"out":%d,"secs":%.6f}'):format(rounds * #data, out, os.clock() - start))
