-- cli: the command directsend.

local check = require "directsend.check"
local config = require "directsend.config"
local core = require "directsend.core"
local directsend = require "directsend"
local message = require "directsend.message"
local value = require "directsend.value"

-- core.next says why: what else the command loads traverses tables by pairs
if rawget(_G, "jit") then jit.off() end

local cli = {}

local EX = { ok = 0, usage = 64, content = 65, host = 68, refused = 69,
             io = 74, temporary = 75, policy = 77, config = 78 }

-- whose fault a field of a message is, where it is not the content's
local by_field = { from = EX.usage, to = EX.usage, cc = EX.usage,
                   bcc = EX.usage, envelope = EX.usage, config = EX.config,
                   aliases = EX.config, force_from = EX.config }

local function say(text)
  io.stderr:write("directsend: ", check.plain(text, 1000), "\n")
end

-- people read standard error; where nobody does, the system's log has it
local function complain(o, text)
  if not o.quiet then say(text) end
  if not core.terminal(2) then core.log(check.plain(text, 1000)) end
end

-- all that the command prints at once; nil, why: the output does not take it
local function output(text)
  local ok, why = io.stdout:write(text)
  if ok then ok, why = io.stdout:flush() end
  if ok then return true end
  return nil, "standard output: " .. why
end

-- a signal ends a send like this
local function interrupted(e)
  return type(e) == "string" and e:find "interrupted!$" ~= nil
end

-- -------------------------------------------------------------- exit status

local by_kind = { policy = EX.policy, tls = EX.policy, dns = EX.host,
                  usage = EX.usage }

-- the status of a report, or of the rows of a plan
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
  if sane and mailer then return mailer end
  if interrupted(mailer) then error(mailer, 0) end
  local status = sane and status_of_detail(detail, set) or EX.config
  if not sane then why = mailer end
  if sane then why = options.said(o, why, detail.field, set) end
  if name and status == EX.config then why = name .. ": " .. why end
  return nil, status, why
end

-- a body that no option gives; nil, status, words
local function standard_input()
  if core.terminal(0) then
    return nil, EX.usage, "no body: say --text, --text-file or --html-file, "
                          .. "or give it on standard input"
  end
  local text, why = io.read "*a"
  if text then return text end
  return nil, EX.content, "standard input: " .. why
end

-- the message of the options; nil, status, words
local function message_of(o, options)
  local t, why = value.read(options.message, o)
  if not t then return nil, EX.usage, why end
  if t.text or t.html then return t end
  if o.command == "plan" then -- only asks who would get it
    t.text = ""
    return t
  end
  local status
  t.text, status, why = standard_input()
  if not t.text then return nil, status, why end
  return t
end

local run = {}

-- what standard error tells of a row besides what the table does
local function remark(o, row)
  if row.outcome ~= "delivered" then
    return complain(o, require "directsend.report".line(row))
  end
  local tls = row.tls or {}
  if tls.level ~= "none" or (tls.note or "") == "" or o.quiet then return end
  say(("%s: delivered in clear: %s"):format(row.address, tls.note))
end

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
  local told, trouble = true, nil
  if o.json then
    told, trouble = output(show.report_json(rows, why, detail))
  elseif not o.quiet then
    told, trouble = output(show.rows(rows))
  end
  if not told then complain(o, trouble) end
  for _, row in ipairs(rows) do remark(o, row) end
  return status_of(rows)
end

-- standard output for a message to be written to, which keeps what befell it
local function message_output()
  local to = {}
  function to.write(_, piece)
    local ok
    ok, to.why = io.stdout:write(piece)
    return ok, to.why
  end
  return to
end

function run.render(_, t, mailer)
  local m, why, detail = message.new(t, mailer.config)
  if not m then return status_of_detail(detail), why, detail end
  local to = message_output()
  local ok
  ok, why, detail = m:write { file = to }
  if to.why then return EX.io, "standard output: " .. to.why, detail end
  if not ok then return status_of_detail(detail), why, detail end
  ok, why = output ""
  if not ok then return EX.io, why, { kind = "local" } end
  return EX.ok
end

local function bulk(o, mailer)
  o.output = output
  function o.say(text) complain(o, text) end
  local rows, why, bad = require "directsend.bulk"(o, mailer)
  if rows then return status_of(rows) end
  if bad then error(bad, 0) end
  return EX.content, why, { kind = "usage" }
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
  local ok = true
  if o.json then
    ok, why = output(show.plan_json(plan, status == EX.ok))
  elseif not o.quiet then
    ok, why = output(show.plan(plan))
  end
  if not ok then return EX.io, why, { kind = "local" } end
  return status
end

local function perform(o, options)
  if o.command == "dkim" or o.command == "tlsrpt" then
    o.output = output
    return require("directsend." .. o.command .. "command")(o)
  end
  local mailer, status, why = mailer_of(o, options)
  if not mailer then return status, why end
  for _, text in ipairs((mailer.config.dkim or {}).warnings or {}) do
    complain(o, text)
  end
  if o.command == "bulk" then return bulk(o, mailer) end
  local t
  t, status, why = message_of(o, options)
  if not t then return status, why end
  local detail
  status, why, detail = run[o.command](o, t, mailer)
  if detail then why = options.said(o, why, detail.field) end
  return status, why, detail
end

-- the same, whatever happens meanwhile
local function attempt(o, options)
  local ran, status, why, detail = pcall(perform, o, options)
  if ran then return status, why, detail end
  if not interrupted(status) then error(status, 0) end
  return EX.temporary, "interrupted; what had begun may have been delivered",
         { kind = "local", temporary = true }
end

local function lacking(name)
  say("the command needs " .. name)
  return EX.config
end

local function version()
  local ok, why = output(directsend._VERSION .. "\n")
  if ok then return EX.ok end
  say(why)
  return EX.io
end

-- for programs: why there is no report, or no verdict on signatures
local function excuse(why, detail, signatures)
  detail = detail or { kind = "usage" }
  local show = require "directsend.show"
  local text = signatures and show.signatures_json({}, false, why, detail)
               or show.report_json({}, why, detail)
  local ok, trouble = output(text)
  if not ok then say(trouble) end
end

local function has_json()
  return (pcall(require, "cjson"))
end

-- arguments that are none
local function misused(args, wrong)
  local json
  for _, word in ipairs(args) do json = json or word == "--json" end
  if json and has_json() then excuse(wrong) end
  say(wrong)
  return EX.usage
end

-- cli.main: run the command with these arguments; its exit status
function cli.main(args)
  local ok, options = pcall(require, "directsend.options")
  if not ok then return lacking "lua-argparse" end
  local o, wrong = options.parse(args)
  if not o then return misused(args, wrong) end
  if o.command == "version" then return version() end
  if o.json and not has_json() then return lacking "lua-cjson" end
  local status, why, detail = attempt(o, options)
  if why and o.json and status ~= EX.io then
    excuse(why, detail, o.command == "dkim")
  end
  if why then complain(o, why) end
  return status
end

return cli
