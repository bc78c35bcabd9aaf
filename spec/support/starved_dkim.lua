-- starved_dkim: sign and verify with the n-th allocation failing, for every n.

local starve = require "support.starve"

local dkim = starve.open "dkim"
local util = require "directsend.test".util
local vectors = require "support.dkim_vectors"

local message = "From: a@example.org\r\nList-Id: <x>\r\n\r\n" .. ("A line  of text \r\n"):rep(50)
local path = os.tmpname()
local file = assert(io.open(path, "w"))
file:write(vectors.rsa)
file:close()
local fields

local function attempt()
  local rsa, ed25519 = assert(dkim.key { path = path }), assert(dkim.key(vectors.ed25519))
  local signer = assert(dkim.signer {
    { domain = "example.org", selector = "s1", key = rsa, canonicalization = "simple/simple" },
    { domain = "example.org", selector = "s2", key = ed25519 },
  })
  local run = signer:begin()
  for i = 1, #message, 100 do run:feed(message:sub(i, i + 99)) end
  local made = assert(run:finish(1))
  fields = fields or made
  assert(made == fields)
  assert(signer:sign(message, 1) == fields)
  local v = dkim.verifier():feed(fields .. message)
  for i, s in ipairs(assert(v:finish())) do
    assert(v:check(i, (s.selector == "s1" and rsa or ed25519):record(), 1))
  end
  assert(dkim.generate "ed25519-sha256")
end

-- a signer that memory failed once signs the next message all the same
local function lasting()
  local signer = assert(dkim.signer { domain = "example.org", selector = "s2", key = vectors.ed25519 })
  local want, n = signer:sign(message, 1), 0
  local fresh = dkim.signer { domain = "example.org", selector = "s2", key = vectors.ed25519 }
  repeat
    n = n + 1
    util.fail_at(n)
    local ok = pcall(fresh.sign, fresh, message, 1)
    util.fail_at(0)
    assert(fresh:sign(message, 1) == want)
    fresh = not ok and dkim.signer { domain = "example.org", selector = "s2", key = vectors.ed25519 }
  until ok
  assert(n > 5)
end

lasting()
local survived = starve.all(attempt)
os.remove(path)
print(survived .. " failures survived")
