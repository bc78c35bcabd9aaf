-- drive: the same delivery by any driver, told as text that can be compared.
-- Runs in specs and inside nginx alike.

local core = require "directsend.core"
local dialog = require "support.dialog"
local pick = require "directsend.driver".pick

local drive = {}

local head = "message a@contoso.test\nto b@contoso.test delivered final\n"
local two = "message a@contoso.test\nto b@contoso.test delivered final\n"
            .. "to c@contoso.test failed rcpt 550\n"
local open = "S: 220 mx ESMTP\nC: EHLO client.example\nS: 250-mx\n"
             .. "S: 250 PIPELINING\nC: MAIL FROM:<a@contoso.test>\n"
local one = open .. "C: RCPT TO:<b@contoso.test>\nC: DATA\n"
local sent = "S: 250 2.1.0 ok\nS: 250 2.1.5 ok\nS: 354 go on\n"
             .. "C| hello\\r\\n.\\r\\nQUIT\\r\\n\n"

-- what a host may do with one message: dialogues as data
drive.scenarios = {
  delivered = head .. "---\n" .. one .. sent
    .. "S: 250 2.0.0 Ok: queued as 4F00\nS: 221 bye\n",
  in_steps = head .. "---\n" .. [[
S: 220 mx
C: EHLO client.example
S: 250 mx
C: MAIL FROM:<a@contoso.test>
S: 250 ok
C: RCPT TO:<b@contoso.test>
S: 250-yes
S: 250 ok
C: DATA
S: 354 go on
C| hello\r\n.\r\n
S: 250 taken
C: QUIT
S: 221 bye
]],
  one_refused = two .. "---\n" .. open .. [[
C: RCPT TO:<b@contoso.test>
C: RCPT TO:<c@contoso.test>
C: DATA
S: 250 ok
S: 250 ok
S: 550 5.1.1 no such user
S: 354 go on
C| hello\r\n.\r\nQUIT\r\n
S: 250 2.0.0 Ok: queued as 4F00
S: 221 bye
]],
  later = head .. "---\n" .. open .. [[
C: RCPT TO:<b@contoso.test>
C: DATA
S: 250 ok
S: 451 4.7.1 greylisted
S: 503 5.5.1 no recipients
C: QUIT
S: 221 bye
]],
  busy = head .. "---\nS: 421 4.3.2 come back\nS<EOF>\n",
  cut_before = head .. "---\n" .. one .. "S: 250 ok\nS<EOF>\n",
  cut_after = head .. "---\n" .. one .. sent .. "S<EOF>\n",
  reset = head .. "---\nS: 220 mx\nC: EHLO client.example\nS<RST>\n",
  silent = head .. "---\nS: 220 mx\nC: EHLO client.example\nS<TIMEOUT>\n",
}

-- ------------------------------------------------ a host that is not there

local conn = {}
conn.__index = conn

function conn:send(data)
  self.heard, self.open = self.heard .. data, self.open .. data
  local step = self.steps[self.at]
  while step and step.side == "C" and #self.open >= #dialog.bytes(step) do
    local text = dialog.bytes(step)
    self.complaint = self.complaint or dialog.differs(step,
                                                      self.open:sub(1, #text))
    self.open, self.at = self.open:sub(#text + 1), self.at + 1
    step = self.steps[self.at]
  end
  return #data
end

function conn:receive(max)
  if self.rest == "" then
    local step = self.steps[self.at] or { side = "EOF" }
    if step.side == "EOF" then return "" end
    if step.side == "RST" then return nil, "reset" end
    if step.side ~= "S" then return nil, "timeout" end
    self.rest, self.at = dialog.bytes(step), self.at + 1
  end
  local data = self.rest:sub(1, math.min(max, self.chunk))
  self.rest = self.rest:sub(#data + 1)
  return data
end

function conn:close()
  self.closed = true
end

-- a driver whose only host follows the dialogue; chunk: most octets that come
-- at once.  memory.heard is what the host heard.
function drive.memory(d, chunk)
  local memory = { name = "memory", heard = "", now = core.now,
                   capabilities = { race = false, peek = false, duplex = false,
                                    udp = false, bind = false,
                                    max_chunk = 16384 } }
  function memory.connect()
    memory.conn = setmetatable({ steps = d.steps, at = 1, heard = "",
                                 open = "", rest = "", chunk = chunk or 16384,
                                 local_ip = "127.0.0.1",
                                 peer_ip = "127.0.0.1" }, conn)
    return memory.conn
  end
  return memory
end

-- ----------------------------------------------------------------- telling

local function flat(row, prefix, out)
  for key, value in pairs(row) do
    if type(value) == "table" then
      flat(value, prefix .. key .. ".", out)
    elseif key ~= "seconds" and key ~= "port" then
      out[#out + 1] = prefix .. key .. "=" .. tostring(value)
    end
  end
  return out
end

local function as_text(rows)
  local lines = {}
  for i, row in ipairs(rows) do
    local words = flat(row, "", {})
    table.sort(words)
    lines[i] = table.concat(words, " | ")
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

local function feed_of(message, rows)
  local given = false
  local recipients = {}
  for i, r in ipairs(message.recipients) do recipients[i] = r.address end
  return {
    next = function()
      if given then return "no_more" end
      given = true
      return "message", { sender = message.sender, recipients = recipients,
                          size = #message.body, tag = 1 }
    end,
    body = function(op)
      local data = message.body:sub(op.offset + 1, op.offset + op.max)
      return "body", data, op.offset + #data >= #message.body
    end,
    rewind = function() return "rewound" end,
    result = function(op) rows[#rows + 1] = op.row end,
  }
end

-- the rows of a scenario delivered to a port of the loopback
function drive.tell(name, driver, port)
  local d = dialog.parse(drive.scenarios[name])
  local rows = {}
  local delivery = assert(core.delivery {
    destination = "127.0.0.1", pinned = true, port = port, level = "off",
    hostname = "client.example",
    timeout = { connect = 5, greeting = 5, command = name == "silent" and 0.3
                or 5, data = 5, body = 5, final = 5, total = 20 },
  })
  assert(pick(driver).run { { delivery = delivery,
                              feed = feed_of(d.messages[1], rows) } })
  return as_text(rows)
end

return drive
