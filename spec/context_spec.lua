local context = require "directsend.context"
local pki = require "support.pki"

describe("context", function()
  local files

  setup(function()
    files = pki.new()
    files:leaf("one", {})
    files:leaf("two", {})
    files:run "chmod 600 one.key && chmod 644 two.key"
  end)

  teardown(function()
    files:remove()
  end)

  local function route(name)
    return { host = "mx.example.test", client_cert = files:path(name .. ".pem"), client_key = files:path(name .. ".key") }
  end

  it("is one for all deliveries that show the same certificate, or none", function()
    local mailer = { config = {} }
    local plain = assert(context.open(mailer))
    assert.equal(plain, (context.open(mailer)))
    assert.equal(plain, (context.open(mailer, { host = "mx.example.test" })))
    local one = assert(context.open(mailer, route "one"))
    assert.not_equal(plain, one)
    assert.equal(one, (context.open(mailer, route "one")))
    assert.not_equal(one, (context.open(mailer, route "two")))
    assert.equal(plain, (context.open(mailer)))
  end)

  it("shows the mailer's certificate where a route has none of its own", function()
    local mailer = { config = route "one" }
    local one = assert(context.open(mailer))
    assert.equal(one, (context.open(mailer, { host = "mx.example.test" })))
    assert.equal(one, (context.open(mailer, route "one")))
    assert.not_equal(one, (context.open(mailer, route "two")))
  end)

  it("answers a delivery", function()
    local mailer = { config = {} }
    local word, made = context(mailer, {})
    assert.equal("context", word)
    assert.equal(made, (context.open(mailer)))
    assert.same({ "failed", "local", "client_cert: /nonexistent: No such file or directory" },
      { context(mailer, { pin = { client_cert = "/nonexistent" } }) })
  end)

  it("says what will not do, and keeps nothing of it", function()
    local mailer = { config = { client_cert = files:path "one.pem", client_key = files:path "two.key" } }
    for _ = 1, 2 do
      local made, why, detail = context.open(mailer)
      assert.is_nil(made)
      assert.equal("client_key: " .. files:path "two.key" .. ": this is not the key of the certificate in client_cert", why)
      assert.same({ kind = "usage", field = "client_key" }, detail)
      assert.is_nil(mailer.tls)
    end
  end)

  it("says to a message what others can do with the key", function()
    local mailer, m = { config = route "two" }, {}
    for _ = 1, 2 do
      assert(context.open(mailer, nil, m))
    end
    assert.equal(1, #m.warnings)
    assert.truthy(m.warnings[1]:find("two.key: anybody on this machine can read this key", 1, true))
    m = {}
    assert(context.open({ config = route "one" }, nil, m))
    assert.is_nil(m.warnings)
  end)

  it("says so where the module cannot be loaded", function()
    local loaded = package.loaded["directsend.tls"]
    package.loaded["directsend.tls"] = nil
    package.preload["directsend.tls"] = function()
      error("libssl.so.3: cannot open shared object file", 0)
    end
    finally(function()
      package.loaded["directsend.tls"], package.preload["directsend.tls"] = loaded, nil
    end)
    local made, why, detail = context.open { config = {} }
    assert.is_nil(made)
    assert.truthy(why:find("libssl.so.3: cannot open", 1, true))
    assert.same({ kind = "local" }, detail)
  end)
end)
