--- Real servers for specs, each on a free port of 127.0.0.1.
-- What runs is what .ci/servers unpacked. A server lives in a folder of its
-- own under a keeper (keep.py) that holds the other end of a pipe: `stop`, or
-- the death of this process, ends the server and all it started, and removes
-- the folder. `after_each(servers.stop_all)` belongs in every spec that starts
-- one.

local cjson = require "cjson"

local servers = {}
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

local function await_messages(server, folder, n, parse)
  local names = {}
  await(n .. " messages", function()
    names = server:list(folder)
    return #names >= n
  end)
  local messages = {}
  for i, name in ipairs(names) do
    messages[i] = parse(server:read(folder .. "/" .. name))
  end
  return messages
end

local function folder()
  local dir = output("umask 077; d=$(mktemp -d) && mkfifo $d/ready && echo $d")
  assert(dir ~= "", "mktemp found no room for a server's folder")
  return dir
end

-- Give the folder to a keeper, with a command or without.
local function keep(name, dir, command)
  local words = { "exec env" }
  for _, w in ipairs(environment) do
    words[#words + 1] = quote(w)
  end
  words[#words + 1] = python .. " " .. quote(support .. "/keep.py") .. " " .. quote(dir)
  for _, w in ipairs(command or {}) do
    words[#words + 1] = quote(w)
  end
  local self = setmetatable({ dir = dir, host = "127.0.0.1" }, Server)
  self.pipe = assert(io.popen(table.concat(words, " "), "w"))
  local ready = assert(io.open(dir .. "/ready"))
  local line = ready:read("*l")
  ready:close()
  self.port = tonumber((line or ""):match("^ready (%d+)$"))
  running[self] = true
  if not self.port then
    local log = self:log()
    self:stop()
    error(name .. " did not start:\n" .. log, 0)
  end
  return self
end

-- Folder, files and command -> running server. In a file named *.in and in
-- the command @PORT@ becomes the port.
local function start(name, dir, files, command)
  if not read(root .. "/.cache/servers/complete") then
    error("the servers are not unpacked: run .ci/servers", 0)
  end
  for file, text in pairs(files) do
    write(dir .. "/" .. file, text)
  end
  return keep(name, dir, command)
end

--- Stop every server this process started.
function servers.stop_all()
  for server in pairs(running) do
    if not server.kept then
      server:stop()
    end
  end
end

-- Certificates ---------------------------------------------------------------

local authority

local Authority = {}
Authority.__index = Authority

local function openssl(dir, script)
  local ok = os.execute("cd " .. quote(dir) .. " && { set -e; " .. script .. "\n} >log 2>&1")
  assert(ok == true or ok == 0, "openssl failed:\n" .. (read(dir .. "/log") or ""))
end

--- A host certificate of this authority: { cert =, key =, digest = TLSA 3 1 1 }.
-- options: ip (also valid for it), days (default 30; 0 is over at once),
-- self (signed by itself, not by the authority).
function Authority:host(name, options)
  options = options or {}
  local id = table.concat({ name, options.ip or "", options.days or "", options.self and "self" or "" }, "_")
  if not self.hosts[id] then
    local sign = options.self and "-signkey $n.key" or "-CA ca.pem -CAkey ca.key -CAcreateserial"
    local names = "DNS:" .. name .. (options.ip and ",IP:" .. options.ip or "")
    openssl(self.dir, ("n=%s"):format(quote(id)) .. [[

      openssl ecparam -name prime256v1 -genkey -noout -out $n.key
      openssl req -new -key $n.key -subj /CN=]] .. name .. [[ -out $n.csr
      printf 'subjectAltName=]] .. names .. [[\nextendedKeyUsage=serverAuth\n' >$n.ext
      openssl x509 -req -in $n.csr ]] .. sign .. " -days " .. (options.days or 30) .. [[ -extfile $n.ext -out $n.pem
      openssl pkey -in $n.key -pubout -outform DER | openssl sha256 -r | cut -c-64 >$n.digest]])
    local path = self.dir .. "/" .. id
    self.hosts[id] = { cert = path .. ".pem", key = path .. ".key", digest = read(path .. ".digest"):sub(1, 64) }
  end
  return self.hosts[id]
end

--- The authority of this run: `ca_file`, `ca_path` (hashed), `:host(name)`.
function servers.certificates()
  if not authority then
    local dir = folder()
    local holder = keep("certificates", dir)
    holder.kept = true
    openssl(dir, [[
      openssl ecparam -name prime256v1 -genkey -noout -out ca.key
      openssl req -x509 -new -key ca.key -subj '/CN=Test CA' -days 30 -out ca.pem \
        -addext basicConstraints=critical,CA:TRUE
      mkdir hashed; cp ca.pem hashed; openssl rehash hashed]])
    authority = setmetatable({
      dir = dir, holder = holder, hosts = {},
      ca_file = dir .. "/ca.pem", ca_path = dir .. "/hashed",
    }, Authority)
  end
  return authority
end

local function certificate(options)
  if options.tls == false then
    return nil
  end
  return options.certificate or servers.certificates():host(options.hostname or "mx1.example.test")
end

-- SMTP -----------------------------------------------------------------------

local postfix_services = [[
127.0.0.1:@PORT@ inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
smtp unix - - n - - smtp
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
]]

-- Postfix wants to be root and to become a user of its own: the wrappers let
-- it believe both, with the one user there is, root or not.
local function postfix_disguise(dir)
  local user = uid == "0" and "101:101" or uid .. ":" .. gid
  write(dir .. "/passwd", "root:x:0:0::/:/bin/sh\npostfix:x:" .. user .. "::/:/bin/sh\n"
    .. "nobody:x:65534:65534::/:/bin/sh\n")
  write(dir .. "/group", "root:x:0:\npostfix:x:" .. user:match(":(.*)") .. ":\npostdrop:x:102:\n"
    .. "nogroup:x:65534:\n")
  return {
    "LD_LIBRARY_PATH=" .. libraries .. ":" .. tree .. "/usr/lib/postfix",
    "LD_PRELOAD=" .. libraries .. "/libnss_wrapper.so:" .. libraries .. "/libuid_wrapper.so",
    "UID_WRAPPER=1", "UID_WRAPPER_ROOT=1",
    "NSS_WRAPPER_PASSWD=" .. dir .. "/passwd", "NSS_WRAPPER_GROUP=" .. dir .. "/group",
  }, user
end

local function postfix_main(dir, options, disguise, user)
  local main = {
    compatibility_level = "3.6",
    queue_directory = dir .. "/queue", data_directory = dir .. "/data", meta_directory = dir,
    command_directory = tree .. "/usr/sbin", daemon_directory = tree .. "/usr/lib/postfix/sbin",
    shlib_directory = tree .. "/usr/lib/postfix",
    import_environment = "MAIL_CONFIG TZ LANG=C " .. table.concat(disguise, " "),
    mail_owner = "postfix", setgid_group = "postdrop",
    maillog_file = dir .. "/log", maillog_file_prefixes = dir,
    myhostname = options.hostname or "mx1.example.test", mydestination = "", alias_maps = "", alias_database = "",
    inet_interfaces = "loopback-only", inet_protocols = "ipv4", mynetworks = "0.0.0.0/32",
    smtpd_relay_restrictions = "permit_mynetworks, reject_unauth_destination",
    smtpd_peername_lookup = "no", smtp_dns_support_level = "disabled", smtputf8_enable = "yes",
    smtpd_client_connection_count_limit = "0", smtpd_error_sleep_time = "0",
    virtual_mailbox_domains = options.domains or "example.test",
    virtual_mailbox_maps = "static:inbox/", virtual_mailbox_base = dir .. "/mail",
    virtual_uid_maps = "static:" .. user:match("^%d+"), virtual_gid_maps = "static:" .. user:match("%d+$"),
    virtual_minimum_uid = "1", virtual_mailbox_limit = "0", message_size_limit = "52428800",
  }
  local tls = certificate(options)
  if tls then
    main.smtpd_tls_security_level = "may"
    main.smtpd_tls_cert_file, main.smtpd_tls_key_file = tls.cert, tls.key
    main.smtpd_tls_received_header = "yes"
  end
  for name, value in pairs(options.main or {}) do
    main[name] = value
  end
  local lines = {}
  for name, value in pairs(main) do
    lines[#lines + 1] = name .. " = " .. value
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Postfix as the MX of example.test, with STARTTLS.
-- options: main = { parameter = value }, domains = "a.test b.test", hostname,
-- tls = false, certificate = {cert=, key=}. `:messages(n)` waits for n
-- delivered messages and gives their text, headers of the delivery included.
function servers.postfix(options)
  options = options or {}
  local dir = folder()
  output("cd " .. quote(dir) .. [[ && mkdir queue data mail && cd queue &&
    mkdir active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace]])
  local disguise, user = postfix_disguise(dir)
  if uid == "0" then
    output("chown -R 101:101 " .. quote(dir) .. "/data " .. quote(dir) .. "/mail; chown 101 " .. quote(dir) .. "/queue/*")
  end
  local files = { ["main.cf"] = postfix_main(dir, options, disguise, user), ["master.cf.in"] = postfix_services }
  local command = { "env" }
  for _, word in ipairs(disguise) do
    command[#command + 1] = word
  end
  for _, word in ipairs { tree .. "/usr/lib/postfix/sbin/master", "-c", dir, "-d" } do
    command[#command + 1] = word
  end
  local self = start("postfix", dir, files, command)
  function self:messages(n)
    return await_messages(self, "mail/inbox/new", n or 1, function(text) return text end)
  end
  return self
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

--- Postfix's smtp-sink with switches from its manual: { "-r", "RCPT" }.
-- `:messages(n)` gives { mail =, recipients = {…}, raw = } of each transaction.
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
  for _, word in ipairs { "-d", dir .. "/dump/%M.", "127.0.0.1:@PORT@", "100" } do
    command[#command + 1] = word
  end
  local self = start("smtp-sink", dir, {}, command)
  function self:messages(n)
    return await_messages(self, "dump", n or 1, parse_dump)
  end
  return self
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
  local self = start("aiosmtpd", dir, files, { python, support .. "/smtpd.py" })
  function self:messages()
    local list = lines_of_json(self:read("messages.jsonl"))
    for _, message in ipairs(list) do
      message.raw = self:read(message.file)
    end
    return list
  end
  function self:commands()
    return lines_of_json(self:read("commands.jsonl"))
  end
  return self
end

--- The server's side of a dialogue file, on a socket (support/dialog.py).
-- options: certificate, hostname. `:transcript()` is what was said, and
-- `:complaint()` where the client left the dialogue, or nil.
function servers.dialog(file, options)
  local tls = certificate(options or {})
  local dir = folder()
  local path = file:match("^/") and file or root .. "/" .. file
  local command = { python, support .. "/dialog.py", path, tls and tls.cert or "", tls and tls.key or "" }
  local self = start("dialog", dir, {}, command)
  function self:transcript()
    return self:read("transcript") or ""
  end
  function self:complaint()
    return self:read("complaint")
  end
  return self
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
  local self = start("nginx", dir, { ["nginx.conf.in"] = conf }, command)
  function self:get(path)
    local text = output(("%s -S %s %d %s"):format(python, quote(support .. "/get.py"), self.port, quote(path)))
    local status, body = text:match("^(%d+)\n(.*)$")
    return body, tonumber(status)
  end
  return self
end

return servers
