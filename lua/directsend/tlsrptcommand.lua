-- tlsrptcommand: the command directsend tlsrpt: what TLS came to on a day, as
-- the reports that RFC 8460 describes, one for each domain with a policy.

local config = require "directsend.config"
local core = require "directsend.core"
local show = require "directsend.show"
local tlsrpt = require "directsend.tlsrpt"

local EX = { ok = 0, usage = 64, io = 74, temporary = 75, config = 78 }

-- ------------------------------------------------------------------ report

local fields = { "kind", "result", "from", "mx", "to", "reason", "policy" }

local function result_of(line)
  local r, i = {}, 0
  for text in (line .. "\t"):gmatch "([^\t]*)\t" do
    i = i + 1
    if fields[i] and text ~= "" then r[fields[i]] = text end
  end
  return r
end

local function pieces(text)
  local out = {}
  for piece in (text or ""):gmatch "[^|]+" do out[#out + 1] = piece end
  return out[1] and out
end

local function hosts_of(lines)
  local out = {}
  for _, line in ipairs(lines or {}) do
    out[#out + 1] = line:match "^mx: (.*)$"
  end
  return out[1] and out
end

-- the entry of a policy: what it says, and no result yet
local function policy_of(domain, r)
  local lines = pieces(r.policy)
  return { policy = { ["policy-type"] = r.kind, ["policy-string"] = lines,
                      ["policy-domain"] = domain,
                      ["mx-host"] = r.kind == "sts" and hosts_of(lines)
                                    or nil },
           summary = { ["total-successful-session-count"] = 0,
                       ["total-failure-session-count"] = 0 } }
end

local function failure_of(r, n)
  return { ["result-type"] = r.result, ["sending-mta-ip"] = r.from,
           ["receiving-mx-hostname"] = r.mx, ["receiving-ip"] = r.to,
           ["failed-session-count"] = n, ["failure-reason-code"] = r.reason }
end

local function add(entry, r, n)
  local sum = entry.summary
  if r.result == "success" then
    sum["total-successful-session-count"] =
      sum["total-successful-session-count"] + n
    return
  end
  sum["total-failure-session-count"] = sum["total-failure-session-count"] + n
  entry["failure-details"] = entry["failure-details"] or {}
  table.insert(entry["failure-details"], failure_of(r, n))
end

local function sorted(t)
  local keys = {}
  for key in core.next, t do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- the report of a domain's results
local function report_of(domain, results, day, who)
  local policies, by_key = {}, {}
  for _, line in ipairs(sorted(results)) do
    local r = result_of(line)
    local key = (r.kind or "") .. "\t" .. (r.policy or "")
    local entry = by_key[key] or policy_of(domain, r)
    if not by_key[key] then
      by_key[key], policies[#policies + 1] = entry, entry
    end
    add(entry, r, results[line])
  end
  return { ["organization-name"] = who.organization,
           ["contact-info"] = who.contact,
           ["report-id"] = ("%s_%s"):format(day, domain),
           ["date-range"] = { ["start-datetime"] = day .. "T00:00:00Z",
                              ["end-datetime"] = day .. "T23:59:59Z" },
           policies = policies }
end

-- ----------------------------------------------------------------- who asks

-- where a domain wants its reports (RFC 8460 §3); nil: nowhere; nil, why: that
-- cannot be told now
local function rua_of(domain, c)
  local answer, why = require "directsend.lookup".ask("_smtp._tls." .. domain,
                                                      "TXT", c)
  if not answer then return nil, why end
  if answer.status ~= "noerror" and answer.status ~= "nxdomain" then
    return nil, answer.text
  end
  for _, record in ipairs(answer.records) do
    local uris = record.text:match "^v=TLSRPTv1%s*;.-rua=([^;]+)"
    local list = {}
    for uri in (uris or ""):gmatch "[^,%s]+" do
      if uri:find "^mailto:" or uri:find "^https:" then list[#list + 1] = uri end
    end
    if list[1] then return list end
  end
end

-- ----------------------------------------------------------------- command

-- a day that is over: the one before this one, where none is named
local function day_of(o)
  if not o.day then return os.date("!%Y-%m-%d", core.epoch() - 86400) end
  local y, m, d = o.day:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  m, d = tonumber(m), tonumber(d)
  if y and m >= 1 and m <= 12 and d >= 1 and d <= 31 then return o.day end
  return nil, "--day: '" .. o.day .. "' is no day (like 2026-11-23)"
end

-- the seconds since 1970 at which a day begins
local function begin_of(day)
  local y, m, d = day:match "(%d+)-(%d+)-(%d+)"
  y, m, d = tonumber(y), tonumber(m), tonumber(d)
  if m <= 2 then y, m = y - 1, m + 12 end
  return (365 * y + math.floor(y / 4) - math.floor(y / 100)
          + math.floor(y / 400) + math.floor((153 * (m - 3) + 2) / 5) + d - 1
          - 719468) * 86400
end

-- one report goes where it is wanted: to a file of the name RFC 8460 §5.3 gives
-- it, or out; nil, why
local function hand_out(o, domain, text, day, who)
  if not o.out then return o.output(text) end
  local begin = begin_of(day)
  local name = ("%s/%s!%s!%.0f!%.0f.json"):format(o.out, who.organization,
                                                 domain, begin, begin + 86399)
  os.remove(name)
  return core.write_private(name, text)
end

local function settings(o)
  if o.config or not o.state then return config.read(o.config) end
  return config.read { state = o.state }
end

local function who_of(o, c)
  local from = type(c.from) == "string" and c.from:match "[^<%s]+@[^>%s]+"
  local name = o.organization or c.hostname or core.hostname()
  return { organization = name,
           contact = o.contact or from or "postmaster@" .. name }
end

local function reports(o, c, directory, day)
  local found, why = tlsrpt.read(directory, day)
  if not found then return EX.config, why end
  local who, status = who_of(o, c), EX.ok
  for _, domain in ipairs(sorted(found)) do
    local report = report_of(domain, found[domain], day, who)
    local rua
    if o.rua then
      rua, why = rua_of(domain, c)
      if why then status, o.trouble = EX.temporary, why end
      report = rua and { rua = rua, report = report }
    end
    if report then
      local ok, trouble = hand_out(o, domain, show.json(report), day, who)
      if not ok then return EX.io, trouble end
    end
  end
  return status, status ~= EX.ok and o.trouble or nil
end

-- o.output prints a text: true, or nil and why
return function(o)
  local day, wrong = day_of(o)
  if not day then return EX.usage, wrong end
  local c, why = settings(o)
  if not c then return EX.config, why end
  if o.dns and o.dns[1] then c.dns = { servers = o.dns } end
  local directory = o.state or c.state
  if not directory then
    return EX.config, "no results are kept: the configuration has no state, "
                      .. "and --state names none"
  end
  return reports(o, c, directory, day)
end
