-- transport: what a mailer does instead of sending: keep, write down, or
-- nothing.  Every recipient counts as delivered.

local core = require "directsend.core"

local transport = {}

local function delivered(envelope, groups, rows)
  for _, group in ipairs(groups) do
    for _, i in ipairs(group.recipients) do
      rows[i] = { address = envelope.recipients[i], outcome = "delivered",
                  temporary = false, route = group.route }
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

-- a name that nobody else has, in full only when the message is whole
local function write_down(directory, m)
  local id = core.random(8):gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end)
  local name = ("%s/%d.%s.eml"):format(directory, core.epoch(), id)
  local ok, why, detail = m:write { path = name .. ".part" }
  if ok then ok, why = os.rename(name .. ".part", name) end
  if not ok then
    os.remove(name .. ".part")
    return nil, why, detail or { kind = "local" }
  end
  return true
end

local carriers = {}

function carriers.null()
  return function(_, _, envelope, groups, rows)
    return delivered(envelope, groups, rows)
  end
end

function carriers.capture(self)
  self.sent = {}
  return function(_, m, envelope, groups, rows)
    local raw, why, detail = m:tostring()
    if not raw then return nil, why, detail end
    table.insert(self.sent, { envelope = chosen(envelope, groups), raw = raw })
    return delivered(envelope, groups, rows)
  end
end

function carriers.file(_, directory)
  return function(_, m, envelope, groups, rows)
    local ok, why, detail = write_down(directory, m)
    if not ok then return nil, why, detail end
    return delivered(envelope, groups, rows)
  end
end

-- transport.open: make the mailer's messages go where its config says
function transport.open(self)
  local word, rest = self.config.transport:match "^(%a+):?(.*)$"
  self.carry = carriers[word](self, rest)
end

return transport
