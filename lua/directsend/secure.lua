-- secure: the keys of a configuration that say how sure a host must be, and
-- what is remembered of hosts: each with its reader.

local check = require "directsend.check"
local core = require "directsend.core"
local value = require "directsend.value"

local secure = { keys = {} }
local keys = secure.keys

secure.level = value.word("off", "opportunistic", "required", "verified",
                          "dane")

local sts = value.record { port = value.port }

-- true, false, or {port=} for who tries it out without being root
function keys.mta_sts(v, field)
  if type(v) == "table" then return sts(v, field) end
  return value.boolean(v, field)
end

-- true, false, or the ends of their names
function keys.trusted_hosts(v, field)
  if type(v) == "boolean" then return v end
  return value.list(value.host, 0, 100)(v, field)
end

-- true, false, or {["end of a name"] = false}
function keys.resumption(v, field)
  if type(v) == "boolean" then return v end
  local out = {}
  for name, on in core.next, check.type(v, "table", field) do
    local of = field .. "." .. value.text(name, field)
    name = value.host(name, of)
    if not value.boolean(on, of) then out[#out + 1] = name end
  end
  table.sort(out)
  return out
end

-- a directory, or false
function keys.state(v, field)
  if v == false then return v end
  local file, why = io.open(value.text(v, field) .. "/.", "rb")
  if not file then
    value.refuse(field, "%q is no directory that can be used (%s)", v,
                 tostring(why):match "[^:]*$":gsub("^ ", ""))
  end
  file:close()
  return v
end

local function dane(level, c, field)
  if level == "dane" and not (c.dns and c.dns.trust_ad) then
    value.refuse(field, "\"dane\" needs a DNS server that validates, and "
                 .. "dns.trust_ad = true to say that it does")
  end
end

-- secure.settle: what the keys mean together, as a delivery is told it
function secure.settle(c)
  dane(c.tls, c, "tls")
  for domain, to in core.next, type(c.route) == "table" and c.route or {} do
    dane(to ~= "mx" and to.tls, c, "route." .. domain .. ".tls")
  end
  if type(c.mta_sts) == "table" then
    c.sts_port, c.mta_sts = c.mta_sts.port, true
  end
  if type(c.trusted_hosts) == "boolean" then
    c.trusted_hosts = not c.trusted_hosts and {} or nil
  end
  if type(c.resumption) == "table" then
    c.fresh, c.resumption = c.resumption, true
  end
end

return secure
