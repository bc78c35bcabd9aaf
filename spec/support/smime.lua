--- S/MIME for a spec: people with certificates, and the openssl command as
-- their mail reader.
--
--   local people = require "support.smime".new("bob") -- bob.pem, bob.key; ca.pem is whom they trust
--   people:person("ann", { kind = "rsa" })
--   people:sealed({ sign = people:signer "ann" }, entity)
--   people:verified(message)                         -- what was signed; or nil, why
--   people:decrypted(message, "ann")
--   people:remove()

local pki = require "support.pki"

local People = {}

local kinds = { rsa = "rsa:2048", ec = "ec -pkeyopt ec_paramgen_curve:P-256", ed25519 = "ed25519" }

--- options: kind (ec), usage, extended (false: none), days, issuer (ca).
function People:person(name, options)
  options = options or {}
  local extended = options.extended
  if extended == nil then extended = "emailProtection" end
  local issuer = options.issuer or "ca"
  self.files:run(table.concat({
    "openssl req -x509 -nodes -newkey", kinds[options.kind or "ec"], "-subj /CN=" .. name, "-days", options.days or 30,
    "-keyout", name .. ".key", "-out", name .. ".pem", "-CA", issuer .. ".pem", "-CAkey", issuer .. ".key",
    "-addext basicConstraints=critical,CA:FALSE", "-addext subjectAltName=email:" .. name .. "@contoso.test",
    extended and "-addext extendedKeyUsage=" .. extended or "",
    options.usage and "-addext keyUsage=critical," .. options.usage or "", "&& chmod 600 " .. name .. ".key",
  }, " "))
end

function People:path(name)
  return self.files:path(name)
end

function People:read(name)
  return self.files:read(name)
end

function People:signer(name)
  return { cert = self:path(name .. ".pem"), key = self:path(name .. ".key") }
end

--- An entity through a new seal, so many octets at a time.
function People.sealed(_, options, entity, step)
  local seal = assert(require "directsend.smime".seal {
    time = options.time or os.time(), sign = options.sign, encrypt = options.encrypt })
  local out = { (assert(seal:begin "=_boundary")) }
  for i = 1, #entity, step or #entity do
    out[#out + 1] = assert(seal:feed(entity:sub(i, i + (step or #entity) - 1)))
  end
  out[#out + 1] = assert(seal:finish())
  return "MIME-Version: 1.0\r\n" .. table.concat(out)
end

-- what an openssl cms command writes of a message; nil, its log
function People:cms(message, command)
  self.files:write("in.eml", message)
  os.execute("rm -f '" .. self:path "out.txt" .. "'")
  if pcall(self.files.run, self.files, "openssl cms -in in.eml -out out.txt " .. command) then
    return self:read "out.txt"
  end
  return nil, self:read "log"
end

function People:verified(message)
  return self:cms(message, "-verify -CAfile ca.pem -signer signer.pem")
end

function People:decrypted(message, name)
  return self:cms(message, ("-decrypt -recip %s.pem -inkey %s.key"):format(name, name))
end

--- The object of a sealed message as openssl prints it.
function People:printed(message)
  return self:cms(message, "-cmsout -print -noout >out.txt")
end

function People:remove()
  self.files:remove()
end

local smime = {}

--- The people of these names; one who is called like a kind of key has such one.
function smime.new(...)
  local people = setmetatable({ files = pki.new() }, { __index = People })
  people.files:authority "ca"
  for _, name in ipairs { ... } do people:person(name, { kind = kinds[name] and name }) end
  return people
end

return smime
