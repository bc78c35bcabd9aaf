-- parts: what a plain text message has not: files, pictures of the html, own
-- header fields, a priority.

local check = require "directsend.check"
local mailbox = require "directsend.mailbox"

local refuse = mailbox.refuse
local parts = {}

-- fields that other keys write, or nobody but those on the way; the key, or
-- false
local owned = {
  date = "date", from = "from", sender = "sender", ["reply-to"] = "reply_to",
  to = "to", cc = "cc", bcc = "bcc", subject = "subject",
  ["message-id"] = "message_id", ["in-reply-to"] = "in_reply_to",
  references = "references", ["auto-submitted"] = "auto",
  ["return-path"] = false, received = false, ["mime-version"] = false,
  ["dkim-signature"] = false,
}

local function check_owned(name, field)
  local key = owned[name:lower()]
  if key then refuse(field, "%s is what the key %s is for", name, key) end
  if key == false or name:lower():find "^content%-" then
    refuse(field, "%s is not for a message to give", name)
  end
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

-- parts.header: the priority and the message's own fields
function parts.header(m, t, put)
  if t.priority then put_priority(m, t.priority, put) end
  for i = 1, mailbox.list(t.headers or {}, "headers") do
    local field = ("headers[%d]"):format(i)
    local pair = check.keys(rawget(t.headers, i), { "string", "string" }, field)
    local name = check.type(rawget(pair, 1), "string", field .. "[1]")
    local value = check.type(rawget(pair, 2), "string", field .. "[2]")
    check_owned(name, field)
    put(field, m:text(name, value, true))
  end
end

local file_keys = { path = "string", data = "string", name = "string",
                    type = "string", disposition = "string" }

-- a path, or {path=|data=, …}, as a table
local function file(v, field)
  if type(v) == "string" then return { path = v } end
  check.keys(check.type(v, "string|table", field), file_keys, field)
  if (rawget(v, "path") == nil) == (rawget(v, "data") == nil) then
    error(field .. ": either path or data is wanted", 0)
  end
  local out = {}
  for key, value in next, v do out[key] = value end
  return out
end

local shown = { attachment = false, inline = true }

local function attach(m, v, field, put)
  local f = file(v, field)
  local disposition = f.disposition or "attachment"
  if shown[disposition] == nil then
    refuse(field .. ".disposition", "'%s' is not attachment or inline",
           disposition)
  end
  put(field, m:attach(f.data, f.path, f.name, f.type, shown[disposition]))
end

-- the order of a table with names is nobody's: theirs is the alphabet's
local function sorted(t)
  local out = {}
  for key in next, t do
    out[#out + 1] = check.type(key, "string", "inline: each key")
  end
  table.sort(out)
  return out
end

-- parts.bodies: what the html shows, and what hangs on
function parts.bodies(m, t, put)
  local cids = sorted(t.inline or {})
  if cids[1] and not t.html then
    refuse("inline", "there is no html to show it")
  end
  for _, cid in ipairs(cids) do
    local field = "inline." .. cid
    local f = file(rawget(t.inline, cid), field)
    put(field, m:inline(cid, f.data, f.path, f.name, f.type))
  end
  for i = 1, mailbox.list(t.attach or {}, "attach") do
    attach(m, rawget(t.attach, i), ("attach[%d]"):format(i), put)
  end
end

return parts
