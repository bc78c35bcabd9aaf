-- letter: what mailer:each says to everybody: a finished message, whose octets
-- are the same for all, or the table of a message with {{fields}} in it.

local check = require "directsend.check"
local core = require "directsend.core"
local mailbox = require "directsend.mailbox"
local message = require "directsend.message"

local letter = {}
letter.__index = letter

local UTF8 = 2    -- what core.message's flags say of SMTPUTF8
local small = 65536 -- octets of a message that is held in memory …
local shared = 1048576 -- … and of one that is everybody's

-- ----------------------------------------------------------------- people

local function with_utf8(flags, item)
  if item.utf8 and flags % (2 * UTF8) < UTF8 then return flags + UTF8 end
  return flags
end

local function parse_to(self, to)
  local list = self.reader:recipients(to, "to")
  if #list ~= 1 then
    mailbox.refuse("to", "names %s; each message of a letter has one recipient",
                   #list == 0 and "nobody" or #list .. " recipients")
  end
  return list[1]
end

local function parse_sender(self, v)
  if v == "" or v == "<>" then return { address = "" } end
  return self.reader:one(self.config.force_from or v, "envelope_sender",
                         " path")
end

-- what a reader says; nil, message, detail; raises what is misuse
local function read(reader, self, v)
  local ok, got = pcall(reader, self, v)
  if ok then return got end
  if type(got) ~= "table" then return nil, got, { kind = "usage" } end
  return nil, got.text, { kind = "usage", field = got.field }
end

-- an address whose domain was read before, and whose local part needs no
-- reader
local function known(self, to)
  if type(to) ~= "string" then return nil end
  local domain = to:match "^%w[%w_+-]*@([%w.-]+)$"
  return domain and #to - #domain <= 65 and self.domains[domain]
end

local function remember(self, to, a)
  if a.address ~= to or a.utf8 then return end
  if self.remembered >= 1000 then self.domains, self.remembered = {}, 0 end
  local domain = to:match "@([^@]*)$"
  if not self.domains[domain] then self.remembered = self.remembered + 1 end
  self.domains[domain] = domain:lower()
end

-- letter:address: whom an item of the source goes to, and as whose: into item
-- as address, domain, sender, utf8 and to; nil, message, detail
function letter:address(item, given)
  local to, why, detail = given.to
  item.sender = self.sender
  item.domain = known(self, to)
  if item.domain then
    item.address, item.to = to, to
  else
    if to == nil then return nil, "to: is missing", { kind = "usage", field = "to" } end
    local a
    a, why, detail = read(parse_to, self, to)
    if not a then return nil, why, detail end
    item.address, item.utf8, item.to = a.address, a.utf8, to
    item.domain = a.domain:lower()
    remember(self, to, a)
  end
  if given.envelope_sender then
    local a
    a, why, detail = read(parse_sender, self, given.envelope_sender)
    if not a then return nil, why, detail end
    item.sender, item.utf8 = a.address, item.utf8 or a.utf8
  end
  return true
end

-- ----------------------------------------------------------------- octets

-- letter:message: the message of an item; nil, message, detail
function letter:message(item)
  local t, why, detail = self.filled(item)
  if not t then return nil, why, detail end
  if not t.raw then t.to = item.to end
  t.envelope = { sender = item.sender == "" and "<>" or item.sender,
                 recipients = { item.address } }
  return message.new(t, self.config)
end

-- letter:fill: what a delivery is told of an item's octets, into m; nil,
-- message, detail
function letter:fill(m, item)
  if self.flags then
    m.flags = with_utf8(self.flags, item)
    m.data, m.size, m.tls_optional = self.data, self.size, self.tls_optional
    return true
  end
  local built, why, detail = self:message(item)
  if not built then return nil, why, detail end
  m.flags, m.size, m.data, m.source = built.flags, built:size(), nil, nil
  m.tls_optional = built.tls_required == false
  if m.size <= small then
    m.data, why, detail = built:tostring()
    built.core:close()
    if not m.data then return nil, why, detail end
  else
    item.message, m.source = built, built.core
  end
  return true
end

-- letter:body, letter:rewind: for what is not all in memory
function letter:body(item, op)
  if self.spooled then return self.spooled.read(op) end
  local octets, why = item.message:read(op.max)
  if not octets then return "failed", "local", why end
  return "body", octets, octets == ""
end

function letter:rewind(item)
  if self.spooled then return "rewound" end
  local ok, why = item.message.core:rewind()
  if not ok then return "failed", "local", why end
  return "rewound"
end

-- letter:done: an item is told
function letter.done(_, item)
  item.message.core:close()
  item.message = nil
end

function letter:close()
  if self.spooled then
    self.spooled.close()
    self.built.core:close()
  end
  self.spooled = nil
end

-- --------------------------------------------------------------- beginning

-- the octets of a finished message, which are everybody's
local function share(self, m)
  local why, detail
  self.flags, self.size = m.flags, m:size()
  self.tls_optional = m.tls_required == false
  if self.size <= shared then
    self.data, why, detail = m:tostring()
    m.core:close()
    return self.data and self, why, detail
  end
  self.spooled, why, detail = require "directsend.body"(m, self.config)
  self.built = m
  return self.spooled and self, why, detail
end

-- without what stands in the source
local function own(given)
  local t = {}
  for key, value in core.next, check.type(given, "table", "letter") do
    t[key] = value
  end
  for _, key in ipairs { "to", "cc", "bcc", "all" } do
    if t[key] ~= nil then
      error("letter: '" .. key .. "' cannot be given: the source says whom "
            .. "each message goes to", 0)
    end
  end
  t.envelope = { sender = t.envelope and t.envelope.sender,
                 recipients = { "postmaster@example.com" } }
  return t
end

-- the letter of a table, for a mailer; nil, message, detail
return function(mailer, given)
  local self = setmetatable({ config = mailer.config, domains = {},
                              remembered = 0,
                              reader = mailbox.reader(mailer.config) }, letter)
  local t, why, detail = require "directsend.fields"(self, own(given))
  if not t then return nil, why, detail end
  local m
  m, why, detail = message.new(t, mailer.config)
  if not m then return nil, why, detail end
  self.sender = m:envelope().sender
  if t.raw then return share(self, m) end
  m.core:close()
  return self
end
