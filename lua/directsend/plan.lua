-- plan: who would go where: destinations, their hosts and addresses, the TLS
-- asked of them.  Asks the DNS and for MTA-STS policies, connects to no mail
-- host.

local destination = require "directsend.destination"
local driver = require "directsend.driver"
local message = require "directsend.message"

local function entry(c, envelope, g)
  local recipients = {}
  for i, index in ipairs(g.recipients) do
    recipients[i] = envelope.recipients[index]
  end
  local pin = g.pin or {}
  return { destination = g.destination, route = g.route,
           recipients = recipients, hosts = {}, level = pin.tls or c.tls,
           policy = pin.tls and "config" or c.policy }
end

local function refusals_of(envelope, refused)
  local out = {}
  for i, address in ipairs(envelope.recipients) do
    if refused[i] then
      out[#out + 1] = { address = address, kind = "policy", outcome = "failed",
                        text = refused[i] }
    end
  end
  return out
end

local function job(c, group, to, d, holder)
  local delivery, why, field = destination.delivery(c, group, d, true)
  if not delivery then
    return nil, why, { kind = "usage", field = field }
  end
  local feed = {}
  function feed.host(op)
    table.insert(to.hosts, { name = op.name, preference = op.preference,
                             addresses = op.addresses, refused = op.refused,
                             outcome = op.outcome, kind = op.kind,
                             tls = { level = op.level, policy = op.policy } })
  end
  function feed.context() return require "directsend.context"(holder, group) end
  function feed.trace() end
  return { delivery = delivery, feed = feed }
end

-- the plan of a message with these settings:
-- { sender=, destinations = { { destination=, route=, level=, policy=,
-- recipients=, hosts = { { name=, preference=, addresses=, refused=,
-- tls = { level=, policy= } } } } },
-- refused = { { address=, text= } } }
return function(c, t)
  local m, why, detail = message.new(t, c)
  if not m then return nil, why, detail end
  local envelope = m:envelope()
  local groups, refused = destination.group(c, envelope)
  local out = { sender = envelope.sender, destinations = {},
                refused = refusals_of(envelope, refused) }
  local d, jobs = driver.pick(c.driver), {}
  for i, group in ipairs(groups) do
    out.destinations[i] = entry(c, envelope, group)
    jobs[i], why, detail = job(c, group, out.destinations[i], d,
                               { config = c })
    if not jobs[i] then return nil, why, detail end
  end
  local ok
  ok, why, detail = d.run(jobs)
  if not ok then return nil, why, detail end
  return out
end
