-- parts: what a plain text message has not: files, pictures of the html, an
-- invitation, other messages, own header fields, a priority.

local check = require "directsend.check"
local mailbox = require "directsend.mailbox"
local core = require "directsend.core"

local refuse = mailbox.refuse
local parts = {}

-- fields that other keys write, or nobody but those on the way; the key, or
-- false
local owned = {
  date = "date", from = "from", sender = "sender", ["reply-to"] = "reply_to",
  to = "to", cc = "cc", bcc = "bcc", subject = "subject",
  ["message-id"] = "message_id", ["in-reply-to"] = "in_reply_to",
  references = "references", ["auto-submitted"] = "auto",
  ["list-id"] = "list_id", ["list-unsubscribe"] = "list_unsubscribe",
  ["list-unsubscribe-post"] = "list_unsubscribe",
  ["resent-bcc"] = "bcc", ["return-path"] = false, received = false, ["mime-version"] = false,
  ["dkim-signature"] = false, ["tls-required"] = "tls_required",
}

local function check_owned(name, field)
  local key = owned[name:lower()]
  if key then refuse(field, "%s is what the key %s is for", name, key) end
  if key == false or name:lower():find "^content%-" then
    refuse(field, "%s is not for a message to give", name)
  end
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

local function put_idents(m, name, v, field, put)
  local list = v and idents(v, field)
  if list and not list[1] then refuse(field, "names no Message-ID") end
  if list then put(field, m:idents(name, list)) end
end

-- parts.idents: what a message is called (id where it does not say), and what
-- it is in reply to; its Message-ID
function parts.idents(m, t, id, put)
  local list = t.message_id and idents(t.message_id, "message_id") or { id }
  if #list ~= 1 then refuse("message_id", "one Message-ID is wanted") end
  put("message_id", m:idents("Message-ID", list))
  put_idents(m, "In-Reply-To", t.in_reply_to, "in_reply_to", put)
  put_idents(m, "References", t.references, "references", put)
  return list[1]
end

local ranks = { high = 1, normal = 3, low = 5 }
local words = { "High", "High", nil, "Low", "Low" }

local function put_priority(m, v, put)
  local rank = ranks[v] or v
  if type(rank) ~= "number" or rank < 1 or rank > 5 or rank % 1 ~= 0 then
    refuse("priority", "'%s' is not high, normal, low or 1 to 5", tostring(v))
  end
  if not words[rank] then return end
  put("priority", m:text("X-Priority", ("%d"):format(rank)))
  put("priority", m:text("Importance", words[rank]))
end

-- parts.header: the priority, that TLS may be done without (RFC 8689), what
-- tells of a list, the message's own fields
function parts.header(m, t, put)
  if t.priority then put_priority(m, t.priority, put) end
  if t.tls_required == false then
    if t.require_tls then
      refuse("tls_required", "cannot be false where require_tls is true")
    end
    put("tls_required", m:text("TLS-Required", "No"))
  end
  if t.list_id or t.list_unsubscribe then
    require "directsend.lists".header(m, t, put)
  end
  for i = 1, mailbox.list(t.headers or {}, "headers") do
    local field = ("headers[%d]"):format(i)
    local pair = check.keys(rawget(t.headers, i), { "string", "string" }, field)
    local name = check.type(rawget(pair, 1), "string", field .. "[1]")
    local value = check.type(rawget(pair, 2), "string", field .. "[2]")
    check_owned(name, field)
    if name:lower():find "^list%-" then
      require "directsend.lists".check(name, value, field)
    end
    put(field, m:text(name, value, true))
  end
end

local text_keys = { path = "string", read = "function", rewind = "function",
                    size = "number" }

-- parts.text: what was taken of a text's function, or nil and its path
function parts.text(v, field, taken)
  check.keys(v, text_keys, field)
  if not taken[field] then
    check.type(rawget(v, "path"), "string", field .. ".path")
  end
  return taken[field], rawget(v, "path")
end

-- parts.one: raises unless t has just one of path, data and read
function parts.one(t, field)
  local n = 0
  for _, key in ipairs { "path", "data", "read" } do
    if rawget(t, key) ~= nil then n = n + 1 end
  end
  if n ~= 1 then error(field .. ": either path or data is wanted", 0) end
end

local file_keys = { path = "string", data = "string", read = "function",
                    rewind = "function", size = "number", name = "string",
                    type = "string", disposition = "string" }

-- a path, or {path=|data=|read=, …}, as a table; what was taken of a function
-- is its data
local function file(v, field, taken)
  if type(v) == "string" then return { path = v } end
  check.keys(check.type(v, "string|table", field), file_keys, field)
  parts.one(v, field)
  local out = {}
  for key, value in core.next, v do out[key] = value end
  out.data = taken[field] or out.data
  return out
end

local shown = { attachment = false, inline = true }

local function is_shown(v, field)
  local disposition = rawget(v, "disposition") or "attachment"
  if shown[disposition] == nil then
    refuse(field .. ".disposition", "'%s' is not attachment or inline",
           disposition)
  end
  return shown[disposition]
end

local message_keys = { message = "table", name = "string",
                       disposition = "string" }

local function attach(m, v, field, put, taken)
  if type(v) == "table" and rawget(v, "message") ~= nil then
    check.keys(v, message_keys, field)
    local inner = taken[field]
    return put(field, m:nest(inner.core, rawget(v, "name"), is_shown(v, field),
                             inner ~= rawget(v, "message")))
  end
  local f = file(v, field, taken)
  put(field, m:attach(f.data, f.path, f.name, f.type, is_shown(f, field)))
end

local function put_calendar(m, v, put)
  if type(v) == "string" then v = { data = v } end
  check.keys(v, { path = "string", data = "string", method = "string" },
             "calendar")
  parts.one(v, "calendar")
  put("calendar", m:calendar(rawget(v, "data"), rawget(v, "path"),
                             rawget(v, "method")))
end

-- the order of a table with names is nobody's: theirs is the alphabet's
local function sorted(t)
  local out = {}
  for key in core.next, t do
    out[#out + 1] = check.type(key, "string", "inline: each key")
  end
  table.sort(out)
  return out
end

-- parts.bodies: the invitation, what the html shows, and what hangs on
function parts.bodies(m, t, put, taken)
  if t.calendar then put_calendar(m, t.calendar, put) end
  local cids = sorted(t.inline or {})
  if cids[1] and not t.html then
    refuse("inline", "there is no html to show it")
  end
  for _, cid in ipairs(cids) do
    local field = "inline." .. cid
    local f = file(rawget(t.inline, cid), field, taken)
    put(field, m:inline(cid, f.data, f.path, f.name, f.type))
  end
  for i = 1, mailbox.list(t.attach or {}, "attach") do
    attach(m, rawget(t.attach, i), ("attach[%d]"):format(i), put, taken)
  end
end

return parts
