local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

-- what .ci/floors says of a tree with one file
local function floors(path, line)
  local dir = output("mktemp -d"):gsub("%s+$", "")
  os.execute("mkdir -p " .. dir .. "/" .. path:match("^(.*)/"))
  local file = assert(io.open(dir .. "/" .. path, "w"))
  file:write("/* a file */\n", line, "\n")
  file:close()
  local text = output(".ci/floors " .. dir .. "; echo $?")
  os.execute("rm -r " .. dir)
  return text
end

local function passes(path, line)
  assert.equal("0\n", floors(path, line))
end

local function fails(path, line, why)
  assert.equal(path .. ":2: " .. why .. "\n1\n", floors(path, line))
end

describe("floors", function()
  it("hold in this house", function()
    assert.equal("0\n", output(".ci/floors; echo $?"))
  end)

  it("let a room look down", function()
    passes("smtp/engine.c", '#include "util/buf.h"')
    passes("session/session.c", '#include "tls/tls.h"')
    passes("deliver/delivery.c", '#include "dns/mx.h"')
    passes("net/loop.c", '#include "deliver/delivery.h"')
    passes("lua/core.c", '#include "net/loop.h"')
    passes("mime/part.c", '#include "mime/field.h"')
  end)

  it("fail on an include that climbs", function()
    fails("util/buf.c", '#include "smtp/reply.h"', 'util may not include "smtp/reply.h"')
    fails("smtp/engine.c", '#include "session/session.h"', 'smtp may not include "session/session.h"')
    fails("session/session.c", '#  include "deliver/delivery.h"', 'session may not include "deliver/delivery.h"')
    fails("deliver/delivery.c", '#include "net/loop.h"', 'deliver may not include "net/loop.h"')
    fails("net/loop.c", '#include "lua/compat.h"', 'net may not include "lua/compat.h"')
  end)

  it("fail on a stranger next door", function()
    fails("smtp/engine.c", '#include "tls/tls.h"', 'smtp may not include "tls/tls.h"')
    fails("mime/part.c", '#include "dns/message.h"', 'mime may not include "dns/message.h"')
    fails("net/loop.c", '#include "smtp/engine.h"', 'net may not include "smtp/engine.h"')
  end)

  it("fail on a way around", function()
    fails("smtp/engine.c", '#include "../net/loop.h"', '"../net/loop.h" is not named by its room')
    fails("smtp/engine.c", '#include "reply.h"', '"reply.h" is not named by its room')
    assert.truthy(floors("attic/junk.c", "int x;"):find("attic/junk.c:1: no such room: attic\n1\n", 1, true))
  end)

  for header, owner in pairs {
    ["lua.h"] = "lua", ["lauxlib.h"] = "lua", ["openssl/ssl.h"] = "tls", ["openssl/evp.h"] = "dkim",
    ["sqlite3.h"] = "queue", ["hiredis/hiredis.h"] = "queue", ["sys/socket.h"] = "net", ["poll.h"] = "net",
    ["sys/epoll.h"] = "net", ["time.h"] = "net", ["unistd.h"] = "net", ["arpa/nameser.h"] = "dns",
  } do
    it("keep <" .. header .. "> to " .. owner, function()
      local line = "#include <" .. header .. ">"
      passes(owner .. "/file.c", line)
      fails("mime/file.c", line, "mime has no key to <" .. header .. ">")
      fails("deliver/file.h", line, "deliver has no key to <" .. header .. ">")
    end)
  end

  it("let snprintf in anywhere, and nothing unheard of", function()
    passes("mime/date.c", "#include <stdio.h>")
    fails("mime/date.c", "#include <ctype.h>", "mime has no key to <ctype.h>")
    fails("net/loop.c", "#include <pthread.h>", "net has no key to <pthread.h>")
  end)
end)
