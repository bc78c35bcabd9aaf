local servers = require "support.servers"

local function output(command)
  local pipe = assert(io.popen(command .. " 2>&1; echo $?"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

-- Everything the program is built from is what `make lib` laid out: no Lua.
local function build(dir, flags, libraries)
  local text = output(("%s -std=c99 -Wall -Wextra -Werror %s -Ibuild/lib/include/directsend -o %s/smoke"
    .. " spec/c/smoke.c -Lbuild/lib/lib %s"):format(os.getenv "CC" or "cc", flags, dir, libraries))
  assert.equal("0\n", text)
end

describe("the C library", function()
  local dir
  setup(function()
    dir = output("mktemp -d"):match("^[^\n]+")
    assert.equal("0\n", output("env -u MAKEFLAGS make -s lib"))
  end)
  teardown(function()
    os.execute("rm -r " .. dir)
  end)
  after_each(servers.stop_all)

  local function delivers(prefix)
    local server = servers.aiosmtpd {}
    local text = output(("%s %s/smoke 127.0.0.1 %d a@contoso.test b@example.test"):format(prefix, dir, server.port))
    assert.equal("outcome=delivered tls=TLSv1.3 reply=250 2.0.0 queued as 1\n0\n", text)
    local message = server:messages()[1]
    assert.truthy(message.raw:find("No Lua in here.\r\n", 1, true))
    assert.same({ "b@example.test" }, message.recipients)
  end

  it("delivers a message when linked statically", function()
    build(dir, "", "-l:libdirectsend.a -lssl -lcrypto -lresolv")
    delivers("")
  end)

  it("delivers a message when linked dynamically", function()
    build(dir, "", "-ldirectsend")
    delivers("LD_LIBRARY_PATH=build/lib/lib")
  end)

  it("knows nothing of Lua, and shows only its own names", function()
    assert.equal("1\n", output("grep -rlE 'lua(lib|xlib)?[.]h' build/lib/include"))
    for _, names in ipairs { "nm -g build/lib/lib/libdirectsend.a", "nm -D build/lib/lib/libdirectsend.so" } do
      assert.equal("1\n", output(names .. " | grep -i ' lua'"))
      assert.equal("1\n", output(names .. " --defined-only | grep ' [A-Z] ' | grep -v ' ds_'"))
    end
  end)
end)
