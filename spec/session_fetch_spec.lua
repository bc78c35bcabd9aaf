-- session/fetch: one HTTPS GET against a server in memory.

local door = require "directsend.test"
local pki = require "support.pki"
local every_allocation = require "support.every_allocation"

local PATH = "/.well-known/mta-sts.txt"
local POLICY = "version: STSv1\nmode: none\nmax_age: 1\n"
local REQUEST = "GET " .. PATH .. " HTTP/1.1\r\nHost: mta-sts.a.test\r\nUser-Agent: directsend\r\n"
                .. "Accept: text/plain\r\nConnection: close\r\n\r\n"

local function answer(body, fields)
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" .. (fields or "Content-Length: " .. #body .. "\r\n") .. "\r\n" .. body
end

describe("session/fetch", function()
  local files, client, certificates

  setup(function()
    files = pki.new()
    files:authority("ca")
    files:leaf("good", { issuer = "ca", san = "DNS:mta-sts.a.test" })
    files:leaf("other", { issuer = "ca", san = "DNS:mta-sts.b.test" })
    files:leaf("own", { san = "DNS:mta-sts.a.test" })
    certificates = {}
    for _, name in ipairs{ "good", "other", "own" } do
      certificates[name] = { cert = files:path(name .. ".pem"), key = files:path(name .. ".key") }
    end
    client = { host = "mta-sts.a.test", path = PATH, ca_file = files:path("ca.pem"), time = os.time(), until_ = 20 }
  end)

  teardown(function()
    files:remove()
  end)

  local function fetch_of(t)
    local all = {}
    for k, v in pairs(client) do all[k] = v end
    for k, v in pairs(t or {}) do all[k] = v end
    all["until"] = all.until_
    return door.http.fetch(all)
  end

  -- The server says `say` when it has the whole request, then ends: "clean"
  -- with close_notify, "cut" without, nil: it stays.  Pieces are `size` octets.
  local function run(f, say, ending, options)
    options = options or {}
    local tls = { min = options.version, max = options.version }
    for k, v in pairs(certificates[options.certificate or "good"]) do tls[k] = v end
    local size = options.size or 16384
    local s, heard, up, told, sends = door.tls.server(tls), "", false, false, 0
    local done
    for now = 1, 20000 do
      local want, data = f:next(options.now or 1)
      if want == "nothing" then done = now break end
      if want == "send" then
        sends = sends + 1
        data = data:sub(1, size)
        s:feed(data)
        f:sent(#data)
      else
        up = up or s:handshake() == 1
        if up then heard = heard .. (s:read() or "") end
        if heard:find("\r\n\r\n", 1, true) and not told then
          told = true
          if say ~= "" then s:write(say) end
          if ending == "clean" then s:shutdown() end
        end
        local out = s:out()
        for at = 1, #out, size do f:received(out:sub(at, at + size - 1)) end
        if told and ending == "cut" then f:received("") end
        if out == "" and not told and ending ~= nil then f:received("") end
        if out == "" and told and ending == nil then f:failed("timeout", "") end
      end
    end
    assert(done, "it never ends")
    s:close()
    return heard, sends, f:result()
  end

  for _, version in ipairs { "1.2", "1.3" } do
    it("asks for the page and reads it, over TLS " .. version, function()
      for _, size in ipairs{ 1, 2, 7, 100, 16384 } do
        local f = assert(fetch_of())
        local heard, _, status, kind, body = run(f, answer(POLICY), nil, { version = version, size = size })
        assert.same({ REQUEST, 200, "text/plain", POLICY }, { heard, status, kind, body })
        assert.equal("nothing", (f:next(1)))
        f:close()
        f:close()
      end
    end)
  end

  it("sends twice: the hello, and the request behind its last flight", function()
    local _, sends = run(assert(fetch_of()), answer(POLICY), nil, { version = "1.3" })
    assert.equal(2, sends)
  end)

  it("presents no more at once than it may", function()
    local f = assert(fetch_of{ max_chunk = 50 })
    local _, data = f:next(1)
    assert.equal(50, #data)
    assert.equal(200, (select(3, run(f, answer(POLICY)))))
  end)

  it("takes a body without a length where the stream ends in order, and only there", function()
    local open = answer(POLICY, "")
    local _, _, status, _, body = run(assert(fetch_of()), open, "clean")
    assert.same({ 200, POLICY }, { status, body })
    local _, _, none, text, kind, shaken = run(assert(fetch_of()), open, "cut")
    assert.same({ nil, "protocol", true }, { none, kind, shaken })
    assert.matches("was cut", text)
  end)

  it("needs no order in the end of what is whole", function()
    assert.equal(200, (select(3, run(assert(fetch_of()), answer(POLICY), "cut"))))
    assert.equal(200, (select(3, run(assert(fetch_of()), answer(POLICY), "clean"))))
  end)

  it("tells a status that is none of success", function()
    local _, _, status, _, body = run(assert(fetch_of()), "HTTP/1.1 301 no\r\nLocation: https://b.test/\r\n\r\n")
    assert.same({ 301, "" }, { status, body })
  end)

  it("believes no host that cannot prove its name", function()
    for certificate, words in pairs{ other = "mta%-sts%.b%.test", own = "self%-signed" } do
      local heard, _, none, text, kind, shaken = run(assert(fetch_of()), answer(POLICY), "clean", { certificate = certificate })
      assert.same({ "", nil, "tls", false }, { heard, none, kind, shaken })
      assert.matches(words, text)
    end
    local f = assert(fetch_of{ time = os.time() + 20 * 365 * 86400 })
    local _, _, none, text = run(f, answer(POLICY))
    assert.is_nil(none)
    assert.matches("expired", text)
  end)

  it("needs a trust store", function()
    local f, text, kind = fetch_of{ ca_file = "/nonexistent" }
    assert.is_nil(f)
    assert.equal("tls", kind)
    assert.matches("ca_file", text)
  end)

  it("says what came instead of a response", function()
    for say, words in pairs{ ["SSH-2.0\r\n"] = "does not begin as one", ["HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"] = "64 KiB" } do
      local _, _, none, text, kind, shaken = run(assert(fetch_of()), say)
      assert.same({ nil, "protocol", true }, { none, kind, shaken })
      assert.matches(words, text)
    end
  end)

  it("says when the server leaves or keeps silent", function()
    local f = assert(fetch_of())
    f:next(1)
    f:received("")
    local none, text, kind, shaken = f:result()
    assert.same({ nil, "tls", false }, { none, kind, shaken })
    assert.truthy(#text > 0)
    local _, _, none2, text2, kind2, shaken2 = run(assert(fetch_of()), "")
    assert.same({ nil, "timeout", true }, { none2, kind2, shaken2 })
    assert.matches("https://mta%-sts%.a%.test gave no complete response", text2)
  end)

  it("is over when its time is", function()
    local f = assert(fetch_of())
    local _, _, deadline = f:next(1)
    assert.equal(20, deadline)
    assert.equal("nothing", (f:next(20)))
    local none, text, kind, shaken = f:result()
    assert.same({ nil, "timeout", false }, { none, kind, shaken })
    assert.matches("handshake", text)
  end)

  it("tells how the wire failed, and only the first trouble", function()
    local f = assert(fetch_of())
    f:failed("connect", "connection reset")
    f:failed("timeout", "x")
    f:received("x")
    local _, text, kind = f:result()
    assert.same({ "https://mta-sts.a.test: connection reset", "connect" }, { text, kind })
    assert.equal("nothing", (f:next(1)))
  end)

  it("gives back all it took when an allocation fails", function()
    local runs = every_allocation(function()
      local f, text, _, code = fetch_of()
      if not f then return nil, text, code end
      local _, _, status, why = run(f, answer(POLICY), "clean")
      f:close()
      if not status and why ~= "out of memory" then error(why) end
      return status, why, -1
    end)
    assert.is_true(runs > 5)
  end)
end)
