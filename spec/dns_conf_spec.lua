local conf = require("directsend.test").dns.conf

describe("dns/conf", function()
  local function servers(text, before)
    return table.concat(conf(text, before), " ")
  end

  it("reads nameservers and options", function()
    local c = conf [[
# by hand
; and another remark
nameserver 192.0.2.1
nameserver	2001:db8::53
options rotate timeout:3 attempts:4 edns0
]]
    assert.equal("192.0.2.1:53 [2001:db8::53]:53", table.concat(c, " "))
    assert.equal(3, c.timeout)
    assert.equal(4, c.attempts)
    assert.is_false(c.trust_ad)
  end)

  it("takes no more than three", function()
    assert.equal("192.0.2.1:53 192.0.2.2:53 192.0.2.3:53", servers(
      "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver x\n"
      .. "nameserver 192.0.2.3\nnameserver 192.0.2.4\n"))
  end)

  -- bad input D21
  it("asks this machine where nothing else is named", function()
    for _, text in ipairs{"", "\n", "\0", "search example.com",
        "#nameserver 192.0.2.1", "nameserver", "nameserver ",
        "nameserver\n192.0.2.1", "nameserver192.0.2.1",
        "nameserver fe80::1%eth0", "nameserver 192.0.2.01",
        "nameserver example.com", "NAMESERVER 192.0.2.1",
        "  nameserver 192.0.2.1", ("x"):rep(4096)} do
      assert.equal("127.0.0.1:53 [::1]:53", servers(text), text)
    end
  end)

  it("reads over what is not for mail domains", function()
    local c = conf("search example.com\ndomain example.com\n"
      .. "options ndots:15\nsortlist 192.0.2.0\nnameserver 192.0.2.1")
    assert.equal("192.0.2.1:53", table.concat(c, " "))
    assert.same({0, 0}, {c.timeout, c.attempts})
  end)

  it("takes CRLF, trailing words and lines of any length", function()
    assert.equal("192.0.2.1:53 192.0.2.2:53 192.0.2.3:53", servers(
      "nameserver 192.0.2.1\r\nnameserver 192.0.2.2 # the other\r\n"
      .. "search " .. ("a.example "):rep(5000) .. "\r\n"
      .. "nameserver " .. (" "):rep(4096) .. "192.0.2.3"))
  end)

  it("takes a text without a last line end", function()
    local c = conf "options timeout:7"
    assert.equal(7, c.timeout)
  end)

  it("clamps its numbers", function()
    for given, want in pairs{[0] = 1, [1] = 1, [30] = 30, [31] = 30,
        ["99999999999999999999"] = 30} do
      assert.equal(want, conf("options timeout:" .. given).timeout)
    end
    for given, want in pairs{[0] = 1, [5] = 5, [6] = 5,
        ["99999999999999999999"] = 5} do
      assert.equal(want, conf("options attempts:" .. given).attempts)
    end
    for _, bad in ipairs{"timeout", "timeout:", "timeout:x", "timeout:5s",
        "timeout:-1", "xtimeout:5", "timeout :5"} do
      assert.equal(0, conf("options " .. bad).timeout, bad)
    end
  end)

  it("adds to the servers that are there", function()
    assert.equal("192.0.2.9:53", servers("", {"192.0.2.9"}))
    assert.equal("192.0.2.9:5353 192.0.2.1:53",
      servers("nameserver 192.0.2.1", {"192.0.2.9:5353"}))
    local many = {}
    for i = 1, 7 do many[i] = "192.0.2." .. i end
    assert.equal(8, #conf("nameserver 192.0.2.8\nnameserver 192.0.2.9", many))
  end)
end)
