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
message.built = object -- the metatable of those that are

local address = "string|table"
local known = {
  from = address, reply_to = address, to = address, cc = address,
  bcc = address, sender = address, envelope = "table", subject = "string",
  date = "number", message_id = "string", in_reply_to = address,
  references = address, text = address, html = address, calendar = address,
  attach = "table", inline = "table", headers = "table", raw = "table",
  list_unsubscribe = "table", list_id = address, auto = "string|boolean",
  priority = "string|number", encoding = "string", tag = "string",
  all = "boolean", smime = "table", require_tls = "boolean",
  tls_required = "boolean",
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
  local id = hex(random(16)) .. "@" .. who.from[1].domain
  if t.message_id or t.in_reply_to or t.references then
    id = require "directsend.parts".idents(m, t, id, put)
  else
    put("message_id", m:idents("Message-ID", { id }))
  end
  local auto = t.auto
  if auto == nil then auto = settings.auto end
  put_auto(m, auto)
  if t.priority or t.headers or t.list_unsubscribe or t.list_id
     or t.tls_required == false then
    require "directsend.parts".header(m, t, put)
  end
  return id
end

-- ------------------------------------------------------------------ bodies

local function put_text(m, kind, v, field, taken)
  if type(v) == "table" then
    put(field, m[kind](m, require "directsend.parts".text(v, field, taken)))
  elseif v then
    put(field, m[kind](m, v))
  end
end

local function put_bodies(m, t, settings, taken)
  put_text(m, "plain", t.text, "text", taken)
  put_text(m, "html", t.html, "html", taken)
  if t.attach or t.inline or t.calendar then
    require "directsend.parts".bodies(m, t, put, taken)
  end
  if not t.text and not t.html and not t.calendar
     and not (t.attach and t.attach[1]) then
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
local function read_envelope(t, settings, reader, out)
  local field
  if t.envelope or settings.force_from then
    out, field = require "directsend.envelope"(t.envelope, settings, reader,
                                               out, once)
  end
  if not out.sender then refuse("envelope.sender", "is missing") end
  if not out.recipients[1] then
    refuse(field or "to", "names no recipient")
  end
  return out
end

-- ------------------------------------------------------------------- whole

local UTF8, REQUIRETLS = 2, 4 -- what flags say of these extensions

local function finished(w, envelope, id)
  local flags, utf8 = w.m:flags(), envelope.sender.utf8
  local out = { sender = envelope.sender.address, recipients = {} }
  for i, a in ipairs(envelope.recipients) do
    out.recipients[i], utf8 = a.address, utf8 or a.utf8
  end
  if utf8 and flags % (2 * UTF8) < UTF8 then flags = flags + UTF8 end
  if w.t.require_tls then flags = flags + REQUIRETLS end
  return setmetatable({ core = w.m, message_id = id, flags = flags,
                        tag = w.t.tag, all = w.t.all, sent_to = out,
                        tls_required = w.t.tls_required,
                        readers = w.readers, warnings = w.warnings }, object)
end

local nobody = { sender = { address = "" }, recipients = {} }

-- a message is made in three steps.  In the first its header is written …
local function begin(w, given)
  local t, settings = {}, w.settings
  for key, value in core.next, given do t[key] = value end
  w.t, w.reader = t, mailbox.reader(settings)
  if t.encoding and t.encoding ~= "8bit" then
    refuse("encoding", "'%s' is not 8bit", t.encoding)
  end
  if t.raw then return end
  local who = read_people(t, settings, w.reader)
  w.envelope = settings.nested and nobody
               or read_envelope(t, settings, w.reader, {
                    sender = who.sender or who.from[1],
                    recipients = once(who.to, who.cc, who.bcc) })
  w.id = put_header(w.m, t, who, settings)
end

-- … in the second the functions among its bodies are called, which may yield:
-- no pcall is around this one (5.1 cannot yield in one) …
local function take(w)
  local t = w.t
  local plain = type(t.text) ~= "table" and type(t.html) ~= "table"
                and not (t.attach or t.inline or t.raw)
  if plain then return {}, {} end
  return require "directsend.sources".take(t, w.settings, message.new)
end

-- … and in the third all bodies are put in.
local function complete(w)
  local t, settings = w.t, w.settings
  if not t.raw then
    put_bodies(w.m, t, settings, w.taken)
    return finished(w, w.envelope, w.id)
  end
  local id, default = require "directsend.raw"(w, put)
  default.recipients = once(default.recipients)
  return finished(w, settings.nested and nobody
                     or read_envelope(t, settings, w.reader, default), id)
end

-- the message of a table; nil, message, detail; raises what is misuse
local function build(w, given)
  local ok, got = pcall(begin, w, given)
  local why, detail
  if ok then
    w.taken, why, detail = take(w)
    if not w.taken then return nil, why, detail end
    w.readers, w.warnings = why, detail
    ok, got = pcall(complete, w)
  end
  if ok then return got end
  if type(got) ~= "table" then
    w.m:close()
    error(got, 0)
  end
  return nil, got.text, { kind = "usage", field = got.field }
end

-- message.new: the message of a table, with a mailer's settings; or
-- the one that t is already.  nil, message, detail where a value will not do.
-- Besides a configuration's, settings may be time (Unix seconds), zone (seconds
-- east of UTC), random (a function of a number of octets) and auto: the same
-- ones make the same octets; and nested: how deep in other messages it lies.
function message.new(t, settings)
  if getmetatable(t) == object then return t end
  check.keys(t, known, "message")
  settings = settings or {}
  local seal, got, why, detail
  if rawget(t, "smime") then
    seal, why, detail = require "directsend.sealing".new(t.smime, settings)
    if not seal then return nil, why, detail end
    settings = why
  end
  local care = settings.care or rawget(t, "encoding") == "8bit" and "8bit"
  local w = { m = core.message(care or nil), settings = settings }
  got, why, detail = build(w, t)
  if got and seal then
    got, why, detail = require "directsend.sealing".apply(got, seal, settings)
  end
  if got and settings.dkim then
    got, why, detail = require "directsend.signing".sign(got, t, settings)
  end
  if not got then w.m:close() end
  return got, why, detail
end

-- ------------------------------------------------------------------ object

-- the next octets, at most so many, "" at the end; nil, why
function object:read(most)
  local octets, why = self.core:read(most)
  if octets ~= false then return octets, why end
  return require "directsend.sources".read(self, most)
end

-- all of it at once; nil, message, detail
function object:tostring()
  return require "directsend.octets".tostring(self)
end

-- write{path=} or write{file=}: true, or nil, message, detail
function object:write(to)
  return require "directsend.octets".write(self, to)
end

function object:size()
  return self.core:size()
end

-- {sender=, recipients={…}}, as SMTP will say them
function object:envelope()
  local out = { sender = self.sent_to.sender, recipients = {} }
  for i, a in ipairs(self.sent_to.recipients) do out.recipients[i] = a end
  return out
end

return message
