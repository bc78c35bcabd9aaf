-- What specs of the Lua face begin with: a message, and a mailer whose route
-- leads to one port of the loopback.

local directsend = require "directsend"

local mailers = {}

local function with(t, more)
  for k, v in pairs(more or {}) do t[k] = v end
  return t
end

function mailers.alert(t)
  return with({ from = "a@contoso.test", to = "b@example.test", subject = "s",
                text = "hello" }, t)
end

function mailers.to(port, t)
  return assert(directsend.new(with({ hostname = "client.example", tls = "off",
                                      route = "127.0.0.1:" .. port }, t)))
end

return mailers
