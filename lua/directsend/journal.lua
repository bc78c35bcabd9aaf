-- journal: what became of the entries of a list, in a file beside it, so that
-- a run that was broken off can be gone on with.  A line is written before a
-- message may leave and one when its outcome is known.

local journal = {}

local title = "directsend bulk 1"

-- words of the file as what they mean for another run
local meaning = { begun = "unknown", unknown = "unknown", delivered = "done",
                  failed = "done", refused = "again", deferred = "again" }

local function read(file, states, addresses)
  local line = file:read "*l"
  if line ~= title then return nil, "is no journal of such a run" end
  for entry in file:lines() do
    local n, word, address = entry:match "^(%d+) (%a+) (.*)$"
    n = tonumber(n)
    if n and meaning[word] then
      states[n], addresses[n] = meaning[word], address
    end
  end
  return true
end

local function ends_in_line(path)
  local file = io.open(path, "rb")
  local size = file:seek "end"
  file:seek("set", math.max(0, size - 1))
  local last = file:read(1)
  file:close()
  return last == "\n"
end

-- journal.open: the one at that path, a new one where there is none; nil, why
--   state(n, address)  "done", "unknown", "again" or nil; nil, why where the
--                      entry is somebody else's now
--   write(n, word, address)  true, or nil, why
function journal.open(path)
  local states, addresses = {}, {}
  local file = io.open(path, "rb")
  local fresh = not file
  if file then
    local ok, why = read(file, states, addresses)
    file:close()
    if not ok then return nil, path .. ": " .. why end
  end
  local out, why = io.open(path, "ab")
  if not out then return nil, why end
  local function put(text)
    local ok, trouble = out:write(text)
    if ok then ok, trouble = out:flush() end
    if ok then return true end
    return nil, path .. ": " .. trouble
  end
  local ok = true
  if fresh then
    ok, why = put(title .. "\n")
  elseif not ends_in_line(path) then
    ok, why = put "\n"
  end
  if not ok then return nil, why end
  local j = {}
  function j.state(n, address)
    if addresses[n] and addresses[n] ~= address then
      return nil, ("%s: entry %d was %s and is %s now: the list is another one")
                  :format(path, n, addresses[n], address)
    end
    return states[n]
  end
  function j.write(n, word, address)
    return put(("%d %s %s\n"):format(n, word, address))
  end
  function j.close() out:close() end
  return j
end

return journal
