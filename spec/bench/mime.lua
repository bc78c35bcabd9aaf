-- mime.lua: the encoders of many, and ours, side by side: each in turn, round
-- after round, another first each time; medians of what they did in the same
-- seconds of the processor's time.  Who is not on this machine is named.

local here = arg[0]:match "^(.*/)" or "./"
local built = here .. "../../build/bench/"
local lua = os.getenv "LUA_BIN" or "lua5.4"
local rounds = tonumber(os.getenv "BENCH_ROUNDS" or 7)
local seconds = os.getenv "BENCH_SECS" or "0.3"
local SIZE = 4 * 1024 * 1024

-- what is encoded ------------------------------------------------------------

local seed = 20261123
local function random(n)
  seed = seed * 16807 % 2147483647
  return seed % n + 1
end

local function words(list)
  local out, size = {}, 0
  while size < SIZE do
    local line = {}
    for i = 1, 5 + random(11) do line[i] = list[random(#list)] end
    out[#out + 1] = table.concat(line, " ") .. "\r\n"
    size = size + #out[#out]
  end
  return table.concat(out)
end

local function split(text)
  local out = {}
  for word in text:gmatch "%S+" do out[#out + 1] = word end
  return out
end

local function octets()
  local out = {}
  for i = 1, SIZE do out[i] = string.char(random(65536) % 256) end
  return table.concat(out)
end

local texts = {
  ascii = "the router interface went down and the failover path is now active; latency rises to 42 ms (loss=0.3%) " ..
    "while the peers reconverge on a longer route via core-gw-02",
  german = "der Router meldet einen Ausfall der Schnittstelle für längere Zeit und die Übertragung läuft über größere öfter",
  russian = "маршрутизатор сообщает об отказе интерфейса и переключении на резервный канал задержка выросла",
}

local function write(make)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(make())
  file:close()
  return path
end

-- who encodes it ---------------------------------------------------------------

local function says_yes(command)
  local pipe = io.popen(command .. " >/dev/null 2>&1 && echo yes")
  local answer = pipe:read "*l"
  pipe:close()
  return answer == "yes"
end

local has = {}
local function there(what, command)
  if has[what] == nil then has[what] = says_yes(command) end
  return has[what]
end

local function in_c(name)
  local path = built .. name
  return there(name, "test -x '" .. path .. "'") and ("'" .. path .. "'")
end

local function in_python()
  return there("python3", "command -v python3") and "python3 '" .. here .. "peers/mime.py'"
end

local function in_lua()
  return there("luasocket", lua .. " -e 'require \"mime\"'") and lua .. " '" .. here .. "peers/luasocket.lua'"
end

local function in_node(module)
  local path = "NODE_PATH='" .. (os.getenv "BENCH_NODE" or "/usr/share/nodejs") .. "' "
  return there(module, path .. "node -e 'require(\"" .. module .. "\")'") and path .. "node '" .. here .. "peers/mime.js'"
end

local function ours(face)
  return "B_CLOCK=cpu B_FACE=" .. face .. " " .. lua .. " '" .. here .. "mime'"
end

local function both(kind)
  local is_b64 = kind == "b64"
  local list = {
    { "**directsend**, piece by piece", ours "pieces", kind },
    { "**directsend**, one string", ours "whole", kind },
    { "GMime", in_c "gmime", kind, "libgmime-3.0-dev" },
    { "Python " .. (is_b64 and "base64" or "binascii"), in_python(), kind, "python3" },
    { "Python EmailMessage", in_python(), "email-" .. kind, "python3" },
    { "nodemailer", in_node "nodemailer/lib/qp", kind, "node-nodemailer, or BENCH_NODE=…/node_modules" },
    { "LuaSocket", in_lua(), kind, "lua-socket" },
  }
  if is_b64 then
    list[#list + 1] = { "Node Buffer, no lines", in_node "fs", "node", "nodejs" }
    list[#list + 1] = { "OpenSSL, 64 columns", in_c "evp", "lines", "libssl-dev" }
    list[#list + 1] = { "OpenSSL, no lines", in_c "evp", "block", "libssl-dev" }
  end
  list[#list + 1] = { "*memcpy*", in_c "copy", "", "a C compiler" }
  local pipe = io.popen(built .. "kernel " .. kind)
  for name in pipe:lines() do
    list[#list + 1] = { "*our kernel in C: " .. name .. "*", in_c "kernel", kind .. " " .. name }
  end
  pipe:close()
  return list
end

-- measuring ----------------------------------------------------------------------

local function run(entrant, path)
  local pipe = io.popen(("B_IN='%s' B_SECS=%s %s %s"):format(path, seconds, "env " .. entrant[2], entrant[3]))
  local line = pipe:read "*a"
  pipe:close()
  local bytes, secs = line:match '"bytes":(%d+).-"secs":([%d.]+)'
  return bytes and tonumber(bytes) / tonumber(secs) / 1e6
end

local function median(list)
  local sorted = {}
  for i, v in ipairs(list) do sorted[i] = v end
  table.sort(sorted)
  local n = #sorted
  return n > 0 and (sorted[math.floor((n + 1) / 2)] + sorted[math.floor(n / 2) + 1]) / 2 or nil, sorted[1], sorted[n]
end

local function measure(entrants, path)
  for round = 1, rounds do
    for i = 1, #entrants do
      local entrant = entrants[(i + round - 2) % #entrants + 1]
      entrant.speeds = entrant.speeds or {}
      if entrant[2] then entrant.speeds[#entrant.speeds + 1] = run(entrant, path) end
    end
  end
end

-- round by round: what drifts drifts for both
local function ratio(entrant, peer)
  local out = {}
  for i, speed in ipairs(entrant.speeds) do
    if peer.speeds[i] then out[#out + 1] = speed / peer.speeds[i] end
  end
  return (median(out))
end

local function row(entrant, peer)
  if #entrant.speeds == 0 then
    print(("| %s | missing: %s | | |"):format(entrant[1], entrant[4] or "it failed"))
    return
  end
  local middle, least, most = median(entrant.speeds)
  local times = ratio(entrant, peer)
  print(("| %s | %.0f | %.0f – %.0f | %s |"):format(entrant[1], middle, least, most, times and ("%.2f"):format(times) or ""))
end

local function reached(what, entrant, peer, aim)
  local times = ratio(entrant, peer)
  if times then
    print(("%s: %.2f times GMime, aim %.1f%s"):format(what, times, aim, times >= aim and "" or ": MISSED"))
  end
end

local function table_of(title, kind, make, aim)
  local entrants, path = both(kind), write(make)
  measure(entrants, path)
  os.remove(path)
  local gmime, plain = entrants[3], entrants[#entrants]
  print(("\n### %s\n\n| entrant | MB/s of input | least – most | × GMime |\n|---|---:|---:|---:|"):format(title))
  table.sort(entrants, function(a, b) return (median(a.speeds) or 0) > (median(b.speeds) or 0) end)
  for _, entrant in ipairs(entrants) do row(entrant, gmime) end
  print ""
  for _, entrant in ipairs(entrants) do
    if entrant[1]:find "piece by piece" then reached("Through Lua", entrant, gmime, aim) end
  end
  if kind == "b64" then reached("In plain C", plain, gmime, 1.5) end
end

table_of("base64 in memory, 4 MiB", "b64", octets, 5)
table_of("quoted-printable in memory, 4 MiB, ASCII", "qp", function() return words(split(texts.ascii)) end, 6)
table_of("quoted-printable in memory, 4 MiB, German", "qp", function() return words(split(texts.german)) end, 2.5)
table_of("quoted-printable in memory, 4 MiB, Russian", "qp", function() return words(split(texts.russian)) end, 2.5)
