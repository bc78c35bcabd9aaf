local world = require "support.world"

describe("messages in hand", function()
  it("keep their own reason when no host takes them, while others go", function()
    local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } },
                         hosts = { ["9.0.0.1"] = world.smtp{ EHLO = "250-mx\r\n250-PIPELINING\r\n250 SIZE 10" } } }
    local rows = w:deliver({ destination = "contoso.test" },
      { { body = "small\r\n" }, { body = "much too large\r\n" }, { body = "ok\r\n" } })
    local by = {}
    for _, r in ipairs(rows) do by[r.tag] = r end
    assert.equal("delivered", by[1].outcome)
    assert.equal("failed", by[2].outcome)
    assert.matches("SIZE", by[2].text)
    assert.equal("delivered", by[3].outcome)
    assert.equal(2, #w.hosts["9.0.0.1"].received)
  end)

  it("send again only to those who have no outcome yet", function()
    local first = world.smtp{ RCPT = { "550 5.1.1 no", "421 4.3.2 going down", "250 ok" } }
    local second = world.smtp{}
    local w = world.new{ zone = { ["contoso.test"] = { MX = { { 1, "a.contoso.test" }, { 2, "b.contoso.test" } } },
                                  ["a.contoso.test"] = { A = { "9.0.0.1" } }, ["b.contoso.test"] = { A = { "9.0.0.2" } } },
                         hosts = { ["9.0.0.1"] = first, ["9.0.0.2"] = second } }
    local rows = w:deliver({ destination = "contoso.test" },
      { { body = "x\r\n", recipients = { "a@x.test", "b@x.test", "c@x.test" } } })
    local outcome = {}
    for _, r in ipairs(rows) do outcome[r.recipient] = r.outcome end
    assert.same({ "failed", "delivered", "delivered" }, outcome)
    assert.same({ "b@x.test", "c@x.test" }, second.received[1].recipients)
  end)

  it("number a thousand recipients right", function()
    local list, refused = {}, {}
    for i = 1, 1000 do list[i] = "u" .. i .. "@x.test" end
    local mx = world.smtp{ RCPT = function(line)
      local n = tonumber(line:match "u(%d+)@")
      if n % 7 == 0 then
        refused[n] = true
        return "550 5.1.1 u" .. n
      end
      return "250 ok"
    end }
    local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }, hosts = { ["9.0.0.1"] = mx } }
    local rows = w:deliver({ destination = "contoso.test" }, { { body = "x\r\n", recipients = list } })
    assert.equal(1000, #rows)
    for _, r in ipairs(rows) do
      assert.equal(refused[r.recipient] and "failed" or "delivered", r.outcome)
      if refused[r.recipient] then assert.matches("u" .. r.recipient .. "$", r.reply) end
    end
  end)

  it("have a word for each recipient over LMTP", function()
    for _, ehlo in ipairs{ "250-mx\r\n250 PIPELINING", "250-mx\r\n250-PIPELINING\r\n250 CHUNKING", "250 mx" } do
      local mx = world.smtp{ LHLO = ehlo, EHLO = "500 5.5.1 no", final = function(_, s)
        return s.whose:find "^full" and "452 4.2.2 mailbox full" or s.whose:find "^no" and "550 5.1.1 gone" or "250 2.1.5 " .. s.whose
      end }
      local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }, hosts = { ["9.0.0.1"] = mx } }
      local rows = w:deliver({ destination = "contoso.test", lmtp = true, port = 24 },
        { { body = "one\r\n", recipients = { "a@x.test", "full@x.test", "no@x.test", "b@x.test" } }, { body = "two\r\n", recipients = { "c@x.test" } } })
      local outcome = {}
      for _, r in ipairs(rows) do outcome[r.tag .. "." .. r.recipient] = r.outcome .. " " .. r.code end
      assert.same({ ["1.1"] = "delivered 250", ["1.2"] = "deferred 452", ["1.3"] = "failed 550", ["1.4"] = "delivered 250",
                    ["2.1"] = "delivered 250" }, outcome)
      assert.same({ "a@x.test", "b@x.test" }, mx.received[1].recipients)
      assert.equal(1, #mx.sessions)
    end
  end)

  it("wish for status notifications as their sender does, where the host offers DSN", function()
    for _, ehlo in ipairs{ "250-mx\r\n250-PIPELINING\r\n250 DSN", "250-mx\r\n250 PIPELINING" } do
      local mx = world.smtp{ EHLO = ehlo }
      local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }, hosts = { ["9.0.0.1"] = mx } }
      w:deliver({ destination = "contoso.test", recipients = 2 }, { { body = "x\r\n", recipients = { "a@x.test", "b@x.test", "c@x.test" },
        dsn = { ret = "headers", envid = "id+1", notify = { "success", "delay" }, orcpt = { "A@y.test", "B@y.test", "C@y.test" } } } })
      local text = table.concat(mx.sessions[1].commands, "\n")
      if ehlo:find "DSN" then
        assert.matches("MAIL FROM:<a@contoso.test> RET=HDRS ENVID=id+2B1", text, 1, true)
        for _, name in ipairs{ "a", "b", "c" } do
          assert.matches(("RCPT TO:<%s@x.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;%s@y.test"):format(name, name:upper()), text, 1, true)
        end
      else
        assert.is_nil(text:find "NOTIFY")
      end
    end
  end)

  it("take 1 to 1000 recipients", function()
    local core = require "directsend.core"
    local d = core.delivery{ destination = "contoso.test" }
    d:step(1)
    local many = {}
    for i = 1, 1001 do many[i] = "x@x.test" end
    assert.has_error(function() d:step(1, "message", { recipients = {} }) end)
    assert.has_error(function() d:step(1, "message", { recipients = many }) end)
    assert.has_error(function() d:step(1, "message", { recipients = { 5 } }) end)
  end)
end)
