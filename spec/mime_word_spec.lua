local decode = require "support.decode"
local mime = require "directsend.test".mime

local function joined(list)
  return decode.words(table.concat(list, " "))
end

describe("encoded words", function()
  it("are Q or B, whichever is shorter", function()
    local how, list = mime.words("Gr\195\188\195\159e", 75)
    assert.equal("B", how)
    assert.same({ "=?utf-8?B?R3LDvMOfZQ==?=" }, list)
    how, list = mime.words("Sch\195\182ne Gr\195\188\195\159e aus dem Rheinland an alle", 75)
    assert.equal("Q", how)
    assert.same({ "=?utf-8?Q?Sch=C3=B6ne_Gr=C3=BC=C3=9Fe_aus_dem_Rheinland_an_alle?=" }, list)
  end)

  it("never cut a code point, and keep to their room", function()
    for _, char in ipairs { "a", "\195\169", "\226\130\172", "\240\159\152\128", "?", "=", "_" } do
      local s = ("x "):rep(3) .. char:rep(150)
      for room = 24, 75 do
        local _, list = mime.words(s, room)
        assert.equal(s, joined(list))
        for _, word in ipairs(list) do
          assert.is_true(#word <= room)
          local _, whole = mime.utf8(decode.words(word))
          assert.is_true(whole)
        end
      end
    end
  end)

  it("have no padding inside, which some readers take for the end", function()
    for _, s in ipairs { ("\208\180"):rep(100), ("\240\159\152\128"):rep(40), ("\226\130\172"):rep(50),
                         "\208\180" .. ("\226\130\172"):rep(60), ("\240\159\152\128\226\130\172"):rep(30) .. "\208\180" } do
      for room = 24, 75 do
        local how, list = mime.words(s, room)
        assert.equal("B", how)
        assert.equal(s, joined(list))
        for i, word in ipairs(list) do assert.is_true(i == #list or not word:find "==?%?=$" or word:find "%?Q%?") end
      end
    end
  end)

  it("hold in Q only what a phrase may hold", function()
    local all = {}
    for i = 32, 126 do all[#all + 1] = string.char(i) end
    local _, list = mime.words(table.concat(all):rep(2) .. ("a"):rep(300), 75)
    for _, word in ipairs(list) do
      local text = word:match "^=%?utf%-8%?Q%?(.*)%?=$"
      assert.is_nil(text:find "[^%w!*+/=_-]")
    end
    assert.equal(table.concat(all):rep(2) .. ("a"):rep(300), joined(list))
  end)

  it("are recognised in plain text", function()
    assert.is_true(mime.alike "a =?utf-8?Q?x?= b")
    assert.is_true(mime.alike "=?")
    assert.is_false(mime.alike "= ?")
    assert.is_false(mime.alike "?=")
    assert.is_false(mime.alike "")
  end)
end)
