local core = require "directsend.core"
local net = require("directsend.test").net
local servers = require "support.servers"

local function delivery(port)
  return assert(core.delivery{ destination = "127.0.0.1", pinned = true, port = port, level = "off", hostname = "c.example", trace = true })
end

local one = { recipients = { "b@x.test" }, size = 3 }

describe("core.loop", function()
  local listener, port

  setup(function() listener, port = net.listen() end)
  teardown(function() net.close(listener) end)
  after_each(servers.stop_all)

  it("lets only what it handed out be answered", function()
    local loop, other = core.loop(), core.loop()
    local waiting, asking = delivery(port), delivery(port)
    loop:add(waiting)
    assert.equal(waiting, (loop:wait()))
    loop:answer(waiting, "message", one)
    loop:add(asking)
    assert.equal(asking, (loop:wait())) -- by now the first one connects
    local why = "asked nothing"
    for _, answer in ipairs{ { "failed", "timeout" }, { "sent", 1, 5 }, { "connected", 1, "9.9.9.9", "9.9.9.9" }, { "no_more" } } do
      local ok, text = pcall(loop.answer, loop, waiting, answer[1], answer[2], answer[3], answer[4])
      assert.is_false(ok)
      assert.matches(why, text)
      assert.is_false(pcall(other.answer, other, asking, answer[1], answer[2], answer[3], answer[4]))
    end
    loop:answer(asking, "no_more")
    loop:cancel()
    local done = 0
    repeat
      local d, op = loop:wait()
      if d and op.op == "done" then done = done + 1 end
    until d == nil
    assert.equal(2, done)
    loop:close()
    other:close()
  end)

  it("says so when the last operation was not answered, and does not wait for ever", function()
    local loop, d = core.loop(), delivery(port)
    loop:add(d)
    assert.equal("next", select(2, loop:wait()).op)
    for _ = 1, 2 do
      assert.has_error(function() loop:wait() end, "the last operation has not been answered")
    end
    loop:answer(d, "no_more")
    assert.equal("done", select(2, loop:wait()).op)
    assert.is_nil(loop:wait())
    loop:close()
  end)

  it("gives its deliveries back when it is closed", function()
    local loop, d = core.loop(), delivery(port)
    loop:add(d)
    loop:wait()
    loop:answer(d, "message", one)
    d:close() -- not its to close
    loop:close()
    d:cancel(core.now())
    assert.equal("result", d:step(core.now()).op)
    local second = core.loop()
    second:add(d)
    assert.equal("done", select(2, second:wait()).op)
    second:close()
    d:close()
    assert.has_error(function() d:step(1) end)
  end)

  it("takes no delivery twice, and none that is closed", function()
    local loop, other, d = core.loop(), core.loop(), delivery(port)
    loop:add(d)
    assert.has_error(function() loop:add(d) end)
    assert.has_error(function() other:add(d) end)
    assert.has_error(function() loop:add(core.message()) end)
    local closed = delivery(port)
    closed:close()
    assert.has_error(function() loop:add(closed) end)
    loop:close()
    assert.has_error(function() loop:add(d) end)
    other:close()
  end)

  it("may be waited for by a finalizer when its deliveries are gone already", function()
    local seen
    do
      local loop = core.loop()
      local function wait() seen = { pcall(loop.wait, loop) } end
      local object = newproxy and newproxy(true) or setmetatable({}, {}) -- luacheck: ignore
      getmetatable(object).__gc = wait
      object = newproxy and object or setmetatable(object, { __gc = wait }) -- luacheck: ignore
      loop:add(delivery(port)) -- made last: its finalizer comes first
    end
    collectgarbage()
    collectgarbage()
    assert.same({ true }, seen)
  end)

  it("reads nothing of a message that is closed under it", function()
    local server = servers.aiosmtpd{ tls = false }
    local m = core.message()
    m:text("Subject", "s")
    m:plain(("hello\n"):rep(9))
    assert(m:finish(("0123456789abcdef"):rep(4)))
    local loop, d, row = core.loop(), delivery(server.port), nil
    loop:add(d)
    repeat
      local asking, op = loop:wait()
      local what = op and op.op
      if what == "next" and not row then
        loop:answer(d, "message", { recipients = { "b@x.test" }, source = m })
      elseif what == "next" then
        loop:answer(d, "no_more")
      elseif what == "trace" then
        m:close()
      elseif what == "result" then
        row = op.row
      end
    until asking == nil
    loop:close()
    assert.equal("deferred", row.outcome)
    assert.equal("local", row.kind)
    assert.matches("closed before it was sent", row.text)
  end)
end)
