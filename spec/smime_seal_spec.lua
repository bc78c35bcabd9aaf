local smime = require "support.smime"

local entity = "Content-Type: text/plain\r\n\r\nhello"

describe("a sealed entity", function()
  local people

  setup(function() people = smime.new("rsa", "ec") end)
  teardown(function() people:remove() end)

  it("is multipart/signed, the entity in it untouched", function()
    local text = people:sealed({ sign = people:signer "ec" }, entity)
    local front, back, signature = text:match "^(.-\r\n\r\n)(.-p7s\"\r\n\r\n)([%w+/=\r\n]+)%-%-=_boundary%-%-\r\n$"
    assert.equal('MIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=sha-256;\r\n'
                 .. ' protocol="application/pkcs7-signature";\r\n boundary="=_boundary"\r\n\r\n', front)
    assert.equal("--=_boundary\r\n" .. entity .. '\r\n--=_boundary\r\n'
                 .. 'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
                 .. 'Content-Transfer-Encoding: base64\r\n'
                 .. 'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n', back)
    assert.equal("\r\n", signature:sub(-2))
  end)

  it("is application/pkcs7-mime when it is encrypted", function()
    local text = people:sealed({ encrypt = { people:path "ec.pem" } }, entity)
    assert.equal('MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data;\r\n'
                 .. ' name="smime.p7m"\r\nContent-Transfer-Encoding: base64\r\n'
                 .. 'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n', text:match "^.-\r\n\r\n")
  end)

  it("is signed first where it is encrypted as well", function()
    local text = people:sealed({ sign = people:signer "rsa", encrypt = { people:path "ec.pem" } }, entity)
    assert.truthy(text:find("enveloped-data", 1, true))
    assert.falsy(text:find("multipart/signed", 1, true))
    local signed = assert(people:decrypted(text, "ec"))
    assert.equal("Content-Type: multipart/signed", signed:match "^[^;]*")
    assert.equal(entity, assert(people:verified(signed)))
  end)

  it("is begun, fed and finished once, in this order", function()
    local module = require "directsend.smime"
    local function seal() return assert(module.seal { time = os.time(), sign = people:signer "ec" }) end
    local s = seal()
    assert.has_error(function() s:feed "x" end, "a seal is begun, fed and finished once")
    assert.has_error(function() s:finish() end)
    s:begin "b"
    assert.has_error(function() s:begin "b" end)
    s:finish()
    assert.has_error(function() s:feed "x" end)
    assert.has_error(function() s:finish() end)
    assert.has_error(function() seal():begin "" end)
    assert.has_error(function() seal():begin(("b"):rep(71)) end)
    assert.is_string(seal():begin(("b"):rep(70)))
  end)
end)
