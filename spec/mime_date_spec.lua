local mime = require "directsend.test".mime

describe("a date", function()
  it("is written as RFC 5322 has it", function()
    assert.equal("Thu, 01 Jan 1970 00:00:00 +0000", mime.date(0, 0))
    assert.equal("Tue, 01 Jul 2003 10:52:37 +0200", mime.date(1057049557, 7200))
    assert.equal("Sun, 06 Nov 1994 08:49:37 +0000", mime.date(784111777, 0))
    assert.equal("Thu, 29 Feb 1996 23:59:59 -0330", mime.date(825650999, -12600))
    assert.equal("Tue, 29 Feb 2000 00:00:00 +0000", mime.date(951782400, 0))
    assert.equal("Wed, 31 Dec 1969 23:59:59 +0000", mime.date(-1, 0))
    assert.equal("Mon, 01 Jan 1900 00:00:00 +0000", mime.date(-2208988800, 0))
    assert.equal("Fri, 31 Dec 9999 23:59:59 +0000", mime.date(253402300799, 0))
  end)

  it("agrees with the C library on every day of 60 years", function()
    for day = 0, 21915 do
      local t = day * 86400 + day * 7 % 86400
      assert.equal(os.date("!%d %m %Y %H:%M:%S", t),
                   (mime.date(t, 0):gsub("^%a+, (%d+) (%a+)", function(d, m)
                     local n = ("JanFebMarAprMayJunJulAugSepOctNovDec"):find(m)
                     return ("%s %02d"):format(d, (n + 2) / 3)
                   end):gsub(" %+0000$", "")))
      assert.equal(tonumber(os.date("!%w", t)),
                   (("SunMonTueWedThuFriSat"):find(mime.date(t, 0):sub(1, 3)) - 1) / 3)
    end
  end)

  it("keeps whole minutes of an offset", function()
    assert.equal("Thu, 01 Jan 1970 00:19:00 +0019", mime.date(0, 1172))
    assert.equal("Thu, 01 Jan 1970 00:00:00 +0000", mime.date(0, -59))
    assert.equal("Wed, 31 Dec 1969 00:01:00 -2359", mime.date(0, -86399))
  end)

  it("is none outside 1900 to 9999, there or here", function()
    for _, case in ipairs { { -2208988801, 0 }, { -2208988800, -60 }, { 253402300800, 0 },
                            { 253402300799, 60 }, { 1e15, 0 }, { -1e15, 0 }, { 0, 86400 }, { 0, -86400 } } do
      assert.is_nil(mime.date(case[1], case[2]))
    end
  end)
end)
