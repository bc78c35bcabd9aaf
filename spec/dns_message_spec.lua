local test = require "directsend.test"
local packets = require "support.dnspacket"
local dns = test.dns

local USAGE, LIMIT = -2, -4
local MX = packets.types.MX

local function label(n) return ("a"):rep(n) end

describe("dns/message", function()
  describe("names", function()
    it("are host names of two labels for mail", function()
      for _, name in ipairs{"example.com", "a.b", "1.example", "EXAMPLE.Com",
          "x--y.example", "xn--bcher-kva.example", "0.1.2.a",
          label(63) .. ".example", label(63) .. "." .. label(63) .. "."
            .. label(63) .. "." .. label(61)} do
        assert.is_true(dns.name_ok(name, true), name)
        assert.is_true(dns.name_ok(name, false), name)
      end
    end)

    it("may be one label or digits when only asked for", function()
      for _, name in ipairs{"localhost", "1.2.3.4", "_dmarc.example.com",
          "_25._tcp.mx.example.com", "_mta-sts.example.com", "7"} do
        assert.is_false(dns.name_ok(name, true), name)
        assert.is_true(dns.name_ok(name, false), name)
      end
    end)

    it("are refused when malformed", function()
      for _, name in ipairs{"", ".", "a.", ".a", "a..b", "-a.b", "a-.b",
          "a.-b", "a.b-", "a b.c", "a\0.b", "a.b\0", "a_b.c", "a._", "_.b",
          "_-a.b", "a\\.b.c", "é.example", "a.b\r\n", "[1.2.3.4]", "a:b.c",
          "*.example.com", label(64) .. ".b", label(63) .. "." .. label(63)
            .. "." .. label(63) .. "." .. label(62)} do
        assert.is_false(dns.name_ok(name, true), name)
        assert.is_false(dns.name_ok(name, false), name)
      end
    end)
  end)

  describe("questions", function()
    it("are one question with recursion desired", function()
      assert.equal(packets.packet{id = 0xabcd, qr = false, ra = false,
        question = {"Example.com", "MX"}},
        dns.question(0xabcd, "Example.com", MX, "plain"))
    end)

    it("carry OPT and AD with EDNS", function()
      assert.equal(packets.packet{id = 7, qr = false, ra = false, ad = true,
        question = {"_25._tcp.a.example", "TLSA"},
        additional = {packets.opt(1232)}},
        dns.question(7, "_25._tcp.a.example", packets.types.TLSA, "edns"))
    end)

    it("ask for signatures, or they would not be told of what is signed", function()
      assert.equal(packets.packet{id = 7, qr = false, ra = false, ad = true,
        question = {"_25._tcp.a.example", "TLSA"},
        additional = {packets.opt(1232, true)}},
        dns.question(7, "_25._tcp.a.example", packets.types.TLSA, "secured"))
    end)

    it("refuse a name that will not do", function()
      for _, name in ipairs{"", "a..b", "a b.c", label(64) .. ".b"} do
        assert.same({nil, USAGE}, {dns.question(1, name, MX, "edns")})
      end
      assert.same({nil, USAGE}, {dns.question(1, "a.b", 65536, "edns")})
    end)

    it("say when they do not fit", function()
      for _, edns in ipairs{"plain", "edns", "secured"} do
        local size = #dns.question(1, "example.com", MX, edns)
        for room = 0, size - 1 do
          assert.same({nil, LIMIT},
            {dns.question(1, "example.com", MX, edns, room)})
        end
        assert.equal(size, #dns.question(1, "example.com", MX, edns, size))
      end
    end)

    it("hold the longest name", function()
      local name = (label(63) .. "."):rep(3) .. label(61)
      assert.equal(12 + 255 + 4 + 11, #dns.question(1, name, MX, "edns"))
    end)
  end)

  describe("matching", function()
    local query = dns.question(0x1234, "example.com", MX, "edns")

    local function reply(p) return packets.reply(query, p) end

    it("takes the answer to the question, whatever the case", function()
      assert.is_true(dns.matches(reply(), query))
      assert.is_true(dns.matches(reply{rcode = 3, tc = true, aa = true}, query))
      assert.is_true(dns.matches(
        reply{question = {"eXAMPLE.cOM", "MX"}}, query))
      assert.is_true(dns.matches(
        reply{answer = {packets.mx("example.com", 1, "a.b")}}, query))
    end)

    -- bad input D01
    it("takes nothing else", function()
      for what, p in pairs{
          id = {id = 0x1235}, swapped = {id = 0x3412}, query = {qr = false},
          opcode = {opcode = 4}, notify = {opcode = 1},
          class = {question = {"example.com", "MX", 3}},
          type = {question = {"example.com", "A"}},
          name = {question = {"example.org", "MX"}},
          longer = {question = {"a.example.com", "MX"}},
          shorter = {question = {"com", "MX"}},
          prefix = {question = {"example.com.au", "MX"}},
          none = {question = ""}, none_claimed = {counts = {0}},
          two = {question = packets.question("example.com", "MX"):rep(2),
            counts = {2}},
          pointer = {question = packets.question({raw = packets.pointer(12)},
            "MX")},
          bare = {question = "", rcode = 2}} do
        assert.is_false(dns.matches(reply(p), query), what)
      end
    end)

    it("takes a bare header that refuses EDNS", function()
      assert.is_true(dns.matches(reply{question = "", rcode = 1}, query))
      assert.is_true(dns.matches(reply{question = "", rcode = 4}, query))
      assert.is_false(dns.matches(
        reply{question = "", rcode = 1, id = 1}, query))
      assert.is_false(dns.matches(
        reply{question = "", rcode = 1, trailer = "x"}, query))
    end)

    it("reads no further than the packet goes", function()
      local whole = reply()
      for n = 0, #whole - 1 do
        assert.is_false(dns.matches(whole:sub(1, n), query))
      end
    end)

    it("reads no further than the query goes", function()
      local whole = reply()
      for n = 0, #query - 12 do
        assert.is_false(dns.matches(whole, query:sub(1, n)))
      end
      assert.is_false(dns.matches(whole, query:sub(1, 12) .. "\192\12\0\1"))
    end)
  end)

  it("tells the code and whether the answer was cut", function()
    assert.same({3, false}, {dns.header(packets.packet{rcode = 3})})
    assert.same({0, true}, {dns.header(packets.packet{tc = true})})
    assert.same({-1, false}, {dns.header(("\255"):rep(11))})
    assert.same({-1, false}, {dns.header("")})
  end)
end)
