local value = require "directsend.value"

local function read(reader, v, field)
  return value.read(function(x) return reader(x, field or "key") end, v)
end

describe("value", function()
  it("returns what a reader throws, and raises what is misuse", function()
    local v, why, detail = read(value.text, "")
    assert.is_nil(v)
    assert.equal("key: is empty", why)
    assert.same({ kind = "usage", field = "key" }, detail)
    assert.has_error(function() read(value.text, 1) end,
                     "key: expected string, got number")
    assert.has_error(function()
      value.read(function() error("a bug", 0) end)
    end, "a bug")
  end)

  it("takes text without control characters only", function()
    assert.equal("x y", read(value.text, "x y"))
    for _, s in ipairs { "a\nb", "a\0b", "a\127b", "\tx" } do
      assert.is_nil((read(value.text, s)))
    end
  end)

  it("takes one of some words", function()
    local reader = value.word("one", "two")
    assert.equal("two", read(reader, "two"))
    local _, why = read(reader, "three")
    assert.equal('key: "three" is not one of one, two', why)
  end)

  it("takes whole numbers within bounds, or their digits", function()
    local reader = value.whole(1, 10)
    assert.equal(10, read(reader, 10))
    assert.equal(7, read(reader, "7"))
    for _, n in ipairs { 0, 11, 1.5, 0 / 0, 1 / 0, "07x", " 7", "", "-1" } do
      local v, why = read(reader, n)
      assert.is_nil(v)
      assert.truthy(why:find("whole number from 1 to 10", 1, true))
    end
  end)

  it("takes seconds, or a figure and its unit", function()
    local reader = value.duration(0)
    for given, seconds in pairs { [0] = 0, [1.5] = 1.5, ["1 d"] = 86400,
                                  ["2h"] = 7200, ["3 min"] = 180,
                                  ["250 ms"] = 0.25 } do
      assert.equal(seconds, read(reader, given))
    end
    for _, v in ipairs { -1, 32 * 86400, 0 / 0, "1 m", "1", "x s" } do
      assert.is_nil((read(reader, v)))
    end
  end)

  it("takes one item for a list of it", function()
    local reader = value.list(value.text)
    assert.same({ "a" }, read(reader, "a"))
    assert.same({ "a", "b" }, read(reader, { "a", "b" }))
    assert.is_nil((read(reader, { "a", "" })))
  end)

  it("takes a list for what it is, and as long as it may be", function()
    local reader = value.list(value.text, 1, 2)
    assert.same({ "a", "b" }, read(reader, { "a", "b" }))
    for _, v in ipairs { {}, { "a", "b", "c" }, { a = "b" }, { "a", b = "c" },
                         { [0] = "a" }, { "a", nil, "c" }, { [1.5] = "a" } } do
      local none, why = read(reader, v)
      assert.is_nil(none)
      assert.truthy(why:find "^key: ", why)
    end
    assert.same({}, read(value.list(value.text), {}))
  end)

  it("quotes in one line what it refuses", function()
    local _, why, detail = read(function(v, field)
      value.refuse(field, "%q is %d", v, 7)
    end, "a\nb", "key\n")
    assert.equal('key?: "a?b" is 7', why)
    assert.equal("key?", detail.field)
  end)

  it("names the field inside a record", function()
    local reader = value.record { port = value.port }
    local _, _, detail = read(reader, { port = 0 })
    assert.equal("key.port", detail.field)
    assert.same({ port = 25 }, read(reader, { port = 25 }))
  end)

  it("takes domains as envelopes have them", function()
    assert.equal("contoso.com", read(value.domain, "Contoso.COM"))
    for _, d in ipairs { "contoso .com", "a@b.com", "-a.com", "a..com",
                         "a.com\r\n", ">" } do
      assert.is_nil((read(value.domain, d)), d)
    end
  end)

  it("takes hosts by name or address", function()
    assert.equal("mx.contoso.com", read(value.host, "MX.contoso.com"))
    assert.equal("192.0.2.1", read(value.host, "192.0.2.1"))
    assert.equal("2001:db8::1", read(value.host, "[2001:DB8:0::1]"))
    for _, h in ipairs { "a b", "a_b!", "[x]", "999.1.1.1 ", "x\0" } do
      assert.is_nil((read(value.host, h)), h)
    end
  end)

  it("takes networks, servers, addresses", function()
    assert.equal("10.0.0.0/8", read(value.network, "10.0.0.0/8"))
    assert.is_nil((read(value.network, "10.0.0.0/33")))
    assert.equal("192.0.2.1:53", read(value.server, "192.0.2.1"))
    assert.is_nil((read(value.server, "dns.example")))
    assert.same({ "192.0.2.1", "2001:db8::1" },
                read(value.addresses, { "192.0.2.1", "2001:DB8::1" }))
    assert.is_nil((read(value.addresses, { "::1", "::2" })))
  end)
end)
