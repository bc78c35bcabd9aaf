-- lists: the fields by which a mailing list tells of itself (RFC 2369, 2919,
-- 8058).

local check = require "directsend.check"
local core = require "directsend.core"
local mailbox = require "directsend.mailbox"

local refuse = mailbox.refuse
local lists = {}

-- a URI as it stands between < >: what could end it there, or what a reader
-- could decode, is to be percent-encoded
local function check_uri(uri, field)
  if uri:find "[^\33-\126]" or uri:find '[<>,"\\^`{|}]'
     or uri:find("=?", 1, true) or #uri > 900 then
    refuse(field, "'%s' is no URI (percent-encode what is no letter, digit or "
           .. "usual mark)", uri)
  end
  local scheme, rest = uri:match "^(%a[%w+.-]*):(.+)$"
  scheme = (scheme or ""):lower()
  local host = scheme == "https" and rest:match "^//([^/?#]+)"
  if host and host:find "^[%w%[][^@]*$" then return uri end
  local to = scheme == "mailto" and rest:match "^[^?]+"
  if to and core.address.parse(to, "path") then return uri end
  refuse(field, "'%s' is not https://host... or mailto:user@domain", uri)
end

local function put_unsubscribe(m, v, put)
  local field, out = "list_unsubscribe", {}
  check.keys(v, { https = "string", mailto = "string", one_click = "boolean" },
             field)
  local https, mailto = rawget(v, "https"), rawget(v, "mailto")
  if https then
    if not https:lower():find "^https:" then
      refuse(field .. ".https", "'%s' is not https://host...", https)
    end
    out[1] = "<" .. check_uri(https, field .. ".https") .. ">"
  end
  if mailto then
    if not mailto:lower():find "^mailto:" then mailto = "mailto:" .. mailto end
    out[#out + 1] = "<" .. check_uri(mailto, field .. ".mailto") .. ">"
  end
  if not out[1] then refuse(field, "names neither https nor mailto") end
  put(field, m:text("List-Unsubscribe", table.concat(out, ", "), true))
  if not rawget(v, "one_click") then return end
  if not https then refuse(field .. ".one_click", "needs https (RFC 8058)") end
  put(field, m:text("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
end

-- "news.example.com", "News <news.example.com>" or {name=, id=}
local function put_id(m, v, put)
  local name, id = "", v
  if type(v) == "table" then
    check.keys(v, { name = "string", id = "string" }, "list_id")
    name = rawget(v, "name") or ""
    id = check.type(rawget(v, "id"), "string", "list_id.id")
  elseif v:find "<" then
    name, id = v:match "^%s*(.-)%s*<([^<>]*)>%s*$"
    if not id then refuse("list_id", "'%s' is not name <id>", v) end
    local quoted = name:match '^"(.*)"$'
    name = quoted and quoted:gsub("\\(.)", "%1") or name
  end
  put("list_id", m:list(name, id))
end

function lists.header(m, t, put)
  if t.list_id then put_id(m, t.list_id, put) end
  if t.list_unsubscribe then put_unsubscribe(m, t.list_unsubscribe, put) end
end

local of_uris = { ["list-help"] = true, ["list-subscribe"] = true,
                  ["list-post"] = true, ["list-owner"] = true,
                  ["list-archive"] = true }

-- lists.check: a List- field among a message's own: URIs, or NO, and comments
function lists.check(name, value, field)
  if not of_uris[name:lower()] then return end
  local rest = value:gsub("%b()", ""):gsub("%s", "")
  if rest == "NO" and name:lower() == "list-post" then return end
  rest = rest:gsub("<([^<>]*)>,?", function(uri)
    check_uri(uri, field)
    return ""
  end)
  if rest ~= "" or not value:find "<" then
    refuse(field, "%s is a list of <https://...> and <mailto:...>", name)
  end
end

return lists
