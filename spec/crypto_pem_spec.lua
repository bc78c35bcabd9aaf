local dkim = require "directsend.dkim"
local smime = require "support.smime"

describe("crypto/pem", function()
  local people, ec, key

  setup(function()
    people = smime.new("ec", "rsa")
    people.files:run [[
      openssl req -new -key ec.key -subj /CN=ec -out request.pem
      openssl crl2pkcs7 -nocrl -certfile ec.pem -out p7.pem
      openssl pkey -in ec.key -pubout -out public.pem
      openssl pkcs8 -topk8 -in ec.key -passout pass:secret -out encrypted.key
      openssl ec -in ec.key -aes128 -passout pass:secret -out old_encrypted.key
      openssl rsa -in rsa.key -traditional -out traditional.key
      openssl x509 -in ec.pem -outform der -out ec.der
      openssl pkey -in ec.key -outform der -out key.der
      cat ec.key ec.pem >both.pem]]
    ec, key = people:path "ec.pem", people:path "ec.key"
  end)
  teardown(function() people:remove() end)

  local function seal(sign, encrypt)
    local got, why = require "directsend.smime".seal { time = os.time(), sign = sign, encrypt = encrypt }
    return got or why
  end

  -- what is said of a file, and of its text
  local function of_certificate(name)
    local text = people:read(name)
    local why = seal({ cert = people:path(name), key = key })
    assert.equal(people:path(name) .. ": ", why:sub(1, #people:path(name) + 2))
    why = why:sub(#people:path(name) + 3)
    if not name:find "der" then assert.equal(why, seal({ cert = text, key = key })) end
    assert.equal(why, seal(nil, { people:path(name) }):sub(#people:path(name) + 3))
    return why
  end

  local function of_key(name)
    local why = seal({ cert = ec, key = people:path(name) })
    assert.equal(why, (select(2, dkim.key(people:path(name)))))
    return why:sub(#people:path(name) + 3)
  end

  it("is a file's name or the text itself", function()
    assert.is_userdata(seal({ cert = ec, key = key }))
    assert.is_userdata(seal({ cert = people:read "ec.pem", key = people:read "ec.key" }))
    assert.is_userdata(seal(nil, { ec, people:read "rsa.pem" }))
  end)

  it("may hold more than is wanted", function()
    local both = people:path "both.pem"
    assert.is_userdata(seal({ cert = both, key = both }, { both }))
    assert.is_userdata(seal({ cert = people:path "rsa.pem", key = people:path "traditional.key" }))
  end)

  it("that holds no certificate is told for what it is", function()
    assert.equal("it holds a private key and no certificate", of_certificate "ec.key")
    assert.equal("it asks for a certificate and is none yet", of_certificate "request.pem")
    assert.truthy(of_certificate "p7.pem":find "wrapped in PKCS#7; openssl pkcs7")
    assert.equal("there is no certificate in it", of_certificate "public.pem")
    assert.truthy(of_certificate "ec.der":find "no certificate in PEM in it; openssl x509")
  end)

  it("that is damaged is told", function()
    people.files:write("short.pem", (people:read "ec.pem":gsub("\n[^\n]*\n%-%-%-%-%-END", "\n-----END")))
    assert.equal("a certificate in it is damaged", of_certificate "short.pem")
    people.files:write("second.pem", people:read "ec.pem" .. people:read "short.pem")
    assert.equal(people:path "second.pem" .. ": a certificate in it is damaged",
                 seal({ cert = ec, key = key, chain = people:path "second.pem" }))
    people.files:write("damaged.key", (people:read "ec.key":gsub("\n..", "\nAA", 1)))
    assert.equal("the private key is damaged, or of an unknown kind", of_key "damaged.key")
  end)

  it("that holds no key is told for what it is", function()
    assert.equal("there is a certificate and no private key in it", of_key "ec.pem")
    assert.equal("this is a public key; the private one is wanted", of_key "public.pem")
    assert.equal("there is no private key in it", of_key "p7.pem")
    assert.truthy(of_key "key.der":find "no private key in PEM in it; openssl pkey")
  end)

  it("that is encrypted is told, and nobody is asked for its password", function()
    for _, name in ipairs { "encrypted.key", "old_encrypted.key" } do
      assert.equal("the key is encrypted; openssl pkey -in FILE writes it without its password", of_key(name))
    end
    people.files:write("encrypted.pem", (people:read "old_encrypted.key":gsub("EC PRIVATE KEY", "CERTIFICATE")))
    assert.equal("a certificate in it is damaged", of_certificate "encrypted.pem")
  end)

  it("that is a key for SSH is told", function()
    people.files:run "sed 's/PRIVATE KEY/OPENSSH PRIVATE KEY/' ec.key >ssh.key"
    assert.equal("this is a key for SSH, not for mail", of_key "ssh.key")
  end)

  it("that is not there, no file or far too long is told", function()
    assert.equal("No such file or directory", of_key "none.key")
    assert.equal("is not a regular file", of_key "")
    people.files:write("long.key", ("x"):rep(65537))
    assert.equal("is too long for a key", of_key "long.key")
    assert.equal("this is too long for keys and certificates", seal(nil, { ("x\n"):rep(600000) }))
  end)
end)
