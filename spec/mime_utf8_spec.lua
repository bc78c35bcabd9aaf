local mime = require "directsend.test".mime

local function well(s)
  local _, ok = mime.utf8(s)
  return ok
end

describe("utf8", function()
  it("measures one code point", function()
    assert.equal(0, (mime.utf8 ""))
    assert.equal(1, (mime.utf8 "ab"))
    assert.equal(2, (mime.utf8 "\195\169x"))
    assert.equal(3, (mime.utf8 "\226\130\172"))
    assert.equal(4, (mime.utf8 "\240\159\152\128"))
  end)

  it("takes the ends of every range (RFC 3629 §4)", function()
    for _, s in ipairs { "\0", "\127", "\194\128", "\223\191", "\224\160\128",
                         "\236\191\191", "\237\159\191", "\238\128\128",
                         "\239\191\191", "\240\144\128\128", "\244\143\191\191" } do
      assert.is_true(well(s))
    end
  end)

  it("refuses what is too long, too high, a surrogate or cut", function()
    for _, s in ipairs { "\128", "\191", "\192\128", "\193\191", "\224\159\191",
                         "\237\160\128", "\240\143\191\191", "\244\144\128\128",
                         "\245\128\128\128", "\255", "\195", "\226\130",
                         "\240\159\152", "\195\40", "\226\40\161", "\240\40\140\188" } do
      assert.is_false(well(s))
      assert.equal(0, (mime.utf8(s)))
      assert.is_false(well("a" .. s .. "b"))
    end
  end)

  it("tells lines from other text", function()
    for _, c in ipairs { "\0", "\t", "\n", "\r", "\27", "\31", "\127" } do
      local _, _, line = mime.utf8("a" .. c)
      assert.is_false(line)
    end
    local _, _, line, ascii = mime.utf8 "caf\195\169 "
    assert.is_true(line)
    assert.is_false(ascii)
    assert.is_true((select(4, mime.utf8 "cafe")))
  end)
end)
