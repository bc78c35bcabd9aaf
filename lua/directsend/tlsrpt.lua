-- tlsrpt: results of TLS that are to be reported to those who publish a policy
-- (RFC 8460): counted here, kept in a file a day of config.state, and read by
-- the command tlsrpt.

local core = require "directsend.core"

local tlsrpt = {}
tlsrpt.__index = tlsrpt

local most = 8 * 1048576 -- octets of a day's file; more is not kept
local days = 9           -- and so many of them

local function day_of(time)
  return os.date("!%Y-%m-%d", time)
end

local function name_of(directory, day)
  return directory .. "/tlsrpt-" .. day
end

-- tlsrpt.new: in this directory
function tlsrpt.new(directory)
  return setmetatable({ directory = directory, counts = {} }, tlsrpt)
end

-- tlsrpt:count: one more of this domain; line: fields as deliver/tlsrpt.c has
-- them
function tlsrpt:count(domain, line)
  local key = domain .. "\t" .. line:gsub("[\r\n]", " ")
  self.counts[key] = (self.counts[key] or 0) + 1
end

-- a day's file to write at its end; one that begins takes the oldest away
local function open(self, now)
  local name = name_of(self.directory, day_of(now))
  if core.write_private(name, "directsend tlsrpt 1\n") then
    for ago = days, days + 21 do
      os.remove(name_of(self.directory, day_of(now - ago * 86400)))
    end
  end
  return io.open(name, "ab")
end

-- tlsrpt:save: what was counted since; true, or nil and why
function tlsrpt:save()
  if not core.next(self.counts) then return true end
  local lines = {}
  for key, n in core.next, self.counts do lines[#lines + 1] = n .. "\t" .. key end
  local file, why = open(self, core.epoch())
  if not file then return nil, why end
  local ok = true
  if file:seek "end" < most then
    ok, why = file:write(table.concat(lines, "\n"), "\n")
  end
  file:close()
  if not ok then return nil, why end
  self.counts = {}
  return true
end

-- tlsrpt.read: the results of a day ("2026-11-23"): { domain = { line = count } }
-- nil, why: the file will not do.  A day without any is empty.
function tlsrpt.read(directory, day)
  local text, why = core.read_private(name_of(directory, day))
  if why then return nil, why end
  local out = {}
  for n, domain, line in (text or ""):gmatch "(%d+)\t([^\t\n]*)\t([^\n]*)\n" do
    out[domain] = out[domain] or {}
    out[domain][line] = (out[domain][line] or 0) + tonumber(n)
  end
  return out
end

return tlsrpt
