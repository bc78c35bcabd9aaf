local config = require "directsend.config"
local driver = require "directsend.driver"

local function given(t)
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

describe("driver", function()
  local ngx = package.loaded.ngx
  after_each(function()
    package.loaded.ngx = ngx
    package.loaded["directsend.driver.ngx"] = nil
    package.preload["directsend.driver.ngx"] = nil
  end)

  it("is native where there is no loop", function()
    assert.equal("native", driver.pick().name)
    assert.equal("native", driver.pick "native".name)
  end)

  it("is never native inside nginx, whatever the phase", function()
    for _, phase in ipairs { "content", "log", "init" } do
      package.loaded.ngx = { get_phase = function() return phase end }
      package.preload["directsend.driver.ngx"] = function()
        return { name = "ngx" }
      end
      assert.equal("ngx", driver.pick().name)
    end
  end)

  it("is what the caller gives", function()
    local own = given { run = function() return true end }
    assert.equal(own, driver.pick(own))
    local over = driver.pick(given())
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
    driver.pick(given()).run(jobs)
    driver.pick(given { all = function(list)
      for i = #list, 1, -1 do list[i]() end
    end }).run(jobs)
    assert.same({ 1, 2, 2, 1 }, order)
  end)

  it("must have what it needs", function()
    local function lacks(d, words)
      assert.has_error(function() config.read { driver = d } end, words)
    end
    assert(config.read { driver = given() })
    lacks({}, "driver.capabilities: expected table, got nil")
    local d = given()
    d.capabilities.udp = nil
    lacks(d, "driver.udp: expected boolean, got nil")
    d = given()
    d.capabilities.max_chunk = "16k"
    lacks(d, "driver.max_chunk: expected number, got string")
    d = given()
    d.connect = nil
    lacks(d, "driver.connect: expected function, got nil")
    d = given()
    d.now = nil
    lacks(d, "driver.now: expected function, got nil")
    lacks(given { all = 1 }, "driver.all: expected function or nil, got number")
    lacks(given { run = {} }, "driver.run: expected function or nil, got table")
  end)
end)
