--- Lua in a process of its own: for what is settled when a process starts or
-- ends, such as its environment and the libraries it loads.

local process = {}

function process.quote(s)
  return "'" .. tostring(s):gsub("'", "'\\''") .. "'"
end

--- The interpreter that runs this spec.
function process.interpreter()
  local at = 0
  while arg and arg[at - 1] do
    at = at - 1
  end
  local name = arg and arg[at] or "lua"
  return name:find("lua") and name or "lua"
end

--- Run a Lua file with this process's paths: all it printed, and whether it
-- ended well. `options.env` is a string for env(1), `options.under` a command
-- to run it under.
function process.run(script, options, ...)
  local words = {
    "env", "LUA_PATH=" .. process.quote(package.path), "LUA_CPATH=" .. process.quote(package.cpath),
    options.env or "", options.under or "", process.interpreter(), process.quote(script),
  }
  for i = 1, select("#", ...) do
    words[#words + 1] = process.quote((select(i, ...)))
  end
  local pipe = assert(io.popen("{ " .. table.concat(words, " ") .. "; } 2>&1; echo \" $?\""))
  local text, status = pipe:read("*a"):match("^(.*) (%d+)\n$")
  pipe:close()
  return text, status == "0"
end

--- For `options.env`: load this before the libraries, and after a sanitizer
-- that is preloaded already.
function process.preload(so)
  return 'LD_PRELOAD="$LD_PRELOAD ' .. so .. '"'
end

--- A shared object that, preloaded, answers in place of a library's function.
function process.shim(files, name, source)
  local c = files:write(name .. ".c", source)
  local so = files:path(name .. ".so")
  files:run(("${CC:-cc} -shared -fPIC -o %s %s"):format(process.quote(so), process.quote(c)))
  return so
end

return process
