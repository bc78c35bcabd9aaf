local test = require "directsend.test"
local compat = test.compat

describe("lua/compat", function()
  it("gives functions a value they share", function()
    local value = {}
    local functions = compat.shared(value)
    assert.equal(value, functions.one())
    assert.equal(value, functions.other())
  end)

  it("tells a userdata of a class from everything else", function()
    -- true or false, and the stack as it was: the argument and the answer
    assert.same({true, 2}, {compat.is_thing(compat.thing())})
    assert.same({false, 2}, {compat.is_thing(test.util.buf())})
    assert.same({false, 2}, {compat.is_thing(io.stdout)})
    for _, v in ipairs{1, "x", {}, print, true} do
      assert.same({false, 2}, {compat.is_thing(v)})
    end
    assert.same({false, 2}, {compat.is_thing(setmetatable({}, {}))})
  end)

  it("counts indices from the bottom", function()
    assert.same({true, 1}, {compat.absindex(1)})
    -- the answer is asked for when one more value is on the stack
    assert.same({true, 2}, {compat.absindex(-1)})
    assert.same({true, 1}, {compat.absindex(-2)})
  end)

  it("measures without metamethods", function()
    assert.equal(2, compat.rawlen(setmetatable({1, 2},
      {__len = function() return 9 end})))
    assert.equal(3, compat.rawlen "abc")
  end)
end)
