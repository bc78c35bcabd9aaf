-- deliver/discover: the MTA-STS policy of a destination, from its record to
-- what is remembered, in a world in memory with real TLS.

local pki = require "support.pki"
local secured = require "support.secured"

describe("the MTA-STS policy of a destination", function()
  local files
  setup(function()
    files = pki.new()
    secured.make(files)
  end)
  teardown(function() files:remove() end)

  local function new(t)
    t = t or {}
    t.sts = t.sts ~= false
    return secured.new(files, t)
  end

  local function count(list, what)
    local n = 0
    for _, v in ipairs(list) do if v == what then n = n + 1 end end
    return n
  end

  it("is found and kept to", function()
    local s = new()
    local row = s:deliver()
    assert.equal("delivered", row.outcome)
    assert.same({ "verified", "mta-sts" }, { row.tls.level, row.tls.policy })
    assert.equal(1, #s.page.requests)
    assert.matches("^GET /%.well%-known/mta%-sts%.txt HTTP/1%.1\r\nHost: mta%-sts%.contoso%.test\r\n", s.page.requests[1])
    assert.same({ "9.0.0.2:443", "9.0.0.1:25" }, s.world.connects)
    assert.equal(0, s.world.open)
  end)

  it("costs one question where there is none", function()
    local s = new{ sts = false }
    local row = s:deliver()
    assert.same({ "encrypted", "default" }, { row.tls.level, row.tls.policy })
    local q = s.world.questions
    assert.same({ "contoso.test MX", "_mta-sts.contoso.test TXT", "mx.contoso.test A" }, { q[1], q[2], q[3] })
    assert.same({ "9.0.0.1:25" }, s.world.connects)
  end)

  it("is not asked for where it does not count", function()
    for _, c in ipairs{ { mta_sts = false }, { level = "off" }, { pinned = true, destination = "mx.contoso.test" },
                        { destination = "[9.0.0.1]" } } do
      local s = new()
      assert.equal("delivered", s:deliver(c).outcome)
      assert.equal(0, count(s.world.questions, "_mta-sts.contoso.test TXT"))
    end
  end)

  it("keeps mail from hosts it does not name, and from those that cannot prove who they are", function()
    local s = new()
    s.policy.mx = { "other.contoso.test" }
    local row = s:deliver()
    assert.same({ "deferred", "policy" }, { row.outcome, row.kind })
    assert.matches("MTA%-STS policy does not name", row.text)
    assert.same({ "9.0.0.2:443" }, s.world.connects)
    s = new{ certificate = "other" }
    row = s:deliver()
    assert.same({ "deferred", "tls", "handshake", "mta-sts" }, { row.outcome, row.kind, row.stage, row.tls.policy })
    assert.equal(0, #s.host.received)
    s = new()
    s.host.EHLO = "250 mx"
    row = s:deliver()
    assert.same({ "deferred", "tls", "starttls" }, { row.outcome, row.kind, row.stage })
    assert.matches("the domain has an MTA%-STS policy", row.text)
  end)

  it("lets mail go to the next host that it names", function()
    local s = new()
    s.world.zone["contoso.test"].MX = { { 5, "evil.test" }, { 10, "mx.contoso.test" } }
    s.world.zone["evil.test"] = { A = { "9.0.0.9" } }
    local row = s:deliver()
    assert.same({ "delivered", "mx.contoso.test" }, { row.outcome, row.host })
    assert.equal(0, count(s.world.connects, "9.0.0.9:25"))
  end)

  it("on trial is told of, and delays nothing", function()
    local s = new{ certificate = "other" }
    s.policy.mode = "testing"
    local row = s:deliver()
    assert.same({ "delivered", "encrypted", "default" }, { row.outcome, row.tls.level, row.tls.policy })
    assert.matches("MTA%-STS policy is not kept to %(mode testing%): .*mx%.contoso%.test", row.tls.note)
    s = new()
    s.policy.mode, s.policy.mx = "testing", { "other.test" }
    row = s:deliver()
    assert.equal("delivered", row.outcome)
    assert.matches("does not name this host", row.tls.note)
    s = new()
    s.policy.mode = "testing"
    row = s:deliver()
    assert.same({ "verified", "default" }, { row.tls.level, row.tls.policy })
    assert.is_nil(row.tls.note)
    s.host.EHLO = "250 mx"
    row = s:deliver()
    assert.same({ "delivered", "none" }, { row.outcome, row.tls.level })
    assert.matches("sent in clear", row.tls.note)
  end)

  it("of mode none asks for nothing", function()
    local s = new{ certificate = "other" }
    s.policy.mode = "none"
    local row = s:deliver()
    assert.same({ "delivered", "encrypted" }, { row.outcome, row.tls.level })
  end)

  it("that cannot be had is none", function()
    for _, broken in ipairs{
      function(s) s.http = "HTTP/1.1 404 no\r\n\r\n" end,
      function(s) s.http = "HTTP/1.1 301 no\r\nLocation: https://mta-sts.contoso.test/x\r\n\r\n" end,
      function(s) s.http = s:answer():gsub("text/plain", "text/html") end,
      function(s) s.http = s:answer():gsub("mode: enforce", "mode: x") end,
      function(s) s.http = "220 what\r\n" end,
      function(s) s.page.tls = s.host.tls end, -- a certificate for another name
      function(s) s.world.hosts["9.0.0.2"] = "refused" end,
      function(s) s.world.hosts["9.0.0.2"] = "silent" end,
      function(s) s.world.zone["mta-sts.contoso.test"] = nil end,
      function(s) s.world.zone["mta-sts.contoso.test"] = "servfail" end,
      function(s) s.world.zone["mta-sts.contoso.test"] = { A = { "10.0.0.1", "127.0.0.1" } } end,
      function(s) s.world.zone["_mta-sts.contoso.test"] = "servfail" end,
      function(s) s.world.zone["_mta-sts.contoso.test"] = "silent" end,
      function(s) s:announce "v=STSv1; id=?" end,
    } do
      local s = new{ certificate = "other" }
      broken(s)
      local row = s:deliver()
      assert.same({ "delivered", "encrypted", "default" }, { row.outcome, row.tls.level, row.tls.policy })
      assert.equal(0, s.world.open)
    end
  end)

  it("says in the trace why it cannot be had", function()
    local s = new()
    s.http = "HTTP/1.1 503 no\r\n\r\n"
    s:deliver()
    assert.matches("%-%- MTA%-STS: no policy from https://mta%-sts%.contoso%.test/%.well%-known/mta%-sts%.txt: HTTP status 503\n",
                   table.concat(s.world.traces))
  end)

  it("is fetched from the next address, and of the next family", function()
    local s = new()
    s.world.zone["mta-sts.contoso.test"] = { A = { "9.0.0.8", "9.0.0.7" }, AAAA = { "2600::1" } }
    s.world.hosts["9.0.0.8"], s.world.hosts["2600::1"] = "refused", s.page
    assert.equal("mta-sts", s:deliver().tls.policy)
    assert.same({ "9.0.0.8:443", "9.0.0.7:443", "2600::1:443", "9.0.0.1:25" }, s.world.connects)
  end)

  it("is not fetched where nobody could be verified", function()
    local s = new()
    s.world.context = require "directsend.tls".context{ ca_file = "/nonexistent" }
    assert.equal("encrypted", s:deliver().tls.level)
    assert.same({ "9.0.0.1:25" }, s.world.connects)
    s.world.context = nil
    assert.equal("none", s:deliver().tls.level)
    assert.equal(1, count(s.world.connects, "9.0.0.1:25") - 1)
  end)

  it("takes twenty seconds at most", function()
    local s = new()
    s.world.hosts["9.0.0.2"] = { open = function() return { out = "", receive = function() end } end }
    local before = s.world.clock
    s:deliver()
    assert.is_true(s.world.clock - before < 21)
    assert.is_true(s.world.clock - before > 19)
  end)

  describe("remembered", function()
    local CAN = { can = { "recall" } }

    it("is asked for again after an hour, and fetched again when its id is another", function()
      local s = new()
      s:deliver(CAN)
      assert.equal(1, #s.page.requests)
      assert.matches("^sts1 enforce 1 ", s.world.memory["sts contoso.test"])
      assert.equal("verified", s:deliver(CAN).tls.level)
      assert.same({ 1, 1 }, { #s.page.requests, count(s.world.questions, "_mta-sts.contoso.test TXT") })
      s.epoch = s.epoch + 3700
      s:deliver(CAN)
      assert.same({ 1, 2 }, { #s.page.requests, count(s.world.questions, "_mta-sts.contoso.test TXT") })
      s.epoch = s.epoch + 3700
      s.policy.id, s.policy.mode = "2", "none"
      s:announce()
      assert.equal("default", s:deliver(CAN).tls.policy)
      assert.same({ 2, 3 }, { #s.page.requests, count(s.world.questions, "_mta-sts.contoso.test TXT") })
    end)

    it("stays in force when it cannot be found any more, until its end", function()
      for _, gone in ipairs{
        function(s) s.world.zone["_mta-sts.contoso.test"] = nil end,
        function(s) s.world.zone["_mta-sts.contoso.test"] = "servfail" end,
        function(s) s:announce "v=STSv1; id=2"; s.http = "HTTP/1.1 500 no\r\n\r\n" end,
        function(s) s:announce "v=STSv1; id=2"; s.world.hosts["9.0.0.2"] = "refused" end,
      } do
        local s = new()
        s:deliver(CAN)
        gone(s)
        s.host.tls = { cert = files:path "other.pem", key = files:path "other.key" }
        s.epoch = s.epoch + 80000
        assert.same({ "deferred", "tls" }, { s:deliver(CAN).outcome, s:deliver(CAN).kind })
        s.epoch = s.epoch + 6400
        assert.equal("delivered", s:deliver(CAN).outcome)
      end
    end)

    it("is told of when it ends, and that there was none for an hour", function()
      local s = new()
      s.policy.max_age = 1000000
      s:deliver(CAN)
      local told = s.world.remembered[1]
      assert.same({ "remember", "sts", "contoso.test" }, { told.op, told.space, told.key })
      assert.is_true(math.abs(told.expires - s.epoch - 1000000) < 5)
      s = new{ sts = false }
      s:deliver(CAN)
      assert.is_true(math.abs(s.world.remembered[1].expires - s.epoch - 3600) < 5)
      s:deliver(CAN)
      assert.equal(1, count(s.world.questions, "_mta-sts.contoso.test TXT"))
    end)

    it("that it could not be had is not tried again for five minutes", function()
      local s = new()
      s.http = "HTTP/1.1 500 no\r\n\r\n"
      s:deliver(CAN)
      s:deliver(CAN)
      assert.equal(1, #s.page.requests)
      s.epoch = s.epoch + 310
      s:deliver(CAN)
      assert.equal(2, #s.page.requests)
    end)

    it("may be nonsense", function()
      for _, junk in ipairs{ "", "nonsense", "sts1 enforce", ("x"):rep(10000) } do
        local s = new()
        s.world.memory["sts contoso.test"] = junk
        assert.equal("mta-sts", s:deliver(CAN).tls.policy)
      end
    end)
  end)

  it("is looked at once for many messages", function()
    local s = new()
    local rows = s:deliver(nil, { { body = "1\r\n" }, { body = "2\r\n" }, { body = "3\r\n" } })
    assert.equal(3, #rows)
    assert.equal(1, #s.page.requests)
  end)

  it("can be left at every step, and every step may fail", function()
    for _, how in ipairs{ "cancel", "fail reset", "fail timeout", "fail local" } do
      local steps = 0
      local s = new()
      s:deliver(nil, { { body = "x\r\n" } }, function(_, i) steps = i end)
      for at = 1, steps do
        s = new()
        local asked
        local rows = s:deliver(nil, { { body = "x\r\n" } }, function(op, i)
          if i == at then asked = op.op end
          local answered = op.op ~= "close" and op.op ~= "result" and op.op ~= "trace" and op.op ~= "done" and op.op ~= "remember"
          if i == at and (how == "cancel" or answered) then return how end
        end)
        if asked == "next" then assert.is_true(#rows <= 1) else assert.equal(1, #rows, how .. " at " .. asked) end
        assert.equal(0, s.world.open)
      end
    end
  end)

  it("is not passed over for want of memory, and gives back all it took", function()
    local out, ok = require "support.process".run("spec/support/starved_policy.lua", {}, files.dir)
    assert.is_true(ok, out)
    local runs = tonumber(out:match "^(%d+) runs\n$")
    assert.is_true(runs and runs > 50, out)
  end)
end)
