local obey = require "directsend.driver.loop"

-- a delivery that asks what the list says and writes down what it is told
local function asking(list)
  local told, at = {}, 0
  return {
    told = told,
    step = function(_, now, ...)
      if at > 0 then told[at] = { now, ... } end
      at = at + 1
      return list[at] or { op = "done" }
    end,
  }
end

local function io_of(conn, clock)
  if conn then
    conn.local_ip = conn.local_ip or "192.0.2.1"
    conn.peer_ip = conn.peer_ip or "192.0.2.25"
  end
  return { now = clock or function() return 7 end,
           connect = function(op) return conn, "refused", op.ip end }
end

describe("the shared loop", function()
  it("carries out what the delivery asks, in order", function()
    local said = {}
    local conn = { local_ip = "192.0.2.1", peer_ip = "192.0.2.25" }
    function conn.send(_, data, deadline)
      said[#said + 1] = { "send", data, deadline }
      return #data
    end
    function conn.receive(_, max, deadline)
      said[#said + 1] = { "receive", max, deadline }
      return "220 hello\r\n"
    end
    function conn.close(_, abort)
      said[#said + 1] = { "close", abort }
    end
    local d = asking {
      { op = "connect", conn = 3 }, { op = "receive", conn = 3, max = 9,
                                      deadline = 1 },
      { op = "send", conn = 3, data = "EHLO", deadline = 2 },
      { op = "close", conn = 3, abort = true },
    }
    obey(d, io_of(conn), {})
    assert.same({ { "receive", 9, 1 }, { "send", "EHLO", 2 },
                  { "close", true } }, said)
    assert.same({ { 7, "connected", 3, "192.0.2.1", "192.0.2.25" },
                  { 7, "received", 3, "220 hello\r\n" }, { 7, "sent", 3, 4 },
                  { 7 } }, d.told)
  end)

  it("tells every failure, its kind and its words", function()
    local broken = {
      send = function() return nil, "reset", "gone" end,
      receive = function() return nil, "timeout", "late" end,
    }
    local d = asking { { op = "connect", conn = 1, ip = "192.0.2.1" } }
    obey(d, io_of(nil), {})
    assert.same({ { 7, "failed", "refused", "192.0.2.1" } }, d.told)
    d = asking { { op = "connect", conn = 1 }, { op = "send", conn = 1 },
                 { op = "receive", conn = 1 } }
    obey(d, io_of(broken), {})
    assert.same({ 7, "failed", "reset", "gone" }, d.told[2])
    assert.same({ 7, "failed", "timeout", "late" }, d.told[3])
  end)

  it("hands on the end of a stream", function()
    local d = asking { { op = "connect", conn = 1 },
                       { op = "receive", conn = 1 } }
    obey(d, io_of { receive = function() return "" end }, {})
    assert.same({ 7, "received", 1, "" }, d.told[2])
  end)

  it("asks the feed for everything else", function()
    local results = {}
    local feed = {
      next = function() return "message", { size = 1 } end,
      body = function(op) return "body", "x", op.offset == 1 end,
      context = function() return "failed", "local", "no TLS" end,
      result = function(op) results[#results + 1] = op.row end,
    }
    local d = asking { { op = "next" }, { op = "body", offset = 1 },
                       { op = "context" }, { op = "result", row = "r" } }
    obey(d, io_of(), feed)
    assert.same({ { 7, "message", { size = 1 } }, { 7, "body", "x", true },
                  { 7, "failed", "local", "no TLS" }, { 7 } }, d.told)
    assert.same({ "r" }, results)
  end)

  it("reads the clock after each operation, not before", function()
    local time = 0
    local conn = { receive = function() time = time + 5 return "x" end }
    local d = asking { { op = "connect", conn = 1 },
                       { op = "receive", conn = 1 },
                       { op = "receive", conn = 1 } }
    obey(d, io_of(conn, function() return time end), {})
    assert.same({ 0, 5, 10 }, { d.told[1][1], d.told[2][1], d.told[3][1] })
  end)

  -- a conn whose peer has said these things
  local function talkative(list, send)
    return { peek = function(_, max)
      local data = table.remove(list, 1)
      assert(not data or #data <= max)
      return data
    end, send = send or function(_, data) return #data end }
  end

  it("looks before a fresh send, and sends nothing if something is there", function()
    local list = { "220 early\r\n" }
    local d = asking { { op = "connect", conn = 1 },
                       { op = "send", conn = 1, data = "EHLO", fresh = true },
                       { op = "send", conn = 1, data = "EHLO", fresh = true },
                       { op = "send", conn = 1, data = "more" } }
    local seen = {}
    local step = d.step
    function d.step(self, now, ...)
      if ... ~= "received" then return step(self, now, ...) end
      seen[#seen + 1] = { now, ... }
    end
    obey(d, io_of(talkative(list)), {})
    assert.same({ { 7, "received", 1, "220 early\r\n" } }, seen)
    assert.same({ { 7, "sent", 1, 0 }, { 7, "sent", 1, 4 }, { 7, "sent", 1, 4 } },
                { d.told[2], d.told[3], d.told[4] })
  end)

  it("hands over what came before a send failed", function()
    local list = { "421 bye\r\n", "", "never" }
    local d = asking { { op = "connect", conn = 1 },
                       { op = "send", conn = 1, data = "x" } }
    local seen = {}
    local step = d.step
    function d.step(self, now, ...)
      if ... ~= "received" then return step(self, now, ...) end
      seen[#seen + 1] = select(3, ...)
    end
    obey(d, io_of(talkative(list, function() return nil, "reset" end)), {})
    assert.same({ "421 bye\r\n", "" }, seen)
    assert.same({ 7, "failed", "reset" }, d.told[2])
    assert.same({ "never" }, list)
  end)

  it("does not listen for ever to who breaks off and talks", function()
    local n = 0
    local conn = talkative({}, function() return nil, "reset" end)
    function conn.peek() n = n + 1 return "x" end
    local d = asking { { op = "connect", conn = 1 },
                       { op = "send", conn = 1, data = "x" } }
    local step = d.step
    function d.step(self, now, ...)
      if ... ~= "received" then return step(self, now, ...) end
    end
    obey(d, io_of(conn), {})
    assert.equal(64, n)
    assert.same({ 7, "failed", "reset" }, d.told[2])
  end)
end)
