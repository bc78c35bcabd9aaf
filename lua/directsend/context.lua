-- context: the TLS context all deliveries of a mailer share; made when the
-- first of them comes to STARTTLS, so that libssl is not loaded before.

return function(mailer)
  if not mailer.tls then
    local ok, tls = pcall(require, "directsend.tls")
    if not ok then return "failed", "local", (tls:match "^[^\n]*") end
    local ctx, why = tls.context { ca_file = mailer.config.ca_file,
                                   ca_path = mailer.config.ca_path }
    if not ctx then return "failed", "local", why end
    mailer.tls = ctx
  end
  return "context", mailer.tls
end
