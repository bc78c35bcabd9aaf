-- What make makes again, in a tree of a few lines.

local keeper = require "support.keeper"

local output, quote, write = keeper.output, keeper.quote, keeper.write
local lua = rawget(_G, "jit") and "jit" or _VERSION:match "%d%.%d"

describe("make", function()
  local dir

  before_each(function()
    dir = output "mktemp -d"
    output(("mkdir -p %s/src/util %s/src/lua %s/src/idn && cp Makefile %s"):format(dir, dir, dir, dir))
    for i, name in ipairs { "util/a", "util/b", "lua/class", "lua/field", "lua/compat", "lua/idn", "idn/idn" } do
      write(("%s/src/%s.c"):format(dir, name), ("int f%d (void);\nint f%d (void) { return %d; }\n"):format(i, i, i))
    end
  end)
  after_each(function() output("rm -r " .. dir) end)

  local module = "build/" .. lua .. "/directsend/idn.so"

  -- how many files are compiled and whether the module is linked, with these words
  local function made(words)
    local text = output(("env -u MAKEFLAGS -u MAKELEVEL -u SAN make -C %s LUA=%s IDN= %s 2>&1; echo $?"):format( -- whatever this runs under
      quote(dir), lua, words or module))
    assert.equal("0", text:match "(%d+)$", text)
    return select(2, text:gsub(" %-c %-o ", "")), (text:find(" -shared ", 1, true) ~= nil)
  end

  local function makes(compiled, linked, words)
    local n, so = made(words and words .. " " .. module)
    assert.same({ compiled, linked }, { n, so }, words)
  end

  it("makes nothing twice", function()
    makes(7, true)
    makes(0, false)
    makes(0, false, "WERROR=1")
    makes(0, false, "PREFIX=/x")
  end)

  it("makes all again with other flags, another compiler, another OpenSSL", function()
    makes(7, true)
    for _, words in ipairs { "CFLAGS=-O1", "CFLAGS=\"-O1 -DX='y z'\"", "CC=cc", "OPENSSL_DIR=/usr" } do
      makes(7, true, words)
      makes(0, false, words)
    end
    local include = lua == "jit" and "luajit-2.1" or "lua" .. lua
    makes(4, true, "OPENSSL_DIR=/usr LUA_INC=/usr/include/../include/" .. include)
  end)

  it("links again with other words, and where a file came or went", function()
    makes(7, true)
    makes(0, true, "LDFLAGS=-Wl,-O1")
    makes(0, true)
    write(dir .. "/src/util/c.c", "int c (void);\nint c (void) { return 0; }\n")
    makes(1, true)
    assert.equal("1", output("nm " .. dir .. "/" .. module .. " | grep -c ' c$'"))
    os.remove(dir .. "/src/util/c.c")
    makes(0, true)
    assert.equal("0", output("nm " .. dir .. "/" .. module .. " | grep -c ' c$'"))
    makes(0, false)
  end)

  it("takes to be installed what is there", function()
    makes(7, true)
    assert.equal(0, (made("-n install MODULES=" .. module .. " CFLAGS=-O1 CC=nobody")))
    assert.equal(7, (made("-n all MODULES=" .. module .. " CFLAGS=-O1")))
  end)

  it("says which header is missing", function()
    local text = output(("env -u MAKEFLAGS -u MAKELEVEL -u SAN make -s -C %s LUA=%s IDN= LUA_INC=/none %s 2>&1"):format(
      quote(dir), lua, module))
    assert.truthy(text:find("<lua.h> is missing: install lib" .. (lua == "jit" and "luajit-5.1" or lua == "5.1" and "lua5.1-0"
                                                                  or "lua" .. lua) .. "-dev, or run make deps", 1, true), text)
    text = output(("env -u MAKEFLAGS -u MAKELEVEL -u SAN make -s -C %s LUA=%s IDN= CC=nobody %s 2>&1"):format(quote(dir), lua, module))
    assert.truthy(text:find("nobody is missing", 1, true), text)
  end)
end)
