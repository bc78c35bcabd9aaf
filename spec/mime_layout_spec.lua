local mime = require "directsend.test".mime

describe("a layout", function()
  it("is twenty parts deep and no deeper", function()
    for n = 0, 19 do assert.equal(0, mime.depth(n)) end
    for _, n in ipairs { 20, 50 } do assert.equal(-4, mime.depth(n)) end
  end)

  it("counts the octets of texts and bodies", function()
    local out = { mime.stream { data = ("x"):rep(100) } }
    assert.equal(#out[1], out[9])
  end)
end)
