local config = require "directsend.config"
local given = require "directsend.driver.given"

local function own(t)
  local d = { name = "mine", now = function() return 0 end,
              connect = function() end,
              capabilities = { race = false, peek = false, duplex = false,
                               udp = true, bind = false, max_chunk = 1024 } }
  for k, v in pairs(t or {}) do d[k] = v end
  return d
end

local function done()
  return { step = function() return { op = "done" } end }
end

describe("a driver that is given", function()
  it("is what the caller gives", function()
    local whole = own { run = function() return true end }
    assert.equal(whole, given.whole(whole))
    local over = given.whole(own())
    assert.equal("mine", over.name)
    assert.equal(1024, over.capabilities.max_chunk)
    assert.is_true(over.run { { delivery = done(), feed = {} } })
  end)

  it("runs one after the other, or as the given driver likes", function()
    local order = {}
    local function noting(i)
      return { step = function()
        order[#order + 1] = i
        return { op = "done" }
      end }
    end
    local jobs = { { delivery = noting(1), feed = {} },
                   { delivery = noting(2), feed = {} } }
    given.whole(own()).run(jobs)
    given.whole(own { all = function(list)
      for i = #list, 1, -1 do list[i]() end
    end }).run(jobs)
    assert.same({ 1, 2, 2, 1 }, order)
  end)

  it("must have what it needs", function()
    local function lacks(d, words)
      assert.has_error(function() config.read { driver = d } end, words)
    end
    assert(config.read { driver = own() })
    lacks({}, "driver.capabilities: expected table, got nil")
    local d = own()
    d.capabilities.udp = nil
    lacks(d, "driver.udp: expected boolean, got nil")
    d = own()
    d.capabilities.max_chunk = "16k"
    lacks(d, "driver.max_chunk: expected number, got string")
    d.capabilities.max_chunk = 0 / 0
    lacks(d, "driver.max_chunk: expected 512 octets or more")
    d = own()
    d.connect = nil
    lacks(d, "driver.connect: expected function, got nil")
    d = own()
    d.now = nil
    lacks(d, "driver.now: expected function, got nil")
    lacks(own { all = 1 }, "driver.all: expected function or nil, got number")
    lacks(own { run = {} }, "driver.run: expected function or nil, got table")
  end)
end)
