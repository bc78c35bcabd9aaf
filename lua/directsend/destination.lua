-- destination: which delivery each recipient travels in, and what that
-- delivery is told.

local core = require "directsend.core"

local destination = {}

local function by_mx(domain)
  return { key = domain, route = "mx", destination = domain }
end

-- destination.group: the recipients of an envelope by the delivery they travel
-- in, in the order of its first one: { route=, destination=, pin=,
-- recipients={index…} }; and for those no delivery takes { [index] = why }
function destination.group(c, envelope)
  local groups, by_key, refused = {}, {}, {}
  local place = by_mx
  if c.route ~= "mx" or c.accepted_domains then
    place = require "directsend.route"(c, envelope.sender)
  end
  for i, address in ipairs(envelope.recipients) do
    local g, why = place(address:match "@([^@]*)$":lower())
    if not g then
      refused[i] = why
    elseif by_key[g.key] then
      table.insert(by_key[g.key].recipients, i)
    else
      g.recipients = { i }
      by_key[g.key], groups[#groups + 1] = g, g
    end
  end
  return groups, refused
end

-- destination.dns: who is asked, and how often
function destination.dns(c)
  local dns = c.dns or {}
  if dns.servers then return dns end
  local system = core.resolv_conf()
  return { servers = system.servers, trust_ad = dns.trust_ad,
           timeout = dns.timeout or system.timeout,
           attempts = dns.attempts or system.attempts }
end

-- destination.delivery: the delivery of a group for a driver, whose clock may
-- be its own; plan: only to be looked up; can: what may be asked of us
function destination.delivery(c, g, d, plan, can)
  local pin = g.pin or {}
  return core.delivery {
    destination = g.destination, pinned = g.pin ~= nil,
    port = pin.port or c.port, hostname = c.hostname,
    level = pin.tls or c.tls, policy = pin.tls and "config" or c.policy,
    ip = c.ip, dns = destination.dns(c), timeout = c.timeout,
    allow_private = c.allow_private == true,
    allowed = type(c.allow_private) == "table" and c.allow_private or nil,
    source = pin.source_address or c.source_address, interface = c.interface,
    trace = c.trace ~= nil, plan = plan, can = can,
    max_chunk = d.capabilities.max_chunk,
    epoch = d.now and math.floor(core.epoch() - d.now()),
    window = c.window, per_connection = c.per_connection,
    mta_sts = c.mta_sts, sts_port = c.sts_port, trusted = c.trusted_hosts,
    resumption = c.resumption, fresh = c.fresh,
  }
end

return destination
