-- lookup: a question to the DNS, asked through the driver that sends, too.

local core = require "directsend.core"
local destination = require "directsend.destination"
local driver = require "directsend.driver"

local lookup = {}

-- lookup.ask(name, type[, config]): what the DNS says, as a resolver does:
-- { status =, secure =, records = {…} }, and besides text: how the servers
-- failed.  nil, message, detail where the name or the driver will not do.
function lookup.ask(name, type, c)
  c = c or {}
  local found
  local delivery, why, field = core.delivery {
    destination = name, question = type, dns = destination.dns(c),
    timeout = c.timeout,
  }
  if not delivery then
    return nil, why, { kind = "usage", field = field }
  end
  local feed = { answer = function(op)
    found = { status = op.status, secure = op.secure, records = op.records,
              text = op.text }
  end }
  local ok, detail
  ok, why, detail = driver.pick(c.driver).run { { delivery = delivery,
                                                  feed = feed } }
  delivery:close()
  if not ok then return nil, why, detail end
  return found
end

return lookup
