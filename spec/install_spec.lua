-- What make install and make clean do.

local process = require "support.process"

local quote = process.quote
local version = rawget(_G, "jit") and "jit" or _VERSION:match "%d%.%d"

local function run(line)
  local pipe = io.popen("{ " .. line .. "; } 2>&1; echo \" $?\"")
  local text, status = pipe:read "*a":match "^(.*) (%d+)\n$"
  pipe:close()
  return text, tonumber(status)
end

-- an empty folder, for as long as test runs
local function within(test)
  local dir = os.tmpname()
  os.remove(dir)
  os.execute("mkdir " .. dir)
  local ok, why = pcall(test, dir)
  os.execute("rm -r " .. dir)
  if not ok then error(why, 0) end
end

describe("make", function()
  it("installs a command that finds its modules", function()
    within(function(dir)
      local out, status = run("make -s install LUA=" .. version .. " PREFIX="
                              .. dir .. "/a")
      assert.equal(0, status, out)
      local plain = "cd / && env -u LUA_PATH -u LUA_CPATH -u LUA_INIT " .. dir
      out, status = run(plain .. "/a/bin/directsend --version")
      assert.equal("directsend 0.1.0\n", out)
      assert.equal(0, status)
      -- that a copy is moved and linked changes nothing
      os.execute("mv " .. dir .. "/a/bin/directsend " .. dir .. "/b && ln -s "
                 .. dir .. "/b " .. dir .. "/c")
      assert.equal("directsend 0.1.0\n", (run(plain .. "/c version")))
    end)
  end)

  it("cleans up what it and others built", function()
    within(function(dir)
      os.execute("cd " .. dir .. " && mkdir -p build/5.4 src/lua directsend && "
                 .. "touch build/5.4/x src/lua/a.o src/lua/a.c src/b.o "
                 .. "directsend/core.so README.md")
      local out, status = run("make -s -C " .. dir .. " -f "
                              .. quote(run "pwd":gsub("\n", "") .. "/Makefile")
                              .. " clean")
      assert.equal(0, status, out)
      assert.equal("./README.md\n./src/lua/a.c\n",
                   (run("cd " .. dir .. " && find . -type f | sort")))
    end)
  end)
end)
