-- cli: the command directsend.

local directsend = require "directsend"
local config = require "directsend.config"
local message = require "directsend.message"

local cli = {}

local EX = { ok = 0, usage = 64, content = 65, host = 68, refused = 69,
             temporary = 75, policy = 77, config = 78 }

-- whose fault a field of a message is, where it is not the content's
local by_field = { from = EX.usage, to = EX.usage, cc = EX.usage,
                   bcc = EX.usage, envelope = EX.usage, config = EX.config,
                   aliases = EX.config, force_from = EX.config }

-- ------------------------------------------------------------------- words

local function complain(o, text)
  if not o.quiet then io.stderr:write("directsend: ", text, "\n") end
end

local function keys_of(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- as cjson does it, but in order, and a table without keys is a list
local function encode(v)
  if type(v) ~= "table" then return require "cjson".encode(v) end
  local out = {}
  if v[1] ~= nil or next(v) == nil then
    for i = 1, #v do out[i] = encode(v[i]) end
    return "[" .. table.concat(out, ",") .. "]"
  end
  for i, key in ipairs(keys_of(v)) do
    out[i] = encode(key) .. ":" .. encode(v[key])
  end
  return "{" .. table.concat(out, ",") .. "}"
end

local function print_json(object)
  io.stdout:write(encode(object), "\n")
end

local function json_report(rows, why, detail)
  local list, plain = {}, {}
  for i = 1, #rows do list[i] = rows[i] end
  for key, value in pairs(detail or {}) do
    if key ~= "report" then plain[key] = value end
  end
  print_json { ok = rows.ok == true, message_id = rows.message_id,
               recipients = list, error = why, detail = why and plain }
end

-- rows of cells, each column as wide as its widest
local function print_table(lines)
  local width = {}
  for _, cells in ipairs(lines) do
    for i, cell in ipairs(cells) do
      width[i] = math.max(width[i] or 0, #cell)
    end
  end
  for _, cells in ipairs(lines) do
    local out = {}
    for i, cell in ipairs(cells) do
      out[i] = cell .. (" "):rep(width[i] - #cell)
    end
    io.stdout:write((table.concat(out, "  "):gsub("%s+$", "")), "\n")
  end
end

local columns = { "outcome", "stage", "code", "enhanced", "host", "ip", "port",
                  "tls.level", "tls.version", "queue_id", "seconds" }

local function field(row, name)
  local inner = name:match "^tls%.(.*)"
  local value = inner and (row.tls or {})[inner] or not inner and row[name]
  if not value or value == "" then return nil end
  if name == "seconds" then value = ("%.3f"):format(value) end
  return name .. "=" .. tostring(value)
end

local function print_rows(rows)
  local used, lines = {}, {}
  for _, name in ipairs(columns) do
    for _, row in ipairs(rows) do used[name] = used[name] or field(row, name) end
  end
  for i, row in ipairs(rows) do
    lines[i] = { row.address }
    for _, name in ipairs(columns) do
      if used[name] then table.insert(lines[i], field(row, name) or "") end
    end
  end
  print_table(lines)
end

-- -------------------------------------------------------------- exit status

local by_kind = { policy = EX.policy, tls = EX.policy, dns = EX.host,
                  usage = EX.usage }

-- the status of a report, or of the rows of a plan: api.md
local function status_of(rows)
  local failed
  for _, row in ipairs(rows) do
    if row.outcome == "deferred" or row.outcome == "unknown" then
      return EX.temporary
    elseif row.outcome == "failed" then
      failed = failed or by_kind[row.kind] or EX.refused
    end
  end
  return failed or EX.ok
end

-- the status of a value that would not do
local function status_of_detail(detail, set)
  local name = detail.field and detail.field:match "^[%w_]+"
  if detail.kind ~= "usage" then return EX.temporary end
  if set then return set[name] and EX.usage or EX.config end
  return by_field[name] or EX.content
end

-- ---------------------------------------------------------------- commands

-- a mailer with the settings the command runs with; nil, message, status
local function mailer_of(o, options)
  local name, base, why = o.config or config.find(), {}, nil
  if name then base, why = require "directsend.configfile".load(name) end
  if not base then return nil, why, EX.config end
  local ok, t, set = pcall(options.settings, o, base)
  if not ok then
    if type(t) ~= "table" then error(t, 0) end
    return nil, t.text, EX.usage
  end
  if o.trace and not o.trace[1] then
    t.trace = function(line) io.stderr:write(line, "\n") end
  end
  local sane, mailer, detail
  sane, mailer, why, detail = pcall(directsend.new, t)
  if not sane then return nil, mailer, EX.config end
  if not mailer then return nil, why, status_of_detail(detail, set) end
  return mailer
end

local function terminal()
  local ok = os.execute "test -t 0"
  return ok == true or ok == 0
end

local function body_of(t)
  if t.text or t.html then return true end
  if terminal() then
    return nil, "no body: say --text, --text-file or --html-file, or give it "
                .. "on standard input"
  end
  t.text = io.read "*a" or ""
  return true
end

-- the message of the options; nil, message, status
local function message_of(o, options)
  local ok, t = pcall(options.message, o)
  if not ok then
    if type(t) ~= "table" then error(t, 0) end
    return nil, t.text, EX.usage
  end
  local why
  ok, why = body_of(t)
  if not ok then return nil, why, EX.usage end
  return t
end

local run = {}

function run.send(o, t, mailer)
  local report = require "directsend.report"
  local rows, why, detail = mailer:send(t)
  mailer:close()
  rows = rows or detail.report
  if not rows then return status_of_detail(detail), why, detail end
  if not rows.ok and not why then
    why, detail = report.message(rows), report.detail(rows)
  end
  if o.json then
    json_report(rows, why, detail)
  elseif not o.quiet then
    print_rows(rows)
  end
  for _, row in ipairs(rows) do
    if row.outcome ~= "delivered" then complain(o, report.line(row)) end
  end
  return status_of(rows)
end

function run.render(_, t, mailer)
  local m, why, detail = message.new(t, mailer.config)
  if not m then return status_of_detail(detail), why, detail end
  local ok
  ok, why, detail = m:write { file = io.stdout }
  if not ok then return status_of_detail(detail), why, detail end
  return EX.ok
end

-- the recipients of a plan as rows with the outcome they can expect
local function expected(plan)
  local rows = {}
  for _, r in ipairs(plan.refused) do rows[#rows + 1] = r end
  for _, d in ipairs(plan.destinations) do
    local last = { outcome = "deferred", kind = "dns" }
    for _, h in ipairs(d.hosts) do
      if not h.refused or h.refused == "" then last = { outcome = "planned" } end
      if last.outcome ~= "planned" then last = h end
    end
    rows[#rows + 1] = last
  end
  return rows
end

local function print_plan(plan)
  for _, d in ipairs(plan.destinations) do
    io.stdout:write(("%s  route=%s  tls=%s (%s)\n"):format(
      d.destination, d.route, d.level, d.policy))
    for _, address in ipairs(d.recipients) do
      io.stdout:write("  to ", address, "\n")
    end
    local lines = {}
    for i, h in ipairs(d.hosts) do
      local known = h.preference and h.preference >= 0
      lines[i] = { " ", known and tostring(h.preference) or "-", h.name,
                   table.concat(h.addresses or {}, " "),
                   h.refused and h.refused ~= "" and "refused: " .. h.refused
                   or "" }
    end
    print_table(lines)
  end
  for _, r in ipairs(plan.refused) do
    io.stdout:write(r.address, "  refused: ", r.text, "\n")
  end
end

local function json_plan(plan, ok)
  local destinations = {}
  for i, d in ipairs(plan.destinations) do
    destinations[i] = { destination = d.destination, route = d.route,
                        tls = { level = d.level, policy = d.policy },
                        recipients = d.recipients, hosts = d.hosts }
  end
  print_json { ok = ok, sender = plan.sender, destinations = destinations,
               refused = plan.refused }
end

function run.plan(o, t, mailer)
  local plan, why, detail = require "directsend.plan"(mailer.config, t)
  if not plan then return status_of_detail(detail), why, detail end
  local status = EX.ok
  for _, row in ipairs(expected(plan)) do
    if row.outcome ~= "planned" and status ~= EX.temporary then
      local own = status_of { row }
      status = (own == EX.temporary or status == EX.ok) and own or status
    end
  end
  if o.json then
    json_plan(plan, status == EX.ok)
  elseif not o.quiet then
    print_plan(plan)
  end
  return status
end

-- cli.main: run the command with these arguments; its exit status
function cli.main(args)
  local ok, options = pcall(require, "directsend.options")
  if not ok then
    io.stderr:write("directsend: the command needs lua-argparse: ",
                    tostring(options):match "^[^\n]*", "\n")
    return EX.config
  end
  local o, why = options.parse(args)
  if not o then
    io.stderr:write("directsend: ", why, "\n")
    return EX.usage
  end
  if o.command == "version" then
    io.stdout:write(directsend._VERSION, "\n")
    return EX.ok
  end
  if o.json and not pcall(require, "cjson") then
    io.stderr:write "directsend: --json needs lua-cjson\n"
    return EX.config
  end
  local function fail(status, text, detail)
    if o.json then json_report({}, text, detail or { kind = "usage" }) end
    complain(o, text)
    return status
  end
  local mailer, t, status, detail
  mailer, why, status = mailer_of(o, options)
  if not mailer then return fail(status, why) end
  t, why, status = message_of(o, options)
  if not t then return fail(status, why) end
  status, why, detail = run[o.command](o, t, mailer)
  if why then return fail(status, why, detail) end
  return status
end

return cli
