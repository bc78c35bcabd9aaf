-- report: rows in words: what became of a recipient, and what to do about it.

local report = {}

local function at(row)
  local stage = row.stage
  return stage and stage ~= "" and " at " .. stage:upper() or ""
end

-- what to do, by the row; the first that fits
local hints = {
  { "it may have been delivered: sending it again may deliver it twice",
    function(row) return row.outcome == "unknown" end },
  { "the network here may block outgoing mail (port 25): ask its provider",
    function(row)
      return row.stage == "connect" and row.port == 25
             and (row.kind == "timeout" or row.kind == "connect")
    end },
  { "check the address",
    function(row) return row.kind == "dns" and row.enhanced == "5.1.10" end },
  { "check the spelling of the domain",
    function(row) return row.kind == "dns" and row.outcome == "failed" end },
  { "a route may name that host, if it is meant",
    function(row) return row.kind == "policy" and row.stage == "connect" end },
  { "a firewall on the way may hide STARTTLS",
    function(row) return row.kind == "tls" and row.stage == "starttls" end },
  { "the host could not prove its name; tls = \"required\" would not ask it to",
    function(row)
      return row.kind == "tls" and row.stage == "handshake"
             and row.tls and row.tls.policy == "config"
    end },
  { "check the address",
    function(row)
      return row.stage == "rcpt" and row.outcome == "failed"
             and (row.enhanced or ""):find "^5%.1%." ~= nil
    end },
  { "try again later",
    function(row) return row.outcome == "deferred" end },
}

-- report.hint: what to do about a row, or nil
function report.hint(row)
  for _, hint in ipairs(hints) do
    if hint[2](row) then return hint[1] end
  end
end

local function delivered(row)
  local where = row.host and (" to %s"):format(row.host) or ""
  local how = row.tls and row.tls.version
              and (" over %s"):format(row.tls.version) or ""
  local id = row.queue_id and (", queued there as %s"):format(row.queue_id)
             or ""
  return row.address .. ": delivered" .. where .. how .. id
end

-- report.line: one row for people
function report.line(row)
  if row.outcome == "delivered" then return delivered(row) end
  local told = row.reply ~= "" and row.reply
  local by = told and row.host and " by " .. row.host or ""
  local verb = told and row.outcome == "failed" and "refused" or row.outcome
  local line = ("%s: %s%s%s: %s"):format(row.address, verb, by, at(row),
                                        told or row.text or row.kind)
  local hint = report.hint(row)
  return hint and line .. "; " .. hint or line
end

-- report.first: the row that speaks for a report in which not all is
-- delivered: what may still be cured comes before what is refused
function report.first(rows)
  local failed
  for _, row in ipairs(rows) do
    if row.outcome == "deferred" or row.outcome == "unknown" then return row end
    if row.outcome == "failed" then failed = failed or row end
  end
  return failed
end

-- report.message: a report in which not all is delivered, in one line
function report.message(rows)
  local open = 0
  for _, row in ipairs(rows) do
    if row.outcome ~= "delivered" then open = open + 1 end
  end
  local line = report.line(report.first(rows))
  if open == 1 then return line end
  return ("%s (and %d more of %d recipients)"):format(line, open - 1, #rows)
end

-- report.detail: the third value of a send that failed
function report.detail(rows)
  local row, out = report.first(rows), { report = rows }
  for _, key in ipairs { "kind", "stage", "temporary", "code", "enhanced",
                         "reply", "host", "ip" } do
    out[key] = row[key]
  end
  return out
end

return report
