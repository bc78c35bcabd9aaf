local tls = require "directsend.test".tls

local function hex(s)
  return (s:gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end

local function bytes(s)
  return (s:gsub("%x%x", function(h)
    return string.char(tonumber(h, 16))
  end))
end

describe("tls crypto", function()
  it("hashes (FIPS 180-4)", function()
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", hex(tls.sha256 ""))
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex(tls.sha256 "abc"))
    assert.equal("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      hex(tls.sha256 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))
  end)

  it("signs with a key (RFC 4231)", function()
    local cases = {
      { ("0b"):rep(20), hex "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
      { hex "Jefe", hex "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
      { ("aa"):rep(20), ("dd"):rep(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
      { ("aa"):rep(131), hex "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[3], hex(tls.hmac(bytes(case[1]), bytes(case[2]))))
    end
    assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", hex(tls.hmac("", "")))
  end)

  it("stretches a password (RFC 7914 §11)", function()
    assert.equal("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc", hex(tls.pbkdf2("passwd", "salt", 1)))
    assert.equal("4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56",
      hex(tls.pbkdf2("Password", "NaCl", 80000)))
    assert.equal(32, #tls.pbkdf2("", "", 1))
  end)

  it("signs as SCRAM does (RFC 7677 §3)", function()
    local nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    local salted = tls.pbkdf2("pencil", bytes "5b6d99689d12358eeca04b141236fa81", 4096)
    local said = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" .. nonce .. ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=" .. nonce
    local signature = tls.hmac(tls.hmac(salted, "Server Key"), said)
    assert.equal("eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e", hex(signature))
  end)

  it("will do no stretching without end or beginning", function()
    assert.is_nil(tls.pbkdf2("p", "s", 0))
    assert.is_nil(tls.pbkdf2("p", "s", 2147483648))
  end)
end)
