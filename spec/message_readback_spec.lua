-- What other readers find in a message is what was put into it: some hundred
-- of them, or DIRECTSEND_LETTERS (.ci/test-readers sets that, and wants
-- mailparser too).

local letters = require "support.letters"
local message = require "directsend.message"
local read_back = require "support.read_back"

local count = tonumber(os.getenv "DIRECTSEND_LETTERS") or 300

describe(count .. " messages", function()
  local tables, texts = {}, {}
  for i = 1, count do
    tables[i] = letters.make(i)
    local m = assert(message.new(tables[i], { zone = 0 }))
    texts[i] = m:tostring()
    assert(#texts[i] == m:size() and texts[i] == m:tostring())
  end

  local function compare(found, known)
    assert.equal(#texts, #found)
    for i, t in ipairs(tables) do
      assert.same(known(letters.expected(t)), known(found[i]), "message " .. i)
    end
  end

  local function all(fields) return fields end

  it("come back from Python in every field and octet", function()
    compare(read_back.python(texts), all)
  end)

  it("come back from GMime in every field and octet", function()
    compare(read_back.gmime(texts), all)
  end)

  if os.getenv "DIRECTSEND_LETTERS" then
    it("come back from mailparser in every field and octet", function()
      compare(read_back.mailparser(texts), letters.as_text)
    end)
  end

  it("keep every line within bounds and every octet in ASCII", function()
    for i, s in ipairs(texts) do
      assert.is_nil(s:find "[\128-\255%z]", "message " .. i)
      assert.is_nil(s:gsub("\r\n", ""):find "[\r\n]", "message " .. i)
      assert.equal("\r\n", s:sub(-2))
      for line in s:gmatch "([^\r\n]*)\r\n" do assert.is_true(#line <= 998) end
      for line in s:match "^(.-\r\n)\r\n":gmatch "([^\r\n]*)\r\n" do
        assert.is_true(#line <= 78 or not line:find("=?", 1, true), "message " .. i)
      end
    end
  end)
end)
