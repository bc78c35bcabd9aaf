-- message: a table of what is to be said and to whom, made into what goes on
-- the wire.  Attachments and further fields are in parts.lua, finished
-- messages in raw.lua; both are loaded when they are needed.

local check = require "directsend.check"
local core = require "directsend.core"
local mailbox = require "directsend.mailbox"

local refuse = mailbox.refuse
local message = {}
local object = {}
object.__index = object

local address = "string|table"
local known = {
  from = address, reply_to = address, to = address, cc = address,
  bcc = address, sender = address, envelope = "table", subject = "string",
  date = "number", message_id = "string", in_reply_to = address,
  references = address, text = address, html = address, attach = "table",
  inline = "table", headers = "table", raw = "table", auto = "string|boolean",
  priority = "string|number", encoding = "string", tag = "string",
  all = "boolean",
}

-- ------------------------------------------------------------------ header

-- hand a field to the core, or throw why it will not have it
local function put(field, ok, why, inner)
  if not ok then
    refuse(inner and inner ~= "" and field .. "." .. inner or field, "%s", why)
  end
end

local function put_mailboxes(m, name, list, field)
  local flat = {}
  for _, a in ipairs(list) do
    flat[#flat + 1] = a.name or ""
    flat[#flat + 1] = a.localpart
    flat[#flat + 1] = a.domain
  end
  if flat[1] then put(field, m:mailboxes(name, flat)) end
end

local function hex(octets)
  return (octets:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- ids of "<a@b> <c@d>", or a list of such
local function idents(v, field)
  if type(v) == "string" then v = { v } end
  local out = {}
  for i = 1, mailbox.list(v, field) do
    local of = ("%s[%d]"):format(field, i)
    for id in check.type(rawget(v, i), "string", of):gmatch "[^ ]+" do
      out[#out + 1] = id:match "^<(.*)>$" or id
    end
  end
  return out
end

local function put_idents(m, name, v, field)
  local list = v and idents(v, field)
  if list and not list[1] then refuse(field, "names no Message-ID") end
  if list then put(field, m:idents(name, list)) end
end

local function put_date(m, t, settings)
  local date = t.date or settings.time or core.epoch()
  if not (date >= -2208988800 and date <= 253402300799) then
    refuse("date", "%s is no time between 1900 and 9999", tostring(date))
  end
  put("date", m:date(date, settings.zone or core.zone(date)))
end

local autos = { generated = "auto-generated", replied = "auto-replied" }

local function put_auto(m, v)
  if not v then return end
  if not autos[v] then refuse("auto", "'%s' is not generated", tostring(v)) end
  put("auto", m:text("Auto-Submitted", autos[v]))
end

local function put_header(m, t, who, settings)
  put_date(m, t, settings)
  put_mailboxes(m, "From", who.from, "from")
  put_mailboxes(m, "Sender", { who.sender }, "sender")
  put_mailboxes(m, "Reply-To", who.reply_to, "reply_to")
  put_mailboxes(m, "To", who.to, "to")
  put_mailboxes(m, "Cc", who.cc, "cc")
  if not who.to[1] and not who.cc[1] then
    put("to", m:text("To", "undisclosed-recipients:;"))
  end
  if t.subject then put("subject", m:text("Subject", t.subject)) end
  local random = settings.random or core.random
  local id = t.message_id and idents(t.message_id, "message_id")
             or { hex(random(16)) .. "@" .. who.from[1].domain }
  if #id ~= 1 then refuse("message_id", "one Message-ID is wanted") end
  put("message_id", m:idents("Message-ID", id))
  put_idents(m, "In-Reply-To", t.in_reply_to, "in_reply_to")
  put_idents(m, "References", t.references, "references")
  local auto = t.auto
  if auto == nil then auto = settings.auto end
  put_auto(m, auto)
  if t.priority or t.headers then
    require "directsend.parts".header(m, t, put)
  end
  return id[1]
end

-- ------------------------------------------------------------------ bodies

local function put_text(m, kind, v, field)
  if type(v) == "table" then
    check.keys(v, { path = "string" }, field)
    check.type(rawget(v, "path"), "string", field .. ".path")
    put(field, m[kind](m, nil, rawget(v, "path")))
  elseif v then
    put(field, m[kind](m, v))
  end
end

local function put_bodies(m, t, settings)
  put_text(m, "plain", t.text, "text")
  put_text(m, "html", t.html, "html")
  if t.attach or t.inline then
    require "directsend.parts".bodies(m, t, put)
  end
  if not t.text and not t.html and not (t.attach and t.attach[1]) then
    put("text", m:plain(""))
  end
  put("message", m:finish((settings.random or core.random)(48)))
end

-- ---------------------------------------------------------------- envelope

-- each address once: local parts as they stand, domains whatever their case
local function once(...)
  local out, seen = {}, {}
  for i = 1, select("#", ...) do
    for _, a in ipairs((select(i, ...))) do
      local key = a.localpart .. "@" .. a.domain:lower()
      if not seen[key] then
        seen[key] = true
        out[#out + 1] = a
      end
    end
  end
  return out
end

local function sender_of(v, reader)
  if v == "" or v == "<>" then
    return { localpart = "", domain = "", address = "" }
  end
  return v and reader:one(v, "envelope.sender", " path")
end

-- who writes and who is written to
local function read_people(t, settings, reader)
  local from = settings.force_from or t.from or settings.from
  if not from then refuse("from", "is missing") end
  local who = {
    from = reader:some(from, t.from and "from" or "config.from"),
    sender = t.sender and reader:one(t.sender, "sender"),
    reply_to = reader:some(t.reply_to or {}, "reply_to"),
    to = reader:recipients(t.to or {}, "to"),
    cc = reader:recipients(t.cc or {}, "cc"),
    bcc = reader:recipients(t.bcc or {}, "bcc"),
  }
  if not who.from[1] then refuse("from", "is missing") end
  if who.from[2] and not who.sender then
    refuse("sender", "is needed where from names more than one")
  end
  return who
end

-- {sender=, recipients=} as mailboxes; default: what stands where the message
-- does not say
local function read_envelope(t, settings, reader, default)
  local e = t.envelope or {}
  check.keys(e, { sender = "string", recipients = address }, "envelope")
  local given, list = rawget(e, "sender"), rawget(e, "recipients")
  if settings.force_from and given ~= "" and given ~= "<>" then
    given = reader:one(settings.force_from, "force_from").address
  end
  local out = { sender = sender_of(given, reader) or default.sender }
  out.recipients = list and once(reader:recipients(list, "envelope.recipients",
                                                   " path"))
                   or default.recipients
  if not out.sender then refuse("envelope.sender", "is missing") end
  if not out.recipients[1] then
    refuse(list and "envelope.recipients" or "to", "names no recipient")
  end
  return out
end

-- ------------------------------------------------------------------- whole

local UTF8 = 2 -- what core.message's flags say of SMTPUTF8

local function finished(m, t, envelope, id)
  local flags, utf8 = m:flags(), envelope.sender.utf8
  local out = { sender = envelope.sender.address, recipients = {} }
  for i, a in ipairs(envelope.recipients) do
    out.recipients[i], utf8 = a.address, utf8 or a.utf8
  end
  if utf8 and flags % (2 * UTF8) < UTF8 then flags = flags + UTF8 end
  return setmetatable({ core = m, message_id = id, flags = flags, tag = t.tag,
                        all = t.all, sent_to = out }, object)
end

local function build(m, given, settings)
  local t = {}
  for key, value in next, given do t[key] = value end
  if t.encoding and t.encoding ~= "8bit" then
    refuse("encoding", "'%s' is not 8bit", t.encoding)
  end
  local reader = mailbox.reader(settings)
  local id, default
  if t.raw then
    id, default = require "directsend.raw"(m, t, settings, reader, put)
    default.recipients = once(default.recipients)
    return finished(m, t, read_envelope(t, settings, reader, default), id)
  end
  local who = read_people(t, settings, reader)
  default = { sender = who.sender or who.from[1],
              recipients = once(who.to, who.cc, who.bcc) }
  local envelope = read_envelope(t, settings, reader, default)
  id = put_header(m, t, who, settings)
  put_bodies(m, t, settings)
  return finished(m, t, envelope, id)
end

-- message.new: the message of a table (api.md), with a mailer's settings; or
-- the one that t is already.  nil, message, detail where a value will not do.
-- Besides a configuration's, settings may be time (Unix seconds), zone (seconds
-- east of UTC), random (a function of a number of octets) and auto: the same
-- ones make the same octets.
function message.new(t, settings)
  if getmetatable(t) == object then return t end
  check.keys(t, known, "message")
  local m = core.message(rawget(t, "encoding") == "8bit")
  local ok, got = pcall(build, m, t, settings or {})
  local why, detail
  if ok and settings and settings.dkim then
    got, why, detail = require "directsend.signing".sign(got, t, settings)
  end
  if ok and got then return got end
  m:close()
  if ok then return nil, why, detail end
  if type(got) ~= "table" then error(got, 0) end
  return nil, got.text, { kind = "usage", field = got.field }
end

-- ------------------------------------------------------------------ object

-- each piece to f, in order; nil, message, detail where one cannot be had
local function each(self, f)
  local ok, why = self.core:rewind()
  local piece
  while ok do
    piece, why = self.core:read()
    if piece == "" then return true end
    ok = piece
    if piece then ok, why = f(piece) end
  end
  return nil, why, { kind = "local" }
end

function object:tostring()
  local out = {}
  local ok, why, detail = each(self, function(piece)
    out[#out + 1] = piece
    return true
  end)
  if not ok then return nil, why, detail end
  return table.concat(out)
end

function object:size()
  return self.core:size()
end

-- write{path=} or write{file=}: true, or nil, message, detail
function object:write(to)
  check.keys(to, { path = "string", file = true }, "write")
  local file, why = to.file
  if not file then
    file, why = io.open(check.type(to.path, "string", "write.path"), "wb")
    if not file then return nil, why, { kind = "local" } end
  end
  local ok, detail
  ok, why, detail = each(self, function(piece) return file:write(piece) end)
  if not to.file then
    local closed, trouble = file:close()
    if ok and not closed then ok, why, detail = nil, trouble, { kind = "local" } end
  end
  return ok, why, detail
end

-- {sender=, recipients={…}}, as SMTP will say them
function object:envelope()
  local out = { sender = self.sent_to.sender, recipients = {} }
  for i, a in ipairs(self.sent_to.recipients) do out.recipients[i] = a end
  return out
end

return message
