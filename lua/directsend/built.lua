-- built: a mailer sends a message that was built before.  It is read from one
-- place, so it is sent once at a time; and it stays as it is: where the mailer
-- signs, what it sends has the signature in front of it.

return function(mailer, m, deliver)
  if m.sending then
    return nil, "message: it is being sent just now: build one for each send",
           { kind = "usage", field = "message" }
  end
  local out, report, why, detail = m, nil, nil, nil
  m.sending = true
  if mailer.config.dkim then
    out, why, detail = require "directsend.signing".built(m, mailer.config)
  end
  if out then report, why, detail = deliver(mailer, out, m) end
  m.sending = nil
  return report, why, detail
end
