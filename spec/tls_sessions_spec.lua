local door = require "directsend.test"
local hello = require "support.hello"
local pair = require "support.tls_pair"
local pki = require "support.pki"

local tls = door.tls
local HOUR, DAY = 3600, 86400

describe("tls sessions", function()
  local files, now

  setup(function()
    files = pki.new()
    files:authority("ca", { subject = "/CN=Test CA" })
    files:leaf("mx", { issuer = "ca", san = "DNS:mx.example.test" })
    files:leaf("brief", { issuer = "ca", san = "DNS:mx.example.test", days = 30 })
    files:leaf("self", { san = "DNS:mx.example.test" })
    now = os.time()
  end)

  teardown(function()
    files:remove()
  end)

  local function merged(base, more)
    for k, v in pairs(more or {}) do
      base[k] = v
    end
    return base
  end

  local function server(more)
    local name = more and more.name or "mx"
    local options = merged({ cert = files:path(name .. ".pem"), key = files:path(name .. ".key") }, more)
    return tls.server(options)
  end

  local function peer(more)
    return merged({ host = "mx.example.test", session_key = "mx.example.test:25", time = now }, more)
  end

  local function context(more)
    return tls.context(merged({ ca_file = files:path "ca.pem" }, more))
  end

  -- the server says something, so that its tickets are read too
  local function talk(client, served)
    served:write "250 ok\r\n"
    client:feed(served:out())
    assert.equal("250 ok\r\n", (pair.read(client)))
  end

  -- a session with a server like `of`: whether it was resumed, and its client
  local function connect(ctx, of, more)
    local client, text = tls.client(peer(more), ctx)
    assert(client, text)
    local served = tls.server { like = of }
    local done, why = pair.handshake(client, served)
    if not done then
      client:close()
      return nil, why
    end
    talk(client, served)
    local resumed = select(5, client:info())
    assert.equal(served:resumed(), resumed)
    client:shutdown()
    served:feed(client:out())
    served:shutdown()
    client:close()
    served:close()
    return resumed
  end

  -- the ticket a new client would offer
  local function offered(ctx, more)
    local client = assert(tls.client(peer(more), ctx))
    client:handshake()
    local bytes = client:out()
    client:close()
    return hello.ticket(bytes), hello.parse(bytes)
  end

  for _, version in ipairs { "1.2", "1.3" } do
    describe("over TLS " .. version, function()
      local only = { min = version, max = version }
      local ctx, of

      before_each(function()
        ctx, of = context(), server(only)
      end)

      it("are gone on with, each but the first of 200", function()
        local resumed = 0
        for _ = 1, 200 do
          resumed = resumed + (connect(ctx, of) and 1 or 0)
        end
        assert.equal(199, resumed)
      end)

      it("carry bytes as new ones do, in pieces of any size", function()
        assert.is_false(connect(ctx, of))
        for _, size in ipairs { 1, 3, 7, 64, 1000 } do
          local client, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
          assert.equal(1, pair.handshake(client, served, size))
          client:write "EHLO here\r\n"
          pair.feed(served, client:out(), size)
          assert.equal("EHLO here\r\n", served:read())
          talk(client, served)
          local name, _, _, _, resumed = client:info()
          assert.equal("TLSv" .. version, name)
          assert.is_true(resumed)
          client:close()
        end
      end)

      it("are kept when nobody says close_notify", function()
        of = server(merged({ tickets = 1 }, only))
        for i = 1, 3 do
          local client, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
          assert.equal(1, pair.handshake(client, served))
          talk(client, served)
          assert.equal(i > 1, (select(5, client:info())))
          client:feed ""
          assert.equal("the TLS connection was cut: no close_notify", (select(2, client:read())))
          client:close()
        end
      end)

      it("are never offered to another", function()
        local wants = {
          {}, { session_key = "mx.example.test:26" }, { session_key = "" }, { host = "mx2.example.test" },
          { verify = true }, { verify = "judge" }, { names = { "example.test" } },
          { names = { "example.test", "" }, verify = nil }, { names = { "example.tes", "t" } },
          { tlsa = { { 3, 1, 1, ("x"):rep(32) } } }, { tlsa = { { 3, 1, 1, ("y"):rep(32) } } },
          { tlsa = { { 3, 0, 1, ("x"):rep(32) } } }, { tlsa = { { 1, 0, 1, ("x"):rep(32) } } },
        }
        assert.is_false(connect(ctx, of))
        for i, want in ipairs(wants) do
          assert.equal(i == 1, offered(ctx, want) ~= nil)
        end
        assert.is_nil((offered(context())))
        local none = peer()
        none.session_key = nil
        local client = tls.client(none, ctx)
        client:handshake()
        assert.is_nil((hello.ticket(client:out())))
      end)

      it("that a server never gives are not missed", function()
        of = server(merged({ tickets = 0 }, only))
        for _ = 1, 5 do
          assert.is_false(connect(ctx, of))
        end
        assert.is_nil((offered(ctx)))
      end)

      it("that a server rejects are replaced quietly", function()
        assert.is_false(connect(ctx, of, { verify = true }))
        local other = server(only)
        local client, served = assert(tls.client(peer { verify = true }, ctx)), tls.server { like = other }
        assert.equal(1, pair.handshake(client, served))
        assert.same({ true, false, false, "" }, { select(3, client:info()) })
        talk(client, served)
        client:close()
        assert.is_true(connect(ctx, other, { verify = true }))
      end)

      it("are not trusted when a server rejects them and shows a bad certificate", function()
        assert.is_false(connect(ctx, of, { verify = true }))
        local client = assert(tls.client(peer { verify = true }, ctx))
        local done, why = pair.handshake(client, server(merged({ name = "self" }, only)))
        assert.is_nil(done)
        assert.truthy(why:find("self-signed", 1, true))
        assert.is_nil((offered(ctx, { verify = true })))
      end)

      it("bring along what was found out about the server", function()
        local _, der = files:run "openssl x509 -in mx.pem -outform der -out mx.der", files:read "mx.der"
        for _, want in ipairs {
          { { verify = true }, true, false }, { { verify = "judge" }, true, false }, { {}, false, false },
          { { tlsa = { { 3, 0, 1, tls.sha256(der) } } }, true, true },
        } do
          for i = 1, 3 do
            local client, served = assert(tls.client(peer(want[1]), ctx)), tls.server { like = of }
            assert.equal(1, pair.handshake(client, served))
            talk(client, served)
            assert.same({ want[2], want[3], i > 1, "" }, { select(3, client:info()) })
            client:close()
          end
        end
      end)

      it("are not kept where a doubt would be lost", function()
        local doubtful = server(merged({ name = "self" }, only))
        for _ = 1, 3 do
          local client, served = assert(tls.client(peer { verify = "judge" }, ctx)), tls.server { like = doubtful }
          assert.equal(1, pair.handshake(client, served))
          talk(client, served)
          assert.same({
            false, false, false,
            "the certificate of mx.example.test is self-signed: set ca_file to it to trust it",
            "certificate-not-trusted",
          }, { select(3, client:info()) })
          client:close()
        end
      end)

      it("are not tried again when a handshake fails", function()
        for _, broken in ipairs { "220 what?\r\n", "" } do
          connect(ctx, of)
          connect(ctx, of)
          local client = assert(tls.client(peer(), ctx))
          client:handshake()
          assert.truthy((hello.ticket(client:out())))
          client:feed(broken)
          assert.is_nil((client:handshake()))
          client:close()
          assert.is_nil((offered(ctx)))
        end
      end)

      it("live as long as the server says, a day at most", function()
        for _, case in ipairs { { 100, 100 }, { 3 * DAY, DAY } } do
          local fresh, lasting = context(), server(merged({ lifetime = case[1] }, only))
          connect(fresh, lasting)
          assert.truthy((offered(fresh, { time = now + case[2] - 1 })))
          fresh = context()
          connect(fresh, lasting)
          assert.is_nil((offered(fresh, { time = now + case[2] })))
          assert.is_nil((offered(fresh)))
          connect(fresh, lasting)
          assert.is_nil((offered(fresh, { time = now - 61 })))
          connect(fresh, lasting)
          assert.truthy((offered(fresh, { time = now - 60 })))
        end
      end)

      it("do not live longer than the server says by being gone on with", function()
        of = server(merged({ lifetime = 100, thrifty = version == "1.3" and 1 or 0, tickets = 1 }, only))
        assert.is_false(connect(ctx, of))
        for _, later in ipairs { 40, 80, 99 } do
          assert.is_true(connect(ctx, of, { time = now + later }))
        end
        assert.is_false(connect(ctx, of, { time = now + 100 }))
      end)

      it("do not outlive a day by being gone on with", function()
        local resumed = {}
        of = server(merged({ lifetime = 3 * DAY }, only))
        for i = 0, 5 do
          resumed[i + 1] = connect(ctx, of, { time = now + i * 10 * HOUR })
        end
        assert.same({ false, true, true, false, true, true }, resumed)
      end)

      it("do not outlive the certificate", function()
        local brief = server(merged({ name = "brief" }, only))
        local almost = now + 30 * DAY - 60
        assert.is_false(connect(ctx, brief, { verify = true, time = almost }))
        assert.is_true(connect(ctx, brief, { verify = true, time = almost + 30 }))
        local resumed, why = connect(ctx, brief, { verify = true, time = almost + 120 })
        assert.is_nil(resumed)
        assert.truthy(why:find("expired on", 1, true))
      end)

      it("are forgotten, the longest unused first, where they are too many", function()
        ctx = context { sessions = 3 }
        of = server(merged({ tickets = 1 }, only))
        for _, key in ipairs { "a", "b", "c", "a", "d" } do
          connect(ctx, of, { session_key = key })
        end
        local kept = {}
        for _, key in ipairs { "a", "b", "c", "d" } do
          kept[key] = offered(ctx, { session_key = key }) ~= nil
        end
        assert.same({ a = true, b = false, c = true, d = true }, kept)
      end)

      it("make way where no memory is left for them", function()
        local n, failed = 0, true
        collectgarbage()
        while failed do
          n = n + 1
          local plain = peer()
          tls.failing(n)
          local fresh = tls.context {}
          local done = {}
          for i = 1, fresh and 3 or 0 do
            local client, served = tls.client(plain, fresh), tls.server { like = of }
            if client and pair.handshake(client, served) == 1 then
              served:write "250 ok\r\n"
              client:feed(served:out())
              done[i] = client:read()
            end
            if client then
              client:close()
            end
            served:close()
          end
          if fresh then
            fresh:close()
          end
          local live
          failed, live = tls.succeeding()
          assert.equal(0, live)
          if not failed then
            assert.same({ "250 ok\r\n", "250 ok\r\n", "250 ok\r\n" }, done)
          end
          assert.is_true(n < 100)
        end
        assert.is_true(n > 10)
      end)
    end)
  end

  it("over TLS 1.2 are those of servers without tickets too", function()
    local ctx, of = context(), server { max = "1.2", stateful = 1 }
    assert.is_false(connect(ctx, of))
    for _ = 1, 5 do
      local ticket, first = offered(ctx)
      assert.is_nil(ticket)
      assert.equal(32, #first.session)
      assert.is_true(connect(ctx, of))
    end
  end)

  it("over TLS 1.3 are used once", function()
    local ctx, of = context(), server { min = "1.3" }
    local seen, count = {}, 0
    for _ = 1, 20 do
      local client, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
      client:handshake()
      local bytes = client:out()
      local ticket = hello.ticket(bytes)
      if ticket then
        assert.is_nil(seen[ticket])
        seen[ticket], count = true, count + 1
      end
      served:feed(bytes)
      assert.equal(1, pair.handshake(client, served))
      talk(client, served)
      client:close()
    end
    assert.equal(19, count)
  end)

  it("over TLS 1.3 are used again where a host gives none for a used one", function()
    for _, tickets in ipairs { 1, 2 } do
      local ctx, of = context(), server { min = "1.3", thrifty = 1, tickets = tickets, lifetime = 10 * HOUR }
      local resumed = 0
      for _ = 1, 200 do
        resumed = resumed + (connect(ctx, of) and 1 or 0)
      end
      assert.equal(199, resumed)
      assert.truthy((offered(ctx, { time = now + 10 * HOUR - 1 })))
    end
  end)

  it("over TLS 1.3 are used by one connection at a time", function()
    local ctx, of = context(), server { min = "1.3", thrifty = 1, tickets = 1 }
    assert.is_false(connect(ctx, of))
    local one, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
    assert.equal(1, pair.handshake(one, served))
    assert.is_true(served:resumed())
    assert.is_nil((offered(ctx)))
    talk(one, served)
    one:close()
    assert.is_true(connect(ctx, of))
  end)

  it("over TLS 1.3 are not used again behind a fatal alert", function()
    local ctx, of = context(), server { min = "1.3", thrifty = 1, tickets = 1 }
    assert.is_false(connect(ctx, of))
    local one, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
    assert.equal(1, pair.handshake(one, served))
    one:write "EHLO here\r\n"
    served:feed((one:out():gsub(".$", function(last)
      return string.char((last:byte() + 1) % 256)
    end)))
    served:read()
    one:feed(served:out())
    assert.is_nil((one:read()))
    one:close()
    assert.is_nil((offered(ctx)))
  end)

  it("over TLS 1.3 serve connections side by side, sixteen at most", function()
    local ctx, of = context(), server { min = "1.3" }
    local open = {}
    for i = 1, 20 do
      local client, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
      assert.equal(1, pair.handshake(client, served))
      open[i] = { client, served }
    end
    for _, both in ipairs(open) do
      assert.is_false(both[2]:resumed())
      talk(both[1], both[2])
      both[1]:close()
    end
    local seen, tickets = {}, 0
    for _ = 1, 20 do
      local ticket = offered(ctx)
      assert.is_nil(ticket and seen[ticket])
      if ticket then
        seen[ticket], tickets = true, tickets + 1
      end
    end
    assert.equal(16, tickets)
  end)

  it("over TLS 1.3 are offered newest first", function()
    local ctx = context()
    local first, second = server { min = "1.3", tickets = 1 }, server { min = "1.3", tickets = 1 }
    local open = {}
    for i, of in ipairs { first, second } do
      local client, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
      assert.equal(1, pair.handshake(client, served))
      open[i] = { client, served }
    end
    talk(open[1][1], open[1][2])
    talk(open[2][1], open[2][2])
    -- each server knows its own tickets only; what it hands out now is not read
    for _, of in ipairs { second, first } do
      local client, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
      assert.equal(1, pair.handshake(client, served))
      assert.is_true(served:resumed())
    end
  end)

  it("over TLS 1.2 end with a fatal alert", function()
    local ctx, of = context(), server { max = "1.2" }
    connect(ctx, of)
    local client, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
    assert.equal(1, pair.handshake(client, served))
    assert.is_true(served:resumed())
    client:write "EHLO here\r\n"
    served:feed((client:out():gsub(".$", function(last)
      return string.char((last:byte() + 1) % 256)
    end)))
    served:read()
    client:feed(served:out())
    assert.is_nil((client:read()))
    client:close()
    assert.is_nil((offered(ctx)))
  end)

  it("outlive their context in a stream that still runs", function()
    local ctx, of = context(), server { min = "1.3" }
    local client, served = assert(tls.client(peer(), ctx)), tls.server { like = of }
    assert.equal(1, pair.handshake(client, served))
    ctx:close()
    talk(client, served)
    client:close()
  end)
end)
