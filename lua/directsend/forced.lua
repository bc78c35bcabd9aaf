-- forced: force_from where a message names its author already, being raw or
-- built: he is put in that one's place.

local core = require "directsend.core"
local mailbox = require "directsend.mailbox"

-- the values of the header's fields of a name
local function values(header, name)
  local out = {}
  local unfolded = ("\n" .. header):gsub("\r\n([ \t])", "%1")
  for field, value in unfolded:gmatch "\n([^\r\n:]+):([^\r\n]*)" do
    if field:lower() == name then out[#out + 1] = value end
  end
  return out
end

-- is this the only author there is?
local function is_there(header, author, how)
  local from = values(header, "from")
  local list = #from == 1 and core.address.list(from[1], how)
  return list and #list == 1 and list[1].localpart == author.localpart
         and list[1].domain:lower() == author.domain:lower()
end

-- the core message m where its author is that one, else another that wraps it
-- (own: m is closed with it), and him; throws
return function(m, settings, field, own)
  local reader = mailbox.reader(settings)
  local author = reader:one(settings.force_from, "force_from")
  local header = m:header()
  if is_there(header, author, reader.how) then return m, author end
  if values(header, "dkim-signature")[1] then
    mailbox.refuse(field, "it is signed (DKIM), and force_from would change "
                   .. "its From")
  end
  local out = core.message()
  local ok, why = out:mailboxes("From", { author.name or "", author.localpart,
                                          author.domain })
  if ok then ok, why = out:wrap(m, own) end
  if not ok then mailbox.refuse(field, "%s", why) end
  return out, author
end
