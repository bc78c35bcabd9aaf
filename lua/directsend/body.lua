-- body: one message for several deliveries at once.  A message has a single
-- cursor, and each delivery says its own offset: so it is spooled.

local sources = require "directsend.sources"

-- { read = what a feed's `body` is to be, close = when all is over }; nil,
-- message, detail
return function(m, settings)
  local spool = sources.spool(settings)
  local function write(_, piece) return spool:write(piece) end
  local ok, why, detail = m:write { file = { write = write } }
  if not ok then
    spool:close()
    return nil, why, detail
  end
  local function read(op)
    local data, trouble = spool:read(op.offset, op.max)
    if not data then return "failed", "local", trouble end
    return "body", data, op.offset + #data >= m:size()
  end
  return { read = read, close = function() spool:close() end }
end
