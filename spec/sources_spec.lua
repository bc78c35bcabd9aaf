local message = require "directsend.message"
local reader = require "support.reader"

local settings = { time = 0, zone = 0, random = function(n) return ("\171"):rep(n) end }

local function new(t, also)
  local s = {}
  for k, v in pairs(settings) do s[k] = v end
  for k, v in pairs(also or {}) do s[k] = v end
  if not t.raw then t.from, t.to = t.from or "a@example.com", t.to or "b@example.net" end
  return message.new(t, s)
end

local function text_of(t)
  return assert(assert(new(t)):tostring())
end

local data = ("Gr\195\188\195\159e, line\nand \r another\r\n"):rep(500)
local raw = "From: a@example.com\nTo: b@example.net\nBcc: c@example.net\nSubject: x\n\n" .. data

-- a message with the body in each place that takes one
local places = {
  text = function(v) return { text = v } end,
  html = function(v) return { html = v } end,
  raw = function(v) return { raw = v } end,
  file = function(v)
    v.name = "x.bin"
    return { attach = { v } }
  end,
  mail = function(v)
    v.name = "x.eml"
    return { encoding = "8bit", attach = { v } }
  end,
  picture = function(v)
    v.name = "x.png"
    return { html = "h", inline = { x = v } }
  end,
}

describe("a body that a function gives", function()
  for place, make in pairs(places) do
    local octets = place == "raw" and raw or data
    local given = place == "text" or place == "html"
    local plain = given and make(octets) or make { data = octets }

    for _, lone in ipairs { false, true } do
      it("is the same octets as a string: " .. place .. (lone and ", read once" or ", streamed"), function()
        for _, step in ipairs { 1, 7, 4096, 1000000 } do
          local r = reader.of(octets, step)
          local m = assert(new(make(reader.part(r, lone))))
          local wanted = text_of(plain)
          assert.equal(wanted, m:tostring())
          assert.equal(#wanted, m:size())
          assert.equal(wanted, m:tostring())
          if lone then assert.equal(0, r.rewinds) end
        end
      end)
    end
  end

  it("is not read before the octets are wanted, where nothing has to be known of it", function()
    local r = reader.of(data, 1000)
    local m = assert(new { attach = { reader.part(r) } })
    assert.equal(0, r.reads)
    m:tostring()
    assert.equal(0, r.rewinds)
    m:tostring()
    assert.equal(1, r.rewinds)
  end)

  it("is not read when the header will not do", function()
    local r = reader.of(data, 1000)
    assert.is_nil(new { to = "nobody", text = reader.part(r, true) })
    assert.equal(0, r.reads)
  end)

  it("may yield in every Lua", function()
    for place, make in pairs(places) do
      local octets = place == "raw" and raw or data
      for _, lone in ipairs { false, true } do
        local r = reader.of(octets, 3000, true)
        local yields, got = 0, nil
        local co = coroutine.create(function()
          got = assert(new(make(reader.part(r, lone)))):tostring()
        end)
        repeat
          local ok, why = coroutine.resume(co)
          assert.is_true(ok, tostring(why))
          yields = yields + (why == "reading" and 1 or 0)
        until coroutine.status(co) == "dead"
        assert.equal(r.reads, yields)
        local given = place == "text" or place == "html"
        assert.equal(text_of(given and make(octets) or make { data = octets }), got)
      end
    end
  end)

  it("ends with nil: an empty string is nothing yet (LTN12)", function()
    for place, make in pairs(places) do
      local octets = place == "raw" and raw or data
      local given = place == "text" or place == "html"
      local wanted = text_of(given and make(octets) or make { data = octets })
      for _, lone in ipairs { false, true } do
        local r, n = reader.of(octets, 3000), 0
        local part = reader.part(r, lone)
        function part.read()
          n = n + 1
          return n % 3 > 0 and "" or r.read()
        end
        assert.equal(wanted, text_of(make(part)))
        assert.equal(3 * r.reads, n)
      end
    end
  end)

  it("that gives nothing and does not end is an error", function()
    local m, why, detail = new { text = { read = function() return "" end } }
    assert.is_nil(m)
    assert.equal("text: read: gave 1000 empty strings in a row; nil is the end", why)
    assert.same({ kind = "local", field = "text" }, detail)
  end)

  it("that cannot go back is in one message: the next one is no empty mail", function()
    for place, make in pairs(places) do
      local octets = place == "raw" and raw or data
      local t = make(reader.part(reader.of(octets, 1000), true))
      assert(new(t))
      local m, why, detail = new(t)
      assert.is_nil(m, place)
      assert.truthy(why:find("an earlier message has read it to its end", 1, true), why)
      assert.equal("local", detail.kind)
    end
    local n = 0
    local function fresh()
      n = n + 1
      if n % 2 == 1 then return "x" end
    end
    for _ = 1, 2 do assert.truthy(text_of { text = { read = fresh } }:find "\r\n\r\nx\r\n$") end
    local function empty() end
    for _ = 1, 2 do assert.truthy(text_of { text = { read = empty } }) end
  end)

  it("may be in several messages, one after the other and at once", function()
    for place, make in pairs(places) do
      local octets = place == "raw" and raw or data
      local given = place == "text" or place == "html"
      local wanted = text_of(given and make(octets) or make { data = octets })
      local r = reader.of(octets, 1000)
      local t = make(reader.part(r))
      assert.equal(wanted, text_of(t))
      assert.equal(wanted, text_of(t))
      local one, two, got = assert(new(t)), assert(new(t)), { "", "" }
      repeat
        local a, b = assert(one:read(5000)), assert(two:read(3000))
        got = { got[1] .. a, got[2] .. b }
      until a == "" and b == ""
      assert.same({ wanted, wanted }, got)
    end
    local part = reader.part(reader.of(data, 1000))
    assert.equal(text_of { attach = { { data = data }, { data = data } } }, text_of { attach = { part, part } })
  end)

  it("says what went wrong, and where", function()
    local function broken() return nil, "the tape tore" end
    for field, t in pairs { text = { text = { read = broken } }, ["attach[2]"] = { attach = { { data = "x" }, { read = broken } } },
                            ["inline.x"] = { html = "h", inline = { x = { read = broken } } }, raw = { raw = { read = broken } },
                            html = { html = { read = broken, rewind = broken, size = 1 } } } do
      local m, why, detail = new(t)
      assert.is_nil(m)
      assert.equal(field .. ": read: the tape tore", why)
      assert.equal("local", detail.kind)
      assert.equal(field, detail.field)
    end
    local _, why = new { text = { read = function() return 7 end } }
    assert.equal("text: read: gave a number", why)
  end)

  it("has the size it said, or is an error", function()
    local function late(told)
      local m = assert(new { attach = { { read = reader.of("12345", 2).read, rewind = function() end, size = told } } })
      return m:tostring()
    end
    assert.truthy(late(5))
    for _, told in ipairs { 2, 4, 6, 100 } do
      local text, why, detail = late(told)
      assert.is_nil(text)
      assert.equal("local", detail.kind)
      assert.truthy(why:find "while it was read", why)
      local r = reader.of("12345", 2)
      _, why = new { text = { read = r.read, rewind = r.rewind, size = told } }
      assert.equal(("text: size is %d, and read gave 5 octets"):format(told), why)
      _, why = new { text = { read = reader.of("12345", 2).read, size = told } }
      assert.equal(("text: size is %d, and read gave 5 octets"):format(told), why)
    end
  end)

  it("cannot be read again where rewind fails", function()
    local r = reader.of(data, 1000)
    local m = assert(new { attach = { { read = r.read, size = #data, rewind = function() return nil, "no way back" end } } })
    assert.truthy(m:tostring())
    local text, why = m:tostring()
    assert.is_nil(text)
    assert.equal("attach[1]: rewind: no way back", why)
  end)

  it("is checked as other values are", function()
    local function raises(text, t) assert.has_error(function() new(t) end, text) end
    local read = function() end
    raises("text.read: expected function, got string", { text = { read = "x" } })
    raises("text.rewind: expected function or nil, got boolean", { text = { read = read, rewind = true } })
    raises("text.size: expected a number of octets", { text = { read = read, size = -1 } })
    raises("text.size: expected a number of octets", { text = { read = read, size = 0 / 0 } })
    raises("attach[1]: either path or data is wanted", { attach = { { read = read, data = "x" } } })
    raises("text: unknown key 'sise' (did you mean 'size'?)", { text = { read = read, sise = 1 } })
  end)
end)

describe("a message in a message", function()
  local function inner(t)
    t.from, t.to = t.from or "x@example.com", t.to or "y@example.net"
    return t
  end

  it("is its octets, whether built or a table", function()
    local t = inner { subject = "s\195\188", text = "caf\195\169", attach = { { data = "z", name = "z.bin" } } }
    local built = assert(new(inner { subject = "s", text = "caf\195\169" }))
    local s = text_of { text = "see", attach = { { message = t, name = "fw.eml" }, { message = built } } }
    assert.truthy(s:find("Content-Type: message/rfc822; name=fw.eml\r\nContent-Transfer-Encoding: 7bit\r\n"
                         .. "Content-Disposition: attachment; filename=fw.eml\r\n\r\nDate: ", 1, true))
    assert.truthy(s:find("\r\n\r\n" .. built:tostring() .. "\r\n--", 1, true))
    assert.truthy(s:find("Subject: =?utf-8?", 1, true))
  end)

  it("needs no recipient, and takes none from the outer one", function()
    local m = assert(new { attach = { { message = { from = "x@example.com", text = "hi" } } } })
    assert.same({ "b@example.net" }, m:envelope().recipients)
    assert.truthy(m:tostring():find("undisclosed", 1, true))
  end)

  it("keeps its boundaries apart from those around it, even where random octets repeat", function()
    local t = { text = "t" }
    for _ = 1, 5 do t = { from = "x@example.com", text = "t", html = "h", attach = { { message = t } } } end
    t.attach[1].message.from = "x@example.com"
    local deep = t
    while deep.attach do deep = deep.attach[1].message end
    deep.from = "x@example.com"
    local seen = {}
    for b in text_of(t):gmatch 'boundary="([^"]+)"' do
      assert.is_nil(seen[b])
      seen[b] = true
    end
  end)

  it("has sources of its own, at every depth", function()
    local r = reader.of(data, 100)
    local t = { from = "x@example.com", text = reader.part(r), attach = { { message = {
      from = "x@example.com", attach = { reader.part(reader.of(data, 33), false, { name = "a.bin" }) } } } } }
    local m = assert(new { attach = { { message = t } } })
    local s = m:tostring()
    assert.equal(#s, m:size())
    assert.equal(s, m:tostring())
    assert.truthy(s:find("filename=a.bin", 1, true))
  end)

  it("is not encoded: 8bit is refused unless it is asked for", function()
    local t = { raw = { data = "Subject: x\n\ncaf\195\169\n" } }
    local m, why, detail = new { attach = { { message = t } } }
    assert.is_nil(m)
    assert.equal("attach[1]", detail.field)
    assert.truthy(why:find('encoding = "8bit"', 1, true))
    m = assert(new { encoding = "8bit", attach = { { message = t } } })
    assert.equal(1, m.flags)
    assert.truthy(m:tostring():find("message/rfc822\r\nContent-Transfer-Encoding: 8bit", 1, true))
    t = { raw = { data = "Subject: \195\169\n\nx\n" } }
    m = assert(new { encoding = "8bit", attach = { { message = t } } })
    assert.equal(3, m.flags)
    assert.truthy(m:tostring():find("message/global\r\nContent-Transfer-Encoding: 8bit", 1, true))
  end)

  it("says which of its values will not do", function()
    local function refusal(v)
      local _, why, detail = new { attach = { v } }
      return detail.field, why
    end
    assert.equal("attach[1].message.from", (refusal { message = { from = "nobody" } }))
    assert.equal("attach[1].message.attach[1].path",
                 (refusal { message = { from = "x@example.com", attach = { "/does/not/exist" } } }))
    assert.equal("attach[1].name", (refusal { message = { from = "x@example.com" }, name = ".." }))
    assert.equal("attach[1].disposition", (refusal { message = { from = "x@example.com" }, disposition = "x" }))
    assert.has_error(function() new { attach = { { message = "x" } } } end)
    assert.has_error(function() new { attach = { { message = { from = "x@example.com" }, type = "x" } } } end)
  end)

  it("lies at most so deep", function()
    local function depth(n)
      local t = { from = "x@example.com", text = "t" }
      for _ = 1, n do t = { from = "x@example.com", attach = { { message = t } } } end
      return new(t)
    end
    assert.truthy(depth(9))
    for _, n in ipairs { 10, 19, 50 } do
      local m, why = depth(n)
      assert.is_nil(m)
      assert.truthy(why:find "more than 20 deep")
    end
    local circle = { from = "x@example.com", attach = { {} } }
    circle.attach[1].message = circle
    assert.is_nil(new(circle))
  end)

  it("stays open as long as it is part of another", function()
    local built = assert(new(inner { text = "hello" }))
    local outer = assert(new { attach = { { message = built } } })
    built.core:close()
    assert.truthy(outer:tostring():find("\r\nhello\r\n", 1, true))
    outer.core:close()
  end)
end)
