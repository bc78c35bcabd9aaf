-- read_back: what other programs find in our messages.  Each reader is given
-- them in one file, one behind the other, each after a line with its length,
-- and answers with lines "key hex"; a message ends with the line "end".

local process = require "support.process"

local read_back = {}

local tree = ".cache/readers/root"

local function unhex(s)
  return (s:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local function bundle(texts)
  local name = os.tmpname()
  local file = assert(io.open(name, "wb"))
  for _, octets in ipairs(texts) do file:write(#octets, "\n", octets) end
  file:close()
  return name
end

local function parsed(lines)
  local all, current = {}, {}
  for line in lines do
    if line == "end" then
      all[#all + 1], current = current, {}
    else
      local key, hex = line:match "^(%S+) ?(%x*)$"
      current[#current + 1] = { assert(key, line), unhex(hex) }
    end
  end
  return all
end

local function by(command, texts)
  local name = bundle(texts)
  local reader = assert(io.popen(command .. " " .. name))
  local all = parsed(reader:lines())
  reader:close()
  os.remove(name)
  return all
end

--- Python's email package.
function read_back.python(texts)
  return by("python3 spec/support/read_mail.py", texts)
end

-- the reader over GMime, compiled against the unpacked packages
local function gmime()
  local binary = os.tmpname()
  local triplet = output "${CC:-cc} -dumpmachine":match "%S+"
  local function debian(t) return (t:gsub("%-pc%-", "-")) end
  local lib = ("%s/usr/lib/%s"):format(tree, debian(triplet))
  local words = { "env -u LD_PRELOAD ${CC:-cc} -w -o", binary, "spec/support/read_mail.c" }
  for _, root in ipairs { tree, "" } do
    for _, dir in ipairs { "/usr/include/gmime-3.0", "/usr/include/glib-2.0", "/usr/lib/" .. debian(triplet) .. "/glib-2.0/include" } do
      words[#words + 1] = "-I" .. root .. dir
    end
  end
  words[#words + 1] = "-L" .. lib .. " -Wl,--allow-shlib-undefined -lgmime-3.0 -lgobject-2.0 -lglib-2.0 2>&1"
  local said = output(table.concat(words, " "))
  return binary, lib, said
end

--- GMime.
function read_back.gmime(texts)
  local binary, lib, said = gmime()
  local all = by(("env -u LD_PRELOAD LD_LIBRARY_PATH=%s %s"):format(process.quote(lib), binary), texts)
  os.remove(binary)
  assert(#all > 0, said)
  return all
end

--- mailparser of npm, as .ci/test-readers installs it.
function read_back.mailparser(texts)
  return by("env -u LD_PRELOAD NODE_PATH=.cache/mailparser/node_modules node spec/support/read_mail.js", texts)
end

return read_back
