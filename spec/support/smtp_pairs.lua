-- smtp_pairs: which reply of a dialogue answers which command, found without
-- the engine's help: replies are counted, commands are counted.
local dialog = require "support.dialog"

local pairs_of = {}

-- the client's octets -> commands; a body is one, "." for short, and so is
-- BDAT LAST
local function commands(octets, in_body, add)
  local at = 1
  while at <= #octets do
    local line, next_at = octets:match("^(.-)\r\n()", at)
    if not line then
      return
    end
    at = next_at
    local size, last = line:match "^BDAT (%d+)(.*)$"
    if in_body then
      in_body = line ~= "."
      if not in_body then
        add(".")
      end
    elseif size then
      add(last == " LAST" and "." or "BDAT", true)
      at = at + tonumber(size)
    else
      add(line:match("^%u+"))
    end
  end
end

-- the first octets of a line, which may be cut -> how a reply begins, or nil
local function reply_line(line)
  local code, more = line:match("^([2-5]%d%d)([ -]?)")
  return code, more == "-"
end

-- how many replies the end of a body has: in LMTP one for each recipient that
-- was accepted
local function replies_to(list, i, lmtp)
  local n, ends = 0, list[i].command == "."
  while lmtp and ends and list[i].command ~= "MAIL" do
    n = n + (list[i].command == "RCPT" and list[i].code < 300 and 1 or 0)
    i = i - 1
  end
  return math.max(n, 1)
end

-- d -> { { command=, code=, at= }… }: at is the offset in the server's octets
-- behind the reply; finals: such of LMTP's, one a recipient.  Stops where the
-- server breaks the protocol.
function pairs_of.list(d)
  local list, asked, answered, offset = { { command = "GREETING" } }, 1, 0, 0
  local function add(command, bdat)
    asked = asked + 1
    list[asked] = { command = command or "?", bdat = bdat }
  end
  for _, step in ipairs(d.steps) do
    local octets = (step.side == "S" or step.side == "C") and (dialog.bytes(step) or "EHLO\r\n") or ""
    if step.side == "C" then
      local last = list[answered]
      commands(octets, last and last.command == "DATA" and last.code == 354, add)
    elseif step.side == "S" then
      for line in octets:gmatch("[^\n]*\n?") do
        offset = offset + #line
        local code, more = reply_line(line)
        if line:sub(-1) == "\n" and code and not more then
          local p = list[answered + 1]
          if not p then
            return list
          end
          p.code, p.at = tonumber(code), offset
          p.finals = p.finals or {}
          p.finals[#p.finals + 1] = { code = p.code, at = p.at }
          if #p.finals == replies_to(list, answered + 1, d.lmtp) then
            answered = answered + 1
          end
        end
      end
    end
  end
  return list
end

-- the replies to bodies that were sent, in order: a dot alone ends none
function pairs_of.verdicts(d)
  local verdicts, accepted = {}, false
  for _, p in ipairs(pairs_of.list(d)) do
    if p.command == "MAIL" then
      accepted = false
    elseif p.command == "RCPT" then
      accepted = accepted or (p.code or 999) < 300
    elseif p.command == "." and (accepted or p.bdat) then
      verdicts[#verdicts + 1] = p
    end
  end
  return verdicts
end

return pairs_of
