-- One alert on its whole way, on this machine alone: a DNS server answers for
-- contoso.test, Postfix is its MX, and the command delivers to it. `make demo`
-- builds and unpacks what this needs and runs it from the top of the tree.

local servers = require "support.servers"

local function say(text)
  io.stdout:write("\n", text, "\n")
  io.stdout:flush()
end

-- run the command as a person would type it; true when it exits with 0
local function directsend(arguments)
  io.stdout:write("\n$ bin/directsend ", arguments, "\n")
  io.stdout:flush()
  local status = os.execute((os.getenv "LUA_BIN" or "lua5.4") .. " bin/directsend " .. arguments)
  return status == true or status == 0
end

local function main()
  local dns = servers.nsd {
    ["contoso.test"] = "@ MX 10 mx1\nmx1 A 127.0.0.1",
  }
  local mx = servers.postfix { hostname = "mx1.contoso.test", domains = "contoso.test" }
  say(("NSD answers for contoso.test on port %d; Postfix is mx1.contoso.test on port %d.")
    :format(dns.port, mx.port))

  local way = (" --from scanner@contoso.test --to it@contoso.test --dns 127.0.0.1:%d --port %d --allow-private")
    :format(dns.port, mx.port)
  local planned = directsend("plan" .. way)
  local sent = directsend("send" .. way
    .. " --subject 'WAN is back' --text 'eth1 is up after 14 minutes.'")
  if not sent then
    say("What Postfix wrote to its log:")
    io.stdout:write(mx:log())
    return false
  end
  say("What Postfix put into the mailbox of it@contoso.test:")
  io.stdout:write(mx:messages(1)[1])
  return planned
end

-- the servers end with this process, whatever becomes of it
local ok, done = pcall(main)
servers.stop_all()
if not ok then
  io.stderr:write(tostring(done), "\n")
end
os.exit(ok and done and 0 or 1)
