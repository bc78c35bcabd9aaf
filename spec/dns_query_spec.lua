local test = require "directsend.test"
local packets = require "support.dnspacket"
local queries = require "support.dnsquery"
local dns, mem = test.dns, test.util
local acts, drive, query_at = queries.acts, queries.drive, queries.at
local reply_with, new = queries.reply_with, queries.new

local ONE, TWO = queries.ONE, queries.TWO
local NAME, MX = queries.NAME, packets.types.MX
local FOUND, BIG = queries.FOUND, queries.BIG

describe("dns/query", function()
  after_each(function() mem.fail_at(0) end)

  describe("a question", function()
    it("goes to the first server and is answered", function()
      local q = new()
      local step = q:next(0)
      assert.same({"connect", ONE, false}, {step.need, step.server, step.tcp})
      q:connected(0)
      step = q:next(0)
      assert.equal("send", step.need)
      local id, name, rtype, edns = packets.parse_query(step.data)
      assert.same({0x0102, NAME, MX, true}, {id, name, rtype, edns})
      q:sent(0, #step.data)
      assert.equal("receive", q:next(0).need)
      q:received(0, packets.reply(step.data, {answer = FOUND}))
      assert.equal("close", q:next(0).need)
      assert.equal("done", q:next(0).need)
      assert.equal("done", q:next(0).need)
      local a = q:answer()
      assert.same({"noerror", "mx.example.com"}, {a.status, a.records[1].name})
      assert.equal("example.com MX: 192.0.2.1:53 answered", q:text())
    end)

    it("must be a name", function()
      for _, name in ipairs{"", "a..b", "a b.c", "1.2.3.4."} do
        assert.is_nil(dns.query({ONE}, name, MX, 1, "x"))
      end
    end)

    it("must be of a type", function()
      assert.is_nil(dns.query({ONE}, NAME, 65536, 1, "x"))
    end)

    it("is named in the text by its type", function()
      for _, rtype in ipairs{"A", "AAAA", "MX", "TXT", "TLSA", "CNAME",
          "PTR"} do
        local q = dns.query({}, NAME, packets.types[rtype], 1, "x")
        q:next(0)
        assert.equal(NAME .. " " .. rtype .. ": no server was asked", q:text())
      end
      local q = dns.query({}, NAME, 65535, 1, "x")
      q:next(0)
      assert.equal("example.com record: no server was asked", q:text())
    end)

    it("is the same need until it is answered", function()
      for _, need in ipairs{"connect", "send", "receive"} do
        local q, step = query_at(need, false)
        assert.same(step, q:next(0))
        assert.same(step, q:next(0))
      end
    end)

    it("has a fresh id in every try", function()
      local q = new({servers = {ONE}, attempts = 3})
      local ids = {}
      drive(q, {[ONE] = function(_, _, sent, now)
        ids[#ids + 1] = packets.parse_query(sent)
        q:failed(now)
      end})
      assert.same({0x0102, 0x0304, 0x0506}, ids)
    end)

    it("is not asked without random octets", function()
      local q = dns.query({ONE}, NAME, MX, 100, "")
      assert.equal("done", q:next(0).need)
      assert.equal("servfail", q:answer().status)
      assert.equal("example.com MX: no random bytes", q:text())
    end)

    it("asks nobody where there is nobody, or no time", function()
      for _, q in ipairs{new{servers = {}}, new({}, 0), new({}, -1)} do
        assert.equal("done", q:next(0).need)
        assert.equal("timeout", q:answer().status)
        assert.equal("example.com MX: no server was asked", q:text())
      end
    end)
  end)

  describe("tries", function()
    local function deadlines(config, until_, now)
      local q, out = new(config, until_), {}
      for i = 1, 20 do
        local step = q:next(now or 0)
        if step.need == "done" then break end
        out[i] = step.deadline
        q:failed(now or 0)
      end
      return table.concat(out, " "):gsub("%.0", "")
    end

    it("last twice as long each round", function()
      assert.equal("1 1 2 2 4 4", deadlines({timeout = 1, attempts = 3}, 100))
      assert.equal("2 4 8", deadlines({servers = {ONE}}, 100))
      assert.equal("12 14 18", deadlines({servers = {ONE}}, 100, 10))
    end)

    it("never outlast the query", function()
      assert.equal("2 4 5", deadlines({servers = {ONE}}, 5))
      assert.equal("5 5 5", deadlines({servers = {ONE}, timeout = 1e12}, 5))
      assert.equal("32 32 32", (deadlines({servers = {ONE}, timeout = 32,
        attempts = 4}, 32)):sub(1, 8))
    end)

    it("are sixteen rounds at most", function()
      local _, n = deadlines({servers = {ONE}, attempts = 1000}, 100)
        :gsub("%S+", "")
      assert.equal(16, n)
    end)

    it("end when the query's time is over", function()
      local q = new({}, 3)
      assert.same({"udp " .. ONE, "udp " .. TWO},
        drive(q, {[ONE] = "silent", [TWO] = "silent"}))
      assert.equal("timeout", q:answer().status)
    end)
  end)

  describe("servers", function()
    local function ask(first, second, config)
      local q = new(config or {attempts = 1})
      local log = drive(q, {[ONE] = first, [TWO] = second})
      return table.concat(log, ", "), q:answer().status, q:text()
    end

    -- bad input D22
    it("are asked in turn until one answers", function()
      for act, words in pairs{
          failed = "could not be reached", silent = "gave no answer",
          servfail = "answered SERVFAIL", refused = "answered REFUSED",
          lame = "does not look names up for us",
          unreadable = "sent an answer that cannot be read",
          garbage = "sent only what does not answer",
          echo = "sent only what does not answer"} do
        local log, status, text = ask(act, "answer")
        assert.equal("udp " .. ONE .. ", udp " .. TWO, log, act)
        assert.equal("noerror", status)
        assert.equal("example.com MX: 192.0.2.1:53 " .. words
          .. ", [2001:db8::1]:53 answered", text)
      end
    end)

    -- bad input D09
    it("that say nothing make a timeout, else a failure", function()
      local answers = {silent = "timeout", failed = "timeout",
        garbage = "timeout", wrong_id = "timeout", servfail = "servfail",
        refused = "servfail", lame = "servfail", unreadable = "servfail",
        formerr = "servfail", notimp = "servfail", truncated = "servfail"}
      for a, status in pairs(answers) do
        for b, other in pairs(answers) do
          local want = status == other and status or "servfail"
          assert.equal(want, (select(2, ask(a, b))), a .. " " .. b)
          assert.equal(want, (select(2, ask(a, b, {attempts = 3}))))
        end
      end
    end)

    -- bad input D10
    it("settle it with NXDOMAIN and no data", function()
      local log, status, text = ask("nxdomain", "answer")
      assert.same({"udp " .. ONE, "nxdomain"}, {log, status})
      assert.equal("example.com MX: 192.0.2.1:53 answered NXDOMAIN", text)
      log, status = ask("nodata", "answer")
      assert.same({"udp " .. ONE, "noerror"}, {log, status})
    end)

    it("may be authoritative without looking up for others", function()
      local _, status = ask(reply_with{ra = false, aa = true}, "failed")
      assert.equal("noerror", status)
      _, status = ask(reply_with{ra = false, answer = FOUND}, "failed")
      assert.equal("noerror", status)
    end)

    it("that know no EDNS are asked without it", function()
      for _, act in ipairs{"old", function(q, step, sent, now)
          local _, _, _, edns = packets.parse_query(sent)
          if not edns then return acts.answer(q, step, sent, now) end
          q:received(now, packets.reply(sent, {question = "", rcode = 4}))
        end} do
        local log, status = ask(act, "failed")
        assert.same({"udp " .. ONE .. ", udp " .. ONE, "noerror"},
          {log, status})
      end
    end)

    it("are remembered to know no EDNS", function()
      local with_edns = {}
      local q = new{servers = {ONE}, attempts = 2}
      drive(q, {[ONE] = function(_, step, sent, now)
        local edns = select(4, packets.parse_query(sent))
        with_edns[#with_edns + 1] = edns
        acts[edns and "formerr" or "servfail"](q, step, sent, now)
      end})
      assert.same({true, false, false}, with_edns)
    end)

    it("answer over TCP what is cut over UDP", function()
      local log, status = ask("big", "failed")
      assert.same({"udp " .. ONE .. ", tcp " .. ONE, "noerror"}, {log, status})
    end)

    it("that fail over TCP are followed by the next over UDP", function()
      for act, words in pairs{failed = "could not be reached",
          truncated = "cut its answer short over TCP",
          servfail = "answered SERVFAIL", empty = "closed the connection",
          wrong_id = "sent what does not answer"} do
        local log, status, text = ask(function(q, step, sent, now)
          acts[step.tcp and act or "truncated"](q, step, sent, now)
        end, "answer")
        assert.equal("udp " .. ONE .. ", tcp " .. ONE .. ", udp " .. TWO, log)
        assert.equal("noerror", status)
        assert.truthy(text:find(ONE .. " " .. words, 1, true), text)
      end
    end)

    it("are asked for signatures where they are believed", function()
      for _, trust in ipairs{true, false} do
        drive(new{trust_ad = trust}, {[ONE] = function(q, step, sent, now)
          assert.equal(packets.opt(1232, trust), sent:sub(-11))
          acts.answer(q, step, sent, now)
        end})
      end
    end)

    it("are believed to be secure where the config says so", function()
      for _, trust in ipairs{true, false} do
        local q = new{trust_ad = trust}
        drive(q, {[ONE] = reply_with{ad = true, answer = FOUND}})
        assert.equal(trust, q:answer().secure)
        q = new{trust_ad = trust}
        drive(q, {[ONE] = reply_with{answer = FOUND}})
        assert.is_false(q:answer().secure)
      end
    end)
  end)

  describe("datagrams that answer something else", function()
    -- bad input D01
    it("are ignored while the try lasts", function()
      local q, step, sent = query_at("receive", false)
      for i = 1, 10 do
        acts.wrong_id(q, step, sent, i / 10)
        acts.wrong_question(q, step, sent, i / 10)
        acts.echo(q, step, sent, i / 10)
        acts.garbage(q, step, sent, i / 10)
        acts.empty(q, step, sent, i / 10)
        assert.same(step, q:next(i / 10))
      end
      acts.answer(q, step, sent, 1.5)
      q:next(1.5)
      assert.equal("done", q:next(1.5).need)
      assert.equal("noerror", q:answer().status)
    end)

    it("are sixty-four at most", function()
      local q, step, sent = query_at("receive", false)
      for i = 1, 64 do
        assert.equal("receive", q:next(0).need, i)
        acts.wrong_id(q, step, sent, 0)
      end
      assert.equal("close", q:next(0).need)
      assert.equal(TWO, q:next(0).server)
    end)

    it("do not prolong it", function()
      local q, step, sent = query_at("receive", false)
      acts.wrong_id(q, step, sent, step.deadline)
      assert.equal("close", q:next(step.deadline).need)
      assert.equal(TWO, q:next(step.deadline).server)
    end)

    it("do not answer a later try either", function()
      local q, step, sent = query_at("receive", false)
      q:failed(2)
      q:next(2)
      q:next(2)
      q:connected(2)
      q:sent(2, #q:next(2).data)
      acts.answer(q, step, sent, 2)
      assert.equal("receive", q:next(2).need)
    end)
  end)

  describe("a stream", function()
    it("may come in pieces of any size", function()
      for _, size in ipairs{1, 2, 3, 7, 511, 16384} do
        local q, _, sent = query_at("receive", true)
        local bytes = packets.framed(packets.reply(sent, {answer = BIG}))
        for at = 1, #bytes, size do
          assert.equal("receive", q:next(0).need)
          q:received(0, bytes:sub(at, at + size - 1))
        end
        assert.equal("close", q:next(0).need)
        assert.equal(400, #q:answer().records)
      end
    end)

    it("may say more than was asked", function()
      local q, _, sent = query_at("receive", true)
      local bytes = packets.framed(packets.reply(sent, {answer = FOUND}))
      q:received(0, bytes .. ("x"):rep(100000))
      assert.equal("close", q:next(0).need)
      assert.equal("noerror", q:answer().status)
    end)

    it("may carry the largest message", function()
      local q, _, sent = query_at("receive", true)
      local packet = packets.reply(sent, {answer = FOUND,
        counts = {nil, 2}})
      local filler = packets.rr(NAME, "TXT",
        ("x"):rep(65535 - #packet - #NAME - 2 - 10))
      packet = packet .. filler
      assert.equal(65535, #packet)
      q:received(0, packets.framed(packet))
      assert.equal("close", q:next(0).need)
      assert.equal(1, #q:answer().records)
    end)

    it("must not be empty messages, nor end early, nor take too long", function()
      for _, act in ipairs{
          function(q) q:received(0, "\0\0") end,
          function(q) q:received(0, "\0\5hello") end,
          function(q) q:received(0, "\0\100half"); q:received(0, "") end,
          function(q, deadline) q:received(deadline, "\0") end} do
        local q, step = query_at("receive", true)
        act(q, step.deadline)
        assert.equal("close", q:next(0).need)
        assert.equal(TWO, q:next(0).server)
      end
    end)

    it("takes the question in pieces", function()
      local q = query_at("send", true)
      local sent = ""
      for _ = 1, 100 do
        local step = q:next(0)
        if step.need ~= "send" then break end
        sent = sent .. step.data:sub(1, 3)
        q:sent(0, math.min(3, #step.data))
      end
      assert.equal("receive", q:next(0).need)
      assert.equal(#sent - 2, sent:byte(1) * 256 + sent:byte(2))
      assert.equal(NAME, (select(2, packets.parse_query(sent:sub(3)))))
    end)
  end)

  it("gives back all it took when an allocation fails", function()
    local live, n, text = mem.live(), 0, nil
    repeat
      n = n + 1
      local before = mem.allocations()
      mem.fail_at(n)
      local q = new()
      if q then
        drive(q, {[ONE] = "big"})
        text = q:text()
        local a = q:answer()
        assert.equal(text:find "memory" and "servfail" or "noerror", a.status)
        assert.equal(text:find "memory" and 0 or 400, #a.records)
        q:close()
      end
      local failed = mem.allocations() - before >= n
      local words = failed and "out of memory" or ONE .. " answered"
      assert.is_true(q == nil or text == "example.com MX: " .. words)
    until not failed
    assert.is_true(n > 400)
    assert.equal(live, mem.live())
  end)

  it("can be left at any moment", function()
    local live = mem.live()
    for _, need in ipairs{"connect", "send", "receive"} do
      for _, tcp in ipairs{false, true} do
        local q = query_at(need, tcp)
        if need == "receive" then q:received(0, "\0\255partly") end
        q:close()
        q:close()
      end
    end
    assert.equal(live, mem.live())
  end)

  it("has room in its line for eight servers and the longest name", function()
    local name = (("a"):rep(61) .. "."):rep(4):sub(1, -2)
    local servers, acts_of = {}, {}
    for i = 1, 8 do
      servers[i] = ("[%sfff%d]:65535"):format(("ffff:"):rep(7), i)
      acts_of[servers[i]] = "unreadable"
    end
    local q = dns.query(servers, name, MX, 100, "x")
    drive(q, acts_of)
    local words = " sent an answer that cannot be read"
    assert.equal(name .. " MX: " .. table.concat(servers, words .. ", ") .. words,
      q:text())
  end)
end)
