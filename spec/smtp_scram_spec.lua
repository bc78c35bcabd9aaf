local smtp = require "directsend.test".smtp
local memory = require "directsend.test".util
local talk = require "support.smtp_talk"

local NONCE = "rOprNGfwEbeRWgbNEkqO"
local MORE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
local SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
local FIRST = "r=" .. NONCE .. MORE .. ",s=" .. SALT .. ",i=4096"
local FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

local function begun(t)
  local a = { user = "user", password = "pencil", nonce = NONCE, crypto = "openssl" }
  for k, v in pairs(t or {}) do
    a[k] = v
  end
  local s = talk.ready({ "AUTH SCRAM-SHA-256" }, false, false, true)
  assert.are.equal(0, s.engine:auth(a))
  return s
end

local function answer(s)
  local line = s:said()
  return smtp.unbase64((line:gsub("^AUTH %S+ ", ""):gsub("\r\n$", "")))
end

local function ask(s, text)
  return s:hear("334 " .. smtp.base64(text))
end

describe("smtp/scram", function()
  it("says what RFC 7677 says, with its nonce", function()
    local s = begun()
    assert.are.equal("n,,n=user,r=" .. NONCE, answer(s))
    ask(s, FIRST)
    assert.are.equal("c=biws,r=" .. NONCE .. MORE .. ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", answer(s))
    ask(s, FINAL)
    assert.are.equal("", answer(s))
    assert.are.equal("auth_ok", talk.names(s:hear "235 ok"))
  end)

  it("passes over what follows the iterations", function()
    local s = begun()
    s:said()
    ask(s, FIRST .. ",x=y")
    assert.is_truthy(answer(s):find "^c=biws,r=")
  end)

  it("writes = and , in names so that they are none of its own", function()
    assert.are.equal("n,,n=a=3Db=2Cc,r=" .. NONCE, answer(begun { user = "a=b,c" }))
  end)

  it("is over when what the server asks is not SCRAM, or not enough", function()
    local other = NONCE:gsub("O", "o")
    local cases = {
      [""] = "not SCRAM", ["r=" .. NONCE .. MORE] = "not SCRAM", ["bla"] = "not SCRAM",
      ["m=x," .. FIRST] = "not SCRAM", ["s=" .. SALT .. ",r=" .. NONCE .. MORE .. ",i=4096"] = "not SCRAM",
      ["r=" .. NONCE .. ",s=" .. SALT .. ",i=4096"] = "not ours", ["r=" .. other .. MORE .. ",s=" .. SALT .. ",i=4096"] = "not ours",
      ["r=,s=" .. SALT .. ",i=4096"] = "not ours", ["r=" .. NONCE .. MORE .. ",s=" .. SALT .. ",i=4095"] = "iterations",
      ["r=" .. NONCE .. MORE .. ",s=" .. SALT .. ",i=1000001"] = "iterations", ["r=" .. NONCE .. MORE .. ",s=" .. SALT .. ",i="] = "iterations",
      ["r=" .. NONCE .. MORE .. ",s=" .. SALT .. ",i=40x96"] = "iterations",
      ["r=" .. NONCE .. MORE .. ",s=" .. SALT .. ",i=99999999999999999999"] = "iterations",
      ["r=" .. NONCE .. MORE .. ",s=,i=4096"] = "salt", ["r=" .. NONCE .. MORE .. ",s=W22,i=4096"] = "salt",
    }
    for text, why in pairs(cases) do
      local s = begun()
      s:said()
      ask(s, text)
      assert.are.same({ "protocol", "auth" }, { s.ended.kind, s.ended.stage }, text)
      assert.is_truthy(s.ended.text:find(why, 1, true), text .. ": " .. s.ended.text)
      assert.are.equal("", s:said())
    end
  end)

  it("is over when the server's signature is wrong", function()
    local cases = {
      "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "v=", "v=AAAA", "v=?", "x", FINAL:sub(1, -5) .. "AAA=",
    }
    for _, text in ipairs(cases) do
      local s = begun()
      s:said()
      ask(s, FIRST)
      s:said()
      ask(s, text)
      assert.are.same({ "protocol", "auth" }, { s.ended.kind, s.ended.stage }, text)
    end
  end)

  it("believes no 235 before the signature, nor behind an error", function()
    for _, challenges in ipairs { {}, { FIRST }, { FIRST, "e=invalid-proof" } } do
      local s = begun()
      s:said()
      for _, text in ipairs(challenges) do
        ask(s, text)
        s:said()
      end
      s:hear "235 welcome"
      assert.are.same({ "protocol", "auth" }, { s.ended.kind, s.ended.stage })
      assert.is_truthy(s.ended.text:find "without proving")
    end
  end)

  it("is refused in order behind an error", function()
    local s = begun()
    s:said()
    ask(s, FIRST)
    s:said()
    ask(s, "e=invalid-proof")
    assert.are.equal("", answer(s))
    assert.are.equal("auth_no", talk.names(s:hear "535 5.7.8 no"))
  end)

  it("is over when there is no hashing", function()
    local s = begun { crypto = "broken" }
    s:said()
    ask(s, FIRST)
    assert.are.same({ "local", "auth", "the crypto library fails" }, { s.ended.kind, s.ended.stage, s.ended.text })
  end)

  it("survives each allocation that fails", function()
    local n, struck, challenges = 0, true, { "334 " .. smtp.base64(FIRST), "334 " .. smtp.base64(FINAL) }
    while struck do
      n = n + 1
      local alive, before = memory.live(), memory.allocations()
      local s = talk.ready({ "AUTH SCRAM-SHA-256" }, false, false, true)
      memory.fail_at(n)
      local rc = s.engine:auth { user = "user", password = "pencil", nonce = NONCE, crypto = "openssl" }
      if rc == 0 then
        for _, line in ipairs(challenges) do
          s:said()
          s:hear(line)
        end
        s:said()
        s:hear "235 ok"
      end
      memory.fail_at(0)
      struck = memory.allocations() - before >= n and n < 60
      assert.is_true(rc == 0 or rc == -1)
      assert.are.equal("local", s.ended and s.ended.kind or "local", n .. (s.ended and s.ended.text or ""))
      s.engine:free()
      assert.are.equal(alive, memory.live(), n)
    end
    assert.is_true(n > 8)
  end)
end)
