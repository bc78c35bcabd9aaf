-- sources: bodies that functions give, octets by octets, and messages that are
-- parts of another.  Functions may yield, so nothing here runs in a pcall (5.1
-- cannot yield in one), and none is called from C.

local check = require "directsend.check"
local core = require "directsend.core"
local warnings = require "directsend.warnings"

local sources = {}

-- sources.spool: an empty spool where the settings want it
function sources.spool(settings)
  return core.spool(settings and settings.tmpdir or os.getenv "TMPDIR"
                    or "/tmp")
end

-- ----------------------------------------------------------------- reading

-- how often in a row a function may give nothing yet, as those of LTN12 may
local patience = 1000

-- the next octets, "" at the end; nil, why
local function next_octets(reader)
  local octets, why
  for _ = 1, patience do
    octets, why = reader.read()
    if octets ~= "" then break end
  end
  if octets == nil and why == nil then return "" end
  if octets == "" then
    why = ("gave %d empty strings in a row; nil is the end"):format(patience)
  elseif type(octets) == "string" then
    reader.place.at = reader.place.at + #octets
    return octets
  elseif octets ~= nil then
    why = "gave a " .. type(octets)
  end
  reader.place.at = -1 -- nobody knows
  return nil, ("%s: read: %s"):format(reader.field, tostring(why))
end

local function begin_again(reader)
  local _, why = reader.rewind()
  if why then return nil, ("%s: rewind: %s"):format(reader.field, tostring(why)) end
  reader.place.at = 0
  return true
end

-- the octets from there on
local function octets_at(reader, at)
  local place = reader.place
  if place.at ~= at then
    local ok, why = begin_again(reader)
    if not ok then return nil, why end
  end
  while true do
    local before = place.at
    local octets, why = next_octets(reader)
    if not octets or octets == "" then return octets, why end
    if place.at > at then return octets:sub(at - before + 1) end
  end
end

-- all that the reader gives, through f; nil, why
local function all(reader, f)
  local at, octets, ok, why = 0
  repeat
    octets, why = octets_at(reader, at)
    ok = octets
    if octets then
      at = at + #octets
      ok, why = f(octets)
    end
  until not ok or octets == ""
  if ok and reader.size and at ~= reader.size then
    return nil, ("%s: size is %.0f, and read gave %.0f octets")
                :format(reader.field, reader.size, at)
  end
  return ok, why
end

-- octets for the reader that is waited for; nil, why
local function supply(readers)
  for i = 1, #readers do
    local reader = readers[i]
    local at = reader.source:wanted()
    if at then
      local octets, why = octets_at(reader, at)
      reader.source:supply(octets)
      return octets, why
    end
  end
end

-- sources.read: the next octets of a message, at most so many, "" at the end;
-- nil, why
function sources.read(m, most)
  local octets, why = m.core:read(most)
  while octets == false do
    octets, why = supply(m.readers)
    if not octets then return nil, why end
    octets, why = m.core:read(most)
  end
  return octets, why
end

-- ------------------------------------------------------------------ taking

local keys = { read = "function", rewind = "function|nil", size = "number|nil" }

-- where each function stands, which may be read for more than one message
local places = setmetatable({}, { __mode = "k" })

local function place_of(read, again)
  local place = again and places[read] or { at = 0 }
  places[read] = again and place or nil
  return place
end

local function reader_of(v, field)
  local reader = { field = field }
  for key, want in core.next, keys do
    reader[key] = check.type(rawget(v, key), want, field .. "." .. key)
  end
  reader.place = place_of(reader.read, reader.rewind and reader.size)
  local size = reader.size or 0
  if not (size >= 0 and size < 2 ^ 53 and size % 1 == 0) then
    error(field .. ".size: expected a number of octets", 0)
  end
  return reader
end

-- what may be a message is looked at, or it goes as a file of no type
local function look_of(v, look)
  if look ~= "file" then return look end
  local name, type = rawget(v, "name") or "", rawget(v, "type")
  return (type or ""):lower():find "^message/"
         and "text" or not type and name:lower():find "%.eml$" and "text"
         or nil
end

-- functions that gave all they had and cannot go back
local spent = setmetatable({}, { __mode = "k" })

-- all that the reader gives, in a spool; nil, why
local function spooled(reader, settings)
  local spool = sources.spool(settings)
  local ok, why = all(reader, function(s) return spool:write(s) end)
  if not ok then return nil, why end
  if spent[reader.read] and reader.place.at == 0 then
    return nil, reader.field .. ": read: an earlier message has read it to its "
                .. "end; with rewind and size it can be read again"
  end
  spent[reader.read] = reader.place.at > 0 or nil
  return spool
end

-- what can be read again stays where it is, all else is read once, here: a
-- source and its reader, or a spool; nil, why
local function take(v, field, look, settings)
  local reader = reader_of(v, field)
  if not (reader.rewind and reader.size) then
    return spooled(reader, settings)
  end
  look = look_of(v, look)
  reader.source = core.source(reader.size, look)
  if look then
    local ok, why = all(reader, function(s) return reader.source:look(s) end)
    if not ok then return nil, why end
  end
  return reader.source, { reader }
end

-- settings for a message that is a part.  Its boundaries must differ from
-- those around it even where random repeats itself.
local function deeper(settings)
  local function random(n)
    return ((settings.random or core.random)(n):gsub(".", function(c)
      return string.char((c:byte() + 1) % 256)
    end))
  end
  return setmetatable({ dkim = false, force_from = false, auto = false,
                        nested = (settings.nested or 0) + 1, random = random },
                      { __index = settings })
end

local deepest = 20

-- a message that is a part: the built one, its own readers; nil, why, detail
local function nest(v, field, settings, build)
  if (settings.nested or 0) >= deepest then
    return nil, ("%s: messages in messages more than %d deep")
                :format(field, deepest), { kind = "usage", field = field }
  end
  local inner, why, detail = build(v, deeper(settings))
  if inner then return inner, inner.readers end
  detail.field = field .. ".message" .. (detail.field and "." .. detail.field or "")
  return nil, field .. ".message: " .. why, detail
end

-- those of a table's values that must be taken: { value, field, look }
local function found(t)
  local out = {}
  local function add(v, field, look)
    if type(v) == "table" and (rawget(v, "read") ~= nil
       or look == "file" and rawget(v, "message") ~= nil) then
      out[#out + 1] = { v, field, look }
    end
  end
  add(t.text, "text", "text")
  add(t.html, "html", "text")
  add(t.raw, "raw", "raw")
  for i, v in ipairs(t.attach or {}) do
    add(v, ("attach[%d]"):format(i), "file")
  end
  for cid, v in core.next, t.inline or {} do
    add(v, "inline." .. tostring(cid), "file")
  end
  return out
end

-- sources.take: what was taken, by field: a spool, a source, a built message;
-- the readers of all sources, and what the built ones warn of, nil: nothing;
-- or nil, message, detail.  build: message.new
function sources.take(t, settings, build)
  local taken, readers, warned = {}, {}, {}
  for _, item in ipairs(found(t)) do
    local v, field = item[1], item[2]
    local got, more, detail
    if rawget(v, "read") ~= nil then
      got, more = take(v, field, item[3], settings)
      detail = { kind = "local", field = field }
    else
      got, more, detail = nest(rawget(v, "message"), field, settings, build)
      if got then warnings.add(warned, got.warnings) end
    end
    if not got then return nil, more, detail end
    for i = 1, #(more or {}) do readers[#readers + 1] = more[i] end
    taken[field] = got
  end
  return taken, readers, warned.warnings
end

return sources
