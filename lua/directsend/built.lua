-- built: a mailer sends a message that was built before.  It is read from one
-- place, so it is sent once at a time; and it stays as it is: where the mailer
-- signs or says who sends, what goes out is another one that wraps it.

local core = require "directsend.core"
local value = require "directsend.value"
local warnings = require "directsend.warnings"

-- a core message over m's, and the author it is made to have; nil, message,
-- detail
local function wrapped(m, c)
  local over, author, detail = m.core, nil, nil
  if c.force_from then
    over, author, detail = value.read(require "directsend.forced", m.core, c,
                                      "message")
  end
  if over ~= m.core then return over, author, detail end
  over = core.message()
  local ok, why = over:wrap(m.core)
  if not ok then return nil, why, { kind = "local" } end
  return over, author
end

-- the message as this mailer sends it; nil, message, detail
local function another(m, c)
  local over, author, detail = wrapped(m, c)
  if not over then return nil, author, detail end
  local out = setmetatable({}, getmetatable(m))
  for key, v in core.next, m do out[key] = v end
  out.core, out.flags = over, math.max(m.flags, over:flags())
  out.warnings, out.sending = nil, nil
  warnings.add(out, m.warnings)
  if author and m.sent_to.sender ~= "" then
    out.sent_to = { sender = author.address,
                    recipients = m.sent_to.recipients }
  end
  if not c.dkim then return out end
  return require "directsend.signing".built(out, m.core:header(), c)
end

return function(mailer, m, deliver)
  if m.sending then
    return nil, "message: it is being sent just now: build one for each send",
           { kind = "usage", field = "message" }
  end
  local c, out, report, why, detail = mailer.config, m, nil, nil, nil
  m.sending = true
  if c.dkim or c.force_from then out, why, detail = another(m, c) end
  if out then report, why, detail = deliver(mailer, out, m) end
  m.sending = nil
  return report, why, detail
end
