local mime = require "directsend.test".mime
local pieces = require "support.pieces"

local function best(s, care)
  return mime.scan({ s }, care).best
end

describe("scan", function()
  it("leaves alone what may go as it is", function()
    for _, s in ipairs { "", "plain\r\n", "no end", "a\n.\nb\n", ("x"):rep(998), "trailing \n", "\27[2J" } do
      assert.equal("7bit", best(s))
      assert.equal("7bit", best(s, "8bit"))
    end
  end)

  it("sends 8bit when that is allowed", function()
    assert.equal("8bit", best("caf\195\169\n", "8bit"))
    assert.equal("8bit", best("\255\254\n", "8bit"))
    assert.is_not.equal("8bit", best "caf\195\169\n")
  end)

  it("encodes what no line can hold, allowed or not", function()
    for _, s in ipairs { ("x"):rep(999), "a\0b", ("\195\169"):rep(500) } do
      for _, care in ipairs { "7bit", "8bit", "signed" } do
        local found = best(s, care)
        assert.is_true(found == "quoted-printable" or found == "base64")
      end
    end
  end)

  it("encodes what is to be signed where a gateway might change it, however it is cut", function()
    local function each(s, want)
      for _, list in ipairs(pieces(s)) do
        assert.equal(want, mime.scan(list, "signed").best, ("%q"):format(s))
        assert.equal("7bit", mime.scan(list).best)
      end
    end
    for _, s in ipairs { "x \ny\n", "x\t\r\ny", "a\n ", "a\n \n", "From me", "a\rFrom b\n", "\r\nFrom \r\n", " \r" } do
      each(s, "quoted-printable")
    end
    for _, s in ipairs { "", "\n", " x\n\ty\r\n", "a From b\n", "From\n", "From: x\n", "FFrom x\n>From y\n", "Fro\nm x\n",
                         "Fr om x\n", "xFrom \127y" } do
      each(s, "7bit")
    end
    assert.equal("quoted-printable", best("caf\195\169\n", "signed"))
  end)

  it("takes the shorter of the two", function()
    assert.equal("quoted-printable", best(("some text and an \195\169\n"):rep(10)))
    assert.equal("base64", best(("\208\150"):rep(200)))
    assert.equal("quoted-printable", best(("x"):rep(1500)))
  end)

  it("counts octets and lines with their ends made one, however cut", function()
    local s = "a\nbcd\r\rx\r\n\195\169" .. ("y"):rep(700)
    for _, list in ipairs(pieces(s)) do
      local found = mime.scan(list)
      assert.equal(#s + 5, found.size)
      assert.equal(702, found.longest)
      assert.equal(1, found.eight)
      assert.equal(0, found.nul)
    end
    assert.equal(1, mime.scan({ "\0" }).nul)
  end)

  it("finds one NUL, one octet that is not ASCII, wherever it stands", function()
    for before = 0, 40 do
      local front = ("\1\127"):rep(before)
      for _, after in ipairs { 0, 1, 7, 8, 20 } do
        local back = ("\127\1"):rep(after)
        local found = mime.scan { front .. back }
        assert.same({ 0, 0 }, { found.nul, found.eight })
        found = mime.scan { front .. "\0" .. back }
        assert.same({ 1, 0 }, { found.nul, found.eight })
        found = mime.scan { front .. "\128" .. back }
        assert.same({ 0, 1 }, { found.nul, found.eight })
      end
    end
  end)

  it("foretells the octets of every encoding", function()
    local seed = 1
    for n = 0, 3000, 61 do
      local out = {}
      for i = 1, n do
        seed = seed * 16807 % 2147483647
        out[i] = string.char(n % 2 == 0 and seed % 256 or 32 + seed % 95)
        if seed % 40 == 0 then out[i] = "\n" end
      end
      local s = table.concat(out)
      for _, care in ipairs { "7bit", "8bit", "signed" } do
        local found = mime.scan({ s }, care)
        assert.equal(#mime.encode({ s }, found.best, true), found.encoded)
      end
    end
  end)
end)
