-- signing: the DKIM signatures that a configuration asks for.

local check = require "directsend.check"
local core = require "directsend.core"
local mailbox = require "directsend.mailbox"
local value = require "directsend.value"
local warnings = require "directsend.warnings"

local signing = {}

local known = { domain = "string", selector = "string", key = "string|table",
                algorithm = "string", canonicalization = "string",
                expire = "number|string" }

local function identity(v, field)
  local out = {}
  for key, given in core.next, check.keys(v, known, field) do out[key] = given end
  for _, key in ipairs { "domain", "selector", "key" } do
    if out[key] == nil then value.refuse(field, "names no %s", key) end
  end
  if out.expire then
    out.expire = value.duration(60)(out.expire, field .. ".expire")
  end
  return out
end

-- signing.read: the reader of the key dkim: what one signature needs, or a
-- list of such
function signing.read(v, field)
  local list, expires = {}, false
  local items = check.type(v, "table", field)[1] and v or { v }
  for i = 1, mailbox.list(items, field) do
    list[i] = identity(items[i], v[1] and ("%s[%d]"):format(field, i) or field)
    expires = expires or list[i].expire ~= nil
  end
  local loaded, dkim = pcall(require, "directsend.dkim")
  if not loaded then value.refuse(field, "%s", dkim) end
  local signer, why, detail = dkim.signer(v[1] and list or list[1])
  if not signer then
    local inner = (detail.field or ""):gsub("^%f[%w]", ".")
    value.refuse(field .. inner, "%s", why)
  end
  return { signer = signer, expires = expires, warnings = signer:warnings() }
end

-- -------------------------------------------------------------------- time

local months = { jan = 0, feb = 31, mar = 59, apr = 90, may = 120, jun = 151,
                 jul = 181, aug = 212, sep = 243, oct = 273, nov = 304,
                 dec = 334 }

-- Unix seconds of a Date field; nil where it does not say them in figures
local function seconds(text)
  local day, month, year, h, m, s, sign, zh, zm = text:match(
    "(%d+) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):?(%d*) ([+-])(%d%d)(%d%d)")
  local before = month and months[month:lower()]
  if not before then return nil end
  local leap = tonumber(year) - (before < 59 and 1 or 0)
  local days = (year - 1970) * 365 + math.floor(leap / 4)
               - math.floor(leap / 100) + math.floor(leap / 400) - 477
               + before + day - 1
  local zone = (zh * 60 + zm) * (sign == "-" and -60 or 60)
  return days * 86400 + h * 3600 + m * 60 + (tonumber(s) or 0) - zone
end

local function date_of(header)
  local text = ("\n" .. header):match "\n[Dd][Aa][Tt][Ee]:([^\r\n]*)"
  return text and seconds(text)
end

-- The time of a signature is the message's Date, so that the same message is
-- the same octets; but no verifier takes one of tomorrow, and what expires
-- begins now.
local function time_of(date, settings)
  local now = settings.time or core.epoch()
  if settings.dkim.expires then return now end
  return math.max(0, math.min(date or now, now))
end

local function sign(m, date, settings)
  local run = settings.dkim.signer:begin()
  local sink = { write = function(_, piece) return run:feed(piece) end }
  local ok, why, detail = m:write { file = sink }
  if not ok then return nil, why, detail end
  ok, why, detail = run:finish(time_of(date, settings))
  if not ok then return nil, why, detail end
  m.core:prefix(ok)
  warnings.add(m, settings.dkim.warnings)
  return m
end

-- signing.sign: the finished message of t with its signatures in front; nil,
-- message, detail
function signing.sign(m, t, settings)
  local date = t.date
  if t.raw then date = date_of(m.core:header()) end
  return sign(m, date, settings)
end

-- signing.built: likewise one that wraps what the caller has built, with its
-- header as it was
function signing.built(m, header, settings)
  return sign(m, date_of(header), settings)
end

return signing
