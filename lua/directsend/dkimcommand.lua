-- dkimcommand: the command directsend dkim: keys are made, the records to
-- publish are told, signatures checked.

local core = require "directsend.core"
local dkim = require "directsend.dkim"
local value = require "directsend.value"

local EX = { ok = 0, usage = 64, content = 65, io = 74, temporary = 75 }
local run = {}

local function read(name)
  local file, why = io.stdin, nil
  if name ~= "-" then file, why = io.open(name, "rb") end
  if not file then return nil, why end
  local text
  text, why = file:read "*a"
  if file ~= io.stdin then file:close() end
  if text then return text end
  return nil, (name == "-" and "standard input" or name) .. ": " .. why
end

local function say(o, line)
  if not o.quiet then io.stderr:write("directsend: ", line, "\n") end
end

-- the status of what was printed: status itself where it could be
local function print_text(o, text, status)
  local ok, why = o.output(text)
  if ok then return status end
  return EX.io, why
end

local function print_line(o, line)
  if o.quiet then return EX.ok end
  return print_text(o, line .. "\n", EX.ok)
end

-- the line of a zone file that publishes a key, in strings of 255 octets;
-- nil, why: the names will not do
local function zone_line(o, key)
  local fit, why = dkim.signer { domain = o.domain, selector = o.selector,
                                 key = key }
  if not fit then return nil, why end
  local record, strings = key:record(), {}
  for at = 1, #record, 255 do
    strings[#strings + 1] = '"' .. record:sub(at, at + 254) .. '"'
  end
  return ("%s._domainkey.%s. IN TXT ( %s )"):format(
    o.selector, o.domain, table.concat(strings, "\n  "))
end

function run.keygen(o)
  local bits, wrong = value.read(value.whole(2048, 8192), o.bits or 2048,
                                 "--bits")
  if not bits then return EX.usage, wrong end
  if o.ed25519 and o.bits then return EX.usage, "--bits is for RSA alone" end
  local pem, why
  if o.ed25519 then
    pem, why = dkim.generate "ed25519-sha256"
  else
    pem, why = dkim.generate("rsa-sha256", bits)
  end
  if not pem then return EX.usage, why end
  local line
  line, why = zone_line(o, dkim.key(pem))
  if not line then return EX.usage, why end
  local out = o.out or ("%s.%s.pem"):format(o.selector, o.domain)
  local written
  written, why = core.write_private(out, pem)
  if not written then return EX.usage, why end
  say(o, "the key is in " .. out)
  return print_line(o, line)
end

function run.record(o)
  local key, why = dkim.key { path = o.file }
  if not key then return EX.usage, why end
  for _, text in ipairs(key:warnings()) do
    say(o, text)
  end
  local line
  line, why = zone_line(o, key)
  if not line then return EX.usage, why end
  return print_line(o, line)
end

-- the text of a record: as it is, or between the quotes of a zone file
local function record_text(text)
  local strings = {}
  for s in text:gmatch '"([^"]*)"' do strings[#strings + 1] = s end
  return strings[1] and table.concat(strings) or text
end

-- the text of a key's record as the DNS has it; nil, why, passing
local function look_up(name, dns)
  local found, why = require "directsend.lookup".ask(name, "TXT", { dns = dns })
  if not found then return nil, why end
  if found.records[1] then return found.records[1].text end
  if found.status == "noerror" or found.status == "nxdomain" then
    return nil, "there is no record of the key"
  end
  return nil, found.text, true
end

-- a function of a record's name: its text; nil, why, passing
local function records(o)
  if o.key then
    local text, why = read(o.key)
    if not text then return nil, why end
    return function() return record_text(text) end
  end
  local dns
  if o.dns and o.dns[1] then
    local servers, why = value.read(value.list(value.server), o.dns, "--dns")
    if not servers then return nil, why end
    dns = { servers = servers }
  end
  return function(name) return look_up(name, dns) end
end

-- the n-th signature with its verdict: "pass", "fail" or "unknown", and why:
-- text, detail
local function judged(v, n, s, record_of)
  if s.invalid then
    return { verdict = "fail", text = s.invalid }, { kind = "usage" }
  end
  local record, why, passing = record_of(s.name)
  if not record then
    s.verdict, s.text = passing and "unknown" or "fail", why
    return s, { kind = "dns", temporary = passing }
  end
  local ok, detail
  ok, s.text, detail = v:check(n, record, core.epoch())
  s.verdict = ok and "pass" or "fail"
  return s, detail
end

local function line_of(s)
  local which = s.name and ("  %s  %s"):format(s.name, s.algorithm) or ""
  return s.verdict .. which .. (s.text and "  " .. s.text or "") .. "\n"
end

-- print the signatures with their verdicts; the first one's detail
local function tell(o, list, detail)
  local seen, lines = {}, {}
  for i, s in ipairs(list) do
    seen[s.verdict], lines[i] = true, line_of(s)
  end
  local ok = seen.pass == true
  local status = ok and EX.ok or seen.unknown and EX.temporary or EX.content
  if o.json then
    local show = require "directsend.show"
    local why = not ok and list[1].text or nil
    return print_text(o, show.signatures_json(list, ok, why, detail), status)
  end
  return o.quiet and status or print_text(o, table.concat(lines), status)
end

function run.verify(o)
  local text, why = read(o.file)
  if not text then return EX.usage, why end
  local record_of
  record_of, why = records(o)
  if not record_of then return EX.usage, why end
  local v = dkim.verifier()
  local list, first
  v:feed((text:gsub("\r?\n", "\r\n"))) -- a message in a file may have lost CR
  list, why = v:finish()
  if not list then return EX.content, why end
  if not list[1] then return EX.content, "the message has no signature" end
  for n, s in ipairs(list) do
    local detail
    list[n], detail = judged(v, n, s, record_of)
    first = first or detail
  end
  return tell(o, list, first)
end

-- do what the options say: an exit status, and what went wrong in words where
-- that is not told yet.  o.output prints a text: true, or nil and why not.
return function(o)
  return run[o.action](o)
end
