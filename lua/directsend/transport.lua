-- transport: what a mailer does instead of sending: keep, write down, or
-- nothing.  Every recipient counts as delivered.

local core = require "directsend.core"

local transport = {}

local function delivered(self, envelope, groups, rows)
  for _, group in ipairs(groups) do
    local policy = group.pin and group.pin.tls and "config"
                   or self.config.policy
    for _, i in ipairs(group.recipients) do
      rows[i] = { address = envelope.recipients[i], outcome = "delivered",
                  temporary = false, route = group.route,
                  tls = { level = "none", policy = policy } }
    end
  end
  return true
end

local function chosen(envelope, groups)
  local list = {}
  for _, group in ipairs(groups) do
    for _, i in ipairs(group.recipients) do list[i] = envelope.recipients[i] end
  end
  local out = { sender = envelope.sender, recipients = {} }
  for i = 1, #envelope.recipients do
    out.recipients[#out.recipients + 1] = list[i]
  end
  return out
end

-- NAME.eml, the message, and NAME.env, the sender and the recipients line by
-- line: a name that nobody else has.  Who sees NAME.eml sees both whole.
local function write_down(directory, m, envelope)
  local id = core.random(8):gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end)
  local name = ("%s/%d.%s"):format(directory, core.epoch(), id)
  local lines = envelope.sender .. "\n"
                .. table.concat(envelope.recipients, "\n") .. "\n"
  local part, detail = name .. ".part", nil
  local ok, why = core.write_private(part, "")
  if ok then ok, why, detail = m:write { path = part } end
  if ok then ok, why = core.write_private(name .. ".env", lines) end
  if ok then ok, why = os.rename(part, name .. ".eml") end
  if ok then return true end
  os.remove(part)
  os.remove(name .. ".env")
  return nil, why, detail or { kind = "local" }
end

local carriers = {}

function carriers.null()
  return function(self, _, envelope, groups, rows)
    return delivered(self, envelope, groups, rows)
  end
end

function carriers.capture(mailer)
  mailer.sent = {}
  return function(self, m, envelope, groups, rows)
    local raw, why, detail = m:tostring()
    if not raw then return nil, why, detail end
    table.insert(self.sent, { envelope = chosen(envelope, groups), raw = raw })
    return delivered(self, envelope, groups, rows)
  end
end

function carriers.file(_, directory)
  return function(self, m, envelope, groups, rows)
    local ok, why, detail = write_down(directory, m, chosen(envelope, groups))
    if not ok then return nil, why, detail end
    return delivered(self, envelope, groups, rows)
  end
end

-- transport.open: make the mailer's messages go where its config says
function transport.open(self)
  local word, rest = self.config.transport:match "^(%a+):?(.*)$"
  self.carry = carriers[word](self, rest)
end

return transport
