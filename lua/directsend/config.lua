-- config: what a mailer is told: the defaults, and where it is found.  Keys are
-- read by settings.lua and files by configfile.lua, where there are any.

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
  if core.next(t) ~= nil then c, why, detail = require "directsend.settings"(t) end
  if not c then return nil, why, detail end
  c.policy = c.tls and "config" or "default"
  c.tls = c.tls or "opportunistic"
  c.route = c.route or "mx"
  c.port = c.port or 25
  c.ip = c.ip or "4first"
  c.transport = c.transport or "network"
  c.hostname = c.hostname or machine_name()
  c.timeout = c.timeout or {}
  for stage, seconds in core.next, patience do
    c.timeout[stage] = c.timeout[stage] or seconds
  end
  return c
end

-- config.find: the configuration file that is used: its name, nil for none
function config.find()
  local named, home = os.getenv "DIRECTSEND_CONFIG", os.getenv "HOME"
  if named and named ~= "" then return named end
  local places = { "/etc/directsend.lua" }
  if home then table.insert(places, 1, home .. "/.config/directsend.lua") end
  for _, name in ipairs(places) do
    local file, _, code = io.open(name, "rb")
    if file then file:close() end
    if file or code ~= 2 then return name end -- 2: there is none
  end
end

-- config.read: the settings of a table, of a file, or of the file that is
-- found
function config.read(source)
  if type(source) == "table" then return config.check(source) end
  require "directsend.check".type(source, "table|string|nil", "config")
  local name = source
  if source == nil then name = config.find() end
  if name == nil then return config.check {} end
  return require "directsend.configfile".read(name)
end

return config
