-- settings: the keys of a configuration, each with its reader.

local check = require "directsend.check"
local core = require "directsend.core"
local secure = require "directsend.secure"
local value = require "directsend.value"

local refuse, text = value.refuse, value.text

local stages = { quit = value.duration(0) }
for stage in ("connect greeting command handshake data body final dns total")
             :gmatch "%a+" do
  stages[stage] = value.duration(1e-3)
end

local pin = value.record { host = value.host, port = value.port,
                           tls = secure.level,
                           source_address = value.addresses }

-- where a domain's mail goes: "mx", or a host with what differs there
local function target(v, field)
  if v == "mx" then return v end
  if type(v) == "table" then
    if v.host == nil then refuse(field, "names no host") end
    return pin(v, field)
  end
  local host, port = text(v, field):match "^(%[.-%]):(%d+)$"
  if not host then host, port = v:match "^([^:]*):(%d+)$" end
  return { host = value.host(host or v, field),
           port = port and value.port(port, field) }
end

local function route(v, field)
  if v == "mx" then return v end
  if type(v) == "string" then return { ["*"] = target(v, field) } end
  local out = {}
  for key, to in core.next, check.type(v, "table", field) do
    local of = field .. "." .. text(key, field)
    out[key == "*" and key or value.domain(key, of)] = target(to, of)
  end
  return out
end

local function aliases(v, field)
  local out = {}
  for key, to in core.next, check.type(v, "table", field) do
    out[text(key, field)] = value.list(text, 1)(to, field .. "." .. key)
  end
  return out
end

local function transport(v, field)
  if check.type(v, "string", field):find "^file:." then
    return text(v, field)
  end
  return value.word("network", "capture", "null", "file:DIR")(v, field)
end

-- "20/s": messages a second, as { total =, per_destination = }
local function rate(v, field)
  if type(v) == "table" then
    return value.record { total = value.rate,
                          per_destination = value.rate }(v, field)
  end
  return { total = value.rate(v, field) }
end

local keys = {
  from = function(v, field) return check.type(v, "string|table", field) end,
  domain = value.domain, aliases = aliases, force_from = text,
  hostname = value.hostname, route = route, transport = transport,
  tls = secure.level, ca_file = text, ca_path = text,
  port = value.port, allow_literals = value.boolean,
  source_address = value.addresses, interface = text,
  ip = value.word("4first", "6first", "4", "6"),
  dns = value.record { servers = value.list(value.server, 1, 8),
                       timeout = value.duration(1e-3),
                       attempts = value.whole(1, 10),
                       trust_ad = value.boolean },
  timeout = value.record(stages),
  accepted_domains = function(v, field)
    local out = {}
    local list = value.list(value.domain, 1)(v, field)
    for i = 1, #list do out[list[i]] = true end
    return out
  end,
  dkim = function(v, field)
    return require "directsend.signing".read(v, field)
  end,
  allow_private = function(v, field)
    if type(v) == "boolean" then return v end
    return value.list(value.network, 0, 32)(v, field)
  end,
  driver = function(v, field)
    return require "directsend.driver.choice".read(v, field)
  end,
  tmpdir = text, rate = rate,
  connections = value.whole(1, 10000), per_destination = value.whole(1, 1000),
  per_connection = value.whole(1, 1000000), window = value.whole(1, 64),
  trace = function(v, field)
    if type(v) == "function" then return v end
    return text(v, field)
  end,
}
for key, reader in core.next, secure.keys do keys[key] = reader end
local read = value.record(keys, "config")

-- who sends is read again with each message, which may have its own
local function with_senders(t)
  local c = read(t)
  secure.settle(c)
  local reader = require "directsend.mailbox".reader(c)
  if c.from then reader:some(c.from, "from") end
  if c.force_from then reader:one(c.force_from, "force_from") end
  return c
end

-- the settings of a table; nil, message, detail where one will not do
return function(t)
  return value.read(with_senders, t)
end
