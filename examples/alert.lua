-- One alert from a script, to the recipient's own mail host.
--   lua examples/alert.lua router@contoso.com it@contoso.com "WAN is back"

local directsend = require "directsend"

local from, to, subject = arg[1], arg[2], arg[3]

local report, why, detail = directsend.send {
  from = from, to = to, subject = subject, text = os.date(), auto = "generated",
}
if not report then
  io.stderr:write(why, "\n")
  os.exit(detail.temporary and 75 or 69)
end
for _, row in ipairs(report) do
  print(row.address, row.outcome, row.host or "-", row.reply or "-")
end
