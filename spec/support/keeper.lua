--- Processes with a folder, a port and an end.
-- Each lives in a folder of its own under a keeper (keep.py) that holds the
-- other end of a pipe: `stop`, or the death of this process, ends the process
-- and all it started, and removes the folder.

local keeper = {}
local running = {}

local function quote(s)
  return "'" .. tostring(s):gsub("'", "'\\''") .. "'"
end

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("*a")
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  file:close()
end

local source = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
local root = output("cd " .. quote(source) .. "/../.. && pwd")
local support = root .. "/spec/support"
local tree = root .. "/.cache/servers/root"
local python = output("test -x /usr/bin/python3 && echo /usr/bin/python3 || command -v python3")
local libraries = output("ls -d " .. quote(tree) .. "/usr/lib/*-linux-gnu* 2>/dev/null | head -1")
local uid, gid = output("id -u"), output("id -g")

-- the environment of a server: the unpacked libraries and modules, and nothing
-- of what a sanitizer or this process was given
local environment = {
  "-u", "LD_PRELOAD", "-u", "LUA_PATH", "-u", "LUA_CPATH",
  "PYTHONPATH=" .. tree .. "/usr/lib/python3/dist-packages",
  "PYTHONDONTWRITEBYTECODE=1",
  "LD_LIBRARY_PATH=" .. libraries .. ":" .. tree .. "/usr/lib/postfix",
}

local Server = {}
Server.__index = Server

--- End the server and wait until all of it, the folder too, is gone.
function Server:stop()
  if self.pipe then
    self.pipe:close()
    self.pipe = nil
    running[self] = nil
  end
end

--- The text of a file in the server's folder, or nil.
function Server:read(name)
  return read(self.dir .. "/" .. name)
end

--- What the server wrote to its log.
function Server:log()
  return self:read("log") or ""
end

--- Names in a folder of the server's, oldest first.
function Server:list(folder)
  local names = {}
  local found = output("ls -tr " .. quote(self.dir .. "/" .. folder) .. " 2>/dev/null")
  for name in found:gmatch("[^\n]+") do
    names[#names + 1] = name
  end
  return names
end

--- Wait until `ready()` gives a true value, and return it.
local function await(what, ready)
  for _ = 1, 400 do
    local value = ready()
    if value then
      return value
    end
    os.execute("sleep 0.05")
  end
  error("waited in vain for " .. what, 3)
end

--- Wait until `folder` has n files, and give all their texts, parsed.
function Server:await_files(folder, n, parse)
  local names = {}
  await(n .. " messages", function()
    names = self:list(folder)
    return #names >= n
  end)
  local list = {}
  for i, name in ipairs(names) do
    local text = self:read(folder .. "/" .. name)
    list[i] = parse and parse(text) or text
  end
  return list
end

--- A new folder, of nobody else; it goes when its server stops.
function keeper.folder()
  assert(read(root .. "/.cache/servers/complete"), "the servers are not unpacked: run .ci/servers")
  assert(python ~= "", "python3 is missing")
  local dir = output("umask 077; d=$(mktemp -d) && mkfifo $d/ready && echo $d")
  assert(dir ~= "", "mktemp found no room for a server's folder")
  return dir
end

--- Give the folder to a keeper, with a command or without.
function keeper.keep(name, dir, command)
  local words = { "exec env" }
  for _, w in ipairs(environment) do
    words[#words + 1] = quote(w)
  end
  words[#words + 1] = python .. " " .. quote(support .. "/keep.py") .. " " .. quote(dir)
  for _, w in ipairs(command or {}) do
    words[#words + 1] = quote(w)
  end
  local server = setmetatable({ dir = dir, host = "127.0.0.1" }, Server)
  server.pipe = assert(io.popen(table.concat(words, " "), "w"))
  local ready = assert(io.open(dir .. "/ready"))
  local line = ready:read("*l")
  ready:close()
  server.port = tonumber((line or ""):match("^ready (%d+)$"))
  running[server] = true
  if not server.port then
    local log = server:log()
    server:stop()
    error(name .. " did not start:\n" .. log, 0)
  end
  return server
end

--- Folder, files and command -> running server. In a file named *.in and in
-- the command @PORT@ becomes the port.
function keeper.start(name, dir, files, command)
  for file, text in pairs(files) do
    write(dir .. "/" .. file, text)
  end
  return keeper.keep(name, dir, command)
end

--- Stop every server this process started.
function keeper.stop_all()
  for server in pairs(running) do
    if not server.kept then
      server:stop()
    end
  end
end

keeper.quote, keeper.output, keeper.read, keeper.write = quote, output, read, write
keeper.root, keeper.support, keeper.tree = root, support, tree
keeper.libraries, keeper.python, keeper.uid, keeper.gid = libraries, python, uid, gid

return keeper
