-- body: one message for several deliveries at once.  A message has a single
-- cursor, and each delivery says its own offset: so it lies in memory up to a
-- size, above that in a file without a name.

local in_memory = 1048576

local function spooled(m)
  local file, why = io.tmpfile()
  if not file then return nil, why, { kind = "local" } end
  local ok, detail
  ok, why, detail = m:write { file = file }
  if not ok then return nil, why, detail end
  return function(op)
    file:seek("set", op.offset)
    local data, trouble = file:read(op.max)
    if trouble then return "failed", "local", trouble end
    return "body", data or "", not data
  end
end

local function held(m)
  local text, why, detail = m:tostring()
  if not text then return nil, why, detail end
  return function(op)
    local data = text:sub(op.offset + 1, op.offset + op.max)
    return "body", data, op.offset + #data >= #text
  end
end

-- what a feed's `body` is to be; nil, message, detail
return function(m)
  return (m:size() > in_memory and spooled or held)(m)
end
