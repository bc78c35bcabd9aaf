--- Certificates for a spec: authorities and servers' certificates made by the
-- openssl command in a folder of their own.
--
--   local pki = require "support.pki".new()
--   pki:authority("ca")
--   pki:leaf("mx", { issuer = "ca", san = "DNS:mx.example.test" })
--   pki:path("mx.pem")                            -- certificate; mx.key its key
--   pki:remove()

local Pki = {}
Pki.__index = Pki

local function quote(s)
  return "'" .. tostring(s):gsub("'", "'\\''") .. "'"
end

function Pki:run(script)
  local ok = os.execute("cd " .. quote(self.dir) .. " && { " .. script .. "\n} >log 2>&1")
  assert(ok == true or ok == 0, "openssl failed:\n" .. (self:read("log") or ""))
end

function Pki:path(name)
  return self.dir .. "/" .. name
end

function Pki:read(name)
  local file = assert(io.open(self:path(name), "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function Pki:write(name, text)
  local file = assert(io.open(self:path(name), "wb"))
  assert(file:write(text))
  file:close()
  return self:path(name)
end

local function request(name, options)
  local command = {
    "openssl req -x509 -nodes -keyout", name .. ".key", "-out", name .. ".pem",
    "-subj", quote(options.subject or "/CN=" .. name), "-days", options.days or 3650,
    "-newkey", options.key or "ec -pkeyopt ec_paramgen_curve:P-256",
  }
  if options.issuer then
    command[#command + 1] = ("-CA %s.pem -CAkey %s.key"):format(options.issuer, options.issuer)
  end
  for _, extension in ipairs(options) do
    command[#command + 1] = "-addext " .. quote(extension)
  end
  return table.concat(command, " ")
end

--- A certificate authority; `issuer` makes it an intermediate one.
function Pki:authority(name, options)
  options = options or {}
  self:run(request(name, {
    issuer = options.issuer, days = options.days, subject = options.subject,
  }))
end

--- A server's certificate for `san`; without `issuer` it signs itself.
function Pki:leaf(name, options)
  local all = {
    "basicConstraints=critical,CA:FALSE",
    issuer = options.issuer, days = options.days, subject = options.subject, key = options.key,
  }
  if options.san then
    all[#all + 1] = "subjectAltName=" .. options.san
  end
  self:run(request(name, all))
end

--- A folder of hashed names, as c_rehash makes, with these files in it.
function Pki:hashed(folder, ...)
  local script = { "mkdir " .. folder }
  for _, name in ipairs { ... } do
    script[#script + 1] = ("cp %s %s/$(openssl x509 -noout -subject_hash -in %s).0"):format(name, folder, name)
  end
  self:run(table.concat(script, " && "))
  return self:path(folder)
end

function Pki:remove()
  os.execute("rm -rf " .. quote(self.dir))
end

local pki = {}

function pki.new()
  local pipe = assert(io.popen("mktemp -d"))
  local dir = pipe:read("*l")
  pipe:close()
  assert(dir and dir ~= "", "mktemp found no room")
  return setmetatable({ dir = dir }, Pki)
end

return pki
