local driver = require "directsend.driver"

local given = { name = "mine", run = function() return true end }

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
    assert.equal(given, driver.pick(given))
  end)
end)
