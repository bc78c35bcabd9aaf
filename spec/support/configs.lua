-- What specs of the configuration begin with.

local assert = require "luassert"
local config = require "directsend.config"

local configs = {}

-- this table is refused, for this field and in these words
function configs.refused(t, field, words)
  local c, why, detail = config.read(t)
  assert.is_nil(c)
  assert.equal("string", type(why))
  assert.equal("usage", detail.kind)
  assert.equal(field, detail.field)
  if words then assert.truthy(why:find(words, 1, true), why) end
end

-- call test with the name of a file that holds this text
function configs.with_file(text, test)
  local name = os.tmpname()
  local file = _G.assert(io.open(name, "wb"))
  file:write(text)
  file:close()
  local ok, why = pcall(test, name)
  os.remove(name)
  if not ok then error(why, 0) end
end

return configs
