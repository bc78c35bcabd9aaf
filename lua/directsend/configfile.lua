-- configfile: a configuration that lies in a file: a chunk of Lua that returns
-- a table and knows no name.  Nothing in it raises: to us even misuse is a
-- value from outside.

local check = require "directsend.check"
local config = require "directsend.config"

local configfile = {}

-- what went wrong, from the file's name on; Lua knows the chunk as "config"
local function fault(name, why, detail)
  local line, words = tostring(why):match "^config:(%d+): (.*)$"
  local text = check.plain(name) .. ":" .. (line and line .. ":" or "") .. " "
               .. check.plain(words or why)
  return nil, text, detail or { kind = "usage", field = "config" }
end

-- the chunk of a file's text, without any name to reach for
local function compile(source)
  if source:sub(1, 1) == "\27" then return nil, "is not text" end
  local setfenv = rawget(_G, "setfenv")
  if not setfenv then return load(source, "=config", "t", {}) end
  local chunk, why = rawget(_G, "loadstring")(source, "=config")
  return chunk and setfenv(chunk, {}), why
end

local function contents(name)
  local file, why = io.open(name, "rb")
  if not file then -- "NAME: why"
    return nil, why:sub(1, #name) == name and why:sub(#name + 3) or why
  end
  local source
  source, why = file:read "*a"
  file:close()
  return source, why
end

-- configfile.load: the table a file returns; nil, message, detail
function configfile.load(name)
  local source, why = contents(name)
  if not source then return fault(name, why) end
  local chunk
  chunk, why = compile(source)
  if not chunk then return fault(name, why) end
  local ok, t = pcall(chunk)
  if not ok then return fault(name, t) end
  if type(t) ~= "table" then return fault(name, "returns no table") end
  return t
end

-- configfile.read: its settings; nil, message, detail
function configfile.read(name)
  local t, why, detail = configfile.load(name)
  if not t then return nil, why, detail end
  local ok, c
  ok, c, why, detail = pcall(config.check, t)
  if ok and c then return c end
  return fault(name, ok and why or c, detail)
end

return configfile
