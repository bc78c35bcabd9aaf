-- What driver/init.lua asks of a driver's sockets, of each driver that has
-- some: sockets.lua with connector.lua, handles.lua or those of cqueues. The
-- other side is LuaSocket's, in this process.

local core = require "directsend.core"
local loops = require "support.loops"
local net = require("directsend.test").net
local socket = require "socket"
local sockets = require "directsend.driver.sockets"

local function listen(ip)
  local listener = assert(socket.bind(ip or "127.0.0.1", 0))
  listener:settimeout(5)
  local _, port = listener:getsockname()
  return listener, tonumber(port)
end

local function soon(seconds)
  return core.now() + (seconds or 5)
end

-- all that the peer can read now, and what comes shortly after
local function drain(peer, n)
  peer:settimeout(5)
  return assert(peer:receive(n))
end

local descriptor = {
  luasocket = function(c) return c.sock:getfd() end,
  copas = function(c) return c.sock:getfd() end,
  cqueues = function(c) return c.sock:pollfd() end,
  luv = function(c) return c.handle:fileno() end,
}

local function descriptors()
  local pipe = io.popen "exec ls -l /proc/$PPID/fd"
  local text = pipe:read "*a"
  pipe:close()
  return select(2, text:gsub("socket:", ""))
end

describe("a failure's kind", function()
  it("is found in the words of all who say it", function()
    for words, kind in pairs {
      ["timeout"] = "timeout", ["Connection timed out"] = "timeout",
      ["ETIMEDOUT: connection timed out"] = "timeout", ["ETIMEDOUT"] = "timeout",
      ["connection refused"] = "refused", ["ECONNREFUSED"] = "refused",
      ["Connection reset by peer"] = "reset", ["EPIPE"] = "reset",
      ["Broken pipe"] = "reset", ["Software caused connection abort"] = "reset",
      ["ECONNABORTED: software caused connection abort"] = "reset",
      ["Network is unreachable"] = "unreachable", ["EHOSTUNREACH"] = "unreachable",
      ["No route to host"] = "unreachable", ["ENETDOWN"] = "unreachable",
      ["Network is down"] = "unreachable", ["EHOSTDOWN: host is down"] = "unreachable",
      ["closed"] = "closed",
    } do
      local nothing, found, text = sockets.failure(words)
      assert.is_nil(nothing)
      assert.equal(kind, found, words)
      assert.is_nil(text)
    end
  end)

  it("is local for all else, which then stands in the text", function()
    for _, words in ipairs { "Cannot assign requested address", "EACCES" } do
      assert.same({ nil, "local", words }, { sockets.failure(words) })
    end
    assert.equal("nil", select(3, sockets.failure(nil)))
  end)
end)

describe("pcall that is yielded through", function()
  it("hands on values, errors and yields", function()
    local co = coroutine.wrap(function()
      local ok, value = sockets.pcall(function()
        return coroutine.yield(1, 2) + coroutine.yield(3)
      end)
      assert(ok and value == 9)
      ok, value = sockets.pcall(function()
        coroutine.yield(4)
        error({ "an error" }, 0)
      end)
      assert(not ok and value[1] == "an error")
      return "end"
    end)
    assert.same({ 1, 2 }, { co() })
    assert.same({ 3 }, { co(4) })
    assert.same({ 4 }, { co(5) })
    assert.same({ "end" }, { co() })
  end)
end)

for _, name in ipairs(loops.tables) do
  describe("the sockets of " .. name, function()
    local driver = loops.driver(name)
    local listener, port

    before_each(function() listener, port = listen() end)
    after_each(function() listener:close() end)

    -- run these at once; what one raises is raised
    local function all(...)
      local ok, why = driver.all { ... }
      if ok == false then error(why, 0) end
    end

    local function connect(t)
      local op = { tcp = true, ip = "127.0.0.1", port = port, deadline = soon() }
      for k, v in pairs(t or {}) do op[k] = v end
      return driver.connect(op)
    end

    -- a conn and the peer's end of it
    local function pair()
      local conn = assert(connect())
      local peer = assert(listener:accept())
      peer:settimeout(5)
      return conn, peer
    end

    it("connect, and know both ends", function()
      all(function()
        local conn, peer = pair()
        assert.equal("127.0.0.1", conn.peer_ip)
        assert.equal("127.0.0.1", conn.local_ip)
        assert.is_true(net.nodelay(descriptor[name](conn)))
        conn:close()
        assert.same({ nil, "closed", "" }, { peer:receive(1) })
      end)
    end)

    it("connect over IPv6", function()
      local other, six = listen "::1"
      all(function()
        local conn = assert(connect { ip = "::1", port = six })
        assert.equal("::1", conn.local_ip)
        conn:close()
      end)
      other:close()
    end)

    it("connect from an address, where it is this machine's", function()
      all(function()
        local conn = assert(connect { source = "127.0.0.2" })
        assert.equal("127.0.0.2", conn.local_ip)
        assert.equal("127.0.0.2", (listener:accept():getpeername()))
        conn:close()
        local none, kind, text = connect { source = "192.0.2.1" }
        assert.is_nil(none)
        assert.equal("local", kind)
        assert.matches("address", text)
        none, kind, text = connect { interface = "no-such-dev0" }
        assert.is_nil(none)
        assert.equal("local", kind)
        assert.matches("interface", text)
      end)
    end)

    it("are told that nobody listens", function()
      listener:close()
      all(function()
        assert.same({ nil, "refused" }, { connect() })
      end)
    end)

    it("are not waited for longer than until the deadline", function()
      local full, fd, at = {}, net.listen() -- which nobody accepts from
      port = at
      for i = 1, 300 do
        full[i] = socket.tcp4()
        full[i]:settimeout(0)
        full[i]:connect("127.0.0.1", port)
      end
      all(function()
        assert.same({ nil, "timeout" }, { connect { deadline = soon(0.05) } })
        assert.same({ nil, "timeout" }, { connect { deadline = core.now() - 1 } })
      end)
      for i = 1, 300 do full[i]:close() end
      net.close(fd)
    end)

    it("receive what there is, at most so much, and wait for it", function()
      local conn, peer
      all(function()
        conn, peer = pair()
        peer:send "hello"
        assert.equal("he", conn:receive(2, soon()))
        assert.equal("llo", conn:receive(100, soon()))
        assert.equal("again", conn:receive(100, soon()))
        assert.equal("for ever", conn:receive(100))
        conn:close()
      end, function()
        driver.sleep(soon(0.05))
        peer:send "again"
        driver.sleep(soon(0.05))
        peer:send "for ever"
      end)
    end)

    it("are late after the deadline, and can be read on", function()
      all(function()
        local conn, peer = pair()
        assert.same({ nil, "timeout" }, { conn:receive(9, soon(0.02)) })
        assert.same({ nil, "timeout" }, { conn:receive(9, core.now() - 1) })
        peer:send "late"
        assert.equal("late", conn:receive(9, soon()))
        conn:close()
      end)
    end)

    it("tell the end from a reset", function()
      all(function()
        local conn, peer = pair()
        peer:send "bye"
        peer:close()
        assert.equal("bye", conn:receive(9, soon()))
        assert.equal("", conn:receive(9, soon()))
        assert.equal("", conn:receive(9, soon()))
        conn:close()
        conn, peer = pair()
        peer:setoption("linger", { on = true, timeout = 0 })
        peer:close()
        assert.same({ nil, "reset" }, { conn:receive(9, soon()) })
        conn:close()
        conn, peer = pair()
        peer:setoption("linger", { on = true, timeout = 0 })
        peer:close()
        driver.sleep(soon(0.02))
        local n, kind = conn:send("x", soon())
        if n then n, kind = conn:send("x", soon()) end
        assert.is_nil(n)
        assert.equal("reset", kind)
        conn:close()
      end)
    end)

    it("show what can be read without waiting", function()
      all(function()
        local conn, peer = pair()
        assert.is_nil(conn:peek(9))
        peer:send "early"
        driver.sleep(soon(0.02))
        assert.equal("ear", conn:peek(3))
        assert.equal("ly", conn:peek(3))
        assert.is_nil(conn:peek(3))
        peer:send "now" -- on the loopback it is there at once
        assert.equal("now", conn:peek(9))
        peer:close()
        driver.sleep(soon(0.02))
        assert.equal("", conn:peek(9))
        conn:close()
        assert.is_nil(conn:peek(9))
      end)
    end)

    it("send what fits, and wait until there is room", function()
      local text = ("0123456789abcdef"):rep(1024)
      local total, sent, conn, peer = 8 * 2 ^ 20, 0, nil, nil
      local got, short = {}, 0
      all(function()
        conn, peer = pair()
        peer:settimeout(0)
        while sent < total do
          local n = assert(conn:send(text:sub(sent % #text + 1), soon()))
          if n < #text - sent % #text then short = short + 1 end
          sent = sent + n
        end
        conn:close()
      end, function()
        driver.sleep(soon(0.1)) -- by now nothing fits any more
        assert.is_true(sent < total)
        while true do
          local data, why, part = peer:receive(65536)
          got[#got + 1] = data or part
          if why == "closed" then break end
          if not data then driver.sleep(soon(0.001)) end
        end
      end)
      got = table.concat(got)
      assert.equal(total, #got)
      assert.is_true(got == text:rep(total / #text))
    end)

    it("cannot send for ever to who does not read", function()
      all(function()
        local conn, peer = pair()
        local sent, n, kind = -1, 0, ""
        while n do
          sent = sent + n
          n, kind = conn:send(("x"):rep(16384), soon(0.05))
        end
        assert.equal("timeout", kind)
        assert.is_true(sent > 0)
        conn:close(true)
        peer:close()
      end)
    end)

    it("end without a reset, or with one where it is wanted", function()
      all(function()
        local conn, peer = pair()
        conn:send("last words", soon())
        conn:close()
        assert.equal("last words", drain(peer, 10))
        assert.same({ nil, "closed", "" }, { peer:receive(1) })
        assert.truthy(peer:getpeername())
        if name == "cqueues" then return end -- which cannot linger
        conn, peer = pair()
        conn:close(true)
        driver.sleep(soon(0.02))
        assert.same({ nil, "closed", "" }, { peer:receive(1) })
        assert.is_nil((peer:getpeername()))
      end)
    end)

    it("wake who waits when another closes them", function()
      local conn, said
      all(function()
        conn = pair()
        said = { conn:receive(9, soon()) }
        assert.same({ nil, "cancelled" }, { conn:receive(9, soon()) })
        assert.same({ nil, "cancelled" }, { conn:send("x", soon()) })
      end, function()
        driver.sleep(soon(0.02))
        conn:close(true)
        conn:close()
      end)
      assert.same({ nil, "cancelled" }, said)
    end)

    it("are closed where nothing can yield", function()
      local conn, peer
      all(function() conn, peer = pair() end)
      local object = newproxy and newproxy(true) or setmetatable({}, {}) -- luacheck: ignore
      local ran = {}
      getmetatable(object).__gc = function() ran[1], ran[2] = pcall(conn.close, conn) end
      if not newproxy then setmetatable(object, getmetatable(object)) end -- luacheck: ignore
      object = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.same({ true }, ran)
      all(function() driver.sleep(soon(0.01)) end)
      assert.same({ nil, "closed", "" }, { peer:receive(1) })
      peer:close()
    end)

    it("leave no descriptor behind", function()
      all(function() driver.sleep(core.now()) end)
      local before = descriptors()
      for _ = 1, 3 do
        all(function()
          local conn, peer = pair()
          peer:send "x"
          conn:receive(1, soon())
          conn:close()
          peer:close()
          connect { source = "192.0.2.1" }
          connect { port = 1 }
          conn = connect { tcp = false, port = 9 }
          conn:receive(1, soon(0.01))
          conn:close()
        end)
      end
      assert.equal(before, descriptors())
    end)

    -- datagrams --------------------------------------------------------------

    local function datagrams(ip)
      local server = assert((ip and socket.udp6 or socket.udp4)())
      server:settimeout(5)
      assert(server:setsockname(ip or "127.0.0.1", 0))
      local _, at = server:getsockname()
      return server, tonumber(at)
    end

    it("carry datagrams, whole and each by itself", function()
      local server, at = datagrams()
      all(function()
        local conn = assert(connect { tcp = false, port = at })
        assert.equal("127.0.0.1", conn.local_ip)
        assert.equal(4, conn:send("what", soon()))
        local data, ip, from = server:receivefrom()
        assert.equal("what", data)
        server:sendto("one", ip, from)
        server:sendto("", ip, from)
        server:sendto("two", ip, from)
        assert.equal("one", conn:receive(512, soon()))
        assert.equal("two", conn:receive(512, soon()))
        assert.same({ nil, "timeout" }, { conn:receive(512, soon(0.02)) })
        server:sendto(("x"):rep(1232), ip, from)
        assert.equal(("x"):rep(1232), conn:receive(4096, soon()))
        conn:close()
      end)
      server:close()
    end)

    it("carry datagrams from an address, and over IPv6", function()
      local server, at = datagrams()
      local six, at6 = datagrams "::1"
      all(function()
        local conn = assert(connect { tcp = false, port = at, source = "127.0.0.2" })
        conn:send("x", soon())
        assert.equal("127.0.0.2", select(2, server:receivefrom()))
        conn:close()
        conn = assert(connect { tcp = false, ip = "::1", port = at6 })
        conn:send("six", soon())
        assert.equal("six", (six:receivefrom()))
        conn:close()
      end)
      server:close()
      six:close()
    end)

    it("take datagrams from whom they asked only", function()
      local server, at = datagrams()
      local stranger = datagrams()
      all(function()
        local conn = assert(connect { tcp = false, port = at })
        conn:send("what", soon())
        local _, ip, from = server:receivefrom()
        stranger:sendto("lie", ip, from)
        assert.same({ nil, "timeout" }, { conn:receive(512, soon(0.02)) })
        server:sendto("truth", ip, from)
        assert.equal("truth", conn:receive(512, soon()))
        conn:close()
      end)
      server:close()
      stranger:close()
    end)

    it("are told that nobody takes their datagrams", function()
      local server, at = datagrams()
      server:close()
      all(function()
        local conn = assert(connect { tcp = false, port = at })
        conn:send("what", soon())
        assert.same({ nil, "refused" }, { conn:receive(512, soon()) })
        conn:close()
      end)
    end)

    -- tasks ------------------------------------------------------------------

    it("are waited for at once, and so is time", function()
      local order = {}
      local function after(seconds, word)
        return function()
          local time = soon(seconds)
          driver.sleep(time)
          assert.is_true(core.now() >= time)
          order[#order + 1] = word
        end
      end
      all(after(0.06, "c"), after(0.02, "a"), after(0.04, "b"), after(-1, "0"))
      assert.equal("0abc", table.concat(order))
    end)

    it("let nothing be lost when one task raises", function()
      local finished = 0
      local function fine()
        driver.sleep(soon(0.02))
        finished = finished + 1
      end
      local function wrong()
        driver.sleep(soon(0.01))
        error({ "a bug" }, 0)
      end
      local ok, why = driver.all { fine, wrong, fine }
      assert.is_false(ok)
      assert.same({ "a bug" }, why)
      assert.equal(2, finished)
      assert.is_nil((driver.all {}))
      ok, why = driver.all { function() error("at once", 0) end }
      assert.is_false(ok)
      assert.equal("at once", why)
    end)
  end)
end
