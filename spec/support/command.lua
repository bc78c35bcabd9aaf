-- command: bin/directsend as a process of its own.

local process = require "support.process"

local quote = process.quote

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read "*a"
  file:close()
  os.remove(name)
  return text
end

-- run(words [, options]) -> status, what it printed, what it complained of.
-- options: stdin = text, env = string for env(1), under = a command to run it
-- under, shell = redirections in place of the usual ones, launcher = true:
-- not this interpreter but the one the launcher picks.
return function(words, options)
  options = options or {}
  local names = {}
  for i, what in ipairs { "stdin", "stdout", "stderr" } do
    names[what] = os.tmpname()
    names[i] = names[what]
  end
  local stdin = assert(io.open(names.stdin, "wb"))
  stdin:write(options.stdin or "")
  stdin:close()
  local line = { "env HOME=/nonexistent DIRECTSEND_CONFIG=", options.env or "" }
  if not options.launcher then
    line[#line + 1] = "LUA_PATH=" .. quote(package.path)
    line[#line + 1] = "LUA_CPATH=" .. quote(package.cpath)
  end
  line[#line + 1] = options.under or ""
  if not options.launcher then line[#line + 1] = process.interpreter() end
  line[#line + 1] = "bin/directsend"
  for _, word in ipairs(words) do line[#line + 1] = quote(word) end
  local shell = options.shell or (">%s 2>%s <%s"):format(
    names.stdout, names.stderr, names.stdin)
  local pipe = io.popen(table.concat(line, " ") .. " " .. shell .. "; echo $?")
  local status = tonumber(pipe:read "*a")
  pipe:close()
  os.remove(names.stdin)
  return status, read(names.stdout), read(names.stderr)
end
