local core = require "directsend.core"
local process = require "support.process"

local mega = 1048576

-- what a process with these few lines prints; core and dir are given
local function alone(lines, options, dir)
  local script = os.tmpname()
  local file = io.open(script, "w")
  file:write("local core, dir = require 'directsend.core', arg[1]\n", lines)
  file:close()
  local text = process.run(script, options or {}, dir)
  os.remove(script)
  return text
end

local function names_in(dir)
  local pipe = io.popen("ls -A " .. dir)
  local text = pipe:read "*a"
  pipe:close()
  return text
end

describe("a spool", function()
  local dir

  before_each(function()
    dir = os.tmpname()
    os.remove(dir)
    os.execute("mkdir " .. dir)
  end)

  after_each(function() os.execute("rm -r " .. dir) end)

  it("gives back what it took, in memory and in a file", function()
    for _, size in ipairs { 0, 1, 16384, mega - 1, mega, mega + 1, 3 * mega + 7 } do
      local spool = core.spool(dir)
      local data = ("0123456789abcde\n"):rep(math.floor(size / 16) + 1):sub(1, size)
      for at = 1, size, 10007 do assert.is_true(spool:write(data:sub(at, math.min(at + 10006, size)))) end
      local out, at = {}, 0
      repeat
        local piece = spool:read(at, 16384)
        assert.is_true(#piece <= 16384)
        out[#out + 1] = piece
        at = at + #piece
      until piece == ""
      assert.is_true(table.concat(out) == data, size)
      assert.equal(data:sub(501, 520), spool:read(500, 20))
      assert.equal("", names_in(dir))
      spool:close()
      spool:close()
      assert.has_error(function() spool:read(0, 1) end)
    end
  end)

  it("makes no file before a mebibyte, and then one without a name", function()
    local script = [[
      local function files()
        local pipe = io.popen("ls -l /proc/" .. io.open("/proc/self/stat"):read "*n" .. "/fd")
        local text = pipe:read "*a"
        pipe:close()
        return (select(2, text:gsub(dir:gsub("%p", "%%%0"), "")))
      end
      local spool = core.spool(dir)
      spool:write(("x"):rep(1048576))
      io.write(files(), " ")
      spool:write "x"
      io.write(files(), " ")
      spool:close()
      print(files())
    ]]
    assert.equal("0 1 0\n", alone(script, {}, dir))
  end)

  it("says where no room is left, and keeps no descriptor", function()
    local script = [[
      local spool = core.spool(dir)
      local ok, why, field = true, nil, nil
      for _ = 1, 400 do
        if ok then ok, why, field = spool:write(("x"):rep(16384)) end
      end
      spool:close()
      print(ok, field, why)
    ]]
    local text = alone(script, { under = "sh -c 'trap \"\" XFSZ; ulimit -f 4096; exec \"$@\"' limited" }, dir)
    assert.equal(("nil\ttmpdir\ttmpdir %s: File too large\n"):format(dir), text)
    assert.equal("", names_in(dir))
  end)

  it("fails where there is no such directory, before anything is sent", function()
    local message = require "directsend.message"
    local n = 0
    local function read()
      n = n + 1
      if n < 200 then return ("x"):rep(16384) end
    end
    local m, why, detail = message.new({ from = "a@example.com", to = "b@example.com", attach = { { read = read } } },
                                       { tmpdir = dir .. "/none" })
    assert.is_nil(m)
    assert.equal(("tmpdir %s/none: No such file or directory"):format(dir), why)
    assert.same({ kind = "local", field = "attach[1]" }, detail)
    assert.is_true(n < 70)
  end)

  it("is where the configuration says", function()
    local directsend = require "directsend"
    local function read() return nil end
    local mailer = assert(directsend.new { from = "a@example.com", tmpdir = dir, transport = "capture" })
    assert(mailer:send { to = "b@example.com", text = { read = read } })
    local bad = assert(directsend.new { from = "a@example.com", tmpdir = "/none", transport = "capture" })
    assert(bad:send { to = "b@example.com", text = { read = read } }) -- memory is enough
    local _, why, detail = directsend.new { tmpdir = "" }
    assert.equal("tmpdir", detail.field)
    assert.truthy(why)
  end)
end)
