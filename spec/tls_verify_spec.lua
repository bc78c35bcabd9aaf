local door = require "directsend.test"
local pair = require "support.tls_pair"
local pki = require "support.pki"

local tls = door.tls
local DAY = 86400

describe("tls verify", function()
  local files, now

  setup(function()
    files = pki.new()
    files:authority("ca", { subject = "/CN=Test CA" })
    files:authority("short", { subject = "/CN=Short CA", days = 10 })
    files:authority("other", { subject = "/O=Other\27[2J" .. "/CN=Other CA" })
    files:authority("middle", { issuer = "ca", subject = "/CN=Middle CA" })
    files:leaf("mx", { issuer = "ca", san = "DNS:mx.example.test,DNS:mail.example.test" })
    files:leaf("ip", { issuer = "ca", san = "IP:192.0.2.1,IP:2001:db8::1" })
    files:leaf("wild", { issuer = "ca", san = "DNS:*.example.test" })
    files:leaf("partial", { issuer = "ca", san = "DNS:m*.example.test" })
    files:leaf("subject", { issuer = "ca", subject = "/CN=mx.example.test" })
    files:leaf("brief", { issuer = "ca", san = "DNS:mx.example.test", days = 30 })
    files:leaf("long", { issuer = "short", san = "DNS:mx.example.test" })
    files:leaf("alien", { issuer = "other", san = "DNS:mx.example.test" })
    files:leaf("linked", { issuer = "middle", san = "DNS:mx.example.test" })
    files:leaf("self", { san = "DNS:mx.example.test" })
    files:leaf("weak", { issuer = "ca", san = "DNS:mx.example.test", key = "rsa:768" })
    local many = {}
    for i = 1, 40 do
      many[i] = "DNS:mail" .. i .. ".example.test"
    end
    files:leaf("many", { issuer = "ca", san = table.concat(many, ",") })
    files:write("chain.pem", files:read("linked.pem") .. files:read("middle.pem"))
    files:write("withroot.pem", files:read("alien.pem") .. files:read("other.pem"))
    now = os.time()
  end)

  teardown(function()
    files:remove()
  end)

  -- shake hands with a server that shows `cert`: 1, or the client's words
  local function try(cert, options)
    options = options or {}
    local client = assert(tls.client {
      host = options.host or "mx.example.test",
      ca_file = files:path((options.ca or "ca") .. ".pem"),
      verify = options.verify ~= false,
      time = options.time or now,
    })
    local server = tls.server {
      cert = files:path(cert .. ".pem"),
      key = files:path((options.key or cert) .. ".key"),
      max = options.max,
    }
    local done, text, kind = pair.handshake(client, server)
    if done then
      return done, select(3, client:info())
    end
    assert.equal("tls", kind)
    assert.is_false((select(3, client:info())))
    return done, text
  end

  local function refused(text, ...)
    for _, version in ipairs { "1.2", "1.3" } do
      local cert, options = ...
      options = options or {}
      options.max = version
      local done, said = try(cert, options)
      assert.is_nil(done)
      assert.equal(text, said)
    end
  end

  it("takes chain and name, and says so", function()
    for _, host in ipairs { "mx.example.test", "MX.Example.Test", "mail.example.test" } do
      local done, verified = try("mx", { host = host })
      assert.equal(1, done)
      assert.is_true(verified)
    end
  end)

  it("takes a wildcard for one whole label only", function()
    assert.equal(1, (try("wild")))
    refused("the certificate is not for a.b.example.test but for *.example.test", "wild",
      { host = "a.b.example.test" })
    refused("the certificate is not for example.test but for *.example.test", "wild", { host = "example.test" })
    refused("the certificate is not for mx.example.test but for m*.example.test", "partial")
  end)

  it("tells which names a wrong certificate has", function()
    refused("the certificate is not for mx1.example.test but for mx.example.test, mail.example.test", "mx",
      { host = "mx1.example.test" })
    refused("the certificate is not for mx.example.test but for 192.0.2.1, 2001:db8::1", "ip")
  end)

  it("tells how many names it leaves out", function()
    local done, text = try("many")
    assert.is_nil(done)
    local shown, left = text:match(" but for (mail1%.example%.test, .*) and (%d+) more$")
    assert.equal(40, select(2, shown:gsub("mail%d", "")) + left)
  end)

  it("does not take the subject for a name", function()
    refused("the certificate is not for mx.example.test: it names no host (its subject does not count)", "subject")
  end)

  it("checks an address as an address", function()
    assert.equal(1, (try("ip", { host = "192.0.2.1" })))
    assert.equal(1, (try("ip", { host = "2001:db8::1" })))
    refused("the certificate is not for 192.0.2.2 but for 192.0.2.1, 2001:db8::1", "ip", { host = "192.0.2.2" })
    refused("the certificate is not for 192.0.2.1 but for mx.example.test, mail.example.test", "mx",
      { host = "192.0.2.1" })
  end)

  it("judges by the time it is given", function()
    local date = "%d%d%d%d%-%d%d%-%d%d"
    local done, text = try("brief", { time = now + 40 * DAY })
    assert.is_nil(done)
    assert.truthy(text:find("^the certificate of mx.example.test expired on " .. date ..
      " %(this machine's clock says " .. date .. "%)$"))
    done, text = try("brief", { time = 0 })
    assert.is_nil(done)
    assert.truthy(text:find("not valid before " .. date .. ": is this machine's clock right%? It says 1970%-01%-01$"))
    assert.equal(1, (try("brief", { time = now + 20 * DAY })))
  end)

  it("says when it is an issuer that has expired", function()
    local done, text = try("long", { ca = "short", time = now + 20 * DAY })
    assert.is_nil(done)
    assert.truthy(text:find("^an issuer's certificate in the chain of mx.example.test expired on "))
  end)

  it("names the issuer it does not know", function()
    refused('the certificate of mx.example.test was issued by "Other CA", which is unknown here: the server leaves ' ..
      "out a link of its chain, or ca-certificates or ca_file must have it", "alien")
    refused('the certificate of mx.example.test leads to "Other CA", which is not trusted here: ' ..
      "set ca_file to trust it", "withroot", { key = "alien" })
  end)

  it("wants the links of the chain from the server", function()
    assert.equal(1, (try("chain", { key = "linked" })))
    refused('the certificate of mx.example.test was issued by "Middle CA", which is unknown here: the server leaves ' ..
      "out a link of its chain, or ca-certificates or ca_file must have it", "linked")
  end)

  it("refuses a certificate that signed itself, unless it is the one trusted", function()
    refused("the certificate of mx.example.test is self-signed: set ca_file to it to trust it", "self")
    assert.equal(1, (try("self", { ca = "self" })))
  end)

  it("refuses a key that is too short", function()
    refused("the certificate of mx.example.test will not do: EE certificate key too weak", "weak")
  end)

  it("wants a name to check", function()
    local client, text, kind, _, field = tls.client { ca_file = files:path("ca.pem"), verify = true, time = now }
    assert.is_nil(client)
    assert.equal('"" is no name a certificate can be checked for', text)
    assert.equal("tls", kind)
    assert.equal("host", field)
    assert.is_nil((tls.client { host = ("a"):rep(300) }))
  end)

  it("minds nothing of all this where nothing is verified", function()
    for _, cert in ipairs { "partial", "subject", "alien", "self", "ip", "weak" } do
      local done, verified = try(cert, { verify = false, time = 0 })
      assert.equal(1, done)
      assert.is_false(verified)
    end
  end)

  describe("where it only judges", function()
    -- shake hands, and what the client makes of it: verified, why not
    local function judged(cert, options)
      options = options or {}
      local client = assert(tls.client {
        host = options.host or "mx.example.test", time = options.time or now, verify = "judge",
        ca_file = files:path((options.ca or "ca") .. ".pem"),
      })
      local server = tls.server {
        cert = files:path(cert .. ".pem"), key = files:path((options.key or cert) .. ".key"), max = options.max,
      }
      assert.equal(1, pair.handshake(client, server))
      local _, _, verified, dane, _, why = client:info()
      assert.is_false(dane)
      return verified, why
    end

    it("says the same as where it refuses, and goes on", function()
      local cases = {
        { "mx", { host = "mx1.example.test" } }, { "partial" }, { "subject" }, { "ip" }, { "alien" }, { "self" },
        { "linked" }, { "withroot", { key = "alien" } }, { "brief", { time = now + 40 * DAY } }, { "mx", { time = 0 } },
        { "long", { ca = "short", time = now + 20 * DAY } }, { "weak" }, { "mx", { host = "192.0.2.1" } },
      }
      for _, case in ipairs(cases) do
        for _, version in ipairs { "1.2", "1.3" } do
          local options = case[2] or {}
          options.max = version
          local done, text = try(case[1], options)
          assert.is_nil(done)
          assert.same({ false, text:sub(1, 255) }, { judged(case[1], options) })
        end
      end
    end)

    it("has nothing to say of what is right", function()
      assert.same({ true, "" }, { judged "mx" })
      assert.same({ true, "" }, { judged("ip", { host = "192.0.2.1" }) })
      assert.same({ true, "" }, { judged("chain", { key = "linked" }) })
    end)

    it("says when it has nothing to judge by", function()
      local missing = files:path "missing.pem"
      assert.same({ false, "ca_file: " .. missing .. ": no certificate could be read: No such file or directory" },
        { judged("mx", { ca = "missing" }) })
      assert.same({ false, "there is no name to look for in a certificate" }, { judged("mx", { host = "" }) })
    end)

    it("goes on without the words where memory is out", function()
      local n, failed, doubts = 0, true, 0
      collectgarbage()
      while failed do
        n = n + 1
        tls.failing(n)
        local client, text = tls.client {
          host = "mx.example.test", time = now, verify = "judge", ca_file = files:path "ca.pem", session_key = "k",
        }
        local server = tls.server { cert = files:path "self.pem", key = files:path "self.key" }
        local done
        if client then
          done, text = pair.handshake(client, server)
          if done then
            assert.is_false((select(3, client:info())))
            doubts = doubts + (select(6, client:info()) == "" and 1 or 0)
          end
          client:close()
        end
        server:close()
        local live
        failed, live = tls.succeeding()
        assert.equal(0, live)
        if not done then
          assert.equal("out of memory", text)
        end
        assert.is_true(n < 50)
      end
      assert.equal(1, doubts)
    end)
  end)

  it("calls what is wrong as TLS reports do (RFC 8460 §4.3)", function()
    local function called(cert, options)
      local names = {}
      for i, verify in ipairs { true, "judge" } do
        local client = assert(tls.client {
          host = options.host or "mx.example.test", time = options.time or now, verify = verify,
          ca_file = files:path((options.ca or "ca") .. ".pem"),
        })
        local done = pair.handshake(client, tls.server {
          cert = files:path(cert .. ".pem"), key = files:path((options.key or cert) .. ".key"), max = options.max,
        })
        assert.equal(i == 2 or options.right == true, done == 1)
        names[i] = select(7, client:info())
      end
      assert.equal(names[1], names[2])
      return names[1]
    end
    for _, version in ipairs { "1.2", "1.3" } do
      assert.is_nil(called("mx", { right = true, max = version }))
      assert.equal("certificate-host-mismatch", called("mx", { host = "mx1.example.test", max = version }))
      assert.equal("certificate-host-mismatch", called("mx", { host = "192.0.2.1", max = version }))
      assert.equal("certificate-expired", called("brief", { time = now + 40 * DAY, max = version }))
      for _, case in ipairs { { "self" }, { "alien" }, { "linked" }, { "withroot", "alien" }, { "weak" } } do
        assert.equal("certificate-not-trusted", called(case[1], { key = case[2], max = version }))
      end
      assert.equal("certificate-not-trusted", called("mx", { time = 0, max = version }))
    end
    local client = assert(tls.client { host = "mx.example.test" })
    assert.is_nil((select(7, client:info())))
    client:handshake()
    assert.is_nil((select(7, client:info())))
    client:feed "220 what?\r\n"
    assert.is_nil((client:handshake()))
    assert.same({ "", "", false, false, false, "", "validation-failure" }, { client:info() })
  end)

  it("takes any of the names it is given", function()
    local function named(names)
      local client = assert(tls.client {
        host = "mx9.example.test", names = names, ca_file = files:path "ca.pem", verify = true, time = now,
      })
      return (pair.handshake(client, tls.server { cert = files:path "mx.pem", key = files:path "mx.key" }))
    end
    assert.is_nil(named {})
    assert.is_nil(named { "example.test", "a.mx.example.test" })
    assert.equal(1, named { "example.test", "mail.example.test" })
    assert.is_nil((tls.client { host = "mx.example.test", names = { "" }, ca_file = files:path "ca.pem", verify = true }))
  end)
end)
