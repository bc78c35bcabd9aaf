local util = require("directsend.test").util

local function bytes(...)
  return string.char(...)
end

describe("util/addr", function()
  describe("text of addresses", function()
    it("reads dotted quads", function()
      assert.same({"192.0.2.1", bytes(192, 0, 2, 1), 4}, {util.ip("192.0.2.1")})
      assert.equal("0.0.0.0", (util.ip("0.0.0.0")))
      assert.equal("255.255.255.255", (util.ip("255.255.255.255")))
    end)

    it("refuses what only looks like one", function()
      for _, s in ipairs{"", "1", "1.2", "1.2.3", "1.2.3.", "1.2.3.4.",
          "1.2.3.4.5", ".1.2.3.4", "1..2.3", "256.1.1.1", "1.1.1.256",
          "01.2.3.4", "1.2.3.00", "1.2.3.4 ", " 1.2.3.4", "1.2.3.+4",
          "1.2.3.-4", "0x1.2.3.4", "1.2.3.4\0", "1.2.3.4/8", "a.b.c.d",
          "1111.1.1.1", "99999999999999999999.1.1.1"} do
        assert.is_nil(util.ip(s), s)
      end
    end)

    it("reads and writes RFC 5952", function()
      for given, want in pairs{
          ["::"] = "::", ["::1"] = "::1", ["1::"] = "1::",
          ["2001:DB8::1"] = "2001:db8::1",
          ["2001:db8:0:0:0:0:2:1"] = "2001:db8::2:1",
          ["2001:db8::0:1"] = "2001:db8::1",
          ["2001:db8:0:1:1:1:1:1"] = "2001:db8:0:1:1:1:1:1",
          ["2001:db8::1:1:1:1:1"] = "2001:db8:0:1:1:1:1:1",
          ["2001:0:0:1:0:0:0:1"] = "2001:0:0:1::1",
          ["2001:db8:0:0:1:0:0:1"] = "2001:db8::1:0:0:1",
          ["1:0:0:0:0:0:0:0"] = "1::", ["0:0:0:0:0:0:0:1"] = "::1",
          ["1:2:3:4:5:6:7::"] = "1:2:3:4:5:6:7:0",
          ["::2:3:4:5:6:7:8"] = "0:2:3:4:5:6:7:8",
          ["::ffff:192.0.2.1"] = "::ffff:192.0.2.1",
          ["::ffff:c000:201"] = "::ffff:192.0.2.1",
          ["64:ff9b::192.0.2.33"] = "64:ff9b::c000:221",
          ["1:2:3:4:5:6:1.2.3.4"] = "1:2:3:4:5:6:102:304",
          ["::1.2.3.4"] = "::102:304",
          ["000a:0b:c::"] = "a:b:c::",
          ["ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"] =
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} do
        local text, raw, family = util.ip(given)
        assert.equal(want, text, given)
        assert.equal(6, family)
        assert.equal(16, #raw)
        assert.equal(raw, (select(2, util.ip(text))), given)
      end
    end)

    it("puts each byte in its place", function()
      assert.equal(bytes(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5),
        (select(2, util.ip("2001:db8::1:203:405"))))
    end)

    it("refuses broken IPv6", function()
      for _, s in ipairs{":", ":::", "1", "1:", ":1", "1:2", "::1::",
          "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
          "1:2:3:4:5:6:7:8:", "1:2:3:4:5:6:7:8::", "1:2:3:4::5:6:7:8",
          "::1:2:3:4:5:6:7:8", "12345::", "g::", "::1%eth0", "[::1]", "::1 ",
          "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4.5", "::1.2.3.4:5",
          "::01.2.3.4", "::256.1.1.1", "1.2.3.4::", ":1.2.3.4", "1:::2",
          "::ffff:1.2.3.4\0", ("0:"):rep(100) .. ":1"} do
        assert.is_nil(util.ip(s), s)
      end
    end)

    it("knows no address at all", function()
      assert.same({"", "unspecified"}, {util.no_ip()})
    end)
  end)

  describe("networks", function()
    it("contain what shares their prefix", function()
      for _, case in ipairs{
          {"10.0.0.0/8", "10.255.0.1", true}, {"10.0.0.0/8", "11.0.0.1", false},
          {"172.16.0.0/12", "172.31.255.255", true},
          {"172.16.0.0/12", "172.32.0.0", false},
          {"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.0", false},
          {"0.0.0.0/0", "203.0.113.1", true}, {"0.0.0.0/0", "::1", false},
          {"fc00::/7", "fdff::1", true}, {"fc00::/7", "fe00::", false},
          {"::/0", "2001:db8::1", true}, {"::/0", "0.0.0.0", false},
          {"2001:db8::/127", "2001:db8::1", true},
          {"2001:db8::/127", "2001:db8::2", false},
          {"::1", "::1", true}, {"::1/128", "::", false},
          {"::ffff:10.0.0.0/104", "10.0.0.1", false}} do
        assert.equal(case[3], (util.network(case[1], case[2])), case[1])
      end
    end)

    it("never contain no address", function()
      assert.is_false((util.network("0.0.0.0/0")))
      assert.is_false((util.network("::/0")))
    end)

    it("have as many bits as they say", function()
      assert.equal(8, (select(2, util.network("10.0.0.0/8"))))
      assert.equal(32, (select(2, util.network("10.0.0.1"))))
      assert.equal(0, (select(2, util.network("::/0"))))
      assert.equal(128, (select(2, util.network("::1"))))
    end)

    it("are refused when malformed", function()
      for _, s in ipairs{"", "/", "/8", "10.0.0.0/", "10.0.0.0/33",
          "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.0/8/8",
          "10/8", "::/129", "::1/12a", "10.0.0.0/99999999999999999999"} do
        assert.is_nil(util.network(s), s)
      end
    end)
  end)

  describe("endpoints", function()
    it("read the port where one is named", function()
      for given, want in pairs{
          ["192.0.2.1"] = "192.0.2.1:25", ["192.0.2.1:53"] = "192.0.2.1:53",
          ["2001:db8::1"] = "[2001:db8::1]:25",
          ["[2001:db8::1]"] = "[2001:db8::1]:25",
          ["[2001:db8::1]:65535"] = "[2001:db8::1]:65535",
          ["::"] = "[::]:25", ["1.2.3.4:1"] = "1.2.3.4:1"} do
        assert.equal(want, (util.endpoint(given, 25)), given)
      end
      assert.equal(53, (select(2, util.endpoint("127.0.0.1", 53))))
    end)

    it("write their longest text whole", function()
      local long = ("[%s]:65535"):format(("ffff:"):rep(7) .. "fffe")
      assert.equal(long, (util.endpoint(long)))
    end)

    it("are refused when malformed", function()
      for _, s in ipairs{"", ":", ":53", "192.0.2.1:", "192.0.2.1:0",
          "192.0.2.1:65536", "192.0.2.1:053", "192.0.2.1:5 3", "192.0.2.1:+5",
          "192.0.2.1:53:53", "[]", "[]:53", "[::1", "[::1]53", "[::1]:",
          "[::1]:0", "[::1]]:5", "[192.0.2.1]:53", "::1]:53", "host:53",
          "[", "[::1]:99999999999999999999"} do
        assert.is_nil(util.endpoint(s), s)
      end
    end)
  end)

  describe("special addresses", function()
    -- the first and last of each block
    local blocks = {
      {"0.0.0.0", "0.255.255.255", "unspecified"},
      {"10.0.0.0", "10.255.255.255", "private"},
      {"100.64.0.0", "100.127.255.255", "shared"},
      {"127.0.0.0", "127.255.255.255", "loopback"},
      {"169.254.0.0", "169.254.255.255", "link-local"},
      {"172.16.0.0", "172.31.255.255", "private"},
      {"192.0.0.0", "192.0.0.255", "reserved"},
      {"192.0.2.0", "192.0.2.255", "documentation"},
      {"192.88.99.0", "192.88.99.255", "reserved"},
      {"192.168.0.0", "192.168.255.255", "private"},
      {"198.18.0.0", "198.19.255.255", "benchmarking"},
      {"198.51.100.0", "198.51.100.255", "documentation"},
      {"203.0.113.0", "203.0.113.255", "documentation"},
      {"224.0.0.0", "239.255.255.255", "multicast"},
      {"240.0.0.0", "255.255.255.254", "reserved"},
      {"255.255.255.255", "255.255.255.255", "broadcast"},
      {"::", "::", "unspecified"},
      {"::1", "::1", "loopback"},
      {"::2", "::fffe:ffff:ffff", "reserved"},
      {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "private"},
      {"64:ff9b::1:0:0", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "reserved"},
      {"64:ff9b:2::", "ff:ffff::", "reserved"},
      {"100::", "100::ffff:ffff:ffff:ffff", "discard"},
      {"100:0:0:1::", "1fff:ffff::", "reserved"},
      {"2001:1::", "2001:1:ffff::", "reserved"},
      {"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "benchmarking"},
      {"2001:2:1::", "2001:1ff:ffff::", "reserved"},
      {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "documentation"},
      {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
      {"4000::", "5eff::", "reserved"},
      {"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"},
      {"6000::", "fbff:ffff::", "reserved"},
      {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique-local"},
      {"fe00::", "fe7f:ffff::", "reserved"},
      {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"},
      {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local"},
      {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
    }

    it("are named from the first to the last of each block", function()
      for _, block in ipairs(blocks) do
        assert.equal(block[3], util.special(block[1]), block[1])
        assert.equal(block[3], util.special(block[2]), block[2])
      end
    end)

    it("end where public ones begin", function()
      for _, ip in ipairs{"1.0.0.0", "9.255.255.255", "11.0.0.0",
          "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
          "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
          "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255",
          "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
          "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255",
          "203.0.114.0", "223.255.255.255", "2000::", "2001:200::",
          "2001:db7:ffff::", "2001:db9::", "2003::", "2a00:1450::1",
          "3ffe:ffff::", "3fff:1000::"} do
        assert.is_nil(util.special(ip), ip)
      end
    end)

    it("are judged by the IPv4 address inside", function()
      for ip, word in pairs{
          ["::ffff:127.0.0.1"] = "loopback", ["::ffff:8.8.8.8"] = false,
          ["64:ff9b::10.1.2.3"] = "private", ["64:ff9b::8.8.8.8"] = false,
          ["2002:a9fe:a9fe::1"] = "link-local",
          ["2002:808:808::1"] = false,
          -- Teredo hides the client's address: 10.1.2.3, 8.8.8.8
          ["2001:0:808:808::f5fe:fdfc"] = "private",
          ["2001:0:808:808::f7f7:f7f7"] = false} do
        assert.equal(word or nil, util.special(ip), ip)
      end
    end)

    -- what an MX must never lead to (bad input D18)
    it("cover what a name could be pointed at", function()
      for _, ip in ipairs{"127.0.0.1", "0.0.0.0", "169.254.169.254",
          "10.0.0.1", "::1", "fc00::1", "fe80::1", "224.0.0.1"} do
        assert.is_string(util.special(ip), ip)
      end
    end)
  end)
end)
