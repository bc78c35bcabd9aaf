-- fields: {{name}} in a letter, each recipient's own: as it is in the subject
-- and in header fields, as text in html, percent-encoded within a URI.

local core = require "directsend.core"

local pattern = "{{%s*([%w_.-]+)%s*}}"

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
                   ['"'] = "&quot;", ["'"] = "&#39;" }

local function plainly(s) return s end

local function as_html(s)
  return (s:gsub("[&<>\"']", entities))
end

local function as_uri(s)
  return (s:gsub("[^%w._~-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function value_of(item, name)
  local v = item.fields and item.fields[name]
  if type(v) == "number" then return tostring(v) end
  if type(v) == "string" then return v end
  local why = v == nil and "is missing" or "is a " .. type(v)
  error({ text = ("fields.%s: %s"):format(name, why), field = "fields." .. name },
        0)
end

-- a function of an item that gives the text with its fields; nil: it has none
local function compile(text, encode)
  if type(text) ~= "string" or not text:find(pattern) then return nil end
  local pieces, at = {}, 1
  for from, name, to in text:gmatch("()" .. pattern .. "()") do
    pieces[#pieces + 1] = text:sub(at, from - 1)
    pieces[#pieces + 1] = { name }
    at = to
  end
  pieces[#pieces + 1] = text:sub(at)
  local alone = encode == as_uri and #pieces == 3 and pieces[1] == ""
                and pieces[3] == ""
  if alone then encode = plainly end
  return function(item)
    local out = {}
    for i, piece in ipairs(pieces) do
      out[i] = i % 2 == 1 and piece or encode(value_of(item, piece[1]))
    end
    return table.concat(out)
  end
end

-- what is to be filled in, as functions(t, item), and t without it
local function compile_all(t)
  local list, probe = {}, {}
  for key, value in core.next, t do probe[key] = value end
  for key, encode in core.next, { subject = plainly, text = plainly, html = as_html } do
    local f = compile(t[key], encode)
    if f then
      list[#list + 1] = function(out, item) out[key] = f(item) end
      probe[key] = key == "subject" and "" or "x"
    end
  end
  if type(t.list_unsubscribe) == "table" then
    local of = {}
    for key, value in core.next, t.list_unsubscribe do
      of[key] = compile(value, as_uri)
    end
    if core.next(of) then
      probe.list_unsubscribe = nil
      list[#list + 1] = function(out, item)
        local u = {}
        for key, value in core.next, t.list_unsubscribe do u[key] = value end
        for key, f in core.next, of do u[key] = f(item) end
        out.list_unsubscribe = u
      end
    end
  end
  if type(t.headers) == "table" then
    local of, kept = {}, {}
    for i, pair in ipairs(t.headers) do
      of[i] = type(pair) == "table" and compile(pair[2], plainly) or false
      if not of[i] then kept[#kept + 1] = pair end
    end
    if #kept < #of then
      probe.headers = kept
      list[#list + 1] = function(out, item)
        local h = {}
        for i, pair in ipairs(t.headers) do
          h[i] = of[i] and { pair[1], of[i](item) } or pair
        end
        out.headers = h
      end
    end
  end
  return list, probe
end

-- all that a function gives, which can be read once and is everybody's
local function whole(v)
  local out = {}
  repeat
    local piece, why = v.read()
    if piece == nil and why then return nil, tostring(why) end
    out[#out + 1] = piece
  until piece == nil or piece == ""
  return table.concat(out)
end

local function take(t, key, field, keep)
  local v = t[key]
  if type(v) ~= "table" or type(rawget(v, "read")) ~= "function" then
    return true
  end
  local data, why = whole(v)
  if not data then
    return nil, field .. ": read: " .. why, { kind = "local", field = field }
  end
  if not keep then
    t[key] = data
  else
    t[key] = { data = data, name = rawget(v, "name"), type = rawget(v, "type"),
               disposition = rawget(v, "disposition") }
  end
  return true
end

local function copy(list)
  local out = {}
  for key, value in core.next, list do out[key] = value end
  return out
end

local function take_all(t)
  for _, key in ipairs { "text", "html" } do
    local ok, why, detail = take(t, key, key)
    if not ok then return nil, why, detail end
  end
  for _, key in ipairs { "attach", "inline" } do
    if type(t[key]) == "table" then
      t[key] = copy(t[key])
      for inner in core.next, copy(t[key]) do
        local field = key == "attach" and ("attach[%s]"):format(inner)
                      or "inline." .. tostring(inner)
        local ok, why, detail = take(t[key], inner, field, true)
        if not ok then return nil, why, detail end
      end
    end
  end
  return t
end

-- give a letter its `filled`: a function of an item that gives the table of
-- its message; returns what of t can be built without an item, or nil,
-- message, detail
return function(self, t)
  local ok, why, detail = take_all(t)
  if not ok then return nil, why, detail end
  local list, probe = compile_all(t)
  function self.filled(item)
    local out = copy(t)
    for i = 1, #list do
      local done, bad = pcall(list[i], out, item)
      if not done then
        if type(bad) ~= "table" then error(bad, 0) end
        return nil, bad.text, { kind = "usage", field = bad.field }
      end
    end
    return out
  end
  return probe
end
