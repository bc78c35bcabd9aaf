local curltest = require "support.curltest"
local talk = require "support.smtp_talk"

local USAGE, UTF8 = -2, 2
local directory = "spec/vectors/curl-smtp/"

local vrfy = "VRFY and EXPN are not for delivering"
local mime = "the message is built by the mime room"
local not_played = {
  test646 = mime, test648 = mime, test649 = mime, test652 = mime, test1187 = mime,
  test923 = vrfy, test924 = vrfy, test926 = vrfy, test927 = vrfy, test968 = vrfy,
  test900 = "a message that ends with a bare LF is refused, not sent",
  test931 = "a URL is parsed",
}

-- what comes to the engine of an address whose domain is not ASCII
local function a_label(address, case)
  return case.no_idn and address or (address:gsub("\195\165\195\164\195\182%.se$", "xn--4cab6c.se"))
end

local function fit(address, utf8)
  return address == "" or address:find(utf8 and "^[%w.\128-\255]+@[%w.-]+%.%a+$" or "^[%w.]+@[%w.-]+%.%a+$")
end

-- the server of curl's tests, as far as they need it
local function reply(case, line, utf8)
  local verb = line:match("^%u+")
  if case.replies[verb] then
    return case.replies[verb]
  elseif verb == "EHLO" then
    local lines = { "mx" }
    for _, keyword in ipairs(case.capabilities) do
      lines[#lines + 1] = keyword
    end
    return "250-" .. table.concat(lines, "\r\n250-", 1, #lines - 1)
      .. (#lines > 1 and "\r\n250 " or "") .. (#lines > 1 and lines[#lines] or "\r\n250 ok")
  elseif verb == "MAIL" or verb == "RCPT" then
    return fit(line:match("<(.*)>"), utf8) and "250 ok" or "501 invalid address"
  end
  return ({ DATA = "354 go", QUIT = "221 bye" })[verb] or "250 ok"
end

local function crlf(s)
  return (s:gsub("\r\n", "\n"):gsub("\n", "\r\n"))
end

local function needs_utf8(case)
  return table.concat(case.capabilities, " "):find "SMTPUTF8" and true or false
end

local client = {}

function client.ready(c)
  if c.engine:extensions().starttls and not c.asked then
    c.asked = true
    c.engine:starttls()
    return
  end
  local to = {}
  for i, r in ipairs(c.case.recipients) do
    to[i] = a_label(r, c.case)
  end
  local message = crlf(c.case.message)
  local flags = needs_utf8(c.case) and UTF8 or 0
  c.begun = c.engine:begin(1, a_label(c.case.sender, c.case), to, #message, flags)
  c.engine:quit()
end

function client.body(c)
  assert.are.equal(0, c.engine:body(crlf(c.case.message)))
  assert.are.equal(0, c.engine:body_end())
  c.upload = ""
end

function client.settled(c, ev)
  c.outcomes[ev.recipient] = ev.outcome
end

function client.ended(c, ev)
  c.ended = ev
end

local function events(c)
  for ev in function() return c.engine:event() end do
    (client[ev.event] or function() end)(c, ev)
  end
end

local function take_upload(c)
  local octets = c.engine:output()
  local stop = octets:find("\r\n.\r\n", 1, true)
  local n = octets:sub(1, 3) == ".\r\n" and 3 or stop + 4
  c.engine:taken(n)
  c.upload_taken, c.upload = octets:sub(1, n), nil
end

local function take_line(c)
  local line = c.engine:output():match("^(.-)\r\n")
  c.engine:taken(#line + 2)
  c.said[#c.said + 1] = line
  return line
end

local function play(case)
  local c = { engine = talk.new(case.number).engine, case = case, said = {}, outcomes = {} }
  local answer = "220 curl's test server"
  while answer do
    c.engine:receive(answer .. "\r\n")
    events(c)
    answer = nil
    if c.engine:output() ~= "" then
      if c.upload then
        take_upload(c)
        answer = "250 ok"
      else
        answer = reply(case, take_line(c), needs_utf8(case))
      end
    end
  end
  return c
end

local function check_sent(case)
  local c = play(case)
  for i in ipairs(case.recipients) do
    assert.are.equal("delivered", c.outcomes[i])
  end
  local said = table.concat(c.said, "\n")
  if not case.protocol[2]:find "SIZE" then
    said = said:gsub(" SIZE=%d+", "")
  end
  assert.are.equal(table.concat(case.protocol, "\n"), said)
  assert.is_true(case.upload == c.upload_taken, case.upload:sub(1, 200))
end

-- an envelope that will not do is refused before anything is said
local function check_refused_here(case)
  local c = play(case)
  assert.are.equal(USAGE, c.begun)
  assert.are.same({ "EHLO " .. case.number, "QUIT" }, c.said)
end

-- what curl says before it gives up is said here, too; what was fit is sent
local function check_refused(case)
  local c = play(case)
  for i = 1, #case.protocol - 1 do
    assert.are.equal(case.protocol[i], c.said[i])
  end
  local sender = fit(case.sender) and not case.replies.MAIL
  for i, r in ipairs(case.recipients) do
    assert.are.equal(sender and fit(r) and "delivered" or "failed", c.outcomes[i], r)
  end
end

local special = {
  test913 = function(case) -- the size is compared before MAIL, not by the server
    local c = play(case)
    assert.are.same({ "EHLO 913", "QUIT" }, c.said)
    assert.are.same({ "failed" }, c.outcomes)
  end,
  test980 = function(case) -- replies behind the one to STARTTLS
    local c = play(case)
    assert.are.same(case.protocol, c.said)
    assert.are.equal("protocol", c.ended.kind)
  end,
  test1520 = function(case) -- the envelope stands in curl's program
    case.sender, case.recipients = "sender@example.com", { "recipient@example.com" }
    check_sent(case)
  end,
  test2110 = function(case) -- the sender stands in a file of options
    case.sender = "sender@example.com\r\nDATA"
    check_refused_here(case)
  end,
  test3215 = check_refused_here, -- parameters come as options, never within an address
  test959 = function(case)
    case.no_idn = true
    check_refused_here(case)
  end,
  test955 = check_refused_here,
  test956 = check_refused_here,
}
special.test960 = special.test959

local function check(name)
  local case = curltest.read(directory .. name)
  if special[name] then
    special[name](case)
  elseif case.fails and #case.recipients > 0 then
    check_refused(case)
  else
    check_sent(case)
  end
end

describe("curl's SMTP test", function()
  local names = assert(io.popen("LC_ALL=C ls " .. directory))
  for name in names:lines() do
    if name:find "^test" and not not_played[name] then
      it(name, function()
        check(name)
      end)
    end
  end
  names:close()
end)
