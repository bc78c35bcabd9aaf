-- Whatever befalls a delivery, what delivery.h promises holds: support/chaos.lua
-- says what is drawn and what is looked at.

local chaos = require "support.chaos"
local tls = require "directsend.tls"

describe("a delivery in a network that misbehaves", function()
  it("keeps its promises, whatever the seed", function()
    local context = tls.context{}
    local seen = {}
    for seed = 1, 1500 do
      for _, outcome in pairs(chaos.run(seed, context)) do seen[outcome] = (seen[outcome] or 0) + 1 end
    end
    -- the dice are good for something: every outcome came about
    for _, outcome in ipairs{ "delivered", "deferred", "failed", "unknown" } do
      assert.is_true((seen[outcome] or 0) > 50, outcome)
    end
  end)
end)
