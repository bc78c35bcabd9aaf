local loops = require "support.loops"
local mailers = require "support.mailers"
local servers = require "support.servers"

describe("the driver cqueues", function()
  after_each(servers.stop_all)

  it("is found by itself in a controller, and its name is never needed", function()
    local server = servers.aiosmtpd { tls = false, delay = 0.05 }
    local m, left, ticks = mailers.to(server.port), 1, 0
    local gave = loops.within("cqueues", function()
      local report, why = m:send(mailers.alert())
      left = 0
      return report and report[1].outcome or why
    end, function()
      while left > 0 do
        loops.sleep("cqueues", 0.001)
        ticks = ticks + 1
      end
    end)
    assert.equal("delivered", gave[1])
    assert.is_true(ticks > 10)
  end)

  it("works in coroutines that cqueues knows how to resume", function()
    local server = servers.aiosmtpd { tls = false }
    local m = mailers.to(server.port, { driver = "cqueues" })
    local gave = loops.within("cqueues", function()
      return require "cqueues.auxlib".wrap(function()
        local report, why = m:send(mailers.alert())
        return report and report[1].outcome or why
      end)()
    end)
    assert.equal("delivered", gave[1])
  end)

  it("works in a controller within a controller", function()
    local server = servers.aiosmtpd { tls = false }
    local m = mailers.to(server.port)
    local gave = loops.within("cqueues", function()
      local inner, outcome = require "cqueues".new(), nil
      inner:wrap(function()
        local report, why = m:send(mailers.alert())
        outcome = report and report[1].outcome or why
      end)
      assert(inner:loop())
      return outcome
    end)
    assert.equal("delivered", gave[1])
  end)
end)
