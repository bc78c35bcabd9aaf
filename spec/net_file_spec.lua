local message = require "directsend.message"
local process = require "support.process"

local names = {}
local function scratch(data)
  local name = os.tmpname()
  names[#names + 1] = name
  local file = assert(io.open(name, "wb"))
  file:write(data)
  file:close()
  return name
end

local function attached(path)
  return message.new { from = "a@example.com", to = "b@example.com", text = "x", attach = { path } }
end

describe("a file", function()
  after_each(function()
    for _, name in ipairs(names) do
      os.remove(name)
      os.remove(name .. ".link")
    end
    names = {}
  end)

  it("is read as it is, on every pass", function()
    local data = ("\0\255\r\n."):rep(40000)
    local m = assert(attached(scratch(data)))
    local first = m:tostring()
    assert.equal(#first, m:size())
    assert.equal(first, m:tostring())
    local encoded = first:match "Content%-Disposition.-\r\n\r\n(.-\r\n)\r\n%-%-"
    assert.equal(data, require "support.decode".base64(encoded))
  end)

  it("may be empty", function()
    assert.is_truthy(assert(attached(scratch "")):tostring())
  end)

  it("is regular, or it is refused at once", function()
    local dir, fifo = os.tmpname(), os.tmpname()
    os.remove(dir)
    os.remove(fifo)
    os.execute("mkdir " .. dir .. " && mkfifo " .. fifo)
    local link, loop, dangling = dir .. "/link", dir .. "/loop", dir .. "/dangling"
    os.execute(("ln -s %s %s; ln -s %s %s; ln -s nowhere %s"):format(scratch "x", link, loop, loop, dangling))
    local cases = { [dir] = "regular", [fifo] = "regular", ["/dev/zero"] = "regular", ["/dev/null"] = "regular",
                    [link] = "is a symbolic link, which is not followed: give the path it points to",
                    [loop] = "symbolic link", [dangling] = "symbolic link",
                    [dir .. "/none"] = "No such file", [""] = "No such file", [dir .. "/link/x"] = "Not a directory" }
    for path, why in pairs(cases) do
      local m, text, detail = attached(path)
      assert.is_nil(m, path)
      assert.is_truthy(text:find("attach[1].path: ", 1, true), text)
      assert.is_truthy(text:find(why, 1, true), text)
      assert.same({ kind = "usage", field = "attach[1].path" }, detail)
    end
    os.execute("rm -r " .. dir .. " " .. fifo)
  end)

  it("must have a size: one that is made as it is read has none", function()
    local m, text, detail = attached "/proc/self/status"
    assert.is_nil(m)
    assert.is_truthy(text:find("attach[1].path: /proc/self/status: ", 1, true), text)
    assert.is_truthy(text:find("read", 1, true), text)
    assert.same({ kind = "usage", field = "attach[1].path" }, detail)
  end)

  it("has no NUL in its path", function()
    local m, text = attached "/etc/passwd\0.txt"
    assert.is_nil(m)
    assert.is_truthy(text:find "NUL")
  end)

  it("that has changed is an error that names it", function()
    for _, change in ipairs { "longer than it was", "", "sh0rt" } do
      local name = scratch "short"
      local m = assert(attached(name))
      assert.is_truthy(m:tostring())
      local file = io.open(name, "wb")
      file:write(change)
      file:close()
      os.execute("touch -d '2001-01-01' " .. name)
      local s, text, detail = m:tostring()
      assert.is_nil(s)
      assert.is_truthy(text:find(name .. ": has changed", 1, true), text)
      assert.equal("local", detail.kind)
    end
  end)

  it("that changes while it is read is one too", function()
    local name = scratch(("x"):rep(200000))
    local m = assert(attached(name))
    assert.is_truthy(m.core:read(1000))
    local file = io.open(name, "ab")
    file:write "y"
    file:close()
    local s, text
    repeat s, text = m.core:read() until not s or s == ""
    assert.is_nil(s)
    assert.is_truthy(text:find(name .. ": has changed", 1, true), text)
  end)

  it("that is cut while it is read is one too", function()
    local name = scratch(("x"):rep(200000))
    local m = assert(attached(name))
    assert.is_truthy(m.core:read(1000))
    io.open(name, "wb"):close()
    local s, text
    repeat s, text = m.core:read() until not s or s == ""
    assert.is_nil(s)
    assert.is_truthy(text:find(name .. ": has become shorter", 1, true))
  end)

  it("is closed with its message", function()
    local script = scratch [[
      local core = require "directsend.core"
      for i = 1, 1000 do
        assert(core.message():attach(nil, arg[0]))
        if i % 10 == 0 then collectgarbage() end
      end]]
    local out, ok = process.run(script, { under = "sh -c 'ulimit -n 64 && exec \"$@\"' sh" })
    assert.is_true(ok, out)
  end)
end)
