local util = require("directsend.test").util

describe("lua/compat", function()
  it("gives functions a value they share", function()
    local value = {}
    local functions = util.shared(value)
    assert.equal(value, functions.one())
    assert.equal(value, functions.other())
  end)

  it("tells a userdata of a class from everything else", function()
    -- true or false, and the stack as it was: the argument and the answer
    assert.same({true, 2}, {util.is_buf(util.buf())})
    assert.same({false, 2}, {util.is_buf(util.error())})
    assert.same({false, 2}, {util.is_buf(io.stdout)})
    for _, v in ipairs{1, "x", {}, print, true} do
      assert.same({false, 2}, {util.is_buf(v)})
    end
    assert.same({false, 2}, {util.is_buf(setmetatable({}, {}))})
  end)

  it("counts indices from the bottom", function()
    assert.same({true, 1}, {util.absindex(1)})
    -- the answer is asked for when one more value is on the stack
    assert.same({true, 2}, {util.absindex(-1)})
    assert.same({true, 1}, {util.absindex(-2)})
  end)

  it("measures without metamethods", function()
    assert.equal(2, util.rawlen(setmetatable({1, 2},
      {__len = function() return 9 end})))
    assert.equal(3, util.rawlen "abc")
  end)
end)
