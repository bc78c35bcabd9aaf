local every_allocation = require "support.every_allocation"
local smime = require "support.smime"

local module = require "directsend.smime"

-- the module out of the test door, whose allocations count
local function from_the_door()
  for template in package.cpath:gmatch "[^;]+" do
    local open = package.loadlib(template:gsub("%?", "directsend/test"), "luaopen_directsend_smime")
    if open then return open() end
  end
end

describe("directsend.smime", function()
  local people, options

  setup(function()
    people = smime.new("ann")
    options = { time = os.time(), sign = people:signer "ann", encrypt = { people:path "ann.pem" } }
  end)
  teardown(function() people:remove() end)

  local function with(more)
    local t = {}
    for k, v in pairs(options) do t[k] = v end
    for k, v in pairs(more) do t[k] = v end
    return t
  end

  local function refused(more)
    local seal, why, detail = module.seal(with(more))
    assert.is_nil(seal)
    assert.equal("usage", detail.kind)
    return detail.field, why
  end

  it("names the field that will not do", function()
    local good = people:signer "ann"
    assert.equal("sign.cert", refused { sign = { cert = "none", key = good.key } })
    assert.equal("sign.key", refused { sign = { cert = good.cert, key = "none" } })
    assert.equal("sign.chain", refused { sign = { cert = good.cert, key = good.key, chain = "none" } })
    assert.equal("encrypt[2]", refused { encrypt = { good.cert, "none" } })
    assert.same({ "sign.cert", "is missing" }, { refused { sign = { key = good.key } } })
    assert.same({ "sign.key", "is missing" }, { refused { sign = { cert = good.cert } } })
    assert.same({ "encrypt", "names no certificate" }, { refused { encrypt = {} } })
  end)

  it("raises on misuse, and names it", function()
    local function raises(text, more)
      local ok, why = pcall(module.seal, with(more))
      assert.is_false(ok)
      assert.truthy(tostring(why):find(text, 1, true), why)
    end
    raises("unknown key 'cipher'", { cipher = "x" })
    raises("sign: unknown key 'keys'", { sign = { keys = "x" } })
    raises("sign.cert: a string", { sign = { cert = true } })
    raises("sign.key: a string without NUL", { sign = { cert = "x", key = "a\0b" } })
    raises("encrypt[1]: a string", { encrypt = { {} } })
    raises("encrypt[1]: a string without NUL", { encrypt = { "a\0b" } })
    raises("encrypt: a table", { encrypt = "x" })
    raises("time: a whole number", { time = -1 })
    raises("time: a whole number", { time = 0 / 0 })
    assert.has_error(function() module.seal() end)
    assert.has_error(function() module.seal(options).begin({}) end)
  end)

  it("warns of a key that others can read", function()
    assert.same({}, module.seal(options):warnings())
    people.files:run "cp ann.key open.key && chmod 644 open.key"
    local path = people:path "open.key"
    local seal = assert(module.seal(with { sign = { cert = people:path "ann.pem", key = path } }))
    assert.same({ path .. ": anybody on this machine can read this key, or change it; chmod 600 is what it needs" },
                seal:warnings())
  end)

  it("survives each allocation that fails", function()
    local door = from_the_door()
    local function attempt()
      local seal = assert(door.seal(options))
      local text = seal:begin "=_b" .. seal:feed(("Content-Type: text/plain\r\n\r\n"):rep(500)) .. seal:finish()
      return #text > 0
    end
    local n = every_allocation(function()
      local ok, why = pcall(attempt)
      collectgarbage()
      collectgarbage()
      return ok or nil, why, tostring(why):find "memory" and -1
    end)
    assert.is_true(n > 8)
  end)
end)
