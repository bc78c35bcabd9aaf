-- raw: a finished message passes through; whom it goes to stands in it.

local check = require "directsend.check"
local core = require "directsend.core"

-- what may stand beside it
local beside = { raw = true, envelope = true, tag = true, all = true,
                 require_tls = true }

local function check_keys(t)
  for key in core.next, t do
    if not beside[key] then
      error(("message: '%s' cannot be given beside raw"):format(key), 0)
    end
  end
  check.keys(t.raw, { path = "string", data = "string", read = "function",
                      rewind = "function", size = "number" }, "raw")
  require "directsend.parts".one(t.raw, "raw")
end

-- the values of the fields that name people or the message, by name
local function people(header)
  local found = { from = {}, sender = {}, to = {}, cc = {}, bcc = {},
                  ["message-id"] = {}, ["tls-required"] = {} }
  local unfolded = header:gsub("\r\n([ \t])", "%1"):gsub("\t", " ")
  for name, value in unfolded:gmatch "([^\r\n:]+):([^\r\n]*)\r\n" do
    local list = found[name:lower()]
    if list then list[#list + 1] = value end
  end
  return found
end

local function first(list, reader)
  return list[1] and reader:header(list[1], "raw")[1]
end

-- make w.m the message w.t.raw, or what was taken of its function; its
-- Message-ID and the envelope its header tells
return function(w, put)
  local t, settings, reader = w.t, w.settings, w.reader
  check_keys(t)
  put("raw", w.m:raw(w.taken.raw or rawget(t.raw, "data"),
                     rawget(t.raw, "path")))
  local found = people(w.m:header())
  if not t.require_tls and (found["tls-required"][1] or ""):lower()
                           :find "^%s*no%s*$" then
    t.tls_required = false
  end
  if settings.force_from then
    w.m = require "directsend.forced"(w.m, settings, "raw", true)
  end
  local e, default = t.envelope or {}, { recipients = {} }
  if rawget(e, "sender") == nil and not settings.force_from then
    default.sender = first(found.sender, reader) or first(found.from, reader)
                     or settings.from and reader:some(settings.from, "from")[1]
  end
  for _, name in ipairs(rawget(e, "recipients") and {} or { "to", "cc", "bcc" }) do
    for _, value in ipairs(found[name]) do
      for _, a in ipairs(reader:header(value, "raw", true)) do
        table.insert(default.recipients, a)
      end
    end
  end
  local id = found["message-id"][1]
  return id and id:match "<(.-)>", default
end
