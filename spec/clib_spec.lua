local read_back = require "support.read_back"
local servers = require "support.servers"

local function output(command)
  local pipe = assert(io.popen(command .. " 2>&1; echo $?"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

-- Everything the program is built from is what `make lib` laid out: no Lua.
local function build(dir, flags, libraries)
  local text = output(("%s -std=c99 -Wall -Wextra -Werror %s -Ibuild/lib/include/directsend -o %s/alert"
    .. " examples/alert.c -Lbuild/lib/lib %s"):format(os.getenv "CC" or "cc", flags, dir, libraries))
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

  local function run(prefix, port, words)
    return output(("ALERT_HOST=127.0.0.1 ALERT_PORT=%d %s %s/alert %s"):format(port, prefix, dir, words))
  end

  local function delivers(prefix)
    local server = servers.aiosmtpd {}
    local text = run(prefix, server.port, "'J\195\182rg <a@contoso.test>' b@example.test 'Gr\195\182\195\159e' 'caf\195\169' README.md")
    assert.equal("outcome=delivered host=127.0.0.1 tls=TLSv1.3 reply=250 2.0.0 queued as 1\n0\n", text)
    local message = server:messages()[1]
    assert.equal("a@contoso.test", message.sender)
    assert.same({ "b@example.test" }, message.recipients)
    local file = assert(io.open("README.md", "rb"))
    local found = {}
    for _, field in ipairs(read_back.python({ "X-Note: x\r\n" .. message.raw })[1]) do found[field[1]] = field[2] end
    assert.equal("Gr\195\182\195\159e", found.subject)
    assert.equal("J\195\182rg\0a@contoso.test", found.from)
    assert.equal("caf\195\169\n", (found["text/plain"]:gsub("\r", "")))
    assert.equal(file:read "*a", found.octets)
    file:close()
  end

  it("delivers a message when linked statically", function()
    build(dir, "", "-l:libdirectsend.a -lssl -lcrypto -lresolv")
    delivers("")
  end)

  it("delivers a message when linked dynamically", function()
    build(dir, "", "-ldirectsend")
    delivers("LD_LIBRARY_PATH=build/lib/lib")
  end)

  it("says what will not do", function()
    build(dir, "", "-l:libdirectsend.a -lssl -lcrypto -lresolv")
    assert.equal("alert: there is no @ in it\n1\n", run("", 1, "a b@c.de s t"))
    assert.equal("alert: /none: No such file or directory\n1\n", run("", 1, "a@b.cd b@c.de s t /none"))
    assert.truthy(run("", 1, "a@b.cd b@c.de s t"):find("^outcome=deferred .*\n1\n$"))
  end)

  it("knows nothing of Lua, and shows only its own names", function()
    assert.equal("1\n", output("grep -rlE 'lua(lib|xlib)?[.]h' build/lib/include"))
    for _, names in ipairs { "nm -g build/lib/lib/libdirectsend.a", "nm -D build/lib/lib/libdirectsend.so" } do
      assert.equal("1\n", output(names .. " | grep -i ' lua'"))
      assert.equal("1\n", output(names .. " --defined-only | grep ' [A-Z] ' | grep -v ' ds_'"))
    end
  end)
end)
