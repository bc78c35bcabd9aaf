local door = require "directsend.test"
local pair = require "support.tls_pair"
local pki = require "support.pki"

local tls = door.tls
local CLOSED, TLS_FAILED, STATE = -7, -6, -3

describe("tls stream", function()
  local files, options

  setup(function()
    files = pki.new()
    files:leaf("mx", { san = "DNS:mx.example.test" })
    options = { cert = files:path("mx.pem"), key = files:path("mx.key") }
    local names = {}
    for i = 1, 30 do
      names[i] = "DNS:mail" .. i .. ".example.test"
    end
    files:authority "ca"
    files:authority("middle", { issuer = "ca" })
    files:leaf("many", { issuer = "middle", san = "DNS:mx.example.test," .. table.concat(names, ","), key = "rsa:2048" })
    files:write("chain.pem", files:read "many.pem" .. files:read "middle.pem" .. files:read "ca.pem")
  end)

  teardown(function()
    files:remove()
  end)

  local function server(more)
    local all = { cert = options.cert, key = options.key }
    for k, v in pairs(more or {}) do
      all[k] = v
    end
    return tls.server(all)
  end

  local function connected(more, size)
    local c, s = assert(tls.client { host = "mx.example.test" }), server(more)
    assert.equal(1, pair.handshake(c, s, size))
    return c, s
  end

  for _, version in ipairs { "1.2", "1.3" } do
    describe("over TLS " .. version, function()
      local only = { min = version, max = version }

      it("carries bytes both ways, in pieces of any size", function()
        for _, size in ipairs { 1, 2, 3, 5, 7, 16, 61, 256, 1024, 4096, 20000 } do
          local c, s = connected(only, size)
          assert.is_true(c:write("EHLO here\r\n"))
          pair.feed(s, c:out(), size)
          assert.equal("EHLO here\r\n", s:read())
          assert.is_true(s:write("250 there\r\n"))
          pair.feed(c, s:out(), size)
          assert.equal("250 there\r\n", (pair.read(c)))
          c:close()
          s:close()
        end
      end)

      it("tells version, suite and that nothing was verified", function()
        local c = connected(only)
        local name, suite, verified = c:info()
        assert.equal("TLSv" .. version, name)
        assert.truthy(suite:find("AES") or suite:find("CHACHA"))
        assert.is_false(verified)
      end)

      it("carries what is larger than a record, gathered in one piece", function()
        local c, s = connected(only)
        local big = ("0123456789abcdef"):rep(16384)
        assert.is_true(c:write(big))
        local wire = c:out()
        assert.is_true(#wire > #big and #wire < #big + 17 * 40)
        s:feed(wire)
        assert.equal(big, (pair.read(s)))
        assert.is_true(s:write(big))
        c:feed(s:out())
        assert.equal(big, (pair.read(c, 1000)))
      end)

      -- what an idle client holds of the heap: behind its first reply, which
      -- brings tickets, and behind a long write and a long read
      local function held(ctx, of)
        local c = assert(tls.client({ host = "mx.example.test", verify = true, time = os.time(), session_key = "k" }, ctx))
        local s = tls.server { like = of }
        assert.equal(1, pair.handshake(c, s))
        s:write "250 ok\r\n"
        c:feed(s:out())
        assert.equal("250 ok\r\n", (pair.read(c)))
        local first, big = c:held(), ("x"):rep(40000)
        c:write(big)
        s:feed(c:out())
        s:write(big)
        c:feed(s:out())
        assert.equal(big, (pair.read(c)))
        local then_, resumed = c:held(), s:resumed()
        c:close()
        return first, then_, resumed
      end

      it("holds little while it is idle, with a chain of three and many names", function()
        local ctx = tls.context { ca_file = files:path "ca.pem" }
        local of = tls.server {
          cert = files:path "chain.pem", key = files:path "many.key", min = version, max = version, tickets = 0,
        }
        local most = 0
        held(ctx, of) -- the first one pays for what all share
        for _ = 1, 3 do
          local first, later, resumed = held(ctx, of)
          assert.is_false(resumed)
          most = math.max(most, first, later)
        end
        assert.is_true(most < 44 * 1024, most)
      end)

      it("holds less where it goes on with a session", function()
        local ctx = tls.context { ca_file = files:path "ca.pem" }
        local of = tls.server { cert = files:path "chain.pem", key = files:path "many.key", min = version, max = version }
        local most = 0
        held(ctx, of)
        held(ctx, of)
        for _ = 1, 3 do
          local first, later, resumed = held(ctx, of)
          assert.is_true(resumed)
          most = math.max(most, first, later)
        end
        assert.is_true(most < 24 * 1024, most)
      end)

      it("ends in good order on close_notify", function()
        local c, s = connected(only)
        s:write("bye")
        s:shutdown()
        c:feed(s:out())
        local bytes, _, kind, code = pair.read(c)
        assert.equal("bye", bytes)
        assert.equal("", kind)
        assert.equal(CLOSED, code)
        assert.equal(CLOSED, select(4, c:read()))
      end)

      it("says close_notify", function()
        local c, s = connected(only)
        c:write("QUIT\r\n")
        c:shutdown()
        s:feed(c:out())
        assert.equal("QUIT\r\n", s:read())
        assert.same({ nil, "closed", n = 2 }, { n = select("#", s:read()), s:read() })
      end)

      it("takes a FIN without close_notify for a cut, at every byte", function()
        local first, s = connected(only)
        s:write("250 ok\r\n")
        local length = #s:out()
        first:close()
        for at = 0, length do
          local c, again = connected(only)
          again:write("250 ok\r\n")
          c:feed(again:out():sub(1, at))
          c:feed("")
          local bytes, text, kind, code = pair.read(c)
          assert.equal(at == length and "250 ok\r\n" or "", bytes)
          assert.equal("the TLS connection was cut: no close_notify", text)
          assert.equal("tls", kind)
          assert.equal(TLS_FAILED, code)
          c:close()
          again:close()
        end
      end)

      it("keeps the first failure", function()
        local c, s = connected(only)
        s:write("250 ok\r\n")
        local record = s:out()
        c:feed(record:sub(1, -2) .. string.char((record:byte(-1) + 1) % 256))
        local bytes, text, _, code = c:read()
        assert.is_nil(bytes)
        assert.equal(TLS_FAILED, code)
        assert.truthy(text:find("^TLS broke: "))
        for _, method in ipairs { "read", "write", "handshake" } do
          local none, again, kind = c[method](c, method == "write" and "x" or nil)
          assert.is_nil(none)
          assert.equal(text, again)
          assert.equal("tls", kind)
        end
        assert.equal(TLS_FAILED, c:feed("more"))
        c:shutdown()
      end)

      it("names the alert that ends a session", function()
        local c, s = connected(only)
        c:write("EHLO here\r\n")
        s:feed((c:out():gsub(".$", function(last)
          return string.char((last:byte() + 1) % 256)
        end)))
        assert.is_nil(s:read())
        c:feed(s:out())
        local _, text, kind = c:read()
        assert.equal("the server broke off TLS (alert: bad record mac)", text)
        assert.equal("tls", kind)
      end)

      it("names a cut in the handshake, at every byte", function()
        local function flight()
          local c, s = assert(tls.client { host = "mx.example.test" }), server(only)
          assert.equal(0, c:handshake())
          s:feed(c:out())
          assert.equal(0, s:handshake())
          return c, s:out(), s
        end
        local _, whole = flight()
        for at = 0, #whole - 1, 1 do
          local c, bytes, s = flight()
          c:feed(bytes:sub(1, math.min(at, #bytes - 1)))
          c:feed("")
          local done, text, kind, code = c:handshake()
          assert.is_nil(done)
          assert.equal("the server closed the connection during the TLS handshake", text)
          assert.equal("tls", kind)
          assert.equal(TLS_FAILED, code)
          c:close()
          s:close()
        end
      end)
    end)
  end

  it("does not shake hands anew in the middle of a session", function()
    local c, s = connected { max = "1.2" }
    s:renegotiate()
    c:feed(s:out())
    assert.equal("", c:read())
    local answer = c:out()
    assert.is_true(#answer > 0 and #answer < 60)
    s:feed(answer)
    local _, text = s:read()
    assert.truthy(text)
    s:write("250 still here\r\n")
    c:feed(s:out())
    assert.not_equal("", (c:info()))
  end)

  it("changes keys when the server wants to", function()
    local c, s = connected { min = "1.3" }
    s:key_update()
    s:write("220 on new keys\r\n")
    c:feed(s:out())
    assert.equal("220 on new keys\r\n", (pair.read(c)))
    c:write("EHLO here\r\n")
    s:feed(c:out())
    assert.equal("EHLO here\r\n", s:read())
  end)

  it("has nothing to read or write before the handshake", function()
    for _, method in ipairs { "read", "write" } do
      local c = assert(tls.client { host = "mx.example.test" })
      local none, text, kind, code = c[method](c, method == "write" and "x" or nil)
      assert.is_nil(none)
      assert.equal("the TLS handshake is not done", text)
      assert.equal("tls", kind)
      assert.equal(STATE, code)
      assert.equal("", c:out())
      c:shutdown()
      assert.equal("", (c:info()))
    end
  end)

  it("asks for the wire and does not spin", function()
    local c = assert(tls.client { host = "mx.example.test" })
    assert.equal(0, c:handshake())
    local hello = c:out()
    assert.is_true(#hello > 0)
    assert.equal(0, c:handshake())
    assert.equal("", c:out())
  end)

  it("says its hello in one segment, with the host's name", function()
    local c, s = assert(tls.client { host = "mx.example.test" }), server()
    c:handshake()
    local hello = c:out()
    assert.is_true(#hello < 512)
    s:feed(hello)
    s:handshake()
    assert.equal("mx.example.test", s:name())
  end)

  it("never names an address in its hello", function()
    for _, host in ipairs { "192.0.2.1", "2001:db8::1", "" } do
      local c, s = assert(tls.client { host = host }), server()
      assert.equal(1, pair.handshake(c, s))
      assert.is_nil(s:name())
    end
    local c, s = assert(tls.client {}), server()
    assert.equal(1, pair.handshake(c, s))
    assert.is_nil(s:name())
  end)

  it("reads no record that comes behind close_notify", function()
    local c, s = connected()
    s:shutdown()
    c:feed(s:out() .. "250 injected\r\n")
    assert.equal(CLOSED, select(4, c:read()))
    assert.equal(CLOSED, select(4, c:read()))
  end)

  it("survives each of its allocations failing", function()
    local n, failed = 0, true
    collectgarbage()
    collectgarbage()
    while failed do
      n = n + 1
      tls.failing(n)
      local c, text, kind = tls.client { host = "mx.example.test" }
      local s = server()
      if c then
        local done
        done, text, kind = pair.handshake(c, s)
        if done then
          done, text, kind = c:write(("x"):rep(20000))
        end
        if done then
          s:feed(c:out())
          s:read()
          s:write(("y"):rep(20000))
          c:feed(s:out())
          text, kind = select(2, c:read())
        end
        c:close()
      end
      s:close()
      local live
      failed, live = tls.succeeding()
      assert.equal(0, live)
      if failed then
        assert.equal("out of memory", text)
        assert.equal("local", kind)
      else
        assert.is_nil(text)
      end
      assert.is_true(n < 50)
    end
    assert.is_true(n > 5)
  end)
end)
