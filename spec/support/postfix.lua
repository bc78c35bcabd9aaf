--- Postfix from the unpacked tree, for whoever runs the specs.

local keeper = require "support.keeper"
local output, quote, write = keeper.output, keeper.quote, keeper.write
local tree, libraries, uid, gid = keeper.tree, keeper.libraries, keeper.uid, keeper.gid

local services = [[
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
local function disguise_as_root(dir)
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

local function main_cf(dir, options, tls, disguise, user)
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

return function(options, tls)
  local dir = keeper.folder()
  output("cd " .. quote(dir) .. [[ && mkdir queue data mail && cd queue &&
    mkdir active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace]])
  local disguise, user = disguise_as_root(dir)
  if uid == "0" then
    output("chown -R 101:101 " .. quote(dir) .. "/data " .. quote(dir) .. "/mail; chown 101 " .. quote(dir) .. "/queue/*")
  end
  -- Postfix waits out a main.cf that is not older than a second
  write(dir .. "/main.cf", main_cf(dir, options, tls, disguise, user))
  output("touch -t 200001010000 " .. quote(dir .. "/main.cf"))
  local command = { "env" }
  for _, word in ipairs(disguise) do
    command[#command + 1] = word
  end
  for _, word in ipairs { tree .. "/usr/lib/postfix/sbin/master", "-c", dir, "-d" } do
    command[#command + 1] = word
  end
  local server = keeper.start("postfix", dir, { ["master.cf.in"] = services }, command)
  function server:messages(n)
    return self:await_files("mail/inbox/new", n or 1)
  end
  return server
end
