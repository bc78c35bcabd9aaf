-- octets: a message all at once, or written down.

local check = require "directsend.check"

local octets = {}

-- each piece to f, in order; nil, message, detail where one cannot be had
local function each(self, f)
  local ok, why = self.core:rewind()
  local piece
  while ok do
    piece, why = self:read()
    if piece == "" then return true end
    ok = piece
    if piece then ok, why = f(piece) end
  end
  return nil, why, { kind = "local" }
end

function octets.tostring(self)
  local out = {}
  local ok, why, detail = each(self, function(piece)
    out[#out + 1] = piece
    return true
  end)
  if not ok then return nil, why, detail end
  return table.concat(out)
end

function octets.write(self, to)
  check.keys(to, { path = "string", file = true }, "write")
  local file, why = to.file
  if not file then
    file, why = io.open(check.type(to.path, "string", "write.path"), "wb")
    if not file then return nil, why, { kind = "local" } end
  end
  local ok, detail
  ok, why, detail = each(self, function(piece) return file:write(piece) end)
  if not to.file then
    local closed, trouble = file:close()
    if ok and not closed then ok, why, detail = nil, trouble, { kind = "local" } end
  end
  return ok, why, detail
end

return octets
