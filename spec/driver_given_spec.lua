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

  local function raising()
    return { step = function() error({ "a bug" }, 0) end }
  end

  it("raises what all of its functions left behind", function()
    local over = given.whole(own { all = function(list)
      local ok, why = pcall(list[1])
      list[2]()
      return ok, why
    end })
    local ok, why = pcall(over.run, { { delivery = raising(), feed = {} },
                                      { delivery = done(), feed = {} } })
    assert.is_false(ok)
    assert.same({ "a bug" }, why)
  end)

  it("closes what is open when something raises", function()
    for _, protect in ipairs { false, pcall } do
      local closed, at = 0, 0
      local conn = { local_ip = "192.0.2.1", peer_ip = "192.0.2.25",
                     close = function(_, abort) closed = closed + (abort and 1 or 0) end }
      local asking = { step = function()
        at = at + 1
        return at == 1 and { op = "connect", conn = 1 } or error("a bug", 0)
      end }
      local over = given.whole(own { connect = function() return conn end,
                                     pcall = protect or nil })
      local jobs = { { delivery = asking, feed = {} } }
      assert.has_error(function() over.run(jobs) end, "a bug")
      assert.equal(protect and 1 or 0, closed)
      jobs.left()
      assert.is_true(closed >= 1)
    end
  end)

  it("closes what is open when its functions left something behind", function()
    local order = {}
    local conn = { local_ip = "192.0.2.1", peer_ip = "192.0.2.25",
                   close = function() order[#order + 1] = "closed" end }
    local over = given.whole(own {
      connect = function() return conn end,
      all = function(list) return pcall(list[1]) end,
      settle = function() order[#order + 1] = "settled" end,
    })
    local at = 0
    local asking = { step = function()
      at = at + 1
      return at == 1 and { op = "connect", conn = 1 } or error("a bug", 0)
    end }
    assert.has_error(function()
      over.run { { delivery = asking, feed = {} } }
    end, "a bug")
    assert.same({ "closed", "settled" }, order)
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
    lacks(own { sleep = 1 }, "driver.sleep: expected function or nil, got number")
    lacks(own { pcall = 1 }, "driver.pcall: expected function or nil, got number")
    lacks(own { run = {} }, "driver.run: expected function or nil, got table")
  end)
end)
