local smtp = require "directsend.test".smtp
local talk = require "support.smtp_talk"
local decode = require "support.decode"
local smtp_peer = require "support.smtp_peer"

local STATE, USAGE = -3, -2
local PLAIN, LOGIN, XOAUTH2, OAUTHBEARER, SCRAM = 1, 2, 4, 8, 16
local NONCE = "rOprNGfwEbeRWgbNEkqO"

-- over TLS, with these mechanisms on offer
local function offers(mechanisms)
  return talk.ready({ "AUTH " .. mechanisms }, false, false, true)
end

local function with(t)
  local a = { user = "tim", password = "tanstaaf", nonce = NONCE, crypto = "openssl" }
  for k, v in pairs(t or {}) do
    a[k] = v or nil
  end
  return a
end

-- how many octets a session sends
local function pump(session)
  local said = 0
  while true do
    local want, data = session:next(0)
    if want ~= "send" then
      return said
    end
    session:sent(0, #data)
    said = said + #data
  end
end

local all = "PLAIN LOGIN XOAUTH2 OAUTHBEARER SCRAM-SHA-256 CRAM-MD5"

local function first_line(mechanisms, a)
  local t = offers(mechanisms)
  assert.are.equal(0, t.engine:auth(a))
  return t:said():match "^AUTH (%S+)"
end

describe("smtp/auth", function()
  it("takes the strongest that is offered, allowed and has what it needs", function()
    local token = with { password = false, token = "ya29" }
    assert.are.equal("SCRAM-SHA-256", first_line(all, with {}))
    assert.are.equal("PLAIN", first_line(all, with { crypto = false }))
    assert.are.equal("PLAIN", first_line(all, with { nonce = false }))
    assert.are.equal("PLAIN", first_line("LOGIN PLAIN", with {}))
    assert.are.equal("LOGIN", first_line("LOGIN", with {}))
    assert.are.equal("OAUTHBEARER", first_line(all, token))
    assert.are.equal("XOAUTH2", first_line("PLAIN XOAUTH2", token))
    assert.are.equal("LOGIN", first_line(all, with { mechanisms = LOGIN }))
    assert.are.equal("PLAIN", first_line(all, with { mechanisms = LOGIN + PLAIN }))
    token.mechanisms = XOAUTH2
    assert.are.equal("XOAUTH2", first_line(all, token))
  end)

  it("takes nothing weaker than allowed, and says what there is", function()
    local cases = {
      { "PLAIN LOGIN", with { mechanisms = SCRAM }, "the server offers AUTH PLAIN LOGIN; what may be used here is SCRAM-SHA-256" },
      { "PLAIN", with { password = false, token = "x" }, "the server offers AUTH PLAIN; that takes no token" },
      { "XOAUTH2", with {}, "the server offers AUTH XOAUTH2; that takes no password" },
      { "CRAM-MD5", with {}, "the server offers no AUTH that is known here" },
      { "XOAUTH2", with { mechanisms = OAUTHBEARER, token = "x", password = false },
        "the server offers AUTH XOAUTH2; what may be used here is OAUTHBEARER" },
    }
    for _, case in ipairs(cases) do
      local t = offers(case[1])
      assert.are.equal(0, t.engine:auth(case[2]))
      local events = t:events()
      assert.are.equal("auth_no", talk.names(events))
      assert.are.same({ "auth", "policy", case[3] }, { events[1].stage, events[1].kind, events[1].text })
      assert.is_nil(events[1].reply)
      assert.are.equal("", t:said())
      assert.is_false(t.engine:secret())
    end
  end)

  it("says nothing without TLS unless told to", function()
    local t = talk.ready { "AUTH PLAIN" }
    assert.are.equal(0, t.engine:auth(with {}))
    local events = t:events()
    assert.are.same({ "auth_no", "policy" }, { events[1].event, events[1].kind })
    assert.is_truthy(events[1].text:find "without TLS")
    assert.are.equal("", t:said())
    assert.are.equal(0, t.engine:auth(with { clear = 1 }))
    assert.are.equal("AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n", t:said())
  end)

  it("is said once, after READY and before all else", function()
    local t = talk.new(nil, false, false, true)
    assert.are.equal(STATE, t.engine:auth(with {}))
    t = offers "PLAIN"
    assert.are.equal(0, t.engine:auth(with {}))
    assert.are.equal(STATE, t.engine:auth(with {}))
    assert.is_false(t.engine:can_begin())
    assert.are.equal(STATE, t:begin(1))
    t:said()
    assert.are.equal("auth_ok", talk.names(t:hear "235 ok"))
    assert.is_true(t.engine:can_begin())
    assert.are.equal(STATE, t.engine:auth(with {}))
    t = offers "PLAIN"
    t:begin(1)
    assert.are.equal(STATE, t.engine:auth(with {}))
    t = offers "PLAIN"
    t.engine:quit()
    assert.are.equal(STATE, t.engine:auth(with {}))
  end)

  it("may be tried again after a refusal", function()
    local t = offers "PLAIN"
    t.engine:auth(with {})
    t:said()
    local events = t:hear "535 5.7.8 no"
    assert.are.same({ "auth_no", "reply", 535, "auth" }, { events[1].event, events[1].kind, events[1].reply.code, events[1].stage })
    assert.are.equal(0, t.engine:auth(with { password = "other" }))
    assert.are.equal("AUTH PLAIN AHRpbQBvdGhlcg==\r\n", t:said())
  end)

  it("waits with QUIT for its end", function()
    local t = offers "LOGIN"
    t.engine:auth(with {})
    t.engine:quit()
    assert.are.equal("AUTH LOGIN\r\n", t:said())
    t:hear "334 VXNlcm5hbWU6"
    assert.are.equal("dGlt\r\n", t:said())
    t:hear "535 no"
    assert.are.equal("QUIT\r\n", t:said())
  end)

  it("refuses who is nobody, both a password and a token, and what could inject", function()
    local bad = {
      with { user = "" }, with { password = "" }, with { token = "x" }, with { user = "a\nb" }, with { user = "a\0b" },
      with { password = "a\rb" }, with { password = "a\0b" }, with { password = "\255" }, with { user = "\194\133" },
      with { password = false, token = "a b" }, with { password = false, token = "a\1b" }, with { nonce = "short" },
      with { nonce = ("x"):rep(17) .. "," }, with { nonce = ("x"):rep(65) }, with { password = ("x"):rep(8193) },
    }
    for i, a in ipairs(bad) do
      local t = offers(all)
      assert.are.equal(USAGE, t.engine:auth(a), i)
      assert.are.equal("", t:said())
    end
  end)

  it("puts no first answer into a line that is too long for it", function()
    for _, n in ipairs { 300, 353, 360, 8192 } do
      local token = ("x"):rep(n)
      local t = offers "XOAUTH2"
      t.engine:auth { user = "tim", token = token }
      local line = t:said()
      local want = smtp.base64("user=tim\1auth=Bearer " .. token .. "\1\1")
      if #want + 15 <= 510 then
        assert.are.equal("AUTH XOAUTH2 " .. want .. "\r\n", line)
      else
        assert.are.equal("AUTH XOAUTH2\r\n", line)
        t:hear "334 "
        assert.are.equal(want .. "\r\n", t:said())
      end
      assert.are.equal("auth_ok", talk.names(t:hear "235 ok"))
    end
  end)

  it("tells what an OAuth server says of the token", function()
    local t = offers "XOAUTH2"
    t.engine:auth { user = "tim", token = "old" }
    t:said()
    t:hear("334 " .. smtp.base64 '{"status":"401"}\n')
    assert.are.equal("\r\n", t:said())
    local ev = t:hear("535 5.7.3 no")[1]
    assert.are.same({ "auth_no", '{"status":"401"}?', 535 }, { ev.event, ev.text, ev.reply.code })
  end)

  it("goes round no more often than the mechanism does", function()
    local most = { PLAIN = 1, LOGIN = 2, XOAUTH2 = 2, OAUTHBEARER = 2 }
    for name, n in pairs(most) do
      local t = offers(name)
      t.engine:auth(name:find "OAUTH" and with { password = false, token = "x" } or with {})
      for _ = 1, n do
        assert.is_nil(t.ended)
        t:said()
        t:hear "334 "
      end
      if name == "LOGIN" then
        t:said()
        t:hear "334 "
      end
      assert.are.same({ "protocol", "auth", "the server asks for more in AUTH" }, { t.ended.kind, t.ended.stage, t.ended.text }, name)
    end
  end)

  it("takes 235 and 334, and no other yes", function()
    for _, reply in ipairs { "250 ok", "235-a\r\n250 b", "354 go", "220 x", "221 bye", "bla" } do
      local t = offers "PLAIN"
      t.engine:auth(with {})
      t:said()
      t:hear(reply)
      assert.are.equal("protocol", t.ended.kind, reply)
      assert.is_false(t.engine:secret())
    end
    local t = offers "PLAIN"
    t.engine:auth(with {})
    t:hear "235 early"
    assert.are.equal("protocol", t.ended.kind)
  end)

  it("says when what passes is secret", function()
    local t = offers "LOGIN"
    assert.is_false(t.engine:secret())
    t.engine:auth(with {})
    assert.is_true(t.engine:secret())
    t:said()
    t:hear "334 x"
    assert.is_true(t.engine:secret())
    t:said()
    t:hear "334 x"
    t:said()
    t:hear "235 ok"
    assert.is_false(t.engine:secret())
    assert.is_true(t.engine:can_begin())
  end)

  it("gives back no block with a secret in it", function()
    local password = "correct horse battery staple"
    local secrets = {
      PLAIN = { password, smtp.base64("\0tim\0" .. password) },
      LOGIN = { password, smtp.base64(password) },
      ["SCRAM-SHA-256"] = { password },
      XOAUTH2 = { "ya29-secret", smtp.base64 "user=tim\1auth=Bearer ya29-secret\1\1" },
      OAUTHBEARER = { "ya29-secret", smtp.base64 "n,a=tim,\1auth=Bearer ya29-secret\1\1" },
    }
    for name, list in pairs(secrets) do
      for _, secret in ipairs(list) do
        for _, how in ipairs { "whole", "cut", "refused", "unsaid", "by octet" } do
          smtp.watch(secret)
          local t = offers(name)
          t.engine:auth(name:find "OAUTH" and with { password = false, token = "ya29-secret" } or with { password = password })
          while how ~= "unsaid" and t.engine:output() ~= "" and not t.ended do
            if how == "by octet" then
              t:said(1)
            else
              t:said()
            end
            if t.engine:output() == "" then
              t:hear(how == "refused" and "535 no" or how == "cut" and "bla" or "334 ")
            end
          end
          t.engine:free()
          assert.are.equal(0, smtp.watched(), name .. ", " .. how .. ", " .. secret)
        end
      end
    end
  end)

  it("leaves none on a wire in clear either", function()
    local password = "correct horse battery staple"
    for _, secret in ipairs { password, smtp.base64("\0tim\0" .. password) } do
      for _, max in ipairs { 1, 50, 16384 } do
        smtp.watch(secret)
        local session = smtp_peer.session { max_chunk = max }
        session:received(0, "220 mx\r\n")
        session:event(0)
        assert.equal(#"EHLO here.test\r\n", pump(session))
        session:received(0, "250-mx\r\n250 AUTH PLAIN\r\n")
        assert.equal("ready", session:event(0).event)
        assert.equal(0, session:auth("tim", password))
        assert.is_true(pump(session) > 50)
        session:close()
        assert.equal(0, smtp.watched(), max)
      end
    end
  end)

  it("encodes what it says to no line end", function()
    local t = offers "PLAIN"
    t.engine:auth(with { password = ("x"):rep(200) })
    local line = t:said()
    assert.are.equal("\0tim\0" .. ("x"):rep(200), decode.base64(line:match "AUTH PLAIN (.*)\r\n$"))
    assert.is_nil(line:sub(1, -3):find "[\r\n]")
  end)
end)
