local test = require "directsend.test"
local smtp = test.smtp
local dialog = require "support.dialog"
local pairs_of = require "support.smtp_pairs"
local player = require "support.smtp_player"
local talk = require "support.smtp_talk"

local memory = test.util
local dialogs = dialog.all "spec/dialogs"

local function server_octets(d)
  local n, longest = 0, 0
  for _, step in ipairs(d.steps) do
    if step.side == "S" then
      local octets = dialog.bytes(step)
      n, longest = n + #octets, math.max(longest, #octets)
    end
  end
  return n, longest
end

local function complaint(p, where)
  return ("%s, %s\n%s"):format(p.d.name, where, table.concat(p.failed, "\n"))
end

local function play_well(d, how, where)
  local p = player.play(d, how)
  assert.are.equal(player.expected(d), p:told(), d.name .. ", " .. where)
  assert.are.equal(0, #p.failed, complaint(p, where))
end

-- the message a body belongs to, for each body that was sent
local function bodies(p)
  local list = {}
  for i = 1, #p.d.messages do
    if p.ends[i] then
      list[#list + 1] = i
    end
  end
  return list
end

local function end_is_taken(p, message)
  return p.stages[message] == "end taken"
end

describe("smtp/engine plays", function()
  for _, d in ipairs(dialogs) do
    it(d.name, function()
      play_well(d, {}, "whole")
    end)
  end

  it("every dialogue in pieces of every size", function()
    for _, d in ipairs(dialogs) do
      local _, longest = server_octets(d)
      for chunk = 1, d.whole and 0 or longest do
        play_well(d, { chunk = chunk, take = chunk }, "in pieces of " .. chunk)
      end
    end
  end)
end)

-- the last it said was that it goes: what it did not answer was not done
local function left(d, cut)
  local last
  for _, p in ipairs(pairs_of.list(d)) do
    last = p.at and p.at <= cut and p or last
  end
  return last and last.code == 421
end

-- what holds for one recipient when the server's octets end at `cut`
local function check_cut(p, message, recipient, verdict, cut)
  local ev = p.outcomes[message .. "/" .. recipient]
  local name = ("%s cut at %d, recipient %d/%d"):format(p.d.name, cut, message, recipient)
  local complete = verdict and verdict.at and verdict.at <= cut
  if message > p.begun then
    assert.is_nil(ev, name)
    return
  end
  assert.is_table(ev, name)
  if ev.outcome == "delivered" then
    assert.is_true(complete and verdict.code < 300, name .. " delivered")
  elseif ev.outcome == "unknown" then
    assert.is_true(end_is_taken(p, message), name .. " unknown")
  end
  local accepted = p.d.messages[message].recipients[recipient].stage == "final"
  if accepted and end_is_taken(p, message) and not complete then
    assert.are.equal(left(p.d, cut) and "deferred" or "unknown", ev.outcome, name)
  elseif complete and verdict.code < 300 and p.d.messages[message].recipients[recipient].outcome == "delivered" then
    assert.are.equal("delivered", ev.outcome, name)
  end
end

-- in LMTP each has their own reply
local function verdict_for(d, verdict, message, recipient)
  local n = 0
  for j = 1, d.lmtp and recipient or 0 do
    n = n + (d.messages[message].recipients[j].stage == "final" and 1 or 0)
  end
  return verdict and n > 0 and (verdict.finals or {})[n] or not d.lmtp and verdict or nil
end

local function play_cut(d, cut, verdicts)
  local p = player.play(d, { chunk = 7, cut = cut })
  local of = {}
  for i, message in ipairs(bodies(p)) do
    of[message] = verdicts[i]
  end
  for i, m in ipairs(d.messages) do
    for j in ipairs(m.recipients) do
      check_cut(p, i, j, verdict_for(d, of[i], i, j), cut)
    end
  end
  assert.is_table(p.ended, d.name .. " cut at " .. cut)
  assert.are.equal(0, p.open, d.name .. " cut at " .. cut)
  assert.are.equal(0, #p.failed, complaint(p, "cut at " .. cut))
end

-- whatever happened: one outcome each, and delivered only by a 2xx
local function check_settled(p, name)
  for key, ev in pairs(p.outcomes) do
    assert.is_true(ev.outcome ~= "delivered" or ev.reply.code < 300, name .. ", " .. key)
  end
  for i = 1, p.begun do
    for j in ipairs(p.d.messages[i].recipients) do
      assert.is_table(p.outcomes[i .. "/" .. j], ("%s, %d/%d"):format(name, i, j))
    end
  end
  assert.is_true(p.engine == nil or p.ended ~= nil, name)
end

describe("smtp/engine", function()
  it("gives every recipient one true outcome wherever the server breaks off", function()
    for _, d in ipairs(dialogs) do
      local octets = server_octets(d)
      local verdicts = pairs_of.verdicts(d)
      for cut = 0, octets do
        play_cut(d, cut, verdicts)
      end
    end
  end)

  it("holds little when it is idle, whatever went through it", function()
    for _, extensions in ipairs { {}, { "PIPELINING" }, { "PIPELINING", "CHUNKING" } } do
      smtp.watch "nothing in particular"
      local t = talk.ready(extensions)
      for n = 1, 40 do
        if t.engine:can_begin() then
          t:begin(n, { "one@b.example", "two@b.example" }, 1000)
          local body = ("x"):rep(998) .. "\r\n"
          repeat
            local events = t:events()
            if events[#events] and events[#events].event == "body" then
              t:message(body)
            end
            t:events()
            local said = t:said()
            for line in said:gsub(body, ""):gmatch "[^\r\n]+" do
              t.engine:receive(line == "DATA" and "354 go\r\n" or "250 Ok\r\n")
            end
          until said == ""
        end
      end
      assert.are.equal("delivered", t.settled["40/2"].outcome)
      t:events()
      assert.is_true(smtp.held() <= 3200, smtp.held())
      t.engine:free()
      assert.are.equal(0, smtp.held())
      smtp.watched()
    end
  end)

  it("survives each allocation that fails, and leaks nothing", function()
    for _, d in ipairs(dialogs) do
      local n, struck = 0, true
      while struck do
        n = n + 1
        local alive, before = memory.live(), memory.allocations()
        memory.fail_at(n)
        local p = player.play(d, { chunk = 50, hang_up = true })
        memory.fail_at(0)
        struck = memory.allocations() - before >= n
        check_settled(p, d.name .. ", allocation " .. n)
        assert.are.equal(alive, memory.live(), d.name .. ", allocation " .. n)
      end
      assert.is_true(n > 2)
    end
  end)
end)
