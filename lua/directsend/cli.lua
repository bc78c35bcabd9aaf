-- cli: the command directsend.

local config = require "directsend.config"
local core = require "directsend.core"
local directsend = require "directsend"
local message = require "directsend.message"
local value = require "directsend.value"

local cli = {}

local EX = { ok = 0, usage = 64, content = 65, host = 68, refused = 69,
             temporary = 75, policy = 77, config = 78 }

-- whose fault a field of a message is, where it is not the content's
local by_field = { from = EX.usage, to = EX.usage, cc = EX.usage,
                   bcc = EX.usage, envelope = EX.usage, config = EX.config,
                   aliases = EX.config, force_from = EX.config }

-- people read standard error; where nobody does, the system's log has it
local function complain(o, text)
  if not o.quiet then io.stderr:write("directsend: ", text, "\n") end
  if not core.terminal(2) then core.log(text) end
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

-- Each of these returns a status, and in words what went wrong where that is
-- not told yet.

-- a mailer with the settings the command runs with; nil, status, words
local function mailer_of(o, options)
  local name, base, why = o.config or config.find(), {}, nil
  if name then base, why = require "directsend.configfile".load(name) end
  if not base then return nil, EX.config, why end
  local t, set = value.read(options.settings, o, base)
  if not t then return nil, EX.usage, set end
  if o.trace and not o.trace[1] then
    t.trace = function(line) io.stderr:write(line, "\n") end
  end
  local sane, mailer, detail
  sane, mailer, why, detail = pcall(directsend.new, t)
  if not sane then return nil, EX.config, mailer end
  if not mailer then return nil, status_of_detail(detail, set), why end
  return mailer
end

-- the message of the options; nil, status, words
local function message_of(o, options)
  local t, why = value.read(options.message, o)
  if not t then return nil, EX.usage, why end
  if t.text or t.html then return t end
  if core.terminal(0) then
    return nil, EX.usage, "no body: say --text, --text-file or --html-file, "
                          .. "or give it on standard input"
  end
  t.text = io.read "*a" or ""
  return t
end

local run = {}

function run.send(o, t, mailer)
  local report = require "directsend.report"
  local show = require "directsend.show"
  local rows, why, detail = mailer:send(t)
  mailer:close()
  rows = rows or detail.report
  if not rows then return status_of_detail(detail), why, detail end
  if not rows.ok and not why then
    why, detail = report.message(rows), report.detail(rows)
  end
  if o.json then
    show.report_json(rows, why, detail)
  elseif not o.quiet then
    show.rows(rows)
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

-- the outcomes the recipients of a plan can expect
local function expected(plan)
  local rows = {}
  for _, r in ipairs(plan.refused) do rows[#rows + 1] = r end
  for _, d in ipairs(plan.destinations) do
    local best = { outcome = "deferred", kind = "dns" }
    for _, h in ipairs(d.hosts) do
      if best.outcome then best = h end -- until one is not refused
    end
    rows[#rows + 1] = best
  end
  return rows
end

function run.plan(o, t, mailer)
  local show = require "directsend.show"
  local plan, why, detail = require "directsend.plan"(mailer.config, t)
  if not plan then return status_of_detail(detail), why, detail end
  local status = status_of(expected(plan))
  if o.json then
    show.plan_json(plan, status == EX.ok)
  elseif not o.quiet then
    show.plan(plan)
  end
  return status
end

local function perform(o, options)
  local mailer, status, why = mailer_of(o, options)
  if not mailer then return status, why end
  for _, text in ipairs((mailer.config.dkim or {}).warnings or {}) do
    complain(o, text)
  end
  local t
  t, status, why = message_of(o, options)
  if not t then return status, why end
  return run[o.command](o, t, mailer)
end

local function lacking(name)
  io.stderr:write("directsend: the command needs ", name, "\n")
  return EX.config
end

-- cli.main: run the command with these arguments; its exit status
function cli.main(args)
  local ok, options = pcall(require, "directsend.options")
  if not ok then return lacking "lua-argparse" end
  local o, wrong = options.parse(args)
  if not o then
    io.stderr:write("directsend: ", wrong, "\n")
    return EX.usage
  end
  if o.command == "version" then
    io.stdout:write(directsend._VERSION, "\n")
    return EX.ok
  end
  if o.command == "dkim" then
    local status, why = require "directsend.dkimcommand"(o)
    if why then complain(o, why) end
    return status
  end
  if o.json and not pcall(require, "cjson") then return lacking "lua-cjson" end
  local status, why, detail = perform(o, options)
  if why and o.json then
    require "directsend.show".report_json({}, why, detail or { kind = "usage" })
  end
  if why then complain(o, why) end
  return status
end

return cli
