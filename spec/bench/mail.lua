-- mail.lua: mail sent by many, and by us, side by side to a sink of our own
-- on the loopback: each in turn, round after round, another first each time;
-- medians, and ratios taken round by round.  A run counts only when the sink
-- has had every message.  Who is not on this machine is named.

local here = arg[0]:match "^(.*/)" or "./"
local built = here .. "../../build/bench/"
local lua = os.getenv "LUA_BIN" or "lua5.4"
local rounds = tonumber(os.getenv "BENCH_ROUNDS" or 5)
local scale = tonumber(os.getenv "BENCH_SCALE" or 1)
local only = os.getenv "BENCH_ONLY" -- a pattern for the tables' titles

local function command(line)
  local pipe = io.popen(line)
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local function says_yes(test)
  return command(test .. " >/dev/null 2>&1 && echo yes") == "yes\n"
end

-- what is sent ------------------------------------------------------------------

local folder = command("mktemp -d"):match "%S+"
local message, big = folder .. "/message", folder .. "/big"

local function write(path, ...)
  local file = assert(io.open(path, "wb"))
  file:write(...)
  file:close()
end

local head = "From: sender@example.org\r\nTo: rcpt@example.com\r\nSubject: wan0 is down\r\n" ..
             "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n"
local line = "core-gw-01 reports that interface wan0 went down and the other took over\r\n"
write(message, (head .. line:rep(12)):sub(1, 1022), "\r\n")

local size = math.max(1, math.floor(100 * scale)) * 1048576
local seed = 20261123
local function octets()
  local out = {}
  for i = 1, 65536 do
    seed = seed * 16807 % 2147483647
    out[i] = string.char(seed % 256)
  end
  return table.concat(out)
end
local block = octets()
write(big, block:rep(size / #block))

-- the sink ------------------------------------------------------------------------

local function sink(options, tls)
  if tls then
    options = options .. (" -c %s/cert -k %s/key"):format(folder, folder)
  end
  local s = {}
  command(("mkfifo %s/in; sleep 3600 >%s/in & echo $! >%s/pid; taskset -c 1 %ssink %s <%s/in >%s/port &")
          :format(folder, folder, folder, built, options, folder, folder))
  repeat s.port = command(("cat %s/port"):format(folder)):match "%d+" until s.port
  function s.ask(word)
    return command(("%sask %s %s"):format(built, s.port, word))
  end
  function s.stop()
    command(("kill $(cat %s/pid); rm -f %s/in %s/pid %s/port"):format(folder, folder, folder, folder))
  end
  return s
end

-- who sends it ----------------------------------------------------------------------

local function in_c(name)
  return says_yes("test -x '" .. built .. name .. "'") and ("'" .. built .. name .. "'")
end
local peers = here .. "peers/"
local nodelay = says_yes(lua .. " -e 'require \"socket.smtp\"'") and lua .. " '" .. peers .. "luasocket_mail.lua'"
local node = "NODE_PATH='" .. (os.getenv "BENCH_NODE" or "/usr/share/nodejs") .. "' "
local source = command("ls " .. here .. "../../.cache/servers/usr/sbin/smtp-source 2>/dev/null || command -v smtp-source"):match "%S+"

-- can: what it is fit for: one many tls attach new conc
local entrants = {
  { "**directsend**", lua .. " '" .. here .. "smtp'", "one many tls attach new conc" },
  { "*limit: step*", in_c "limit", "one many tls conc", "LIMIT=step" },
  { "*limit: pipe*", in_c "limit", "many tls conc", "LIMIT=pipe" },
  { "*limit: bdat*", in_c "limit", "many tls conc chunking", "LIMIT=bdat" },
  { "libESMTP", in_c "libesmtp_mail", "one many tls new", package = "libesmtp-dev" },
  { "libcurl", in_c "libcurl_mail", "one many tls attach new", package = "libcurl4-openssl-dev" },
  { "LuaSocket", nodelay, "one tls attach", package = "lua-socket, lua-sec" },
  { "LuaSocket, TCP_NODELAY", nodelay, "one many", "B_NODELAY=1", package = "lua-socket" },
  { "smtplib", says_yes "command -v python3" and "python3 '" .. peers .. "smtplib_mail.py'", "one many tls attach new", package = "python3" },
  { "nodemailer", says_yes(node .. "node -e 'require(\"nodemailer\")'") and "node '" .. peers .. "nodemailer_mail.js'", "one many tls attach new conc slow",
    node, package = "node-nodemailer" },
  { "smtp-source", source, "conc source", package = "postfix" },
}

local function arguments(e, run)
  if not e[3]:find "source" then return "" end
  return ("-4 -d -m %d -s %d -M client.example.org -f sender@example.org -t rcpt@example.com -l 900 inet:127.0.0.1:%s")
         :format(run.n, run.conc or 1, run.port)
end

-- one run: seconds, processor's seconds, KiB; nil when not all of it arrived
local function send(e, s, run)
  s.ask "XZERO"
  run.port = s.port
  local env = ("B_HOST=127.0.0.1 B_PORT=%s B_N=%d B_CONC=%d B_REUSE=%d B_TLS=%d B_RESUME=%d B_MSG='%s' B_ATTACH='%s' BENCH_CPU=0 %s")
              :format(s.port, run.n, run.conc or 1, run.reuse or 0, run.tls and 1 or 0, run.resume and 1 or 0, message, run.attach or "", e[4] or "")
  local text = command(("env %s %srun 120 %s %s"):format(env, built, e[2], arguments(e, run)))
  local status, wall, cpu, rss = text:match "(%d+) (%S+) (%S+) (%d+)"
  local stat = s.ask "XSTAT"
  local came = tonumber(stat:match "messages=(%d+)")
  if status ~= "0" or came ~= run.n then
    io.stderr:write(("%s: status %s, %s of %d messages came\n"):format(e[1], status, came, run.n))
    return nil
  end
  return { wall = tonumber(wall), cpu = tonumber(cpu), rss = tonumber(rss), n = run.n, stat = stat }
end

-- measuring ------------------------------------------------------------------------

local function median(list)
  local sorted = {}
  for _, v in pairs(list) do sorted[#sorted + 1] = v end
  table.sort(sorted)
  local n = #sorted
  return n > 0 and (sorted[math.floor((n + 1) / 2)] + sorted[math.floor(n / 2) + 1]) / 2 or nil
end

local function fit(e, want)
  for word in want:gmatch "%S+" do
    if not e[3]:find(word, 1, true) then return false end
  end
  return true
end

local function column(results, field)
  local list = {}
  for round, r in pairs(results) do list[round] = field(r) end
  return list
end

local function ratio(a, b)
  local list = {}
  for round, v in pairs(a) do
    if b[round] then list[round] = v / b[round] end
  end
  return median(list)
end

-- t: title, want (what an entrant must be fit for), options and tls of the sink,
-- run, speed (of a result; more is better) and unit, aims {name = times}
local function compare(t)
  if only and not t.title:find(only) then return end
  local s, list = sink(t.options or "", t.tls), {}
  for _, e in ipairs(entrants) do
    if fit(e, t.want) and not (t.no_chunking and e[3]:find "chunking") then list[#list + 1] = { e = e, results = {} } end
  end
  for round = 1, rounds do
    for i = 1, #list do
      local x = list[(i + round - 2) % #list + 1]
      if x.e[2] then
        local run = {}
        for k, v in pairs(t.run) do run[k] = v end
        if x.e[3]:find "slow" and run.n > 100 then run.n = math.ceil(run.n / 4) end
        x.results[round] = send(x.e, s, run)
      end
    end
  end
  s.stop()
  for _, x in ipairs(list) do
    x.speeds = column(x.results, t.speed)
    x.speed = median(x.speeds)
  end
  local us = list[1]
  table.sort(list, function(a, b) return (a.speed or 0) > (b.speed or 0) end)
  print(("\n### %s\n\n| entrant | %s | CPU µs a message | MiB | directsend is |\n|---|---:|---:|---:|---:|"):format(t.title, t.unit))
  for _, x in ipairs(list) do
    if not x.e[2] then
      print(("| %s | missing: %s | | | |"):format(x.e[1], x.e.package or "it was not built"))
    elseif not x.speed then
      print(("| %s | it failed | | | |"):format(x.e[1]))
    else
      local times = us.speed and x ~= us and ratio(us.speeds, x.speeds)
      print(("| %s | %.0f | %.1f | %.1f | %s |"):format(x.e[1], x.speed,
        median(column(x.results, function(r) return r.cpu / r.n * 1e6 end)),
        median(column(x.results, function(r) return r.rss / 1024 end)), times and ("%.2f ×"):format(times) or ""))
    end
  end
  print ""
  for _, x in ipairs(list) do
    local aim = t.aims and t.aims[x.e[1]:gsub("[*]", "")]
    if aim and us.speed and x.speed then
      local times = ratio(us.speeds, x.speeds)
      print(("%.2f times %s, aim %.2f%s"):format(times, x.e[1]:gsub("[*]", ""), aim, times >= aim and "" or ": MISSED"))
    end
  end
end

command(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s/key -out %s/cert -days 2 -subj /CN=localhost 2>&1")
        :format(folder, folder))

local function a_second(r) return r.n / r.wall end
local function count(n) return math.max(1, math.floor(n * scale)) end

for _, tls in ipairs { false, true } do
  local word = tls and "STARTTLS" or "plain"
  local want = tls and " tls" or ""
  compare { title = "One 1 KB alert as a process, " .. word, want = "one" .. want, tls = tls, run = { n = 1, tls = tls },
            unit = "a second", speed = a_second, aims = { ["LuaSocket, TCP_NODELAY"] = 1 / 1.15 } }
  compare { title = "1 KB messages over one connection, " .. word .. ", no CHUNKING", want = "many" .. want, tls = tls, options = "-C", no_chunking = true,
            run = { n = count(5000), tls = tls }, unit = "messages a second", speed = a_second, aims = { ["limit: pipe"] = 0.85 } }
  compare { title = "1 KB messages over one connection, " .. word .. ", CHUNKING", want = "many" .. want, tls = tls, run = { n = count(5000), tls = tls },
            unit = "messages a second", speed = a_second, aims = { libcurl = tls and 20 or 30 } }
  compare { title = "One message with an attachment of " .. size / 1048576 .. " MiB, " .. word, want = "attach" .. want, tls = tls,
            run = { n = 1, tls = tls, attach = big }, unit = "MB a second", speed = function(r) return size / r.wall / 1e6 end,
            aims = { nodemailer = tls and 5 or 8 } }
end
compare { title = "A new STARTTLS connection each, tickets", want = "new tls", tls = true, run = { n = count(300), tls = true, reuse = 1, resume = true },
          unit = "messages a second", speed = a_second }
for _, delay in ipairs { false, true } do
  for _, chunking in ipairs { true, false } do
    compare { title = "200 connections, " .. (delay and "replies after 20 ms, the final one after 50" or "no delay") .. (chunking and "" or ", no CHUNKING"),
              want = "conc", options = (delay and "-d 20 -D 30" or "") .. (chunking and "" or " -C"), no_chunking = not chunking,
              run = { n = count(20000), conc = 200 }, unit = "messages a second", speed = a_second }
  end
end
command("rm -rf " .. folder)
