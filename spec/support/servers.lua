--- Real servers for specs, each on a free port of 127.0.0.1.
-- What runs is what .ci/servers unpacked. `after_each(servers.stop_all)`
-- belongs in every spec that starts one.

local cjson = require "cjson"
local dialog = require "support.dialog"
local keeper = require "support.keeper"
local postfix = require "support.postfix"

local folder, start = keeper.folder, keeper.start
local output, quote = keeper.output, keeper.quote
local root, support, tree = keeper.root, keeper.support, keeper.tree
local python, uid = keeper.python, keeper.uid

local servers = {
  certificates = require "support.certificates",
  stop_all = keeper.stop_all,
}

local function certificate(options)
  if options.tls == false then
    return nil
  end
  return options.certificate or servers.certificates():host(options.hostname or "mx1.example.test")
end

--- Postfix as the MX of example.test, with STARTTLS.
-- options: main = { parameter = value }, domains = "a.test b.test", hostname,
-- tls = false, certificate = {cert=, key=}. `:messages(n)` waits for n
-- delivered messages and gives their text, headers of the delivery included.
function servers.postfix(options)
  options = options or {}
  return postfix(options, certificate(options))
end

-- A dump begins with what smtp-sink was told: X-Mail-Args and the like.
local function parse_dump(text)
  local message = { recipients = {}, raw = text }
  for name, value in text:gmatch("(X%-%w+%-%w+): ([^\n]*)\n") do
    if name == "X-Mail-Args" then
      message.mail = value
    elseif name == "X-Rcpt-Args" then
      message.recipients[#message.recipients + 1] = value
    end
  end
  return message
end

--- Postfix's smtp-sink with switches from its manual: { "-r", "RCPT" }, and
-- discard = true: nothing is kept of what it takes. `:messages(n)` gives { mail =, recipients = {…}, raw = } of each transaction.
function servers.smtp_sink(args)
  local dir = folder()
  output("mkdir " .. quote(dir .. "/dump"))
  local command = { tree .. "/usr/sbin/smtp-sink" }
  for _, word in ipairs(uid == "0" and { "-u", "root" } or {}) do
    command[#command + 1] = word
  end
  for _, word in ipairs(args or {}) do
    command[#command + 1] = word
  end
  local rest = { "127.0.0.1:@PORT@", "100" }
  if not (args and args.discard) then rest = { "-d", dir .. "/dump/%M.", rest[1], rest[2] } end
  for _, word in ipairs(rest) do
    command[#command + 1] = word
  end
  local server = start("smtp-sink", dir, {}, command)
  function server:messages(n)
    return self:await_files("dump", n or 1, parse_dump)
  end
  return server
end

local function lines_of_json(text)
  local list = {}
  for line in (text or ""):gmatch("[^\n]+") do
    list[#list + 1] = cjson.decode(line)
  end
  return list
end

--- aiosmtpd; what it answers is told by options (support/smtpd.py lists them).
-- `:messages()` gives { sender, mail_args, recipients, rcpt_args, ehlo, tls,
-- raw } of what it accepted; `:commands()` every line it read, as
-- { session =, line = }.
function servers.aiosmtpd(options)
  options = options or {}
  local dir = folder()
  local tls = certificate(options)
  local settings = { hostname = "mx1.example.test" }
  for name, value in pairs(options) do
    settings[name] = value
  end
  settings.certificate = tls or nil
  settings.tls = tls ~= nil
  local files = { ["options.json"] = cjson.encode(settings) }
  local server = start("aiosmtpd", dir, files, { python, support .. "/smtpd.py" })
  function server:messages()
    local list = lines_of_json(self:read("messages.jsonl"))
    for _, message in ipairs(list) do
      message.raw = self:read(message.file)
    end
    return list
  end
  function server:commands()
    return lines_of_json(self:read("commands.jsonl"))
  end
  return server
end

local function hex(octets)
  return (octets:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function unhex(text)
  return (text:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

-- a step of support.dialog as dialog.py reads it
local function plain_step(step)
  if step.side == "S" then
    return { say = hex(dialog.bytes(step)) }
  elseif step.side ~= "C" then
    return { ["do"] = step.side }
  end
  local lines = {}
  for i, line in ipairs(step.lines) do
    lines[i] = hex(line.text or "")
  end
  return { hear = lines }
end

--- The server's side of dialogues as support.dialog parses them, one for each
-- connection in turn, the last for all further ones. options: as postfix's.
-- `:sessions(n)` waits for the end of n connections and gives { heard =,
-- complaint = nil or where the client left the dialogue, tls = version }.
function servers.dialog(dialogs, options)
  local settings = { certificate = certificate(options or {}), dialogs = {} }
  for i, d in ipairs(dialogs) do
    settings.dialogs[i] = {}
    for k, step in ipairs(d.steps) do
      settings.dialogs[i][k] = plain_step(step)
    end
  end
  local files = { ["dialog.json"] = cjson.encode(settings) }
  local server = start("dialog", folder(), files, { python, support .. "/dialog.py" })
  function server:sessions(n)
    return self:await_files("sessions", n or 1, function(text)
      local report = cjson.decode(text)
      return {
        heard = unhex(report.heard), tls = report.tls ~= cjson.null and report.tls or nil,
        complaint = report.complaint ~= cjson.null and report.complaint or nil,
      }
    end)
  end
  return server
end

--- Takes all and keeps nothing; `words`: its EHLO keywords. What it has read
-- it answers in one write.
function servers.sink(words)
  local keywords = table.concat(words, "\n") .. "\n"
  return start("sink", folder(), { keywords = keywords }, { python, support .. "/sink.py" })
end

-- DNS ------------------------------------------------------------------------

--- NSD, authoritative for { ["contoso.test"] = zone text }; SOA and NS are
-- added where the text has no SOA.
function servers.nsd(zones)
  local dir = folder()
  local files = {}
  local conf = { (([[
server:
  ip-address: 127.0.0.1@@PORT@
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "DIR"
  database: ""
  pidfile: "DIR/nsd.pid"
  xfrdfile: "DIR/xfrd.state"
  xfrdir: "DIR"
  zonelistfile: "DIR/zone.list"
  logfile: "DIR/log"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
]]):gsub("DIR", dir)) }
  for name, text in pairs(zones) do
    local head = "$ORIGIN " .. name .. ".\n$TTL 60\n"
    if not text:find("SOA", 1, true) then
      head = head .. "@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
    end
    files[name .. ".zone"] = head .. text .. "\n"
    conf[#conf + 1] = "zone:\n  name: " .. name .. "\n  zonefile: " .. name .. ".zone\n"
  end
  files["nsd.conf.in"] = table.concat(conf)
  return start("nsd", dir, files, { tree .. "/usr/sbin/nsd", "-d", "-c", dir .. "/nsd.conf" })
end

--- NSD with zones that are signed or not, and Unbound in front of it, which
-- validates.  zones = { ["a.test"] = { text =, state = "secure"|"insecure"|
-- "bogus", spoil = function(signed text) } }; bogus: signed by another key than
-- the trust anchor's.  The port is Unbound's.
function servers.unbound(zones)
  return require "support.dnssec"(zones, servers.nsd)
end

-- HTTPS ----------------------------------------------------------------------

--- An HTTPS server; support/https.py says what `sites` are.
-- `:sites(sites)` changes them, `:requests()` gives { site =, host =, path = }.
function servers.https(sites)
  local dir = folder()
  local files = { ["options.json"] = cjson.encode{ sites = sites } }
  local server = start("https", dir, files, { python, support .. "/https.py" })
  function server.sites(_, new)
    keeper.write(dir .. "/options.new", cjson.encode{ sites = new })
    assert(os.rename(dir .. "/options.new", dir .. "/options.json"))
  end
  function server:requests()
    return lines_of_json(self:read "requests.jsonl")
  end
  return server
end

-- nginx ----------------------------------------------------------------------

local nginx_conf = [[
daemon off;
worker_processes 1;
USER
pid DIR/pid;
error_log DIR/log info;
load_module TREE/usr/lib/nginx/modules/ndk_http_module.so;
load_module TREE/usr/lib/nginx/modules/ngx_http_lua_module.so;
MAIN
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path DIR/body;
  proxy_temp_path DIR/proxy;
  fastcgi_temp_path DIR/fastcgi;
  uwsgi_temp_path DIR/uwsgi;
  scgi_temp_path DIR/scgi;
  lua_package_path "ROOT/lua/?.lua;ROOT/lua/?/init.lua;ROOT/spec/?.lua;TREE/usr/share/lua/5.1/?.lua;;";
  lua_package_cpath "ROOT/build/LUA/?.so;;";
  HTTP
  server {
    listen 127.0.0.1:@PORT@;
    SERVER
LOCATIONS
  }
}
]]

--- nginx with the Lua module, one worker.
-- options: locations = { ["/send"] = Lua code for content_by_lua }, http,
-- server, main (configuration text for those blocks), lua ("jit"|"5.1": whose
-- build is loaded). `:get(path)` gives body and status.
function servers.nginx(options)
  local dir = folder()
  local locations = {}
  for path, code in pairs(options.locations or {}) do
    locations[#locations + 1] = ("    location = %s { content_by_lua_block {\n%s\n} }"):format(path, code)
  end
  local values = {
    DIR = dir, TREE = tree, ROOT = root, LUA = options.lua or "jit",
    USER = uid == "0" and "user root;" or "", MAIN = options.main or "", HTTP = options.http or "",
    SERVER = options.server or "", LOCATIONS = table.concat(locations, "\n"),
  }
  local conf = nginx_conf:gsub("%f[%u]%u+%f[%U]", values)
  local command = { tree .. "/usr/sbin/nginx", "-p", dir, "-e", dir .. "/log", "-c", dir .. "/nginx.conf" }
  local server = start("nginx", dir, { ["nginx.conf.in"] = conf }, command)
  function server:get(path)
    local text = output(("%s -S %s %d %s"):format(python, quote(support .. "/get.py"), self.port, quote(path)))
    local status, body = text:match("^(%d+)\n(.*)$")
    return body, tonumber(status)
  end
  return server
end

return servers
