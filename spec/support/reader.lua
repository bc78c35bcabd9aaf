-- readers of octets as a caller's own: read functions that give a string piece
-- by piece, and say what was asked of them.

local reader = {}

-- of(data, step): { read =, rewind =, size =, reads =, rewinds = }; yields: each
-- read yields first
function reader.of(data, step, yields)
  local r, at = { size = #data, reads = 0, rewinds = 0 }, 0
  function r.read()
    r.reads = r.reads + 1
    if yields then coroutine.yield "reading" end
    if at >= #data then return nil end
    local piece = data:sub(at + 1, at + step)
    at = at + #piece
    return piece
  end
  function r.rewind()
    r.rewinds = r.rewinds + 1
    at = 0
    return true
  end
  return r
end

-- the table that a message takes, all of it or (lone) just the function
function reader.part(r, lone, more)
  local t = { read = r.read }
  if not lone then t.rewind, t.size = r.rewind, r.size end
  for k, v in pairs(more or {}) do t[k] = v end
  return t
end

return reader
