-- dkimcommand: the command directsend dkim: keys are made, the records to
-- publish are told, signatures checked.

local core = require "directsend.core"
local dkim = require "directsend.dkim"
local value = require "directsend.value"

local EX = { ok = 0, usage = 64, content = 65, temporary = 75 }
local run = {}

local function read(name)
  if name == "-" then return io.read "*a" or "" end
  local file, why = io.open(name, "rb")
  if not file then return nil, why end
  local text
  text, why = file:read "*a"
  file:close()
  return text, text == nil and name .. ": " .. why or nil
end

local function say(o, where, line)
  if not o.quiet then where:write(line, "\n") end
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
  say(o, io.stderr, "directsend: the key is in " .. out)
  say(o, io.stdout, line)
  return EX.ok
end

function run.record(o)
  local key, why = dkim.key { path = o.file }
  if not key then return EX.usage, why end
  for _, text in ipairs(key:warnings()) do
    say(o, io.stderr, "directsend: " .. text)
  end
  local line
  line, why = zone_line(o, key)
  if not line then return EX.usage, why end
  say(o, io.stdout, line)
  return EX.ok
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

-- what becomes of the n-th signature: "pass", "fail" or "unknown", and why
local function judge(v, n, s, record_of)
  if s.invalid then return "fail", s.invalid end
  local record, why, passing = record_of(s.name)
  if not record then return passing and "unknown" or "fail", why end
  local ok
  ok, why = v:check(n, record, core.epoch())
  return ok and "pass" or "fail", why
end

local function show(o, verdict, s, why)
  local which = s.name and ("  %s  %s"):format(s.name, s.algorithm) or ""
  say(o, io.stdout, verdict .. which .. (why and "  " .. why or ""))
end

function run.verify(o)
  local text, why = read(o.file)
  if not text then return EX.usage, why end
  local record_of
  record_of, why = records(o)
  if not record_of then return EX.usage, why end
  local v = dkim.verifier()
  local list
  v:feed((text:gsub("\r?\n", "\r\n"))) -- a message in a file may have lost CR
  list, why = v:finish()
  if not list then return EX.content, why end
  local seen = {}
  for n, s in ipairs(list) do
    local verdict
    verdict, why = judge(v, n, s, record_of)
    seen[verdict] = true
    show(o, verdict, s, why)
  end
  if not list[1] then return EX.content, "the message has no signature" end
  return seen.pass and EX.ok or seen.unknown and EX.temporary or EX.content
end

-- do what the options say: an exit status, and what went wrong in words where
-- that is not told yet
return function(o)
  return run[o.action](o)
end
