local test = require "directsend.test"
local mem, mx = test.util, test.dns.mx

local NOMEM, LOCAL = -1, -8
local DOMAIN = "Example.com"

local function names(set)
  local out = {}
  for i, host in ipairs(set) do out[i] = host.name end
  return table.concat(out, " ")
end

-- a random source that draws these octets for one record after the other
local function draws(...)
  local out = {}
  for i, n in ipairs{...} do out[i] = string.char(n):rep(4) end
  return table.concat(out)
end

describe("dns/mx", function()
  after_each(function() mem.fail_at(0) end)

  it("sorts by preference", function()
    local set = mx({20, "b.example", 0, "a.example", 65535, "d.example",
      256, "c.example"}, DOMAIN, "x")
    assert.equal("a.example b.example c.example d.example", names(set))
    assert.same({0, 20, 256, 65535}, {set[1].preference, set[2].preference,
      set[3].preference, set[4].preference})
    assert.same({false, false, false}, {set.implicit, set.null, set.broken})
  end)

  -- bad input D10
  it("takes the domain itself where there is no MX", function()
    local set = mx({}, DOMAIN, "")
    assert.equal("example.com", names(set))
    assert.is_true(set.implicit)
    assert.is_false(set.null or set.broken)
    set = mx({}, ("a"):rep(300), "")
    assert.same({0, true, false}, {#set, set.broken, set.implicit})
  end)

  -- bad input D08
  it("knows the null MX", function()
    local set = mx({0, ""}, DOMAIN, "")
    assert.same({0, true}, {#set, set.null})
    assert.is_false(set.implicit or set.broken)
  end)

  it("takes no null MX among others", function()
    local set = mx({0, "", 10, "a.example"}, DOMAIN, "x")
    assert.equal("a.example", names(set))
    assert.is_false(set.null)
  end)

  it("leaves out what is no host name", function()
    local set = mx({1, "192.0.2.1", 2, "a_b.example", 3, "mx", 4, "a..b",
      5, "good.example", 6, "a\\032b.example", 7, "2001:db8::1",
      8, "-a.example", 9, "_a.example", 10, "a.b\r\nc.example"}, DOMAIN, "x")
    assert.equal("good.example", names(set))
  end)

  it("is broken where nothing is left", function()
    local set = mx({1, "192.0.2.1", 2, "mx"}, DOMAIN, "x")
    assert.same({0, true}, {#set, set.broken})
    assert.is_false(set.implicit or set.null)
  end)

  it("counts a host named twice once, where it is best", function()
    local set = mx({20, "a.example", 30, "b.example", 10, "A.Example",
      30, "B.EXAMPLE"}, DOMAIN, "x")
    assert.equal("a.example b.example", names(set))
    assert.equal(10, set[1].preference)
  end)

  -- bad input D14
  it("keeps fifty at most, the best", function()
    local records = {}
    for i = 1, 200 do
      records[2 * i - 1] = 201 - i
      records[2 * i] = ("mx%d.example"):format(201 - i)
    end
    local set = mx(records, DOMAIN, "x")
    assert.equal(50, #set)
    for i = 1, 50 do assert.equal(i, set[i].preference) end
    for i = 1, 200 do records[2 * i - 1] = 10 end
    assert.equal(50, #mx(records, DOMAIN, "abcdefg"))
  end)

  describe("among equals", function()
    local three = {10, "a.example", 10, "b.example", 10, "c.example"}

    it("goes by what was drawn", function()
      for want, script in pairs{
          ["a.example b.example c.example"] = draws(1, 2, 3),
          ["a.example c.example b.example"] = draws(1, 3, 2),
          ["b.example a.example c.example"] = draws(2, 1, 3),
          ["c.example a.example b.example"] = draws(2, 3, 1),
          ["b.example c.example a.example"] = draws(3, 1, 2),
          ["c.example b.example a.example"] = draws(3, 2, 1)} do
        assert.equal(want, names(mx(three, DOMAIN, script)))
      end
    end)

    it("puts each first as often as the others", function()
      local first = {}
      for a = 1, 6 do
        for b = 1, 6 do
          for c = 1, 6 do
            if a ~= b and b ~= c and a ~= c then
              local name = mx(three, DOMAIN, draws(a, b, c))[1].name
              first[name] = (first[name] or 0) + 1
            end
          end
        end
      end
      assert.same({["a.example"] = 40, ["b.example"] = 40,
        ["c.example"] = 40}, first)
    end)

    it("never draws across preferences", function()
      for a = 1, 3 do
        for b = 1, 3 do
          assert.equal("a.example b.example", names(mx({10, "a.example",
            20, "b.example"}, DOMAIN, draws(a, b))))
        end
      end
    end)
  end)

  it("needs no random octets for one host", function()
    assert.equal("a.example", names(mx({10, "a.example"}, DOMAIN, "")))
    assert.same({nil, LOCAL}, {mx({10, "a.example", 10, "b.example"},
      DOMAIN, "")})
  end)

  it("gives back all it took when an allocation fails", function()
    local live = mem.live()
    for _, records in ipairs{{}, {10, "a.example", 20, "b.example"}} do
      local n, set, code = 0
      repeat
        n = n + 1
        mem.fail_at(n)
        set, code = mx(records, DOMAIN, "x")
        mem.fail_at(0)
        assert.is_true(set ~= nil or code == NOMEM)
        assert.equal(live, mem.live())
      until set
      assert.is_true(n > 1)
    end
  end)
end)
