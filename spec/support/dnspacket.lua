-- DNS packets as strings (RFC 1035), right or wrong as a spec wants them.
--
--   local dns = require "support.dnspacket"
--   local packet = dns.packet{ id = 7, question = {"example.com", "MX"},
--     answer = { dns.mx("example.com", 10, "mx.example.com") } }
--   local reply = dns.reply(query, { answer = …, rcode = 3 })
--
-- A record is a string: a function of this module or `dns.rr` makes it.  A
-- name is "a.b" ("" and "." are the root), or any octets as {raw = "…"}, for
-- instance {raw = dns.pointer(12)} for the question's name.

local dns = {}

dns.types = {
  A = 1, NS = 2, CNAME = 5, SOA = 6, PTR = 12, MX = 15, TXT = 16, AAAA = 28,
  OPT = 41, TLSA = 52,
}

local function u16(n)
  return string.char(math.floor(n / 256) % 256, n % 256)
end

local function u32(n)
  return u16(math.floor(n / 65536)) .. u16(n % 65536)
end

dns.u16, dns.u32 = u16, u32

local function type_number(t)
  return dns.types[t] or t
end

function dns.pointer(offset)
  return u16(0xc000 + offset)
end

function dns.name(name)
  if type(name) == "table" then return name.raw end
  local labels = {}
  for label in name:gmatch "[^.]+" do
    labels[#labels + 1] = string.char(#label) .. label
  end
  return table.concat(labels) .. "\0"
end

-- any record; options: ttl (300), class (1), length (what rdlength claims)
function dns.rr(name, rtype, data, options)
  options = options or {}
  return dns.name(name) .. u16(type_number(rtype)) .. u16(options.class or 1)
    .. u32(options.ttl or 300) .. u16(options.length or #data) .. data
end

local function ip4(text)
  local octets = {}
  for n in text:gmatch "%d+" do octets[#octets + 1] = string.char(n + 0) end
  return table.concat(octets)
end

local function groups(text)
  local out = {}
  for g in text:gmatch "%x+" do out[#out + 1] = u16(tonumber(g, 16)) end
  return out
end

local function ip6(text)
  local head, tail = text:match "^(.-)::(.*)$"
  local front, back = groups(head or text), groups(tail or "")
  local gap = ("\0\0"):rep(8 - #front - #back)
  return table.concat(front) .. gap .. table.concat(back)
end

function dns.a(name, ip, options)
  return dns.rr(name, "A", ip4(ip), options)
end

function dns.aaaa(name, ip, options)
  return dns.rr(name, "AAAA", ip6(ip), options)
end

function dns.mx(name, preference, host, options)
  return dns.rr(name, "MX", u16(preference) .. dns.name(host), options)
end

function dns.cname(name, target, options)
  return dns.rr(name, "CNAME", dns.name(target), options)
end

function dns.ptr(name, target, options)
  return dns.rr(name, "PTR", dns.name(target), options)
end

function dns.ns(name, target, options)
  return dns.rr(name, "NS", dns.name(target), options)
end

-- one string or a list of them, each at most 255 octets
function dns.txt(name, strings, options)
  local out = {}
  if type(strings) == "string" then strings = {strings} end
  for i, s in ipairs(strings) do out[i] = string.char(#s) .. s end
  return dns.rr(name, "TXT", table.concat(out), options)
end

function dns.tlsa(name, usage, selector, matching, data, options)
  return dns.rr(name, "TLSA",
    string.char(usage, selector, matching) .. data, options)
end

function dns.soa(name, minimum, options)
  local data = dns.name("ns." .. name) .. dns.name("root." .. name)
    .. u32(1) .. u32(7200) .. u32(3600) .. u32(86400) .. u32(minimum)
  return dns.rr(name, "SOA", data, options)
end

function dns.opt(size, signed)
  return dns.rr("", "OPT", "", {class = size or 1232, ttl = signed and 0x8000 or 0})
end

function dns.question(name, qtype, class)
  return dns.name(name) .. u16(type_number(qtype)) .. u16(class or 1)
end

local function flag(p, key, default, bit)
  local v = p[key]
  if v == nil then v = default end
  return v and bit or 0
end

local function flags(p)
  return flag(p, "qr", true, 0x8000) + (p.opcode or 0) * 0x800
    + flag(p, "aa", false, 0x400) + flag(p, "tc", false, 0x200)
    + flag(p, "rd", true, 0x100) + flag(p, "ra", true, 0x80)
    + flag(p, "ad", false, 0x20) + flag(p, "cd", false, 0x10)
    + (p.rcode or 0)
end

-- id, the flags qr rd ra (true) aa tc ad cd (false), opcode, rcode;
-- question = {name, type [, class]} or its octets; answer, authority and
-- additional: lists of records; counts: what the header claims instead
function dns.packet(p)
  local question = p.question or ""
  if type(question) == "table" then
    question = dns.question(question[1], question[2], question[3])
  end
  local counts = p.counts or {}
  local header = u16(p.id or 0) .. u16(flags(p))
    .. u16(counts[1] or (question ~= "" and 1 or 0))
  local body = question
  for i, section in ipairs{"answer", "authority", "additional"} do
    local records = p[section] or {}
    header = header .. u16(counts[i + 1] or #records)
    body = body .. table.concat(records)
  end
  return header .. body .. (p.trailer or "")
end

-- id, name, type, edns, and the question's octets, of a query packet
function dns.parse_query(query)
  local at, labels = 13, {}
  while query:byte(at) ~= 0 do
    local n = query:byte(at)
    labels[#labels + 1] = query:sub(at + 1, at + n)
    at = at + n + 1
  end
  local function number(i) return query:byte(i) * 256 + query:byte(i + 1) end
  return number(1), table.concat(labels, "."), number(at + 1),
    number(11) > 0, query:sub(13, at + 4)
end

-- an answer to a query: its id and question, the rest from p
function dns.reply(query, p)
  local id, _, _, _, question = dns.parse_query(query)
  local all = {id = id, question = question}
  for k, v in pairs(p or {}) do all[k] = v end
  return dns.packet(all)
end

-- as it goes over TCP
function dns.framed(packet)
  return u16(#packet) .. packet
end

return dns
