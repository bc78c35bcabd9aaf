-- typical: twenty messages such as people and devices send: what a filter must
-- find nothing odd about.

local from, to = "Ana Example <ana@example.com>", "Bob Example <bob@example.net>"
local prose = "Dear Bob,\n\nthe meeting about the new warehouse is moved to Thursday, ten o'clock. "
              .. "Please bring the figures of last month.\n\nKind regards\nAna\n"
local page = "<!DOCTYPE html><html><head><title>News</title></head><body><p>" .. prose:gsub("\n\n", "</p><p>") .. "</p></body></html>\n"
local pixel = "\137PNG\r\n\26\n" .. ("\0\1\2\3"):rep(50)
local invitation = table.concat({ "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//EN", "METHOD:REQUEST", "BEGIN:VEVENT",
  "UID:1@example.com", "DTSTAMP:20240101T100000Z", "DTSTART:20240104T100000Z", "SUMMARY:Warehouse",
  "ORGANIZER:mailto:ana@example.com", "ATTENDEE:mailto:bob@example.net", "END:VEVENT", "END:VCALENDAR", "" }, "\r\n")
local leave = { https = "https://example.com/leave?id=7", mailto = "leave@example.com", one_click = true }

local typical = {
  { subject = "WAN is back", text = "eth1 up after 14 min\n", auto = "generated" },
  { subject = "Meeting on Thursday", text = prose },
  { subject = "Meeting on Thursday", text = prose, html = page },
  { subject = "News of the month", html = page, text = prose, list_unsubscribe = leave, list_id = "News <news.example.com>",
    headers = { { "Precedence", "bulk" } } },
  { subject = "Invitation: Warehouse", text = prose, calendar = invitation },
  { subject = "Your scan", text = "Your scan.\n", attach = { { data = "%PDF-1.4\n" .. ("x"):rep(2000), name = "scan.pdf" } } },
  { subject = "Escaneo \226\128\147 3 p\195\161ginas", text = "Adjunto el escaneo. Un saludo.\n",
    attach = { { data = "a,b\n1,2\n", name = "p\195\161ginas.csv" } } },
  { subject = "Bericht f\195\188r M\195\164rz", text = "Sch\195\182ne Gr\195\188\195\159e aus K\195\182ln, anbei der Bericht.\n" },
  { subject = "\208\158\209\130\209\135\209\145\209\130", text = "\208\158\209\130\209\135\209\145\209\130 \208\179\208\190\209\130\208\190\208\178.\n" },
  { subject = "\230\156\136\230\156\171\229\160\177\229\145\138",
    text = "\229\160\177\229\145\138\227\129\174\227\129\168\227\129\138\227\130\138\227\129\167\227\129\153\227\128\130\n" },
  { subject = "With a picture", html = '<html><body><p>' .. prose .. '</p><img src="cid:logo" alt="logo"></body></html>', text = prose,
    inline = { logo = { data = pixel, name = "logo.png" } } },
  { subject = "All of it", html = '<html><body><p>' .. prose .. '</p><img src="cid:logo" alt="logo"></body></html>', text = prose,
    inline = { logo = { data = pixel, name = "logo.png" } }, attach = { { data = pixel, name = "plan.png" } } },
  { subject = "Re: Meeting on Thursday", text = prose, in_reply_to = "<1@example.net>", references = "<0@example.net> <1@example.net>" },
  { subject = "Fwd: Meeting on Thursday", text = "See below.\n",
    attach = { { message = { from = "Carl <carl@example.org>", to = "ana@example.com", subject = "Meeting", text = prose } } } },
  { subject = "Urgent: pump 3", text = "Pump 3 has stopped. Please look after it.\n", priority = "high" },
  { subject = "A note to several people", text = prose, cc = { "carl@example.org", "dora@example.org" } },
  { subject = "A note to nobody in particular", text = prose, to = {}, bcc = "bob@example.net" },
  { subject = "A very long subject that goes on about everything that was said at the meeting and what was not, to its very end",
    text = prose },
  { subject = "Long lines", text = ("All of this stands on one line, as some programs write. "):rep(60) .. "\n" },
  { subject = "Report for the team", text = prose, reply_to = "office@example.com", sender = "robot@example.com" },
}

for _, t in ipairs(typical) do
  t.from, t.to = from, t.to or to
  if t.to[1] == nil and type(t.to) == "table" then t.to = nil end
end

return typical
