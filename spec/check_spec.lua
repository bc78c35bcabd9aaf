local check = require "directsend.check"

describe("check.nearest", function()
  local known = {subject = true, sender = true, text = true, to = true, cc = true, bcc = true}

  it("finds a name that was mistyped", function()
    assert.equal("subject", check.nearest("subjekt", known))
    assert.equal("subject", check.nearest("Subject", known))
    assert.equal("subject", check.nearest("sujbect", known))
    assert.equal("text", check.nearest("txt", known))
    assert.equal("bcc", check.nearest("bc", {bcc = true, cc = false}))
  end)

  it("stays silent when nothing is near", function()
    assert.is_nil(check.nearest("colour", known))
    assert.is_nil(check.nearest("x", {subject = true}))
    assert.is_nil(check.nearest(("x"):rep(100000), known))
  end)

  it("gives the same answer every time when two are as near", function()
    for _ = 1, 20 do assert.equal("bat", check.nearest("xat", {cat = true, bat = true, hat = true})) end
  end)

  it("takes names of any type", function()
    assert.is_nil(check.nearest(17, known))
    assert.equal("a", check.nearest("b", {a = true, [1] = true}))
  end)
end)

describe("check.plain", function()
  it("is one line without controls", function()
    assert.equal("a?b??[2J?", check.plain "a\nb\r\27[2J\127")
    assert.equal("x?y", check.plain "x\194\155y")
    assert.equal("Müller", check.plain "Müller")
    assert.equal("true", check.plain(true))
  end)

  it("is 200 octets at most, and ends between characters", function()
    local long = ("x"):rep(200)
    assert.equal(long, check.plain(long))
    assert.equal(("x"):rep(197) .. "...", check.plain(long .. "x"))
    assert.equal(("x"):rep(196) .. "...", check.plain(("x"):rep(196) .. ("ü"):rep(9)))
  end)
end)

describe("check.type", function()
  it("returns the value when it fits", function()
    assert.equal("x", check.type("x", "string", "here"))
    assert.is_false(check.type(false, "string|boolean", "here"))
  end)

  it("raises, naming place and types", function()
    assert.has_error(function() check.type(1, "string|table", "to") end, "to: expected string or table, got number")
    assert.has_error(function() check.type(nil, "table", "to") end, "to: expected table, got nil")
    assert.has_error(function() check.type("x", "str", "to") end, "to: expected str, got string")
  end)
end)

describe("check.keys", function()
  local known = {subject = "string", to = "string|table", any = true}

  it("returns a table that is as it should be", function()
    local t = {subject = "s", to = {}, any = print}
    assert.equal(t, check.keys(t, known, "message"))
  end)

  it("raises on an unknown key with the nearest known one", function()
    assert.has_error(function() check.keys({subjekt = "s"}, known, "message") end,
                     "message: unknown key 'subjekt' (did you mean 'subject'?)")
    assert.has_error(function() check.keys({colour = "s"}, known, "message") end,
                     "message: unknown key 'colour'")
    assert.has_error(function() check.keys({"s"}, known, "message") end,
                     "message: unknown key '1'")
  end)

  it("raises on a value of the wrong type", function()
    assert.has_error(function() check.keys({subject = 1}, known, "attach[2]") end,
                     "attach[2].subject: expected string, got number")
    assert.has_error(function() check.keys("x", known, "message") end, "message: expected table, got string")
  end)

  it("reads the table raw", function()
    local loud = setmetatable({subject = "s"}, {__index = error, __pairs = error, __len = error})
    assert.equal(loud, check.keys(loud, known, "message"))
  end)
end)
