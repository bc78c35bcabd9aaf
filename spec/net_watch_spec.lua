local core = require "directsend.core"
local socket = require "socket"

-- a connected pair of LuaSocket's sockets
local function pair()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  local a = assert(socket.connect("127.0.0.1", port))
  local b = listener:accept()
  listener:close()
  a:settimeout(0)
  return a, b
end

-- whether select(2) calls it readable within some seconds
local function readable(w, seconds)
  local ready = socket.select({ { getfd = function() return w:getfd() end } },
                              nil, seconds)
  return ready[1] ~= nil
end

describe("a watch", function()
  local w

  before_each(function() w = assert(core.watch()) end)
  after_each(function() w:close() end)

  it("is not ready at first", function()
    assert.is_false(w:ready())
    assert.is_false(readable(w, 0))
  end)

  it("is ready when what it watches can be read", function()
    local a, b = pair()
    assert(w:set(a:getfd(), "r"))
    assert.is_false(w:ready())
    b:send "x"
    assert.is_true(readable(w, 5))
    assert.is_true(w:ready())
    a:receive(1)
    assert.is_false(w:ready())
    b:close()
    assert.is_true(readable(w, 5))
    a:close()
  end)

  it("is ready when what it watches can be written", function()
    local a, b = pair()
    assert(w:set(a:getfd(), "w"))
    assert.is_true(w:ready())
    local _, _, n = a:send(("x"):rep(2 ^ 24))
    assert.is_false(w:ready())
    b:receive(n)
    assert.is_true(readable(w, 5))
    assert(w:set(a:getfd(), "r"))
    assert.is_false(w:ready())
    a:close()
    b:close()
  end)

  it("is ready from its time on", function()
    local time = core.now() + 0.03
    assert(w:set(nil, nil, time))
    assert.is_false(w:ready())
    assert.is_true(readable(w, 5))
    assert.is_true(core.now() >= time)
    assert.is_true(w:ready())
    assert.is_true(w:ready())
  end)

  it("is ready at once when its time is past, were it in the year dot", function()
    for _, time in ipairs { core.now() - 1, 0, -5 } do
      assert(w:set(nil, nil, time))
      assert.is_true(readable(w, 5))
    end
  end)

  it("watches for one thing at a time", function()
    local a, b = pair()
    b:send "x"
    assert(w:set(a:getfd(), "r", core.now()))
    assert.is_true(w:ready())
    assert(w:set(nil, nil, core.now() + 60))
    assert.is_false(w:ready())
    assert(w:set(nil, nil, nil))
    assert.is_false(w:ready())
    local c, d = pair()
    assert(w:set(c:getfd(), "r"))
    assert(w:set(a:getfd(), "r"))
    assert.is_true(w:ready())
    assert(w:set(c:getfd(), "r", core.now() + 60))
    assert.is_false(w:ready())
    for _, sock in ipairs { a, b, c, d } do sock:close() end
  end)

  it("bears it that what it watched is closed, and its number another's", function()
    local a, b = pair()
    local fd = a:getfd()
    assert(w:set(fd, "r"))
    a:close()
    b:close()
    assert.is_false(w:ready())
    local c, d = pair()
    d:send "x"
    assert(w:set(c:getfd(), "r"))
    assert.is_true(readable(w, 5))
    c:close()
    d:close()
  end)
end)
