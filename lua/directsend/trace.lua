-- trace: what hosts and we say to each other, for a function or into a file.

local trace = {}

-- a trace that fails must not cost anybody the mail
local function to_function(f)
  return function(text)
    for line in (text or ""):gmatch "[^\n]+" do pcall(f, line) end
  end
end

local function to_file(name)
  local file, why = io.open(name, "a")
  if not file then return nil, why, { kind = "usage", field = "trace" } end
  return function(text)
    if io.type(file) ~= "file" then return end -- the collector may come first
    if not text then return file:close() end
    file:write(text)
    file:flush()
  end
end

-- trace.open: a function of text to be told, of nothing to end; nil, message,
-- detail
function trace.open(where)
  return (type(where) == "function" and to_function or to_file)(where)
end

return trace
