-- show: what the command prints, as text: JSON for programs, tables for people.

local core = require "directsend.core"

local show = {}

-- -------------------------------------------------------------------- JSON

local function keys_of(t)
  local keys = {}
  for key in core.next, t do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- as cjson does it, but in order, and a table without keys is a list
local function encode(v)
  if type(v) ~= "table" then return require "cjson".encode(v) end
  local out = {}
  if v[1] ~= nil or core.next(v) == nil then
    for i = 1, #v do out[i] = encode(v[i]) end
    return "[" .. table.concat(out, ",") .. "]"
  end
  for i, key in ipairs(keys_of(v)) do
    out[i] = encode(key) .. ":" .. encode(v[key])
  end
  return "{" .. table.concat(out, ",") .. "}"
end

-- show.json: an object on a line of its own
function show.json(object)
  return encode(object) .. "\n"
end
local json = show.json

-- show.report_json: of a send, or of why there was none
function show.report_json(rows, why, detail)
  local list, plain = {}, {}
  for i = 1, #rows do list[i] = rows[i] end
  for key, value in core.next, detail or {} do
    if key ~= "report" then plain[key] = value end
  end
  return json { ok = rows.ok == true,
                message_id = rows.message_id or require "cjson".null,
                recipients = list, error = why, detail = why and plain,
                warnings = rows.warnings }
end

-- show.json: anything, on a line of its own
show.json = json

-- show.signatures_json: of those a message has, or of why they were not looked
-- at; ok: one holds
function show.signatures_json(list, ok, why, detail)
  return json { ok = ok, signatures = list, error = why,
                detail = why and detail }
end

-- show.plan_json: ok: every recipient has a host
function show.plan_json(plan, ok)
  local destinations = {}
  for i, d in ipairs(plan.destinations) do
    destinations[i] = { destination = d.destination, route = d.route,
                        tls = { level = d.level, policy = d.policy },
                        recipients = d.recipients, hosts = d.hosts }
  end
  return json { ok = ok, sender = plan.sender, destinations = destinations,
                refused = plan.refused }
end

-- ------------------------------------------------------------------ tables

-- rows of cells, each column as wide as its widest
local function columned(lines)
  local width = {}
  for _, cells in ipairs(lines) do
    for i, cell in ipairs(cells) do
      width[i] = math.max(width[i] or 0, #cell)
    end
  end
  local text = {}
  for n, cells in ipairs(lines) do
    local out = {}
    for i, cell in ipairs(cells) do
      out[i] = cell .. (" "):rep(width[i] - #cell)
    end
    text[n] = table.concat(out, "  "):gsub("%s+$", "") .. "\n"
  end
  return table.concat(text)
end

local columns = { "outcome", "stage", "code", "enhanced", "host", "ip", "port",
                  "tls.level", "tls.version", "queue_id", "seconds",
                  "tls.note" }

local function field(row, name)
  local inner = name:match "^tls%.(.*)"
  local value = inner and (row.tls or {})[inner] or not inner and row[name]
  if not value or value == "" then return nil end
  if name == "seconds" then value = ("%.3f"):format(value) end
  return name .. "=" .. tostring(value)
end

-- show.rows: one line a recipient, in words of the form key=value
function show.rows(rows)
  local used, lines = {}, {}
  for _, name in ipairs(columns) do
    for _, row in ipairs(rows) do
      used[name] = used[name] or field(row, name)
    end
  end
  for i, row in ipairs(rows) do
    lines[i] = { row.address }
    for _, name in ipairs(columns) do
      if used[name] then table.insert(lines[i], field(row, name) or "") end
    end
  end
  return columned(lines)
end

local function tls_of(what)
  return ("tls=%s (%s)"):format(what.level, what.policy)
end

local function host_lines(d)
  local lines = {}
  for i, h in ipairs(d.hosts) do
    local tls = tls_of(h.tls)
    lines[i] = { " ", tostring(h.preference or "-"), h.name,
                 table.concat(h.addresses, " "),
                 tls ~= tls_of(d) and tls or "",
                 h.refused and "refused: " .. h.refused or "" }
  end
  return lines
end

-- show.plan: destinations, who goes there, and the hosts in their order
function show.plan(plan)
  local out = {}
  for _, d in ipairs(plan.destinations) do
    out[#out + 1] = ("%s  route=%s  %s\n"):format(d.destination, d.route,
                                                 tls_of(d))
    for _, address in ipairs(d.recipients) do
      out[#out + 1] = "  to " .. address .. "\n"
    end
    out[#out + 1] = columned(host_lines(d))
  end
  for _, r in ipairs(plan.refused) do
    out[#out + 1] = r.address .. "  refused: " .. r.text .. "\n"
  end
  return table.concat(out)
end

return show
