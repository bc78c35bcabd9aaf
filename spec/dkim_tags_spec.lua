local dkim = require("directsend.test").dkim
local every_allocation = require "support.every_allocation"

describe("dkim/tags", function()
  it("are names and values without the white space around them", function()
    assert.same({ "v", "1", "a", "b = c", "d", "", "e_9", "x  y" },
      dkim.tags " v=1;\ta = b = c ; d=;\r\n\te_9=x  y\r\n")
    assert.same({}, dkim.tags "")
    assert.same({ "a", "b" }, dkim.tags "a=b")
    assert.same({ "a", "b", "A", "c" }, dkim.tags "a=b;A=c; ")
  end)

  it("are refused where there is none, a name is odd, or stands twice", function()
    for _, text in ipairs { "a", "a=b;c", "=b", "a=b;;c=d", "9=b", "a b=c", "a-b=c", "a=1;b=2;a=3", ";", "a=b;;" } do
      assert.is_nil(dkim.tags(text), text)
    end
  end)

  it("are at most 64", function()
    local list = {}
    for i = 1, 64 do list[i] = "t" .. i .. "=" end
    assert.equal(128, #dkim.tags(table.concat(list, ";")))
    assert.is_nil(dkim.tags(table.concat(list, ";") .. ";more="))
  end)
end)

describe("dkim/tags' base64", function()
  it("may have white space anywhere", function()
    assert.equal("any carnal pleas", dkim.base64 "YW55IGNhcm5hbCBwbGVhcw==")
    assert.equal("any carnal pleasu", dkim.base64 " YW5 5IGNh\r\n\tcm5hbCBw bGVhc3U= ")
    assert.equal("any carnal pleasur", dkim.base64 "YW55IGNhcm5hbCBwbGVhc3Vy")
    assert.equal("\0\255", dkim.base64 "AP8=")
  end)

  it("is refused where it is none", function()
    for _, text in ipairs { "", " ", "YQ", "YQ=", "YQ===", "Y=Q=", "YQ==YQ==", "Y-Q=", "YWF\195", "====", "=" } do
      local octets, _, code = dkim.base64(text)
      assert.is_nil(octets, text)
      assert.equal(-5, code)
    end
  end)

  it("survives every failing allocation", function()
    assert.equal(3, every_allocation(function() return dkim.base64 "YW55IGNhcm5hbCBwbGVhcw==" end))
  end)
end)
