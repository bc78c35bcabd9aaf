-- tlsrpt: results are counted, kept by the day, and read.

local core = require "directsend.core"
local memory = require "directsend.memory"
local pki = require "support.pki"
local tlsrpt = require "directsend.tlsrpt"

local TODAY = os.date("!%Y-%m-%d", core.epoch())

describe("tlsrpt", function()
  local files
  before_each(function() files = pki.new() end)
  after_each(function() files:remove() end)

  local function ls()
    files:run "ls >../list.$$; mv ../list.$$ listed"
    local names = {}
    for name in files:read "listed":gmatch "tlsrpt%S+" do names[#names + 1] = name end
    return names
  end

  it("counts what is alike, over saves and processes", function()
    local a, b = tlsrpt.new(files.dir), tlsrpt.new(files.dir)
    a:count("a.test", "sts\tsuccess")
    a:count("a.test", "sts\tsuccess")
    a:count("a.test", "sts\tx\ny")
    assert.is_true(a:save())
    b:count("a.test", "sts\tsuccess")
    b:count("b.test", "tlsa\tsuccess")
    b:save()
    b:save()
    assert.same({ ["a.test"] = { ["sts\tsuccess"] = 3, ["sts\tx y"] = 1 }, ["b.test"] = { ["tlsa\tsuccess"] = 1 } },
                tlsrpt.read(files.dir, TODAY))
    assert.same({ "tlsrpt-" .. TODAY }, ls())
    files:run("ls -l tlsrpt-* | cut -c1-10 >mode")
    assert.equal("-rw-------", (files:read "mode":gsub("%s", "")))
  end)

  it("writes nothing where nothing was counted, and says when it cannot", function()
    tlsrpt.new(files.dir):save()
    assert.same({}, ls())
    local gone = tlsrpt.new(files:path "gone")
    gone:count("a.test", "x")
    local ok, why = gone:save()
    assert.is_nil(ok)
    assert.matches("gone", why)
  end)

  it("knows an empty day from a file that may be somebody else's", function()
    assert.same({}, tlsrpt.read(files.dir, "1999-01-01"))
    files:run "printf 'directsend tlsrpt 1\\n1\\ta.test\\tsts\\n' >tlsrpt-1999-01-01; chmod 666 tlsrpt-1999-01-01"
    local found, why = tlsrpt.read(files.dir, "1999-01-01")
    assert.is_nil(found)
    assert.matches("can be written by others", why)
  end)

  it("takes away days that nobody asks for any more", function()
    for _, ago in ipairs{ 1, 8, 9, 20 } do
      files:write("tlsrpt-" .. os.date("!%Y-%m-%d", core.epoch() - ago * 86400), "")
    end
    local t = tlsrpt.new(files.dir)
    t:count("a.test", "x")
    t:save()
    assert.equal(3, #ls())
  end)

  it("bounds a day", function()
    local t = tlsrpt.new(files.dir)
    for i = 1, 3 do
      t:count("a.test", i .. ("x"):rep(5000000))
      assert.is_true(t:save())
    end
    local n = 0
    for _ in pairs(tlsrpt.read(files.dir, TODAY)["a.test"]) do n = n + 1 end
    assert.equal(2, n)
  end)

  it("is where a memory puts what is counted", function()
    local m, feed = memory.new(files.dir), {}
    assert.same({ "recall", "report" }, m:abilities())
    assert.same({ "recall" }, memory.new():abilities())
    m:serve(feed)
    feed.remember{ space = "tlsrpt", key = "a.test", value = "sts\tsuccess", expires = 0 }
    m:save()
    assert.same({ ["a.test"] = { ["sts\tsuccess"] = 1 } }, tlsrpt.read(files.dir, TODAY))
    assert.is_nil(core.read_private(files:path "memory"))
  end)
end)
