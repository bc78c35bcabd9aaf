local loops = require "support.loops"

describe("the loops that specs run over", function()
  it("are all that this Lua's packages have", function()
    for _, name in ipairs { "native", "luasocket", "cqueues", "copas", "luv" } do
      if loops.expected(name) then
        assert.is_true(loops.has(name), name .. " does not load: .ci/deps test")
      end
    end
    assert.is_true(#loops.names >= 4)
  end)

  for _, name in ipairs(loops.shared) do
    it("run functions at once: " .. name, function()
      local order = {}
      local function one(n)
        return function()
          for i = 1, 2 do
            order[#order + 1] = n * i
            loops.sleep(name, 0.01)
          end
          return n
        end
      end
      assert.same({ 1, 10 }, loops.within(name, one(1), one(10)))
      table.sort(order)
      assert.same({ 1, 2, 10, 20 }, order)
    end)
  end
end)
