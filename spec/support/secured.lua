-- secured: a world in which contoso.test has all that can be known of a
-- destination's TLS: a host with a certificate, an MTA-STS policy, TLSA
-- records.  Each part is a table a spec may change before it delivers.
--
--   local s = secured.new(files)          -- files: support.pki with make()
--   s.policy.mode = "testing"
--   local row = s:deliver({ level = "opportunistic" })

local tls = require "directsend.tls"
local world = require "support.world"

local secured = {}
secured.__index = secured

local MX = "mx.contoso.test"

-- the certificates all of these worlds use, in a pki folder
function secured.make(files)
  files:authority("ca")
  files:leaf("mx", { issuer = "ca", san = "DNS:" .. MX })
  files:leaf("other", { issuer = "ca", san = "DNS:other.test" })
  files:leaf("sts", { issuer = "ca", san = "DNS:mta-sts.contoso.test" })
  for _, name in ipairs{ "ca", "mx", "other" } do
    files:run(("openssl x509 -in %s.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256 -binary >%s.digest"):format(name, name))
  end
end

local function pair(files, name)
  return { cert = files:path(name .. ".pem"), key = files:path(name .. ".key") }
end

function secured.new(files, t)
  t = t or {}
  local s = setmetatable({ files = files, host = world.smtp{
    EHLO = "250-mx\r\n250-PIPELINING\r\n250-REQUIRETLS\r\n250 STARTTLS", STARTTLS = "220 go", tls = pair(files, t.certificate or "mx"),
  } }, secured)
  s.policy = { mode = "enforce", mx = { MX }, max_age = 86400, id = "1" }
  s.page = world.https{ tls = pair(files, "sts"), answer = function() return s:answer() end }
  s.world = world.new{
    zone = {
      ["contoso.test"] = { MX = { { 10, MX } }, secure = t.secure }, [MX] = { A = { "9.0.0.1" }, secure = t.secure },
      ["mta-sts.contoso.test"] = { A = { "9.0.0.2" } },
    },
    hosts = { ["9.0.0.1"] = s.host, ["9.0.0.2"] = s.page },
  }
  s.world.context = assert(tls.context{ ca_file = files:path "ca.pem" })
  s.epoch = t.epoch or os.time() + 60
  if t.sts then s:announce() end
  return s
end

-- MTA-STS: the record, and the page's answer
function secured:announce(text)
  self.world.zone["_mta-sts.contoso.test"] = { TXT = { text or "v=STSv1; id=" .. self.policy.id } }
end

function secured:text()
  local p = self.policy
  local lines = { "version: STSv1", "mode: " .. p.mode, "max_age: " .. p.max_age }
  for _, mx in ipairs(p.mx) do lines[#lines + 1] = "mx: " .. mx end
  return table.concat(lines, "\r\n") .. "\r\n"
end

function secured:answer()
  if self.http then return self.http end
  local body = self:text()
  return ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body)
end

-- TLSA records at the port: "match", "wrong", "anchor" (2 1 1 of the
-- authority), "unusable" (usage 1), and so on, in one set
function secured:tlsa(...)
  local records = {}
  local function digest(name) return self.files:read(name .. ".digest") end
  for i, word in ipairs{ ... } do
    records[i] = word == "match" and { 3, 1, 1, digest "mx" } or word == "wrong" and { 3, 1, 1, ("\0"):rep(32) }
                 or word == "anchor" and { 2, 1, 1, digest "ca" } or word == "other" and { 3, 1, 1, digest "other" }
                 or word == "unusable" and { 1, 1, 1, digest "mx" } or word == "short" and { 3, 1, 1, "x" } or error(word)
  end
  self.world.zone["_25._tcp." .. MX] = { TLSA = records, secure = true }
end

-- the rows of messages, or the only one
function secured:deliver(config, messages, on_op)
  local c = { destination = "contoso.test", hostname = "c.example", mta_sts = true, epoch = self.epoch - 1000, trace = true,
              dns = { servers = { "9.1.1.1" }, trust_ad = true } }
  for k, v in pairs(config or {}) do c[k] = v end
  local rows = self.world:deliver(c, messages or { { body = "x\r\n" } }, on_op)
  if messages then return rows end
  assert(#rows == 1, "one row is expected")
  return rows[1]
end

return secured
