local smtp = require "directsend.test".smtp

describe("smtp/text", function()
  it("lets printable ASCII and well-formed UTF-8 pass", function()
    for _, s in ipairs { "", "plain ~!", "gr\195\188\195\159e", "\226\130\172", "\240\159\147\167", "\194\160" } do
      assert.are.equal(s, smtp.printable(s))
    end
  end)

  it("shows controls as ? and a tab as a blank", function()
    assert.are.equal("a?b?c d?", smtp.printable "a\0b\27c\td\127")
    assert.are.equal("??", smtp.printable "\194\128\194\159")
    assert.are.equal("a?b?", smtp.printable "a\226\128\174b\226\129\166") -- bidirectional controls
  end)

  it("shows malformed UTF-8 octet by octet", function()
    local cases = {
      ["\128"] = "?", ["\195"] = "?", ["\195a"] = "?a", ["\192\128"] = "??", ["\193\191"] = "??",
      ["\224\128\128"] = "???", ["\237\160\128"] = "???", ["\240\128\128\128"] = "????",
      ["\244\144\128\128"] = "????", ["\245\128\128\128"] = "????", ["\226\130"] = "??", ["\255"] = "?",
    }
    for s, shown in pairs(cases) do
      assert.are.equal(shown, smtp.printable(s))
    end
  end)

  it("cuts between characters", function()
    assert.are.equal("abc", smtp.printable("abcdef", 4))
    assert.are.equal("a", smtp.printable("a\195\188", 3))
    assert.are.equal("a\195\188", smtp.printable("a\195\188", 4))
    assert.are.equal("", smtp.printable("abc", 1))
  end)
end)
