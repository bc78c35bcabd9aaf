local door = require "directsend.test"
local smtp_peer = require "support.smtp_peer"

local run, new_peer, new_session = smtp_peer.run, smtp_peer.new, smtp_peer.session

describe("session wire", function()
  local files, server, client

  setup(function() files, server, client = smtp_peer.certified() end)
  teardown(function() files:remove() end)

  local function version(v)
    return { cert = server.cert, key = server.key, min = v, max = v }
  end

  local function flush(session)
    local want, data = session:next(0)
    while want == "send" do
      session:sent(0, #data)
      want, data = session:next(0)
    end
  end

  -- a session whose server has greeted it and offered what it has
  local function greeted(options)
    local session = new_session(options)
    session:received(0, "220 hi\r\n")
    assert.is_nil(session:event(0))
    flush(session)
    session:received(0, "250-x\r\n250 PIPELINING\r\n")
    assert.equal("ready", session:event(0).event)
    return session
  end

  -- one whose body may be given now
  local function in_body(options)
    local session = greeted(options)
    session:begin(1, "b@there.test")
    assert.is_nil(session:event(0))
    flush(session)
    session:received(0, "250 ok\r\n250 ok\r\n354 go\r\n")
    repeat
      local ev = session:event(0)
    until ev.event == "body"
    return session
  end

  it("carries a large body, in pieces of max_chunk at most", function()
    local big = ("0123456789abcdef"):rep(4, "") .. "\r\n"
    big = big:rep(4000)
    for _, v in ipairs { "none", "1.3" } do
      for _, max in ipairs { 100, 1000, 16384, 65536 } do
        local peer = new_peer { tls = v ~= "none" and version(v) or nil }
        local log = run(new_session { max_chunk = max }, peer, { tls = v ~= "none" and client or nil, body = big })
        assert.equal("delivered", log.outcome)
        assert.is_true(big == peer.bodies[1])
        for i, data in ipairs(log.sends) do
          assert.is_true(#data <= max)
          if #data > 2000 and i < #log.sends then
            assert.is_true(log.more[i])
          end
        end
        if max >= 16384 then
          assert.is_true(#log.sends <= math.ceil(#big / (max - 400)) + 8)
        end
      end
    end
  end)

  it("presents what a short write left, as it is", function()
    local session = greeted()
    session:begin(1, "b@there.test")
    local _, whole = session:next(0)
    local gone = 0
    for _, n in ipairs { 0, 1, 0, 5, 20 } do
      session:sent(0, n)
      gone = gone + n
      local want, data, fresh = session:next(0)
      assert.equal("send", want)
      assert.equal(whole:sub(gone + 1), data)
      assert.equal(gone == 0, fresh)
      assert.equal(#whole - gone, session:pending())
    end
    session:sent(0, 1e6)
    assert.equal(0, session:pending())
    assert.equal("receive", (session:next(0)))
  end)

  it("keeps what is said later apart from what is presented", function()
    local session = in_body { max_chunk = 10 }
    session:body("0123456789abcdef\r\n")
    local want, data, fresh, more = session:next(0)
    assert.same({ "send", "0123456789", true, true }, { want, data, fresh, more })
    session:body("more\r\n")
    session:body_end()
    want, data = session:next(0)
    assert.same({ "send", "0123456789" }, { want, data })
    local all = ""
    repeat
      all = all .. data
      session:sent(0, #data)
      want, data, fresh, more = session:next(0)
      assert.equal(want == "send" and session:pending() > #data, more)
      assert.is_true(#data <= 10)
    until want ~= "send"
    assert.equal("0123456789abcdef\r\nmore\r\n.\r\n", all)
    assert.equal("receive", want)
    assert.is_false(fresh)
  end)

  it("takes the end of a body for said once it is presented, and not before", function()
    for _, presented in ipairs { false, true } do
      local session = in_body()
      session:body("x\r\n")
      session:body_end()
      if presented then
        assert.equal("send", (session:next(0)))
      end
      session:failed(0, "connect", "broken pipe")
      local settled = session:event(0)
      assert.equal("settled", settled.event)
      assert.equal(presented and "unknown" or "deferred", settled.outcome)
    end
  end)

  it("does not take it for said while it waits behind a piece of the body", function()
    local session = in_body { max_chunk = 10 }
    session:body("0123456789abcdef\r\n")
    session:body_end()
    assert.equal("0123456789", (select(2, session:next(0))))
    session:failed(0, "connect", "broken pipe")
    assert.equal("deferred", session:event(0).outcome)
  end)

  it("takes replies while it sends", function()
    for _, max_chunk in ipairs { 16384, 10 } do -- all of it presented, or a piece
      local session = in_body { max_chunk = max_chunk }
      session:body("0123456789abcdef\r\n")
      session:next(0)
      session:received(0, "421 going down\r\n")
      local settled = session:event(0)
      assert.equal("deferred", settled.outcome)
      assert.equal("421 going down", settled.reply)
      repeat
        local ev = session:event(0)
      until ev.event == "ended"
      assert.equal("nothing", (session:next(0)))
      assert.equal(0, session:pending())
    end
  end)

  it("asks that nothing be readable before what was not preceded by a question", function()
    local session = greeted()
    session:begin(1, "b@there.test")
    local _, data, fresh = session:next(0)
    assert.is_true(fresh)
    session:sent(0, #data)
    session:received(0, "250 ok\r\n250 ok\r\n354 go\r\n")
    repeat
      local ev = session:event(0)
    until ev.event == "body"
    session:body("x\r\n")
    session:body_end()
    assert.same({ "send", "x\r\n.\r\n", true }, { (session:next(0)), (select(2, session:next(0))), (select(3, session:next(0))) })
    session:sent(0, 6)
    session:quit()
    local want
    want, data, fresh = session:next(0)
    assert.same({ "send", "QUIT\r\n", false }, { want, data, fresh })
    session = greeted()
    session:received(0, "250 unasked\r\n")
    local ended = session:event(0)
    assert.equal("ended", ended.event)
    assert.equal("protocol", ended.kind)
  end)

  it("wants nothing while the owner is to speak", function()
    local session = in_body()
    assert.equal("nothing", (session:next(0)))
    assert.equal("nothing", (greeted():next(0)))
  end)

  it("says no QUIT to who has gone", function()
    local session, peer = new_session(), new_peer { replies = { EHLO = "250 x\r\n" } }
    local log = run(setmetatable({}, { __index = function(_, name)
      return function(_, ...)
        if name == "next" and peer.bodies[1] and #peer.out == 0 then
          session:received(0, "")
        end
        return session[name](session, ...)
      end
    end }), peer)
    assert.equal("delivered", log.outcome)
    assert.equal("", log.ended.kind)
    assert.equal("DATA", peer.lines[#peer.lines])
  end)

  it("holds little while it is idle", function()
    collectgarbage()
    collectgarbage()
    door.tls.failing(0)
    local session = in_body { trace = false, max_chunk = 65536 }
    for _ = 1, 10 do
      session:body(("x"):rep(65534) .. "\r\n")
      flush(session)
    end
    session:body_end()
    flush(session)
    session:received(0, "250 queued\r\n")
    repeat
      local ev = session:event(0)
    until ev.event == "finished"
    assert.is_nil(session:event(0))
    assert.equal("nothing", (session:next(0)))
    local _, _, bytes = door.tls.succeeding()
    assert.is_true(bytes > 0 and bytes <= 8 * 1024)
  end)

  it("asks for a close to be told only once", function()
    local session = greeted()
    session:received(0, "")
    assert.equal("ended", session:event(0).event)
    session:received(0, "")
    assert.is_nil(session:event(0))
    assert.equal("nothing", (session:next(0)))
  end)
end)
