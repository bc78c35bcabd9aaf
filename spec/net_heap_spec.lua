local net = require("directsend.test").net
local util = require("directsend.test").util

-- a small generator of its own: the same numbers in every Lua
local function random(seed)
  return function(n)
    seed = (seed * 16807) % 2147483647
    return seed % n + 1
  end
end

describe("the heap of deadlines", function()
  it("is empty at first", function()
    local h = net.heap()
    assert.is_nil(net.first(h))
    assert.is_nil(net.due(h, 1e15))
  end)

  it("gives what is due, the soonest first, however it was set, moved and removed", function()
    local h, rnd, model = net.heap(), random(42), {}
    for _ = 1, 20000 do
      local i, what = rnd(1000), rnd(3)
      if what == 1 then
        net.remove(h, i)
        model[i] = nil
      else
        local at = rnd(5000)
        net.set(h, i, at)
        model[i] = at
      end
    end
    local left, last = 0, -1
    for _ in pairs(model) do left = left + 1 end
    while true do
      local i = net.due(h, 1e15)
      if not i then break end
      assert.is_true(model[i] >= last)
      assert.equal(model[i], net.first(h))
      last, left = model[i], left - 1
      net.remove(h, i)
      assert.not_equal(i, (net.due(h, 1e15)))
    end
    assert.equal(0, left)
  end)

  it("gives nothing before its time", function()
    local h = net.heap()
    net.set(h, 7, 100)
    assert.is_nil(net.due(h, 99))
    assert.equal(7, net.due(h, 100))
  end)

  it("survives that there is no memory for one more", function()
    for n = 1, 5 do
      local before = util.live()
      util.fail_at(n)
      local held = net.reserve()
      util.fail_at(0)
      assert.equal(before, util.live())
      if n == 1 then assert.equal(0, held) end
    end
  end)
end)
