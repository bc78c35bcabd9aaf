-- .ci/rockspec writes these lists
local path = "rockspec/directsend-scm-1.rockspec"

-- a rockspec is Lua without a library
local function load_rockspec()
  local rock = {}
  local chunk = assert(loadfile(path, "t", rock))
  if setfenv then
    setfenv(chunk, rock)
  end
  chunk()
  return rock
end

local function found(what)
  local pipe = assert(io.popen("find " .. what .. " | LC_ALL=C sort"))
  local list = {}
  for line in pipe:lines() do
    list[#list + 1] = line
  end
  pipe:close()
  return list
end

describe("rockspec", function()
  local rock = load_rockspec()
  local modules = rock.build.modules

  it("lists every Lua file under its module's name", function()
    local want, have = {}, {}
    for _, file in ipairs(found "lua -name '*.lua'") do
      local name = file:match("^lua/(.*)%.lua$"):gsub("/init$", ""):gsub("/", ".")
      want[name] = file
    end
    for name, source in pairs(modules) do
      have[name] = type(source) == "string" and source or nil
    end
    assert.same(want, have)
  end)

  it("lists every C file but the specs' doors and IDN", function()
    local listed, seen = {}, {}
    for _, name in ipairs { "core", "tls", "dkim", "smime" } do
      for _, file in ipairs(modules["directsend." .. name].sources) do
        if not seen[file] then
          seen[file] = true
          listed[#listed + 1] = file
        end
      end
    end
    table.sort(listed)
    assert.same(found "src -name '*.c' ! -path 'src/lua/test*' ! -name idn.c", listed)
  end)

  it("names the licence, and files that are there", function()
    assert.equal("MIT", rock.description.license)
    assert(io.open("LICENSE")):close()
    for _, file in ipairs(rock.build.install.bin) do
      assert(io.open(file)):close()
    end
  end)
end)
