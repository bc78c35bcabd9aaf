-- value: readers of settings.  Each takes a value and the name of its field
-- and returns what is meant; a wrong type raises, a value that will not do is
-- thrown as { field =, text = } for value.read to return.

local check = require "directsend.check"
local core = require "directsend.core"

local value = {}

local units = { ms = 1e-3, s = 1, min = 60, h = 3600, d = 86400 }
local longest = 31 * 86400

-- n values, texts among them fit for a message
local function plain(n, v, ...)
  if n == 0 then return end
  return type(v) == "string" and check.plain(v) or v, plain(n - 1, ...)
end

function value.refuse(field, form, ...)
  field = check.plain(field)
  error({ field = field, text = field .. ": "
                                .. form:format(plain(select("#", ...), ...)) },
        0)
end
local refuse = value.refuse

-- value.read: what reader makes of these, or nil, message, detail
function value.read(reader, ...)
  local ok, got, more = pcall(reader, ...)
  if ok then return got, more end
  if type(got) ~= "table" then error(got, 0) end
  return nil, got.text, { kind = "usage", field = got.field }
end

function value.text(v, field)
  if check.type(v, "string", field) == "" then refuse(field, "is empty") end
  if v:find "%c" then refuse(field, "has a control character") end
  return v
end
local text = value.text

function value.boolean(v, field)
  return check.type(v, "boolean", field)
end

-- a reader of one of these words
function value.word(...)
  local words, set = table.concat({ ... }, ", "), {}
  for i = 1, select("#", ...) do set[select(i, ...)] = true end
  return function(v, field)
    if set[check.type(v, "string", field)] then return v end
    refuse(field, "%q is not one of %s", v, words)
  end
end

function value.whole(low, high)
  return function(v, field)
    local n = check.type(v, "number|string", field)
    if type(v) == "string" then n = v:find "^%d+$" and tonumber(v) end
    if not (n and n >= low and n <= high and n % 1 == 0) then
      refuse(field, "%q is no whole number from %d to %d", tostring(v), low,
             high)
    end
    return n
  end
end
value.port = value.whole(1, 65535)

-- seconds: a number, or figure and unit; least: what is not too short
function value.duration(least)
  return function(v, field)
    local n = check.type(v, "number|string", field)
    if type(v) == "string" then
      local figure, unit = v:match "^(%d+%.?%d*)%s*(%a+)$"
      n = figure and units[unit] and tonumber(figure) * units[unit]
    end
    if not (n and n >= least and n <= longest) then
      refuse(field, "%q is no time (seconds, or like 5 min)", tostring(v))
    end
    return n
  end
end

-- how many a second: "20/s", "600/min"
function value.rate(v, field)
  local figure, unit = check.type(v, "string", field)
                       :match "^(%d+%.?%d*)%s*/%s*(%a+)$"
  local n = figure and units[unit] and tonumber(figure) / units[unit]
  if not (n and n >= 1 / 86400 and n <= 1e6) then
    refuse(field, "%q is no rate (like 20/s or 600/min)", v)
  end
  return n
end

-- how many items a list has, which must be all there is in it
local function length(v, field)
  local n = 0
  for _ in core.next, check.type(v, "table", field) do n = n + 1 end
  for key in core.next, v do
    if type(key) ~= "number" or key < 1 or key > n or key % 1 ~= 0 then
      refuse(field, "is no list, it has the key %q", tostring(key))
    end
  end
  return n
end

-- a reader of a list of so many items (0 to any number), or of one item alone
function value.list(item, least, most)
  return function(v, field)
    if type(v) == "string" then v = { v } end
    local out, n = {}, length(v, field)
    if n < (least or 0) then refuse(field, "is empty") end
    if most and n > most then
      refuse(field, "has %d entries, and %d at most can be kept", n, most)
    end
    for i = 1, n do out[i] = item(v[i], field) end
    return out
  end
end

-- a reader of a table of known keys; field nil: the outermost one
function value.record(readers, what)
  local known = {}
  for key in core.next, readers do known[key] = true end
  return function(v, field)
    check.keys(v, known, field or what)
    local out = {}
    for key, reader in core.next, readers do
      local of = field and field .. "." .. key or key
      if v[key] ~= nil then out[key] = reader(v[key], of) end
    end
    return out
  end
end

-- a mail domain, as it stands in an envelope
function value.domain(v, field)
  local address, why = core.address.parse("a@" .. text(v, field))
  if not address then refuse(field, "%s", why) end
  return address.domain:lower()
end

-- a host's name in ASCII, as it is known in the DNS
local function ascii(v, field)
  return v:find "[\128-\255]" and value.domain(v, field) or v
end

-- a name to give in EHLO
function value.hostname(v, field)
  v = ascii(text(v, field), field)
  if not core.hostname_ok(v) then
    refuse(field, "%q is no name for EHLO (a host name, or an address in "
           .. "brackets)", v)
  end
  return v
end

-- a host to connect to: a name or an address
function value.host(v, field)
  v = ascii(text(v, field), field)
  local ip = core.ip(v:match "^%[(.*)%]$" or v)
  if not ip and not core.domain_ok(v, true) then
    refuse(field, "%q is no host", v)
  end
  return ip or v:lower()
end

function value.network(v, field)
  if not core.network_ok(text(v, field)) then
    refuse(field, "%q is no network (like 10.0.0.0/8)", v)
  end
  return v
end

function value.server(v, field)
  return core.endpoint(text(v, field), 53)
         or refuse(field, "%q is no address of a DNS server", v)
end

-- local addresses: at most one of each family
function value.addresses(v, field)
  local out, seen = value.list(text)(v, field), {}
  for i = 1, #out do
    local ip, family = core.ip(out[i])
    if not ip then refuse(field, "%q is no IP address", out[i]) end
    if seen[family] then refuse(field, "more than one of a family") end
    out[i], seen[family] = ip, true
  end
  return out
end

return value
