-- check: the names and types of what callers hand in.  Misuse raises.

local core = require "directsend.core"

local M = {}

-- Edits (insert, delete, replace, swap two neighbours) from a to b.
local function distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = {[0] = i}
    for j = 1, #b do
      local d = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a:byte(i) == b:byte(j) and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        d = math.min(d, before[j - 2] + 1)
      end
      row[j] = d
    end
    before, last = last, row
  end
  return last[#b]
end

-- nearest(name, known): the key of `known` that `name` was probably meant to
-- be, or nil.  Equal distances go to the alphabetically first.
function M.nearest(name, known)
  name = tostring(name):lower()
  if #name > 40 then return nil end
  local best, least = nil, math.max(1, math.floor(#name / 3)) + 1
  for key in core.next, known do
    local d = type(key) == "string" and distance(name, key) or math.huge
    if d < least or d == least and best and key < best then best, least = key, d end
  end
  return best
end

-- plain(s [, most]): what somebody gave us, as a message may show it: one line,
-- of 200 octets at most where no other figure is given
function M.plain(s, most)
  s, most = tostring(s), most or 200
  if #s > most then
    s = s:sub(1, most - 3):gsub("[\192-\255][\128-\191]*$", "") .. "..."
  end
  return (s:gsub("%c", "?"):gsub("\194[\128-\159]", "?"))
end

-- type(value, want, where): raises unless the value's type is in `want`,
-- "string" or "string|table"; `where` names the value.
function M.type(value, want, where)
  if not ("|" .. want .. "|"):find("|" .. type(value) .. "|", 1, true) then
    error(("%s: expected %s, got %s"):format(M.plain(where), want:gsub("|", " or "), type(value)), 0)
  end
  return value
end

-- keys(t, known, where): raises unless every key of t is one of `known` and
-- its value fits.  known[key] is true (any type) or the types allowed, as in
-- type(); `where` ("message", "attach[2]") begins the error text.
function M.keys(t, known, where)
  M.type(t, "table", where)
  for key, value in core.next, t do
    local want = known[key]
    if want == nil then
      local near = M.nearest(key, known)
      error(("%s: unknown key '%s'%s"):format(where, M.plain(key),
            near and (" (did you mean '%s'?)"):format(near) or ""), 0)
    end
    if want ~= true then M.type(value, want, where .. "." .. tostring(key)) end
  end
  return t
end

return M
