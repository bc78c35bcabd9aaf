local test = require "directsend.test"
local packets = require "support.dnspacket"
local dns, mem = test.dns, test.util
local types = packets.types

local NOMEM, PROTOCOL = -1, -5
local NAME = "example.com"

local function parse(answer, rtype, more)
  local p = {id = 1, question = {NAME, rtype}, answer = answer}
  for k, v in pairs(more or {}) do p[k] = v end
  return dns.parse(packets.packet(p), NAME, types[rtype])
end

local function names(answer)
  local out = {}
  for i, r in ipairs(answer.records) do out[i] = r.name end
  return table.concat(out, " ")
end

local function ips(answer)
  local out = {}
  for i, r in ipairs(answer.records) do out[i] = r.ip end
  return table.concat(out, " ")
end

local function contents(path)
  local f = assert(io.open(path, "rb"))
  local s = f:read "*a"
  f:close()
  return s
end

local function files(dir)
  local list, out = assert(io.popen("ls " .. dir)), {}
  for name in list:lines() do out[#out + 1] = dir .. "/" .. name end
  list:close()
  return out
end

describe("dns/answer", function()
  after_each(function() mem.fail_at(0) end)

  describe("records", function()
    it("of mail exchangers", function()
      local a = parse({packets.mx(NAME, 10, "MX1.Example.COM", {ttl = 60}),
        packets.mx(NAME, 65535, {raw = "\3mx2" .. packets.pointer(12)}),
        packets.mx(NAME, 0, ".")}, "MX")
      assert.equal("noerror", a.status)
      assert.equal("mx1.example.com mx2.example.com ", names(a))
      assert.equal(10, a.records[1].preference)
      assert.equal(65535, a.records[2].preference)
      assert.equal(60, a.records[1].ttl)
      assert.equal(60, a.ttl)
    end)

    it("of addresses", function()
      assert.equal("192.0.2.1 192.0.2.2", ips(parse(
        {packets.a(NAME, "192.0.2.1"), packets.a(NAME, "192.0.2.2")}, "A")))
      assert.equal("2001:db8::1",
        ips(parse({packets.aaaa(NAME, "2001:db8::1")}, "AAAA")))
    end)

    it("of text, their strings joined", function()
      local long = ("x"):rep(255)
      local a = parse({packets.txt(NAME, {"v=spf1 ", "-all"}),
        packets.txt(NAME, ""), packets.txt(NAME, {"a\0", long, long})}, "TXT")
      assert.equal("v=spf1 -all", a.records[1].data)
      assert.equal("", a.records[2].data)
      assert.equal("a\0" .. long .. long, a.records[3].data)
    end)

    it("of TLSA", function()
      local a = parse({packets.tlsa(NAME, 3, 1, 2, ("\170"):rep(32)),
        packets.tlsa(NAME, 2, 0, 0, "")}, "TLSA")
      local r = a.records[1]
      assert.same({3, 1, 2, ("\170"):rep(32)},
        {r.usage, r.selector, r.matching, r.data})
      assert.equal("", a.records[2].data)
    end)

    it("of names", function()
      assert.equal("a.b", names(parse({packets.ptr(NAME, "A.b")}, "PTR")))
      assert.equal("a.b", names(parse({packets.ns(NAME, "a.B")}, "NS")))
      local a = parse({packets.cname(NAME, "a.b")}, "CNAME")
      assert.equal("a.b", names(a))
      assert.equal(0, a.aliases)
    end)

    it("belong to the question whatever the case, in any order", function()
      assert.equal("192.0.2.1 192.0.2.2", ips(parse({
        packets.a("other.example", "192.0.2.9"),
        packets.a("EXAMPLE.com", "192.0.2.1"),
        packets.aaaa(NAME, "2001:db8::1"),
        packets.rr(NAME, "A", "\192\0\2\8", {class = 3}),
        packets.rr(NAME, 46, "signature"),
        packets.a({raw = packets.pointer(12)}, "192.0.2.2")}, "A")))
    end)

    it("outside the answer section are not believed", function()
      local a = parse({}, "A", {authority = {packets.a(NAME, "192.0.2.1")},
        additional = {packets.a(NAME, "192.0.2.2")}})
      assert.equal("noerror", a.status)
      assert.equal(0, #a.records)
    end)
  end)

  describe("aliases", function()
    local function chain(n, backwards)
      local out = {}
      for i = 1, n do
        local owner = i == 1 and NAME or ("a%d.example"):format(i)
        local r = packets.cname(owner, ("A%d.example"):format(i + 1))
        table.insert(out, backwards and 1 or #out + 1, r)
      end
      table.insert(out, backwards and 1 or #out + 1,
        packets.a(("a%d.example"):format(n + 1), "192.0.2.1"))
      return out
    end

    it("are followed in any order", function()
      for n = 1, 8 do
        for _, backwards in ipairs{false, true} do
          local a = parse(chain(n, backwards), "A")
          assert.equal("192.0.2.1", ips(a))
          assert.equal(n, a.aliases)
          assert.equal(("a%d.example"):format(n + 1), a.name)
        end
      end
    end)

    it("tell where they lead, also when nothing is there", function()
      assert.equal(NAME, parse({}, "A").name)
      assert.equal(NAME, parse({}, "A", {rcode = 2}).name)
      assert.equal("a.b", parse({packets.cname(NAME, "A.b")}, "A").name)
      assert.equal("a.b", parse({packets.cname(NAME, "a.b")}, "A", {rcode = 3}).name)
    end)

    it("that lead to more than a name can be lead to none", function()
      local odd = (("\1"):rep(63) .. "."):rep(3) .. ("\1"):rep(61)
      local a = parse({packets.cname(NAME, odd)}, "A")
      assert.same({1, ""}, {a.aliases, a.name})
    end)

    -- bad input D12
    it("are eight at most", function()
      for _, n in ipairs{9, 20} do
        assert.same({nil, PROTOCOL}, {parse(chain(n), "A")})
        assert.same({nil, PROTOCOL}, {parse(chain(n, true), "A")})
      end
    end)

    it("must not run in a loop", function()
      assert.same({nil, PROTOCOL}, {parse({packets.cname(NAME, NAME)}, "A")})
      assert.same({nil, PROTOCOL}, {parse({packets.cname(NAME, "a.b"),
        packets.cname("a.b", NAME), packets.a(NAME, "192.0.2.1")}, "A")})
    end)

    it("that end nowhere give no records", function()
      local a = parse({packets.cname(NAME, "a.b"),
        packets.a(NAME, "192.0.2.1")}, "A")
      assert.same({"noerror", 1, 0}, {a.status, a.aliases, #a.records})
    end)

    it("whose end does not exist are NXDOMAIN", function()
      local a = parse({packets.cname(NAME, "a.b")}, "A", {rcode = 3})
      assert.same({"nxdomain", 1, 0}, {a.status, a.aliases, #a.records})
    end)

    it("must be names", function()
      assert.same({nil, PROTOCOL}, {parse({packets.rr(NAME, "CNAME", "")}, "A")})
      assert.same({nil, PROTOCOL},
        {parse({packets.rr(NAME, "CNAME", "\1a")}, "A")})
    end)
  end)

  describe("status", function()
    it("is the code's", function()
      local want = {[0] = "noerror", [3] = "nxdomain"}
      for rcode = 0, 15 do
        local a = parse({packets.a(NAME, "192.0.2.1")}, "A", {rcode = rcode})
        assert.equal(want[rcode] or "servfail", a.status)
        assert.equal(rcode == 0 and 1 or 0, #a.records)
      end
    end)

    it("is secure with AD", function()
      assert.is_true(parse({}, "A", {ad = true}).secure)
      assert.is_false(parse({}, "A").secure)
    end)
  end)

  describe("time to live", function()
    it("is the smallest of records and aliases", function()
      assert.equal(30, parse({packets.cname(NAME, "a.b", {ttl = 30}),
        packets.a("a.b", "192.0.2.1", {ttl = 60}),
        packets.a("c.d", "192.0.2.1", {ttl = 1})}, "A").ttl)
    end)

    it("is 0 where the top bit is set", function()
      local a = parse({packets.a(NAME, "192.0.2.1", {ttl = 2^31}),
        packets.a(NAME, "192.0.2.2", {ttl = 2^31 - 1})}, "A")
      assert.same({0, 0, 2^31 - 1}, {a.ttl, a.records[1].ttl, a.records[2].ttl})
    end)

    it("of nothing is the SOA's, or its minimum", function()
      for _, rcode in ipairs{0, 3} do
        for ttl, minimum in pairs{[300] = 600, [600] = 300} do
          assert.equal(300, parse({}, "A", {rcode = rcode, authority = {
            packets.ns(NAME, "a.b"),
            packets.soa(NAME, minimum, {ttl = ttl})}}).ttl)
        end
      end
      assert.equal(0, parse({}, "A").ttl)
      assert.equal(0, parse({}, "A",
        {authority = {packets.rr(NAME, "SOA", "\0\0")}}).ttl)
    end)
  end)

  describe("broken packets", function()
    local whole = packets.packet{id = 1, question = {NAME, "MX"},
      answer = {packets.cname(NAME, "b.example"),
        packets.mx("b.example", 10, {raw = "\2mx" .. packets.pointer(12)})},
      authority = {packets.ns(NAME, "a.b")}, additional = {packets.opt()}}

    it("cut anywhere cannot be read", function()
      assert.equal("mx.example.com", names(dns.parse(whole, NAME, types.MX)))
      for n = 0, #whole - 1 do
        assert.same({nil, PROTOCOL}, {dns.parse(whole:sub(1, n), NAME, types.MX)})
      end
      assert.same({nil, PROTOCOL}, {dns.parse(whole .. "x", NAME, types.MX)})
    end)

    it("with any octet changed are survived", function()
      local live = mem.live()
      for i = 1, #whole do
        for _, c in ipairs{0, 1, 0x3f, 0x7f, 0xc0, 0xff} do
          dns.parse(whole:sub(1, i - 1) .. string.char(c) .. whole:sub(i + 1),
            NAME, types.MX)
        end
      end
      assert.equal(live, mem.live())
    end)

    -- bad input D03; the question is at 12, the answer at 29, the host at 43
    it("with pointers in circles cannot be read", function()
      local function host(raw, owner)
        return {packets.rr({raw = owner or packets.pointer(12)}, "MX",
          "\0\10" .. raw)}
      end
      for what, answer in pairs{
          itself = host(packets.pointer(43)),
          label = host("\1a" .. packets.pointer(43)),
          pair = host(packets.pointer(45) .. packets.pointer(43)),
          beyond = host(packets.pointer(0x3fff)),
          owner = host("\0", packets.pointer(29))} do
        assert.same({nil, PROTOCOL}, {parse(answer, "MX")}, what)
      end
    end)

    it("with labels of unknown kinds cannot be read", function()
      for _, c in ipairs{"\64", "\128"} do
        assert.same({nil, PROTOCOL},
          {parse({packets.mx(NAME, 1, {raw = c .. "a\0"})}, "MX")})
      end
    end)

    it("with names over 255 octets cannot be read", function()
      local label = "\63" .. ("a"):rep(63)
      assert.same({nil, PROTOCOL},
        {parse({packets.mx(NAME, 1, {raw = label:rep(4) .. "\0"})}, "MX")})
    end)

    -- bad input D05
    it("that claim more than they hold cannot be read, at no cost", function()
      local before = mem.allocations()
      for section = 2, 4 do
        local counts = {[section] = 65535}
        assert.same({nil, PROTOCOL}, {parse({}, "MX", {counts = counts})})
        assert.same({nil, PROTOCOL}, {dns.parse(packets.packet{counts = counts},
          NAME, types.MX)})
      end
      assert.equal(before, mem.allocations())
    end)

    -- bad input D06
    it("with records too short or too long cannot be read", function()
      for _, case in ipairs{{"MX", ""}, {"MX", "\0"}, {"MX", "\0\10"},
          {"MX", "\0\10\1a"}, {"MX", "\0\10\1a\0x"}, {"A", "\1\2\3"},
          {"A", "\1\2\3\4\5"}, {"A", ""}, {"AAAA", ("x"):rep(15)},
          {"AAAA", ("x"):rep(17)}, {"AAAA", "\1\2\3\4"}, {"TXT", "\5abcd"},
          {"TXT", "\1a\255"}, {"TLSA", "\3\1"}, {"TLSA", ""}, {"PTR", ""}} do
        local rtype, data = case[1], case[2]
        assert.same({nil, PROTOCOL},
          {parse({packets.rr(NAME, rtype, data)}, rtype)})
        assert.same({nil, PROTOCOL},
          {parse({packets.rr(NAME, rtype, data, {length = #data + 1})}, rtype)})
        assert.same({nil, PROTOCOL}, {parse(
          {packets.rr(NAME, rtype, data, {length = 65535})}, rtype)})
      end
    end)

    it("over the size of any packet cannot be read", function()
      assert.same({nil, PROTOCOL}, {parse({}, "A", {trailer = ("x"):rep(65536)})})
    end)

    it("never have more than a thousand records read", function()
      local answer = {}
      for i = 1, 1500 do
        answer[i] = packets.a({raw = packets.pointer(12)},
          ("10.0.%d.%d"):format(math.floor(i / 256), i % 256))
      end
      assert.equal(1000, #parse(answer, "A").records)
    end)

    it("never have more than 64 KiB of names read", function()
      -- names of 191 octets; the answer is read twice, the authority once
      local long = {raw = ("\63" .. ("a"):rep(63)):rep(3) .. "\0"}
      local function many(n)
        local out = {}
        for i = 1, n do out[i] = packets.ns(long, "a.b") end
        return out
      end
      for n, readable in pairs{[160] = true, [200] = false, [400] = false} do
        assert.equal(readable, parse(many(n), "A") ~= nil)
      end
      for n, readable in pairs{[300] = true, [400] = false} do
        local a, code = parse({}, "A", {authority = many(n)})
        assert.equal(readable, a ~= nil)
        assert.equal(not readable and PROTOCOL or nil, code)
      end
    end)
  end)

  it("gives back all it took when an allocation fails", function()
    local live = mem.live()
    for _, case in ipairs{
        {"MX", {packets.mx(NAME, 1, "a.b"), packets.mx(NAME, 2, "c.d"),
          packets.mx(NAME, 3, "e.f")}},
        {"TXT", {packets.txt(NAME, "a"), packets.txt(NAME, "b")}},
        {"TLSA", {packets.tlsa(NAME, 3, 1, 1, "x")}}} do
      local n, answer, code = 0
      repeat
        n = n + 1
        mem.fail_at(n)
        answer, code = parse(case[2], case[1])
        mem.fail_at(0)
        assert.is_true(answer ~= nil or code == NOMEM)
        assert.equal(live, mem.live())
      until answer
      assert.equal(#case[2], #answer.records)
      assert.is_true(n > 2)
    end
  end)

  describe("the c-ares corpus", function()
    local inputs = files "spec/vectors/dns/fuzzinput"

    it("is there", function()
      assert.equal(74, #inputs)
    end)

    it("is read or refused, for every type, at bounded cost", function()
      local live, read = mem.live(), 0
      for _, path in ipairs(inputs) do
        local packet = contents(path)
        for _, rtype in pairs(types) do
          for _, name in ipairs{"www.google.com", "google.com", "example.com",
              "a"} do
            local before = mem.allocations()
            local answer, code = dns.parse(packet, name, rtype)
            assert.is_true(answer ~= nil or code == PROTOCOL, path)
            assert.is_true(mem.allocations() - before <= 2100, path)
            read = read + (answer and #answer.records or 0)
          end
        end
      end
      assert.equal(live, mem.live())
      assert.is_true(read > 0)
    end)

    it("has names that are asked for whole or refused", function()
      local asked = 0
      for _, path in ipairs(files "spec/vectors/dns/fuzznames") do
        local name = contents(path)
        local query, code = dns.question(1, name, types.MX, "edns")
        if query then
          asked = asked + 1
          assert.equal(name, (select(2, packets.parse_query(query))), path)
        else
          assert.equal(-2, code)
        end
        assert.equal(dns.name_ok(name, false), query ~= nil)
      end
      assert.is_true(asked > 0 and asked < 45)
    end)
  end)
end)
