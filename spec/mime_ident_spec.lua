local mime = require "directsend.test".mime

describe("a boundary", function()
  it("is 128 random bits behind what no encoding makes", function()
    assert.equal("=_m" .. ("0aff"):rep(8), mime.boundary("m", "\10\255"))
    assert.equal("=_a" .. ("00"):rep(16), mime.boundary("a", "\0"))
  end)

  it("is not had without random octets", function()
    local ok, why, code = mime.boundary("m", "")
    assert.is_nil(ok)
    assert.equal(-8, code)
    assert.is_truthy(why:find "random")
  end)
end)

describe("an identifier", function()
  it("is printable ASCII with an @ inside", function()
    for _, s in ipairs { "a@b", "0123.abc@example.com", "a@[192.0.2.1]", "a@b@c", ("x"):rep(318) .. "@y" } do
      assert.is_true(mime.ident_ok(s))
    end
    for _, s in ipairs { "", "a", "@a", "a@", "a b@c", "<a@b>", "a@b>", "a@b\r\n", "\195\169@b", "a\127@b",
                         ("x"):rep(319) .. "@y" } do
      assert.is_false(mime.ident_ok(s))
    end
  end)

  it("needs no @ to name a part", function()
    assert.is_true(mime.ident_ok("logo", true))
    for _, s in ipairs { "", "x>y", "<x>\r\n", "a b" } do assert.is_false(mime.ident_ok(s, true)) end
  end)
end)
