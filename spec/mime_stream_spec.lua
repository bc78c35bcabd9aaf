local decode = require "support.decode"
local mime = require "directsend.test".mime

local function read(t)
  local r = { mime.stream(t) }
  return { octets = r[1], code = r[2], why = r[3], again = r[4] },
         { octets = r[5], code = r[6], why = r[7], again = r[8] }, r[9]
end

describe("a stream", function()
  local data = {}
  for i = 1, 40000 do data[i] = string.char(i * i % 251) end
  data = table.concat(data)

  it("is the same whatever is asked for at once and however it comes", function()
    local whole = "before\r\n" .. mime.base64 { data } .. "after\r\n"
    for _, size in ipairs { 1, 2, 77, 78, 500, 512 } do
      for _, step in ipairs { 100, 1000, 15960, 100000 } do
        local one, two, told = read { data = data, read = size, step = step }
        assert.is_true(one.octets == whole)
        assert.is_true(two.octets == whole)
        assert.equal(#whole, told)
        assert.equal(0, one.again)
      end
    end
  end)

  it("waits where its content waits, and loses nothing", function()
    local one, two = read { data = data, wait = 1, step = 999 }
    assert.equal(data, decode.base64(one.octets:match "^before\r\n(.*)after\r\n$"))
    assert.equal(one.octets, two.octets)
    assert.is_true(one.code > 0)
  end)

  it("gives what has no octets", function()
    local one, two, told = read { data = "" }
    assert.equal("before\r\nafter\r\n", one.octets)
    assert.equal("before\r\nafter\r\n", two.octets)
    assert.equal(15, told)
  end)

  it("leaves out what a part skips at the front", function()
    for _, skip in ipairs { 1, 77, 78, 79, 30000, 40000 } do
      local whole = mime.base64 { data }
      local one, two, told = read { data = data, skip = skip }
      assert.is_true(one.octets == "before\r\n" .. whole:sub(skip + 1) .. "after\r\n")
      assert.is_true(two.octets == one.octets)
      assert.equal(#one.octets, told)
    end
  end)

  it("fails where a body is not what it was said to be, and says so again", function()
    for size, word in pairs { [39000] = "grew", [41000] = "shrank" } do
      for _, pass in ipairs { read { data = data, size = size } } do
        if type(pass) == "table" then
          assert.equal(-8, pass.code)
          assert.is_truthy(pass.why:find(word))
          assert.equal(-8, pass.again)
          assert.is_nil(pass.octets:find "after")
        end
      end
    end
  end)

  it("fails as its content fails", function()
    local one, two = read { data = data, fail = 1 }
    assert.equal("gone", one.why)
    assert.equal(-8, one.code)
    assert.equal(-8, two.code)
  end)
end)
