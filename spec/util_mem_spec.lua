local mem = require("directsend.test").util

describe("util/mem", function()
  after_each(function() mem.fail_at(0) end)

  it("gives zeroed blocks", function()
    assert.equal(("\0"):rep(12), mem.calloc(3, 4))
    assert.equal("", mem.calloc(0, 4))
  end)

  it("refuses a product that wraps", function()
    local before = mem.allocations()
    assert.is_nil(mem.calloc("huge", 3))
    assert.is_nil(mem.calloc(3, "huge"))
    assert.equal(before, mem.allocations())
  end)

  it("copies strings with their NULs and one more", function()
    assert.equal("a\0b\0", mem.strndup("a\0b"))
    assert.equal("\0", mem.strndup(""))
  end)

  it("keeps the bytes when a block grows or shrinks", function()
    assert.same({true, true}, {mem.realloc(10, 1000)})
    assert.same({true, true}, {mem.realloc(1000, 10)})
  end)

  it("frees with size 0", function()
    local live = mem.live()
    assert.same({false, true}, {mem.realloc(10, 0)})
    assert.equal(live, mem.live())
  end)

  it("fails the n-th allocation and no other", function()
    mem.fail_at(2)
    assert.equal("a\0", mem.strndup("a"))
    assert.is_nil(mem.strndup("b"))
    assert.equal("c\0", mem.strndup("c"))
  end)

  it("leaves the block untouched when realloc fails", function()
    local live = mem.live()
    mem.fail_at(2)
    assert.same({false, true}, {mem.realloc(100, 1000)})
    assert.equal(live, mem.live())
  end)

  it("gives the hook away and takes it back", function()
    assert.is_true(mem.swap_hook())
    local before = mem.allocations()
    assert.equal("x\0", mem.strndup("x"))
    assert.equal(before + 1, mem.allocations())
  end)
end)
