-- recipients: a list in a file, CSV with a header line (RFC 4180) or JSON
-- lines, read entry by entry as mailer:each wants them.

local core = require "directsend.core"

local recipients = {}

local longest = 1048576 -- octets of one entry

local names = { to = "to", email = "to", address = "to", id = "id",
                envelope_sender = "envelope_sender" }

-- -------------------------------------------------------------------- CSV

local function quotes(s)
  return select(2, s:gsub('"', ""))
end

-- the next record's text; nil at the end; nil, why
local function record_text(file)
  local text = file:read "*l"
  if not text then return nil end
  local open = quotes(text) % 2 == 1
  if open then
    local lines, size = { text }, #text
    while open do
      local line = file:read "*l"
      if not line or size > longest then return nil, "a quote has no end" end
      lines[#lines + 1], size = line, size + #line
      open = quotes(line) % 2 == 0
    end
    text = table.concat(lines, "\n")
  end
  return (text:gsub("\r$", ""))
end

-- the fields of a record's text; nil, why
local function fields_of(text)
  local out, at = {}, 1
  repeat
    local value, comma, stop
    if text:sub(at, at) == '"' then
      local close = at + 1
      repeat
        close = text:find('"', close, true)
        local doubled = close and text:sub(close + 1, close + 1) == '"'
        if doubled then close = close + 2 end
      until not doubled
      if not close then return nil, "a quote has no end" end
      value = text:sub(at + 1, close - 1):gsub('""', '"')
      comma, stop = text:match("^(,?)()", close + 1)
      if comma == "" and stop <= #text then
        return nil, "something stands behind a quoted value"
      end
    else
      value, comma, stop = text:match("^([^,]*)(,?)()", at)
      if value:find('"', 1, true) then
        return nil, "a quote stands within a value that is not quoted"
      end
    end
    out[#out + 1], at = value, stop
  until comma == ""
  return out
end

local function header_of(file)
  local text, why = record_text(file)
  if not text then return nil, why or "is empty" end
  local list
  list, why = fields_of((text:gsub("^\239\187\191", "")))
  if not list then return nil, "its header line: " .. why end
  local seen = {}
  for _, name in ipairs(list) do
    local key = names[name:lower()] or name
    if seen[key] then return nil, "its header line names " .. key .. " twice" end
    seen[key] = true
  end
  if not seen.to then
    return nil, "its header line names no column to, email or address"
  end
  return list
end

local function csv(file)
  local header, why = header_of(file)
  if not header then return nil, why end
  return function()
    local text
    repeat
      text, why = record_text(file)
      if not text then return nil, why end
    until text ~= ""
    local list
    list, why = fields_of(text)
    if not list then return nil, why end
    if #list ~= #header then
      return nil, ("it has %d values, and the header line %d")
                  :format(#list, #header)
    end
    local entry = { fields = {} }
    for i, name in ipairs(header) do
      local key = names[name:lower()]
      if key and list[i] ~= "" then entry[key] = list[i] end
      if not key then entry.fields[name] = list[i] end
    end
    return entry
  end
end

-- ------------------------------------------------------------- JSON lines

local function from_object(t)
  if type(t) ~= "table" then return nil, "is no object" end
  local entry = { fields = {} }
  for name, value in core.next, t do
    local key = type(name) == "string" and names[name:lower()]
    if key then
      if type(value) == "userdata" then value = nil end -- null
      entry[key] = value
    elseif name == "fields" and type(value) == "table" then
      for inner, v in core.next, value do entry.fields[inner] = v end
    else
      entry.fields[name] = value
    end
  end
  if entry.id ~= nil and type(entry.id) ~= "number" then
    entry.id = tostring(entry.id)
  end
  return entry
end

local function json_lines(file)
  local cjson = require "cjson"
  return function()
    local line
    repeat
      line = file:read "*l"
      if not line then return nil end
    until line:find "%S"
    local ok, t = pcall(cjson.decode, line)
    if not ok then return nil, "is no JSON: " .. t end
    return from_object(t)
  end
end

-- ------------------------------------------------------------------- whole

-- recipients.open: { next = , close = , at = , size = }; next() gives { to =,
-- id =, envelope_sender =, fields = {} }, nil at the end, or nil, why; at()
-- tells how many octets were read.  nil, why
function recipients.open(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local size = file:seek "end"
  if not size then
    file:close()
    return nil, path .. ": is no file that can be read again"
  end
  file:seek "set"
  local read
  read, why = (path:lower():find "%.jsonl?$" and json_lines or csv)(file)
  if not read then
    file:close()
    return nil, path .. ": " .. why
  end
  local list, entries = { size = size }, 0
  function list.next()
    local entry, trouble = read()
    entries = entries + 1
    if entry or not trouble then return entry end
    return nil, ("%s: entry %d: %s"):format(path, entries, trouble)
  end
  function list.at() return file:seek() end
  function list.close() file:close() end
  return list
end

return recipients
