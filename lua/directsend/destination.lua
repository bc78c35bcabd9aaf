-- destination: which delivery each recipient travels in, and what that
-- delivery is told.

local core = require "directsend.core"

local destination = {}

local function domain_of(address)
  return address:match "@([^@]*)$":lower()
end

-- a route the user wrote down for this very domain
local function named(c, domain)
  return type(c.route) == "table" and c.route[domain] ~= nil
end

local function outside(c, domain)
  return c.accepted_domains and not c.accepted_domains[domain]
         and not named(c, domain)
end

-- where the mail of a domain goes: "mx" or a pin; nil, why: nowhere
local function route_of(c, domain)
  if outside(c, domain) then
    return nil, domain .. " is not among accepted_domains"
  end
  local target = c.route
  if type(target) == "table" then
    target = target[domain] or target["*"]
  end
  if not target then
    return nil, ("no route leads to %s, and there is none for \"*\"")
                :format(domain)
  end
  return target
end

-- why no mail at all goes out for this sender, or nil
local function guard(c, sender)
  local domain = sender ~= "" and domain_of(sender)
  if domain and outside(c, domain) then
    return "the sender's domain " .. domain .. " is not among accepted_domains"
  end
end

-- a literal that is not allowed is no address here: nil, message, detail
local function literals_ok(c, recipients)
  for i = 1, #recipients do
    if recipients[i]:find "@%[" and not c.allow_literals then
      return nil, recipients[i] .. ": an address literal, which only "
                  .. "allow_literals permits", { kind = "usage", field = "to" }
    end
  end
  return true
end

local function place(c, address, target)
  local domain = domain_of(address)
  if target == "mx" then
    return { key = domain, route = "mx", destination = domain }
  end
  local port = target.port or c.port
  local source = table.concat(target.source_address or {}, " ")
  return { key = table.concat({ target.host, port, target.tls or "", source },
                              "|"),
           route = target.host .. ":" .. port, destination = target.host,
           pin = target }
end

-- destination.group: the recipients of an envelope by the delivery they travel
-- in, in the order of its first one: { route=, destination=, pin=,
-- recipients={index…} }; and for those no delivery takes { [index] = why }.
-- nil, message, detail for an envelope that will not do.
function destination.group(c, envelope)
  local groups, by_key, refused = {}, {}, {}
  local ok, trouble, detail = literals_ok(c, envelope.recipients)
  if not ok then return nil, trouble, detail end
  local barred = guard(c, envelope.sender)
  for i, address in ipairs(envelope.recipients) do
    local target, why = route_of(c, domain_of(address))
    local g = target and not barred and place(c, address, target)
    if not g then
      refused[i] = barred or why
    elseif by_key[g.key] then
      table.insert(by_key[g.key].recipients, i)
    else
      g.recipients = { i }
      by_key[g.key], groups[#groups + 1] = g, g
    end
  end
  return groups, refused
end

-- destination.delivery: the delivery of a group; plan: only to be looked up
function destination.delivery(c, g, max_chunk, plan)
  local pin, dns = g.pin or {}, c.dns or {}
  if not dns.servers then
    local system = core.resolv_conf()
    dns = { servers = system.servers, trust_ad = dns.trust_ad,
            timeout = dns.timeout or system.timeout,
            attempts = dns.attempts or system.attempts }
  end
  return core.delivery {
    destination = g.destination, pinned = g.pin ~= nil,
    port = pin.port or c.port, hostname = c.hostname,
    level = pin.tls or c.tls, policy = pin.tls and "config" or c.policy,
    ip = c.ip, dns = dns, timeout = c.timeout,
    allow_private = c.allow_private == true,
    allowed = type(c.allow_private) == "table" and c.allow_private or nil,
    source = pin.source_address or c.source_address, interface = c.interface,
    trace = c.trace ~= nil, plan = plan, max_chunk = max_chunk,
  }
end

return destination
