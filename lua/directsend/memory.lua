-- memory: what deliveries found out, for those that come after them: policies,
-- levels of TLS, hosts to be careful with.  In the mailer; and in a file of
-- config.state, which is read when something is first asked for and written
-- when something new was told.  Others may write it meanwhile: what they knew
-- is kept, and the file is replaced whole.

local core = require "directsend.core"

local memory = {}
memory.__index = memory

local most = 4 * 1048576 -- octets of keys and values; more is forgotten

-- memory.new: of a state directory, or of none
function memory.new(directory)
  return setmetatable({ directory = directory or nil,
                        path = directory and directory .. "/memory",
                        entries = {}, size = 0, changed = {} }, memory)
end

-- memory.of: a mailer's
function memory.of(mailer)
  mailer.memory = mailer.memory or memory.new(mailer.config.state)
  return mailer.memory
end

-- ---------------------------------------------------------------- the file

local function escaped(s)
  return (s:gsub("[%c%%]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function plain(s)
  return (s:gsub("%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end))
end

-- a line for each: when it ends, its key (space and key in one), its value
local function lines_of(entries)
  local out = {}
  for key, e in core.next, entries do
    out[#out + 1] = ("%.0f\t%s\t%s\n"):format(e.expires, escaped(key),
                                             escaped(e.value))
  end
  table.sort(out)
  return "directsend memory 1\n" .. table.concat(out)
end

-- the entries of a file; nil where there is none that is ours
local function entries_of(path)
  local text = core.read_private(path)
  if not text or not text:find "^directsend memory 1\n" then return nil end
  local out = {}
  for expires, key, value in text:gmatch "(%d+)\t([^\t\n]*)\t([^\t\n]*)\n" do
    out[plain(key)] = { expires = tonumber(expires), value = plain(value) }
  end
  return out
end

-- ------------------------------------------------------------- the entries

local function size_of(key, e)
  return #key + #e.value
end

local function drop(self, key)
  local e = self.entries[key]
  if e then self.size = self.size - size_of(key, e) end
  self.entries[key] = nil
end

-- the half that ends first
local function forget_some(self)
  local keys = {}
  for key in core.next, self.entries do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    return self.entries[a].expires < self.entries[b].expires
  end)
  for i = 1, math.ceil(#keys / 2) do drop(self, keys[i]) end
end

local function put(self, key, e)
  drop(self, key)
  self.entries[key] = e
  self.size = self.size + size_of(key, e)
  if self.size > most then forget_some(self) end
end

-- what others wrote; what was changed here since is newer
local function load(self)
  for key, e in core.next, entries_of(self.path) or {} do
    if not self.changed[key] then put(self, key, e) end
  end
end

local function once(self)
  if self.path and not self.loaded then load(self) end
  self.loaded = true
end

-- memory:recall: the value, nil where there is none or it is over
function memory:recall(space, key)
  once(self)
  key = space .. " " .. key
  local e = self.entries[key]
  if e and e.expires > core.epoch() then return e.value end
  drop(self, key)
end

-- memory:remember: a value until then (Unix time), or that there is none
function memory:remember(space, key, value, expires)
  once(self)
  key = space .. " " .. key
  self.changed[key] = true
  if value then
    put(self, key, { value = value, expires = expires })
  else
    drop(self, key)
  end
end

local function write(self, text)
  local part = ("%s.%s"):format(self.path, core.random(8):gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
  local ok, why = core.write_private(part, text)
  if not ok then return nil, why end
  ok, why = os.rename(part, self.path)
  if not ok then os.remove(part) end
  return ok, why
end

-- the entries go to the file; true, or nil and why
local function save_entries(self)
  if not core.next(self.changed) then return true end
  load(self)
  local now, kept = core.epoch(), {}
  for key, e in core.next, self.entries do
    if e.expires > now then kept[key] = e end
  end
  local ok, why = write(self, lines_of(kept))
  if ok then self.changed = {} end
  return ok, why
end

-- memory:save: what is new goes to the files; why it does not is a warning of
-- the message m, if there is one
function memory:save(m)
  if not self.path then return end
  local ok, why = save_entries(self)
  if ok and self.results then ok, why = self.results:save() end
  if not ok and m then
    require "directsend.warnings".add(m, { "state: " .. why })
  end
end

-- memory:serve: let a feed ask; results for TLS reports are only counted
function memory:serve(feed)
  function feed.recall(op)
    return "recalled", self:recall(op.space, op.key)
  end
  function feed.remember(op)
    if op.space ~= "tlsrpt" then
      return self:remember(op.space, op.key, op.value, op.expires)
    end
    self.results = self.results or require "directsend.tlsrpt".new(self.directory)
    self.results:count(op.key, op.value)
  end
end

-- memory:abilities: what a delivery may ask of it
function memory:abilities()
  return { "recall", self.directory and "report" }
end

return memory
