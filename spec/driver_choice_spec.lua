local config = require "directsend.config"
local driver = require "directsend.driver"
local loops = require "support.loops"

describe("the driver that nobody names", function()
  it("is that of the loop that runs around us", function()
    for _, name in ipairs { "cqueues", "luv" } do
      assert.same({ name }, loops.within(name, function()
        return driver.pick().name
      end))
    end
    assert.equal("native", driver.pick().name) -- it runs no more
  end)

  it("is native where nobody would see to what is yielded", function()
    local gave = loops.within("cqueues", function()
      return coroutine.wrap(function() return driver.pick().name end)()
    end)
    assert.equal("native", gave[1])
  end)

  it("is that of a Copas which tells that it runs", function()
    local copas = package.loaded.copas
    package.loaded.copas = { running = true }
    package.preload["directsend.driver.copas"] = function()
      return { name = "copas" }
    end
    local loaded = package.loaded["directsend.driver.copas"]
    package.loaded["directsend.driver.copas"] = nil
    local inside = coroutine.wrap(function() return driver.pick().name end)()
    local outside = driver.pick().name
    package.loaded.copas.running = nil
    local unknown = coroutine.wrap(function() return driver.pick().name end)()
    package.loaded.copas = copas
    package.preload["directsend.driver.copas"] = nil
    package.loaded["directsend.driver.copas"] = loaded
    assert.same({ "copas", "native", "native" }, { inside, outside, unknown })
  end)
end)

describe("a driver's name", function()
  it("is taken where the driver loads", function()
    for _, name in ipairs(loops.names) do
      assert.equal(name, config.read { driver = name }.driver)
      assert.equal(name, driver.pick(name).name)
    end
  end)
end)
