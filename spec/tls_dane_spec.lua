local door = require "directsend.test"
local pair = require "support.tls_pair"
local pki = require "support.pki"

local tls = door.tls
local DAY = 86400
local HOST = "mx.example.test"
local NO_MATCH = "no TLSA record of " .. HOST .. " fits the certificate it shows (DANE): its key was changed and " ..
  "the DNS was not, or somebody stands between"

local function bytes(hex)
  return (hex:gsub("%x%x", function(h)
    return string.char(tonumber(h, 16))
  end))
end

describe("tls dane", function()
  local files, now
  local data = {} -- by certificate: {[selector] = DER}

  setup(function()
    files = pki.new()
    files:authority("ca", { subject = "/CN=Test CA" })
    files:authority("short", { subject = "/CN=Short CA", days = 10 })
    files:authority("middle", { issuer = "ca", subject = "/CN=Middle CA" })
    files:leaf("mx", { issuer = "middle", san = "DNS:" .. HOST })
    files:leaf("brief", { issuer = "ca", san = "DNS:" .. HOST, days = 30 })
    files:leaf("long", { issuer = "short", san = "DNS:" .. HOST })
    files:leaf("stranger", { issuer = "ca", san = "DNS:stranger.example.test" })
    files:leaf("next", { issuer = "ca", san = "DNS:example.test" })
    files:leaf("self", { subject = "/CN=nobody" })
    files:write("chain.pem", files:read "mx.pem" .. files:read "middle.pem")
    files:write("whole.pem", files:read "mx.pem" .. files:read "middle.pem" .. files:read "ca.pem")
    files:write("brief-ca.pem", files:read "brief.pem" .. files:read "ca.pem")
    files:write("long-ca.pem", files:read "long.pem" .. files:read "short.pem")
    files:write("stranger-ca.pem", files:read "stranger.pem" .. files:read "ca.pem")
    files:write("next-ca.pem", files:read "next.pem" .. files:read "ca.pem")
    for _, name in ipairs { "ca", "short", "middle", "mx", "brief", "long", "stranger", "next", "self" } do
      files:run(("openssl x509 -in %s.pem -outform der -out der && openssl x509 -in %s.pem -pubkey -noout |" ..
        " openssl pkey -pubin -outform der -out spki"):format(name, name))
      data[name] = { [0] = files:read "der", [1] = files:read "spki" }
    end
    now = os.time()
  end)

  teardown(function()
    files:remove()
  end)

  local function record(usage, selector, matching, name)
    local octets = data[name][selector]
    if matching == 2 then
      files:write("octets", octets)
      files:run "openssl dgst -sha512 -binary octets >digest"
      octets = files:read "digest"
    elseif matching == 1 then
      octets = tls.sha256(octets)
    end
    return { usage, selector, matching, octets }
  end

  -- shake hands with a server that shows chain.pem and has key.key: the client's info, or its words
  local function try(version, chain, key, records, more)
    local options = { host = HOST, time = now, tlsa = records, ca_file = "/nonexistent" }
    for k, v in pairs(more or {}) do
      options[k] = v
    end
    local client, text = tls.client(options)
    if not client then
      return nil, text
    end
    local server = tls.server {
      cert = files:path(chain .. ".pem"), key = files:path(key .. ".key"), min = version, max = version,
    }
    local done, why, kind = pair.handshake(client, server)
    if not done then
      assert.equal("tls", kind)
      local _, _, verified, dane, resumed, doubt, failure = client:info()
      assert.same({ false, false, false, "" }, { verified, dane, resumed, doubt })
      assert.equal(why == NO_MATCH and "validation-failure" or why:find("not for", 1, true) and
        "certificate-host-mismatch" or why:find("expired", 1, true) and "certificate-expired" or
        "certificate-not-trusted", failure)
      return nil, why
    end
    assert.equal(options.host, server:name())
    local _, _, verified, dane = client:info()
    return verified, dane
  end

  for _, version in ipairs { "1.2", "1.3" } do
    describe("over TLS " .. version, function()
      local function holds(...)
        local verified, dane = try(version, ...)
        assert.is_true(verified)
        assert.is_true(dane)
      end

      local function refused(text, ...)
        local verified, why = try(version, ...)
        assert.is_nil(verified)
        assert.equal(text, why)
      end

      it("takes a server by its certificate or key, however it is told", function()
        for selector = 0, 1 do
          for matching = 0, 2 do
            holds("mx", "mx", { record(3, selector, matching, "mx") })
            holds("whole", "mx", { record(2, selector, matching, "ca") })
            holds("chain", "mx", { record(2, selector, matching, "middle") })
          end
        end
      end)

      it("takes an issuer from the DNS that the server leaves out", function()
        holds("chain", "mx", { record(2, 0, 0, "ca") })
        holds("mx", "mx", { record(2, 0, 0, "middle") })
        holds("mx", "mx", { record(2, 1, 0, "middle") })
      end)

      it("refuses another's certificate, whatever else is asked for", function()
        for _, verify in ipairs { false, true, "judge" } do
          refused(NO_MATCH, "mx", "mx", { record(3, 1, 1, "stranger") }, { verify = verify })
          refused(NO_MATCH, "whole", "mx", { record(2, 1, 1, "short") }, { verify = verify })
          refused(NO_MATCH, "self", "self", { record(3, 1, 1, "mx") }, { verify = verify, ca_file = files:path "self.pem" })
        end
      end)

      it("wants one record of many to fit", function()
        holds("mx", "mx", { record(3, 1, 1, "stranger"), record(3, 0, 2, "brief"), record(3, 1, 1, "mx") })
        holds("chain", "mx", { record(3, 1, 1, "stranger"), record(2, 1, 1, "middle") })
        refused(NO_MATCH, "mx", "mx", { record(3, 1, 1, "stranger"), record(3, 0, 2, "brief") })
      end)

      it("passes over what is not usable where something is", function()
        holds("mx", "mx", {
          { 3, 1, 1, "" }, { 3, 1, 1, ("x"):rep(31) }, { 3, 1, 1, ("x"):rep(33) }, { 1, 1, 1, ("x"):rep(32) },
          { 3, 1, 2, ("x"):rep(32) }, { 3, 2, 1, ("x"):rep(32) }, { 3, 1, 9, "x" }, { 255, 255, 255, ("\0"):rep(3000) },
          { 2, 0, 0, "\48\3\0\0\0" }, { 3, 0, 0, "\48\1\0" }, record(3, 1, 1, "mx"),
        })
        local first = record(3, 1, 1, "mx")
        refused(NO_MATCH, "mx", "mx", {
          { 0, 1, 1, first[4] }, { 1, 1, 1, first[4] }, { 3, 1, 1, first[4]:sub(1, 31) }, { 3, 1, 1, first[4] .. "\0" },
          record(3, 1, 1, "stranger"),
        })
      end)

      it("tells octets after a NUL apart", function()
        local real = record(3, 0, 0, "mx")
        local at = real[4]:find("\0", 1, true)
        assert.truthy(at)
        holds("mx", "mx", { real })
        refused(NO_MATCH, "mx", "mx", { { 3, 1, 1, ("\0"):rep(32) } })
        refused(NO_MATCH, "mx", "mx", { { 3, 0, 0, real[4]:sub(1, -2) .. string.char((real[4]:byte(-1) + 1) % 256) } })
      end)

      it("looks at no date where the record is the server's own (RFC 7672 §3.1.1)", function()
        for _, time in ipairs { 0, now + 40 * DAY, now + 20 * 365 * DAY } do
          holds("brief", "brief", { record(3, 1, 1, "brief") }, { time = time })
          holds("brief", "brief", { record(3, 0, 1, "brief") }, { time = time })
        end
      end)

      it("looks at no name either, nor for one", function()
        holds("stranger", "stranger", { record(3, 1, 1, "stranger") })
        holds("self", "self", { record(3, 1, 1, "self") })
      end)

      it("looks at dates where it is an issuer's (RFC 7672 §3.1.2)", function()
        holds("brief-ca", "brief", { record(2, 0, 1, "ca") }, { time = now + 20 * DAY })
        for _, case in ipairs { { "brief", "ca", 40 }, { "long", "short", 20 } } do
          local verified, why = try(version, case[1] .. "-ca", case[1], { record(2, 0, 1, case[2]) },
            { time = now + case[3] * DAY })
          assert.is_nil(verified)
          assert.truthy(why:find(" of " .. HOST .. " expired on ", 1, true))
        end
      end)

      it("looks at names where it is an issuer's", function()
        local ca = { record(2, 0, 1, "ca") }
        refused("the certificate is not for mx.example.test but for stranger.example.test", "stranger-ca", "stranger", ca)
        refused("the certificate is not for mx.example.test but for example.test", "next-ca", "next", ca)
        holds("next-ca", "next", ca, { names = { "example.test" } })
        holds("next-ca", "next", ca, { names = { "example.org", "EXAMPLE.test" } })
        refused("the certificate is not for mx.example.test but for stranger.example.test", "stranger-ca", "stranger", ca,
          { names = { "example.test", "example.org" } })
      end)

      it("takes a server's own record where the issuer's would not do", function()
        holds("stranger-ca", "stranger", { record(2, 0, 1, "ca"), record(3, 1, 1, "stranger") })
      end)
    end)
  end

  it("leaves a peer without usable records to what is asked for besides", function()
    local useless = { { 1, 1, 1, ("x"):rep(32) }, { 3, 1, 1, "x" } }
    local verified, dane = try("1.3", "self", "self", useless)
    assert.is_false(verified)
    assert.is_false(dane)
    verified = try("1.3", "mx", "mx", useless, { verify = true })
    assert.is_nil(verified)
    verified, dane = try("1.3", "chain", "mx", useless, { verify = true, ca_file = files:path "ca.pem" })
    assert.is_true(verified)
    assert.is_false(dane)
  end)

  it("fails closed where records look usable and hold nothing", function()
    for _, useless in ipairs { { { 2, 0, 0, "\48\3\0\0\0" } }, { { 3, 0, 0, "\48\1\0" }, { 3, 1, 0, "\48\1\0" } } } do
      assert.is_true(tls.usable(useless) > 0)
      local verified, why = try("1.3", "mx", "mx", useless)
      assert.is_nil(verified)
      assert.equal("no TLSA record of mx.example.test can be read (DANE)", why)
    end
  end)

  it("wants the name the records are for", function()
    for _, host in ipairs { "", ("a"):rep(300) } do
      local client, text, kind, _, field = tls.client { host = host, tlsa = { { 3, 1, 1, ("x"):rep(32) } } }
      assert.is_nil(client)
      assert.truthy(text:find("is no name", 1, true))
      assert.equal("tls", kind)
      assert.equal("host", field)
    end
  end)

  it("says so where memory is out", function()
    local records = { record(2, 0, 0, "ca"), record(3, 1, 1, "mx") }
    local n, failed = 0, true
    collectgarbage()
    while failed do
      n = n + 1
      tls.failing(n)
      local client, text, kind = tls.client { host = HOST, tlsa = records, names = { "example.test" } }
      if client then
        client:close()
      end
      local live
      failed, live = tls.succeeding()
      assert.equal(0, live)
      if failed then
        assert.equal("out of memory", text)
        assert.equal("local", kind)
      end
      assert.is_true(n < 20)
    end
    assert.is_true(n > 2)
  end)

  -- Blocks of OpenSSL's own tests, each {result, depth, tlsa, pem}
  local function blocks(name)
    local all, block = {}, nil
    for line in io.lines("spec/vectors/dane/" .. name) do
      local result, depth = line:match "^%d+ %d+ %d+ (%d+) (%-?%d+)$"
      local usage, selector, matching, octets = line:match "^(%d+) (%d+) (%d+) (%x+)$"
      if result then
        block = { result = tonumber(result), depth = tonumber(depth), tlsa = {}, pem = {} }
        all[#all + 1] = block
      elseif block and usage then
        block.tlsa[#block.tlsa + 1] = { tonumber(usage), tonumber(selector), tonumber(matching), bytes(octets) }
      elseif block and line:sub(1, 1) ~= "#" then
        block.pem[#block.pem + 1] = line
      end
    end
    return all
  end

  -- what the client makes of a block, as OpenSSL's test puts it: result, depth
  local function judged(block, host)
    local client = assert(tls.client {
      host = host, tlsa = block.tlsa, time = 1500000000, verify = true, ca_file = "spec/vectors/dane/danetest.pem",
    })
    local done, _, depth, result = client:judge(table.concat(block.pem, "\n"))
    assert.equal(result == 0, done)
    client:close()
    return result, depth
  end

  it("agrees with OpenSSL's vectors, where mail does not say otherwise", function()
    local all, run, useless = blocks "danetest.in", 0, 0
    assert.equal(54, #all)
    for i, block in ipairs(all) do
      local want, depth = block.result, block.depth
      local result, at = judged(block, "example.com")
      if tls.usable(block.tlsa) == 0 then
        -- usages 0 and 1 only, which bind no mail host (RFC 7672 §3.1.3): only
        -- the chain counts, and in two of them it has a gap
        for _, r in ipairs(block.tlsa) do
          assert.is_true(r[1] <= 1)
        end
        want, depth, useless = (i == 38 or i == 39) and 20 or 0, -1, useless + 1
      elseif i == 54 then
        want = 0 -- mail looks at no name with DANE-EE (RFC 7672 §3.1.1)
      end
      assert.same({ i, want }, { i, result })
      if result == 0 then
        assert.same({ i, depth }, { i, at })
      end
      run = run + 1
    end
    assert.same({ 54, 20 }, { run, useless })
  end)

  it("agrees with OpenSSL's vector of a cross-signed root", function()
    local all = blocks "dane-cross.in"
    assert.equal(1, #all)
    assert.same({ 0, 2 }, { judged(all[1], "server.example") })
  end)
end)
