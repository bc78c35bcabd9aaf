-- mailbox: addresses as a message gives them, read with what its mailer was
-- told: a domain for bare names, aliases, literals.
-- What will not do is thrown as { field =, text = }, misuse as a string.

local check = require "directsend.check"
local core = require "directsend.core"

local mailbox = {}
mailbox.__index = mailbox

-- what is quoted in a text may be anything: the text is one line
local function line(s)
  return (s:gsub("%c", "?"))
end

function mailbox.refuse(field, ...)
  field = line(field)
  error({ field = field, text = field .. ": " .. line(string.format(...)) }, 0)
end
local refuse = mailbox.refuse

-- mailbox.list: a list's length; what has holes or other keys is no list
function mailbox.list(v, field)
  local n = 0
  for key in core.next, check.type(v, "table", field) do
    if type(key) ~= "number" then
      error(("%s: a list is wanted, and it has the key '%s'")
            :format(field, tostring(key)), 0)
    end
    n = n + 1
  end
  for i = 1, n do
    if rawget(v, i) == nil then
      error(("%s[%d]: the list has a hole here"):format(field, i), 0)
    end
  end
  return n
end

-- mailbox.reader: reads addresses with these settings
function mailbox.reader(settings)
  return setmetatable({ domain = settings.domain,
                        aliases = settings.aliases or {},
                        how = settings.allow_literals and "bare literals"
                              or "bare" }, mailbox)
end

local function shown(s)
  return #s > 80 and s:sub(1, 77) .. "..." or s
end

local function parse(self, s, field, how)
  local a, why = core.address.parse(s, self.how .. (how or ""))
  return a or refuse(field, "'%s': %s", shown(s), why)
end

-- a bare name gets the domain
local function complete(self, a, field)
  if a.domain ~= "" then return a end
  if not self.domain then
    refuse(field, "'%s': there is no domain to add to a bare name",
           shown(a.localpart))
  end
  local full = parse(self, a.address .. "@" .. self.domain, field)
  full.name = a.name
  return full
end

-- {name=, address=}
local function from_table(self, v, field)
  check.keys(v, { name = "string", address = "string" }, field)
  local address = check.type(rawget(v, "address"), "string",
                             field .. ".address")
  local a = parse(self, address, field .. ".address", " path")
  if rawget(v, "name") ~= "" then a.name = rawget(v, "name") end
  return a
end

local function item(self, v, field, how)
  if type(v) == "string" then return parse(self, v, field, how) end
  return from_table(self, check.type(v, "string|table", field), field)
end

-- how a mailbox is taken into a list: as it is, or, a recipient, as those its
-- alias names
local function plainly(self, a, out, field)
  out[#out + 1] = complete(self, a, field)
end

local function by_alias(self, a, out, field)
  local alias = a.domain == "" and self.aliases[a.localpart]
  if not alias then return plainly(self, a, out, field) end
  if type(alias) == "string" then alias = { alias } end
  for i = 1, #alias do
    local of = "aliases." .. a.localpart
    local to = parse(self, alias[i], of)
    to.name = to.name or a.name
    plainly(self, to, out, of)
  end
end

-- mailboxes of a key: a string, {name=, address=}, or a list of these;
-- recipients may be aliases; how: "path" for what stands in an envelope
local function read(self, v, field, how, take)
  local out = {}
  if type(v) == "string" or rawget(v, "address") or rawget(v, "name") then
    take(self, item(self, v, field, how), out, field)
    return out
  end
  for i = 1, mailbox.list(v, field) do
    local of = ("%s[%d]"):format(field, i)
    take(self, item(self, rawget(v, i), of, how), out, of)
  end
  return out
end

function mailbox:some(v, field)
  return read(self, v, field, nil, plainly)
end

function mailbox:recipients(v, field, how)
  return read(self, v, field, how, by_alias)
end

-- just one mailbox
function mailbox:one(v, field, how)
  return complete(self, item(self, v, field, how), field)
end

-- the mailboxes of a header field's value
function mailbox:header(value, field, recipients)
  local list, why = core.address.list(value, self.how)
  if not list then refuse(field, "%s", why) end
  local out = {}
  for i = 1, #list do
    (recipients and by_alias or plainly)(self, list[i], out, field)
  end
  return out
end

return mailbox
