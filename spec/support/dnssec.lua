--- Signed zones, and a resolver that validates them: see servers.unbound.

local keeper = require "support.keeper"
local quote, tree, libraries = keeper.quote, keeper.tree, keeper.libraries

local conf = [[
server:
  interface: 127.0.0.1
  port: @PORT@
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "DIR"
  pidfile: "DIR/unbound.pid"
  use-syslog: no
  logfile: "DIR/log"
  do-not-query-localhost: no
  module-config: "validator iterator"
  num-threads: 1
  outbound-msg-retry: 1
  unknown-server-time-limit: 50
  so-rcvbuf: 0
  access-control: 127.0.0.0/8 allow
  local-zone: "." refuse
]]

local head = "$ORIGIN %s.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"

local function run(dir, script)
  local ok = os.execute(("cd %s && { set -e; export LD_LIBRARY_PATH=%s PATH=%s/usr/bin:$PATH; %s\n} >log 2>&1")
                        :format(quote(dir), quote(libraries), quote(tree), script))
  assert(ok == true or ok == 0, "signing failed:\n" .. (keeper.read(dir .. "/log") or ""))
end

-- the signed text, and the file of the trust anchor
local function sign(dir, name, zone)
  keeper.write(dir .. "/" .. name, head:format(name) .. zone.text .. "\n")
  run(dir, ([[
    key=$(ldns-keygen -a ECDSAP256SHA256 -k %s)
    zone=$(ldns-keygen -a ECDSAP256SHA256 %s)
    ldns-signzone -n -o %s -e 20361231000000 -i 20250101000000 %s $key $zone
    if [ %s = bogus ]; then key=$(ldns-keygen -a ECDSAP256SHA256 -k %s); fi
    cp $key.ds %s.anchor]]):format(name, name, name, name, zone.state, name, name))
  local text = keeper.read(dir .. "/" .. name .. ".signed")
  return zone.spoil and zone.spoil(text) or text, dir .. "/" .. name .. ".anchor"
end

return function(zones, nsd)
  local dir = keeper.folder()
  local texts, lines = {}, { (conf:gsub("DIR", dir)) }
  for name, zone in pairs(zones) do
    local anchor
    texts[name] = zone.text
    if zone.state ~= "insecure" then texts[name], anchor = sign(dir, name, zone) end
    lines[1] = lines[1] .. ('  local-zone: "%s." transparent\n'):format(name)
    if anchor then lines[1] = lines[1] .. ('  trust-anchor-file: "%s"\n'):format(anchor) end
  end
  local authority = nsd(texts)
  for name in pairs(zones) do
    lines[#lines + 1] = ('stub-zone:\n  name: "%s."\n  stub-addr: 127.0.0.1@%d\n'):format(name, authority.port)
  end
  lines[#lines + 1] = "remote-control:\n  control-enable: no\n"
  local files = { ["unbound.conf.in"] = table.concat(lines) }
  local server = keeper.start("unbound", dir, files, { tree .. "/usr/sbin/unbound", "-d", "-c", dir .. "/unbound.conf" })
  server.authority = authority
  return server
end
