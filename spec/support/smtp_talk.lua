-- smtp_talk: the engine talked to step by step.
local smtp = require "directsend.test".smtp

local talk = {}
talk.__index = talk

function talk.new(hostname, careful, ...)
  return setmetatable({ engine = smtp.engine(hostname or "client.example", careful, ...), settled = {} }, talk)
end

-- all events there are, settled ones also under "txn/recipient"
function talk:events()
  local list = {}
  for ev in function() return self.engine:event() end do
    list[#list + 1] = ev
    if ev.event == "settled" then
      local key = ev.txn .. "/" .. ev.recipient
      assert(not self.settled[key], key .. " settled twice")
      self.settled[key] = ev
    elseif ev.event == "ended" then
      self.ended = ev
    end
  end
  return list
end

-- what the client says, up to n octets of it, which are gone then
function talk:said(n)
  local octets = self.engine:output()
  octets = octets:sub(1, n or #octets)
  self.engine:taken(#octets)
  return octets
end

-- the server says these lines in one segment: the events
function talk:hear(...)
  return self:hear_octets(table.concat({ ... }, "\r\n") .. "\r\n")
end

function talk:hear_octets(octets)
  self.engine:receive(octets)
  return self:events()
end

function talk:close()
  return self:hear_octets ""
end

-- past EHLO, with these extensions
function talk.ready(extensions, careful, ...)
  local t = talk.new(nil, careful, ...)
  t:hear "220 mx.example ESMTP"
  t:said()
  local lines = { "250-mx.example" }
  for _, e in ipairs(extensions or {}) do
    lines[#lines + 1] = "250-" .. e
  end
  lines[#lines] = lines[#lines]:gsub("^250%-", "250 ")
  t:hear_octets(table.concat(lines, "\r\n") .. "\r\n")
  return t
end

function talk:begin(id, recipients, size, flags, dsn)
  return self.engine:begin(id, "from@a.example", recipients or { "to@b.example" }, size or 0, flags or 0, dsn)
end

function talk:message(octets)
  assert(self.engine:body(octets or "hello\r\n") == 0)
  return self.engine:body_end()
end

-- with CHUNKING: one sized message, begun and given
function talk:batch(id, octets, recipients)
  octets = octets or "hello\r\n"
  local rc = self:begin(id, recipients, #octets)
  if rc ~= 0 then
    return rc
  end
  self:events()
  return self:message(octets)
end

-- the names of events, in order
function talk.names(events)
  local t = {}
  for i, ev in ipairs(events) do
    t[i] = ev.event
  end
  return table.concat(t, " ")
end

return talk
