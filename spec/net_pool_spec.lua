local core = require "directsend.core"
local servers = require "support.servers"

local body = "Subject: s\r\n\r\nhello\r\n"

local function delivery(port, more)
  local c = { destination = "127.0.0.1", pinned = true, level = "off", hostname = "client.example.test", port = port,
              can = { "keep" }, keep = { idle = 10 } }
  for k, v in pairs(more or {}) do c[k] = v end
  return core.delivery(c)
end

-- one message in a loop that may hold kept sessions; its outcome
local function send(loop, port, more)
  local given, outcome = false, nil
  loop:add(delivery(port, more))
  while true do
    local d, op = loop:wait()
    if d == nil then return outcome end
    local what = op and op.op
    if what == "next" and not given then
      given = true
      loop:answer(d, "message", { sender = "a@example.test", recipients = { "b@example.test" }, size = #body, tag = 1 })
    elseif what == "next" then
      loop:answer(d, "no_more")
    elseif what == "body" then
      loop:answer(d, "body", body, true)
    elseif what == "result" then
      outcome = op.row.outcome
    end
  end
end

local function greetings(mx)
  local n = 0
  for _, c in ipairs(mx:commands()) do
    if c.line:find "^EHLO" then n = n + 1 end
  end
  return n
end

describe("the pool of the native loop", function()
  after_each(servers.stop_all)

  it("hands a kept session to the next delivery of its key", function()
    local mx = servers.aiosmtpd{ tls = false }
    local loop = core.loop()
    for _ = 1, 5 do assert.equal("delivered", send(loop, mx.port)) end
    assert.equal(5, #mx:messages())
    assert.equal(1, greetings(mx))
    assert.equal("delivered", send(loop, mx.port, { hostname = "other.example.test" }))
    assert.equal(2, greetings(mx))
    loop:close()
  end)

  it("says QUIT when the loop is closed", function()
    local mx = servers.aiosmtpd{ tls = false }
    local loop = core.loop()
    send(loop, mx.port)
    loop:close()
    local last
    for _ = 1, 200 do
      local list = mx:commands()
      last = list[#list].line
      if last:find "^QUIT" then break end
      os.execute "sleep 0.02"
    end
    assert.matches("^QUIT", last)
  end)

  it("takes none that the server has closed meanwhile", function()
    local function says(text) return { side = "S", lines = { { text = text } } } end
    local function hears(n)
      local lines = {}
      for i = 1, n do lines[i] = {} end
      return { side = "C", lines = lines }
    end
    -- without PIPELINING, and gone after the message
    local once = { steps = { says "220 mx\r\n", hears(1), says "250 mx\r\n", hears(1), says "250 ok\r\n", hears(1), says "250 ok\r\n",
                             hears(1), says "354 go on\r\n", hears(4), says "250 taken\r\n", { side = "EOF" } } }
    local mx = servers.dialog({ once, once }, { tls = false })
    local loop = core.loop()
    assert.equal("delivered", send(loop, mx.port))
    mx:sessions(1)
    assert.equal("delivered", send(loop, mx.port))
    mx:sessions(2)
    loop:close()
  end)

  it("keeps none beyond its time", function()
    local mx = servers.aiosmtpd{ tls = false }
    local loop = core.loop()
    send(loop, mx.port, { keep = { idle = 0.01 } })
    os.execute "sleep 0.05"
    send(loop, mx.port, { keep = { idle = 0.01 } })
    assert.equal(2, greetings(mx))
    loop:close()
  end)
end)
