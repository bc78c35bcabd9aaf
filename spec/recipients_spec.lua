local recipients = require "directsend.recipients"

local function read(text, extension)
  local name = os.tmpname()
  local path = name .. (extension or ".csv")
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local list, why = recipients.open(path)
  local out = {}
  if list then
    repeat
      local entry
      entry, why = list.next()
      out[#out + 1] = entry
    until not entry
    assert.equal(#text, list.size)
    list.close()
  end
  os.remove(name)
  os.remove(path)
  return out, why
end

describe("a list of recipients", function()
  it("is CSV as RFC 4180 has it", function()
    local list, why = read('\239\187\191to,"na""me",ID\r\na@x.test,"one, ""two""\r\nthree",7\r\n\r\n"b@x.test",,\r\nc@x.test,"",x')
    assert.is_nil(why)
    assert.same({
      { to = "a@x.test", id = "7", fields = { ['na"me'] = 'one, "two"\r\nthree' } },
      { to = "b@x.test", fields = { ['na"me'] = "" } },
      { to = "c@x.test", id = "x", fields = { ['na"me'] = "" } },
    }, list)
  end)

  it("says which entry is none", function()
    for text, why in pairs {
      ['to\n"a'] = "entry 1: a quote has no end",
      ['to\na\n"a"b'] = "entry 2: something stands behind a quoted value",
      ['to\na"b"'] = "entry 1: a quote stands within a value that is not quoted",
      ["to,x\na"] = "entry 1: it has 1 values, and the header line 2",
      ['"to'] = "a quote has no end",
    } do
      local _, said = read(text)
      assert.truthy(said:find(why, 1, true), said)
    end
  end)

  it("is one JSON object a line", function()
    local list, why = read('{"email":"a@x.test","fields":{"n":1},"m":"2","id":3}\n \n'
                           .. '{"to":{"name":"B","address":"b@x.test"},"envelope_sender":null}\n', ".jsonl")
    assert.is_nil(why)
    assert.same({ { to = "a@x.test", id = 3, fields = { n = 1, m = "2" } },
                  { to = { name = "B", address = "b@x.test" }, fields = {} } }, list)
    local _, said = read("{}\n[", ".jsonl")
    assert.matches("entry 2: is no JSON", said)
    _, said = read("5", ".jsonl")
    assert.matches("entry 1: is no object", said)
  end)
end)
