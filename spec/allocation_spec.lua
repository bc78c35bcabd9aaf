-- Whatever allocation fails during a send: an outcome or an error, no crash,
-- nothing left allocated, and never a "delivered" the host knows nothing of.

local pki = require "support.pki"
local process = require "support.process"
local servers = require "support.servers"

local function starve_in(script, ...)
  local text, ended_well = process.run("spec/support/" .. script, {}, ...)
  assert.is_true(ended_well, text:sub(-400))
  local seen, count = {}, 0
  for n, outcome in text:gmatch "(%d+) (%a+)" do
    count = tonumber(n)
    seen[outcome] = (seen[outcome] or 0) + 1
  end
  return seen, count
end

local function starve(...) return starve_in("starved.lua", ...) end

describe("a send whose n-th allocation fails", function()
  it("in clear tells what became of it", function()
    local seen, count = starve "plain"
    assert.is_true(count > 30)
    assert.is_true((seen.deferred or 0) > 5)
    assert.is_true((seen.nothing or 0) > 5)
    assert.is_true(seen.delivered >= 1)
  end)

  it("over the native loop tells what became of it", function()
    local mx = servers.aiosmtpd{ tls = false }
    local seen, count = starve_in("starved_native.lua", mx.port)
    local taken = #mx:messages() - 1 -- the first try is for the warmth
    servers.stop_all()
    assert.is_true(count > 30)
    assert.is_true((seen.deferred or 0) > 5)
    assert.is_true((seen.nothing or 0) > 5)
    assert.is_true(seen.delivered >= 1)
    assert.is_nil(seen.failed)
    assert.is_true(seen.delivered <= taken)
    -- what came to "nothing" was given up by the caller, wherever it stood
    assert.is_true(taken <= seen.delivered + (seen.unknown or 0) + seen.nothing)
  end)

  it("of many, over a session that is kept, tells what became of each", function()
    local seen, count = starve_in "starved_feed.lua"
    assert.is_true(count > 60)
    assert.is_true((seen.deferred or 0) > 5)
    assert.is_true(seen.delivered >= 1)
    assert.is_nil(seen.failed)
  end)

  it("of a message with everything in it tells what became of it", function()
    local _, count = starve "message"
    assert.is_true(count > 50)
  end)

  it("over TLS tells what became of it", function()
    local files = pki.new()
    files:authority "ca"
    files:leaf("mx", { issuer = "ca", san = "DNS:mx.contoso.test" })
    local seen, count = starve("starttls", files:path "mx.pem", files:path "mx.key")
    files:remove()
    assert.is_true(count > 40)
    assert.is_true(seen.delivered >= 1)
  end)
end)
