-- DNS queries obeyed without a network: what a server may do, and who asks.
--
--   local q = queries.new{servers = {queries.ONE}, attempts = 2}
--   local log = queries.drive(q, {[queries.ONE] = "servfail"})

local dns = require("directsend.test").dns
local packets = require "support.dnspacket"

local queries = {
  NAME = "example.com",
  ONE = "192.0.2.1:53",
  TWO = "[2001:db8::1]:53",
}
local NAME, MX = queries.NAME, packets.types.MX

local FOUND, BIG = {packets.mx(NAME, 10, "mx.example.com")}, {}
for i = 1, 400 do BIG[i] = packets.mx(NAME, i, ("m%d.example.com"):format(i)) end
queries.FOUND, queries.BIG = FOUND, BIG

-- an MX query; config as the door takes it, and its servers (ONE and TWO)
function queries.new(config, until_, random)
  config = config or {}
  return dns.query(config.servers or {queries.ONE, queries.TWO}, NAME, MX,
    until_ or 100, random or "\1\2\3\4\5\6\7", config)
end

-- how a server may treat what is asked of it: each gets the query, the step
-- and the packet that was sent, and answers the step
local acts = {}
queries.acts = acts

local function replies(make)
  return function(q, step, sent, now)
    local packet = make(sent)
    q:received(now, step.tcp and packets.framed(packet) or packet)
  end
end

local function reply_with(p)
  return replies(function(sent) return packets.reply(sent, p) end)
end

acts.answer = reply_with{answer = FOUND}
acts.nxdomain = reply_with{rcode = 3}
acts.nodata = reply_with{}
acts.servfail = reply_with{rcode = 2}
acts.refused = reply_with{rcode = 5}
acts.formerr = reply_with{rcode = 1}
acts.notimp = reply_with{rcode = 4}
acts.truncated = reply_with{tc = true}
acts.lame = reply_with{ra = false, authority = {packets.ns("com", "a.b")}}
acts.unreadable = reply_with{answer = FOUND, counts = {nil, 2}}
acts.wrong_id = replies(function(sent)
  return packets.reply(sent, {answer = FOUND, id = 0})
end)
acts.wrong_question = reply_with{answer = FOUND, question = {"a.b", "MX"}}
acts.echo = replies(function(sent) return sent end)
acts.garbage = replies(function() return "garbage" end)
function acts.empty(q, _, _, now) q:received(now, "") end
function acts.failed(q, _, _, now) q:failed(now) end
function acts.silent(q, step) q:failed(step.deadline) end
-- one that answers the question once EDNS is left away
function acts.old(q, step, sent, now)
  local _, _, _, edns = packets.parse_query(sent)
  acts[edns and "formerr" or "answer"](q, step, sent, now)
end
-- one whose answer is too big for UDP
function acts.big(q, step, sent, now)
  if not step.tcp then return acts.truncated(q, step, sent, now) end
  return reply_with{answer = BIG}(q, step, sent, now)
end

-- obeys a query; servers[endpoint] is the name of an act, or a function.
-- Returns a log of what was asked; checks that all is in order.
function queries.drive(q, servers, now)
  local log, open, sent = {}, false, nil
  now = now or 0
  for _ = 1, 20000 do
    local step = q:next(now)
    local act = servers[step.server]
    if type(act) == "string" then act = acts[act] end
    if step.need == "done" then
      assert(not open, "a connection was left open")
      return log
    elseif step.need == "connect" then
      assert(not open, "a connection was left open")
      log[#log + 1] = (step.tcp and "tcp " or "udp ") .. step.server
      open, sent = true, ""
      q:connected(now)
    elseif step.need == "close" then
      assert(open, "nothing to close")
      open = false
    elseif step.need == "send" then
      sent = sent .. step.data
      q:sent(now, #step.data)
    else
      act(q, step, step.tcp and sent:sub(3) or sent, now)
    end
    assert(step.deadline <= 100)
    if act == acts.silent and step.need == "receive" then now = step.deadline end
  end
  error "it never ends"
end

function queries.unframed(step)
  return step.tcp and step.data:sub(3) or step.data
end

-- leads a fresh query to a need; also the packet last sent on the way
function queries.at(need, tcp, config)
  local q = queries.new(config)
  local step, sent = q:next(0), nil
  for _ = 1, 20 do
    if step.need == need and step.tcp == tcp then return q, step, sent end
    if step.need == "connect" then q:connected(0)
    elseif step.need == "send" then
      sent = queries.unframed(step)
      q:sent(0, #step.data)
    elseif step.need == "receive" then
      acts.truncated(q, step, sent, 0)
    end
    step = q:next(0)
  end
  error "never came there"
end

queries.reply_with = reply_with

return queries
