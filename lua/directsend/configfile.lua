-- configfile: a configuration that lies in a file: a chunk of Lua that returns
-- a table and knows no name.  Nothing in it raises: to us even misuse is a
-- value from outside.

local config = require "directsend.config"

local configfile = {}

local function fault(why, detail)
  return nil, why, detail or { kind = "usage", field = "config" }
end

-- the chunk of a file's text, without any name to reach for
local function compile(source, name)
  if source:sub(1, 1) == "\27" then return nil, name .. ": is not text" end
  local setfenv = rawget(_G, "setfenv")
  if not setfenv then return load(source, "@" .. name, "t", {}) end
  local chunk, why = rawget(_G, "loadstring")(source, "@" .. name)
  return chunk and setfenv(chunk, {}), why
end

-- configfile.load: the table a file returns; nil, message, detail
function configfile.load(name)
  local file, why = io.open(name, "rb")
  if not file then return fault(why) end
  local source
  source, why = file:read "*a"
  file:close()
  if not source then return fault(name .. ": " .. why) end
  local chunk
  chunk, why = compile(source, name)
  if not chunk then return fault(why) end
  local ok, t = pcall(chunk)
  if not ok then return fault(tostring(t)) end
  if type(t) ~= "table" then return fault(name .. ": returns no table") end
  return t
end

-- configfile.read: its settings; nil, message, detail
function configfile.read(name)
  local t, why, detail = configfile.load(name)
  if not t then return nil, why, detail end
  local ok, c
  ok, c, why, detail = pcall(config.check, t)
  if ok and c then return c end
  return fault(name .. ": " .. (ok and why or c), detail)
end

return configfile
