-- config: what a mailer is told: the defaults, and the files that hold it.
-- The keys themselves are read by settings.lua, where there are any.

local core = require "directsend.core"

local config = {}

-- what one alert, or a person at the command, will wait for; stages without
-- a figure of our own have RFC 5321's
local patience = { connect = 10, greeting = 300, command = 300, handshake = 60,
                   data = 120, body = 180, final = 60, quit = 0, dns = 10,
                   total = 120 }

-- this machine's name where it means something to a stranger; else nil, and
-- the delivery gives its own address instead (RFC 5321 §4.1.4)
local function machine_name()
  local name = core.hostname()
  local last = name and name:lower():match "%.([^.]+)$"
  local inner = { lan = true, ["local"] = true, localdomain = true,
                  internal = true }
  if not last or inner[last] or name:lower():find "%.home%.arpa$"
     or not core.hostname_ok(name) then
    return nil
  end
  return name
end

-- config.check: the settings of a table, with every default filled in
function config.check(t)
  local c, why, detail = {}
  if next(t) ~= nil then c, why, detail = require "directsend.settings"(t) end
  if not c then return nil, why, detail end
  c.policy = c.tls and "config" or "default"
  c.tls = c.tls or "opportunistic"
  c.route = c.route or "mx"
  c.port = c.port or 25
  c.ip = c.ip or "4first"
  c.transport = c.transport or "network"
  c.hostname = c.hostname or machine_name()
  c.timeout = c.timeout or {}
  for stage, seconds in pairs(patience) do
    c.timeout[stage] = c.timeout[stage] or seconds
  end
  return c
end

-- the chunk of a file's text, without any name to reach for
local function compile(source, name)
  if source:sub(1, 1) == "\27" then return nil, name .. ": is not text" end
  local setfenv = rawget(_G, "setfenv")
  if not setfenv then return load(source, "@" .. name, "t", {}) end
  local chunk, why = rawget(_G, "loadstring")(source, "@" .. name)
  return chunk and setfenv(chunk, {}), why
end

-- config.load: the table a file returns; nil, message, detail, and true when
-- there is no such file
function config.load(name)
  local detail = { kind = "usage", field = "config" }
  local file, why, code = io.open(name, "rb")
  if not file then return nil, why, detail, code == 2 end
  local source
  source, why = file:read "*a"
  file:close()
  if not source then return nil, name .. ": " .. why, detail end
  local chunk
  chunk, why = compile(source, name)
  if not chunk then return nil, why, detail end
  local ok, t = pcall(chunk)
  if not ok then return nil, tostring(t), detail end
  if type(t) ~= "table" then
    return nil, name .. ": returns no table", detail
  end
  return t
end

-- config.find: the first configuration file there is, loaded, and its name;
-- {} when there is none
function config.find()
  local named, home = os.getenv "DIRECTSEND_CONFIG", os.getenv "HOME"
  if named == "" then named = nil end
  local places = { "/etc/directsend.lua" }
  if home then table.insert(places, 1, home .. "/.config/directsend.lua") end
  for _, name in ipairs(named and { named } or places) do
    local t, why, detail, absent = config.load(name)
    if t then return t, name end
    if named or not absent then return nil, why, detail end
  end
  return {}
end

-- config.read: the settings of a table, of a file, or of the file that is
-- found.  In a file even misuse is a value from outside: it does not raise.
function config.read(source)
  if type(source) == "table" then return config.check(source) end
  require "directsend.check".type(source, "table|string|nil", "config")
  local t, name, detail
  if source then
    t, name, detail = config.load(source)
  else
    t, name, detail = config.find()
  end
  if not t then return nil, name, detail end
  local ok, c, why
  ok, c, why, detail = pcall(config.check, t)
  if ok and c then return c end
  return nil, (source or name) .. ": " .. (ok and why or c),
         detail or { kind = "usage", field = "config" }
end

return config
