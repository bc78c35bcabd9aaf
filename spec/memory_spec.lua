-- memory: what deliveries found out, in a table and in a file.

local core = require "directsend.core"
local memory = require "directsend.memory"
local pki = require "support.pki"

local NOW = core.epoch()

describe("memory", function()
  local files
  before_each(function() files = pki.new() end)
  after_each(function() files:remove() end)

  local function text() return core.read_private(files:path "memory") end

  it("keeps values by space and key, until they are over or forgotten", function()
    local m = memory.new()
    m:remember("sts", "a.test", "one", NOW + 100)
    m:remember("tls", "a.test", "two", NOW + 100)
    m:remember("sts", "old.test", "three", NOW - 1)
    assert.same({ "one", "two" }, { m:recall("sts", "a.test"), m:recall("tls", "a.test") })
    assert.is_nil(m:recall("sts", "old.test"))
    assert.is_nil(m:recall("sts", "b.test"))
    m:remember("sts", "a.test", "four", NOW + 100)
    assert.equal("four", m:recall("sts", "a.test"))
    m:remember("sts", "a.test", nil, 0)
    assert.is_nil(m:recall("sts", "a.test"))
    assert.equal("two", m:recall("tls", "a.test"))
    m:save()
  end)

  it("writes nothing and reads nothing without a directory, or before it is used", function()
    memory.new():save()
    memory.new(files.dir):save()
    assert.is_nil(text())
    local m = memory.new(files.dir)
    m:recall("sts", "a.test")
    m:save()
    assert.is_nil(text())
  end)

  it("outlives its mailer in a file, whatever the values hold", function()
    local values = { ["a.test"] = "sts1 enforce 1", ["b\tc"] = "x\ty\nz%41%\0\255", [""] = "" }
    local m = memory.new(files.dir)
    for key, value in pairs(values) do m:remember("sts", key, value, NOW + 100) end
    m:remember("sts", "over", "x", NOW - 5)
    m:save()
    files:run "ls -l memory | cut -c1-10 >mode; ls memory* | wc -l >count"
    assert.equal("-rw-------", (files:read "mode":gsub("%s", "")))
    assert.equal(1, tonumber(files:read "count"))
    m = memory.new(files.dir)
    for key, value in pairs(values) do assert.equal(value, m:recall("sts", key)) end
    assert.is_nil(text():find "over")
  end)

  it("is read when it is first asked, and written when something is new", function()
    local a, b = memory.new(files.dir), memory.new(files.dir)
    a:remember("sts", "a.test", "one", NOW + 100)
    a:save()
    assert.equal("one", b:recall("sts", "a.test"))
    os.remove(files:path "memory")
    b:save()
    a:save()
    assert.is_nil(text())
  end)

  it("keeps what others wrote meanwhile, but for what is newer here", function()
    local a, b = memory.new(files.dir), memory.new(files.dir)
    assert.is_nil(a:recall("sts", "x"))
    assert.is_nil(b:recall("sts", "x"))
    a:remember("sts", "a.test", "one", NOW + 100)
    a:remember("sts", "both.test", "of a", NOW + 100)
    a:save()
    b:remember("sts", "b.test", "two", NOW + 100)
    b:remember("sts", "both.test", "of b", NOW + 100)
    b:save()
    local c = memory.new(files.dir)
    assert.same({ "one", "two", "of b" }, { c:recall("sts", "a.test"), c:recall("sts", "b.test"), c:recall("sts", "both.test") })
    assert.equal("one", b:recall("sts", "a.test"))
  end)

  it("starts anew where the file is nonsense, or may be somebody else's", function()
    for _, spoil in ipairs{ "echo nonsense >memory", ": >memory", "printf 'directsend memory 1\\nx\\ty\\n99\\n\\t\\t\\t\\n' >memory",
                            "printf 'directsend memory 2\\n9999999999\\tsts a.test\\tevil\\n' >memory",
                            "printf 'directsend memory 1\\n9999999999\\tsts a.test\\tevil\\n' >memory; chmod 666 memory",
                            "printf 'directsend memory 1\\n9999999999\\tsts a.test\\tevil\\n' >other; ln -sf other memory" } do
      files:run("rm -f memory; " .. spoil)
      local m = memory.new(files.dir)
      assert.is_nil(m:recall("sts", "a.test"), spoil)
      m:remember("sts", "a.test", "good", NOW + 100)
      m:save()
      assert.equal("good", memory.new(files.dir):recall("sts", "a.test"))
    end
  end)

  it("warns of what cannot be written", function()
    local m, message = memory.new(files:path "gone"), {}
    m:remember("sts", "a.test", "one", NOW + 100)
    m:save(message)
    assert.equal(1, #message.warnings)
    assert.matches("^state: .*gone/memory.*: No such file or directory$", message.warnings[1])
    assert.equal("one", m:recall("sts", "a.test"))
  end)

  it("forgets what ends first when it has too much", function()
    local m, big = memory.new(files.dir), ("x"):rep(100000)
    for i = 1, 100 do m:remember("sts", tostring(i), big, NOW + 1000 + i) end
    local kept = 0
    for i = 1, 100 do kept = kept + (m:recall("sts", tostring(i)) and 1 or 0) end
    assert.is_true(kept >= 20 and kept <= 42, kept)
    assert.is_not_nil(m:recall("sts", "100"))
    assert.is_nil(m:recall("sts", "1"))
    m:save()
    assert.is_true(#text() < 4300000)
  end)

  it("answers a feed", function()
    local m, feed = memory.new(), {}
    m:serve(feed)
    assert.is_nil(feed.remember{ space = "tls", key = "a.test", value = "v", expires = NOW + 100 })
    assert.same({ "recalled", "v" }, { feed.recall{ space = "tls", key = "a.test" } })
    assert.same({ "recalled" }, { feed.recall{ space = "tls", key = "b.test" } })
  end)
end)
