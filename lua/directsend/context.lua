-- context: the TLS contexts of a mailer, one for each client certificate it
-- shows. All deliveries share them, and the sessions they keep. The first is
-- made when a delivery comes to STARTTLS, so that libssl is not loaded before.

local context = {}

-- context.open: the one for a route that may have a client_cert and client_key
-- of its own; nil, message, detail where it cannot be made. What is to be said
-- against the key goes to `m`, if there is one
function context.open(mailer, route, m)
  local from = route and route.client_cert and route or mailer.config
  local key = (from.client_cert or "") .. "\0" .. (from.client_key or "")
  local contexts = mailer.tls or {}
  if not contexts[key] then
    local ok, tls = pcall(require, "directsend.tls")
    if not ok then return nil, (tls:match "^[^\n]*"), { kind = "local" } end
    local made, why, detail =
      tls.context { ca_file = mailer.config.ca_file,
                    ca_path = mailer.config.ca_path,
                    client_cert = from.client_cert,
                    client_key = from.client_key }
    if not made then return nil, why, detail end
    local said = m and made:warnings()
    if said and said[1] then require "directsend.warnings".add(m, said) end
    contexts[key], mailer.tls = made, contexts
  end
  return contexts[key]
end

-- context(mailer, group, m): the same for a group's pin, as a delivery is told
local function answer(_, mailer, group, m)
  local ctx, why = context.open(mailer, group.pin, m)
  if not ctx then return "failed", "local", why end
  return "context", ctx
end

return setmetatable(context, { __call = answer })
