local address = require "directsend.core".address

describe("core.address", function()
  it("gives a table, or nil and why", function()
    assert.same({ name = "N", localpart = "a b", domain = "c.de", address = '"a b"@c.de' }, address.parse 'N <"a b"@c.de>')
    assert.same({ localpart = "\195\164", domain = "c.de", address = "\195\164@c.de", utf8 = true }, address.parse "\195\164@c.de")
    local a, why = address.parse "x"
    assert.is_nil(a)
    assert.equal("there is no @ in it", why)
    assert.same({ { localpart = "a", domain = "b.cd", address = "a@b.cd" } }, address.list "a@b.cd")
    assert.same({}, address.list "")
    a, why = address.list "a@b.cd, x"
    assert.is_nil(a)
    assert.is_string(why)
  end)

  it("raises on what is no string", function()
    for _, f in ipairs { address.parse, address.list } do
      for _, v in ipairs { 1, true, {}, print, io.stdout } do
        assert.has_error(function() f(v) end)
        assert.has_error(function() f("a@b.cd", v == 1 and {} or v) end)
      end
      assert.has_error(function() f() end)
    end
  end)
end)
