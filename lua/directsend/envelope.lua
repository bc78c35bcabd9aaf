-- envelope: who sends and who gets a message where it says so itself, or the
-- configuration does: loaded when one of them does.

local check = require "directsend.check"

-- a mailbox with no address for the null sender; nil: the default's
local function sender_of(v, reader)
  if v == "" or v == "<>" then
    return { localpart = "", domain = "", address = "" }
  end
  return v and reader:one(v, "envelope.sender", " path")
end

-- {sender=, recipients=} as mailboxes: what `given` says, and where it does
-- not, `default`; once: each of a list of addresses one time
return function(given, settings, reader, default, once)
  local e = given or {}
  check.keys(e, { sender = "string", recipients = "string|table" }, "envelope")
  local sender, list = rawget(e, "sender"), rawget(e, "recipients")
  if settings.force_from and sender ~= "" and sender ~= "<>" then
    sender = reader:one(settings.force_from, "force_from").address
  end
  local out = { sender = sender_of(sender, reader) or default.sender,
                recipients = default.recipients }
  if list then
    out.recipients = once(reader:recipients(list, "envelope.recipients",
                                            " path"))
  end
  return out, list and "envelope.recipients"
end
