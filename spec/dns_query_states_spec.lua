-- every need of a query by everything that can befall it
local mem = require("directsend.test").util
local packets = require "support.dnspacket"
local queries = require "support.dnsquery"
local acts, drive, query_at = queries.acts, queries.drive, queries.at
local new, NAME = queries.new, queries.NAME
local ONE, TWO = queries.ONE, queries.TWO

describe("dns/query", function()
  -- every need by every answer: what is needed next.  "next" is the other
  -- server, "tcp" and "again" the same one, "same" the same need.
  describe("each answer to each need", function()
    local late = function(q, step) q:failed(step.deadline) end
    local events = {
      connected = function(q) q:connected(0) end,
      sent = function(q, step) q:sent(0, #(step.data or "")) end,
      short = function(q, step) q:sent(0, #(step.data or "x") - 1) end,
      nothing = function(q) q:sent(0, 0) end,
      failed = acts.failed, late = late, closed = acts.empty,
      answer = acts.answer, nxdomain = acts.nxdomain,
      garbage = acts.garbage, wrong_id = acts.wrong_id,
      wrong_question = acts.wrong_question, truncated = acts.truncated,
      servfail = acts.servfail, refused = acts.refused,
      formerr = acts.formerr, notimp = acts.notimp,
      unreadable = acts.unreadable, lame = acts.lame,
    }
    local table_of = {
      connect = {connected = "send", failed = "next", late = "next"},
      send = {sent = "receive", short = {udp = "next", tcp = "send"},
        nothing = "next", failed = "next", late = "next"},
      receive = {answer = "done", nxdomain = "done", failed = "next",
        late = "next", servfail = "next", refused = "next",
        unreadable = "next", lame = "next", formerr = "again",
        notimp = "again", truncated = {udp = "tcp", tcp = "next"},
        closed = {udp = "same", tcp = "next"},
        garbage = {udp = "same", tcp = "next"},
        wrong_id = {udp = "same", tcp = "next"},
        wrong_question = {udp = "same", tcp = "next"}},
    }

    local function follow(q, before)
      local open = before.need ~= "connect"
      local step = q:next(0)
      if step.need == before.need and step.server == before.server
          and step.tcp == before.tcp and step.deadline == before.deadline
          and step.data == before.data then
        return "same"
      end
      local closed = step.need == "close"
      if closed then step = q:next(0) end
      if step.need == "connect" or step.need == "done" then
        assert.equal(open, closed)
      else
        assert.is_false(closed)
      end
      if step.need ~= "connect" then return step.need end
      if step.server ~= before.server then
        assert.is_false(step.tcp)
        return "next"
      end
      return step.tcp and not before.tcp and "tcp" or "again"
    end

    for need, row in pairs(table_of) do
      for _, way in ipairs{"udp", "tcp"} do
        it(("leads on from %s over %s"):format(need, way), function()
          for event, act in pairs(events) do
            local q, step, sent = query_at(need, way == "tcp")
            act(q, step, sent or packets.packet{question = {NAME, "MX"}}, 0)
            local want = row[event] or "same"
            if type(want) == "table" then want = want[way] end
            assert.equal(want, follow(q, step), event)
          end
        end)
      end
    end

    it("is passed over after the end", function()
      local q, step, sent = query_at("receive", false)
      acts.nxdomain(q, step, sent, 0)
      q:next(0)
      local text = q:text()
      for _, act in pairs(events) do act(q, step, sent, 0) end
      assert.equal("done", q:next(0).need)
      assert.same({"nxdomain", text}, {q:answer().status, q:text()})
    end)

    it("ends the query whatever the server does, and always", function()
      for name, act in pairs(acts) do
        local q = new{attempts = 3}
        drive(q, {[ONE] = act, [TWO] = act})
        assert.is_nil(q:text():find "%c", name)
      end
    end)

    it("ends the query in any mixture", function()
      local names, live = {}, mem.live()
      for name in pairs(events) do names[#names + 1] = name end
      table.sort(names)
      local seed = 1
      for _ = 1, 300 do
        local q, sent, steps = new{attempts = 2}, "", 0
        local step, last = q:next(0), nil
        while step.need ~= "done" do
          steps = steps + 1
          assert.is_true(steps < 6000)
          if step.need == "send" and last ~= "send" then
            sent = queries.unframed(step)
          end
          if step.need ~= "close" then
            seed = (seed * 1103 + 12345) % 65521
            local event = sent == "" and "connected" or names[seed % #names + 1]
            events[event](q, step, sent, 0)
          end
          last, step = step.need, q:next(0)
        end
        q:close()
      end
      assert.equal(live, mem.live())
    end)
  end)
end)
