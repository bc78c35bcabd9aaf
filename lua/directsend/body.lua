-- body: one message for several deliveries at once.  A message has a single
-- cursor, and each delivery says its own offset: so it lies in memory up to a
-- size, above that in a file without a name.

local in_memory = 1048576

local function spooled(m)
  local file, why = io.tmpfile()
  if not file then return nil, why, { kind = "local" } end
  local ok, detail
  ok, why, detail = m:write { file = file }
  if not ok then
    file:close()
    return nil, why, detail
  end
  local function read(op)
    file:seek("set", op.offset)
    local data, trouble = file:read(op.max)
    if trouble then return "failed", "local", trouble end
    return "body", data or "", not data
  end
  return { read = read, close = function() file:close() end }
end

local function held(m)
  local text, why, detail = m:tostring()
  if not text then return nil, why, detail end
  local function read(op)
    local data = text:sub(op.offset + 1, op.offset + op.max)
    return "body", data, op.offset + #data >= #text
  end
  return { read = read, close = function() text = "" end }
end

-- { read = what a feed's `body` is to be, close = when all is over }; nil,
-- message, detail
return function(m)
  return (m:size() > in_memory and spooled or held)(m)
end
