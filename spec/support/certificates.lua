--- A certification authority of this run and its host certificates.

local keeper = require "support.keeper"
local quote, read = keeper.quote, keeper.read

local authority

local Authority = {}
Authority.__index = Authority

local function openssl(dir, script)
  local ok = os.execute("cd " .. quote(dir) .. " && { set -e; " .. script .. "\n} >log 2>&1")
  assert(ok == true or ok == 0, "openssl failed:\n" .. (read(dir .. "/log") or ""))
end

--- A host certificate of this authority: { cert =, key =, digest = TLSA 3 1 1 }.
-- options: ip (also valid for it), days (default 30; 0 is over at once),
-- self (signed by itself, not by the authority).
function Authority:host(name, options)
  options = options or {}
  local id = table.concat({ name, options.ip or "", options.days or "", options.self and "self" or "" }, "_")
  if not self.hosts[id] then
    local sign = options.self and "-signkey $n.key" or "-CA ca.pem -CAkey ca.key -CAcreateserial"
    local names = "DNS:" .. name .. (options.ip and ",IP:" .. options.ip or "")
    openssl(self.dir, ("n=%s"):format(quote(id)) .. [[

      openssl ecparam -name prime256v1 -genkey -noout -out $n.key
      openssl req -new -key $n.key -subj /CN=]] .. name .. [[ -out $n.csr
      printf 'subjectAltName=]] .. names .. [[\nextendedKeyUsage=serverAuth\n' >$n.ext
      openssl x509 -req -in $n.csr ]] .. sign .. " -days " .. (options.days or 30) .. [[ -extfile $n.ext -out $n.pem
      openssl pkey -in $n.key -pubout -outform DER | openssl sha256 -r | cut -c-64 >$n.digest]])
    local path = self.dir .. "/" .. id
    self.hosts[id] = { cert = path .. ".pem", key = path .. ".key", digest = read(path .. ".digest"):sub(1, 64) }
  end
  return self.hosts[id]
end

--- The authority of this run: `ca_file`, `ca_path` (hashed), `:host(name)`.
return function()
  if not authority then
    local dir = keeper.folder()
    local holder = keeper.keep("certificates", dir)
    holder.kept = true
    openssl(dir, [[
      openssl ecparam -name prime256v1 -genkey -noout -out ca.key
      openssl req -x509 -new -key ca.key -subj '/CN=Test CA' -days 30 -out ca.pem \
        -addext basicConstraints=critical,CA:TRUE
      mkdir hashed; cp ca.pem hashed; openssl rehash hashed]])
    authority = setmetatable({
      dir = dir, holder = holder, hosts = {},
      ca_file = dir .. "/ca.pem", ca_path = dir .. "/hashed",
    }, Authority)
  end
  return authority
end
