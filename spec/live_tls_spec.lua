local directsend = require "directsend"
local servers = require "support.servers"

describe("TLS with Postfix", function()
  after_each(servers.stop_all)

  -- send so many mails: how many handshakes there were, how many of them resumed
  local function handshakes(mx, count, more)
    local dns = servers.nsd { ["example.test"] = "@ MX 10 mx1\nmx1 A 127.0.0.1" }
    local lines = {}
    local config = {
      from = "a@example.test", hostname = "client.example.test", tls = "verified", port = mx.port, allow_private = true,
      ca_file = servers.certificates().ca_file, dns = { servers = { "127.0.0.1:" .. dns.port } },
      trace = function(text)
        lines[#lines + 1] = text
      end,
    }
    for k, v in pairs(more or {}) do
      config[k] = v
    end
    local mailer = assert(directsend.new(config))
    for i = 1, count do
      local report = assert(mailer:send { to = "b@example.test", subject = "mail " .. i, text = "t" })
      assert.equal(config.tls == "verified" and "verified" or "encrypted", report[1].tls.level)
    end
    mailer:close()
    local text = table.concat(lines)
    local _, all = text:gsub("%-%- TLSv1%.%d [%w_-]+, [%w ]*verified", "")
    local _, resumed = text:gsub("verified, resumed", "")
    return all, resumed
  end

  for version, other in pairs { ["TLSv1.2"] = "TLSv1.3", ["TLSv1.3"] = "TLSv1.2" } do
    it("goes on with the session of the connection before, over " .. version, function()
      local mx = servers.postfix { main = { smtpd_tls_protocols = "!TLSv1, !TLSv1.1, !" .. other } }
      assert.same({ 20, 19 }, { handshakes(mx, 20) })
      assert.equal(20, #mx:messages(20))
    end)
  end

  it("shakes hands anew where Postfix gives no tickets", function()
    local mx = servers.postfix { main = { tls_ssl_options = "NO_TICKET" } }
    assert.same({ 5, 0 }, { handshakes(mx, 5) })
  end)
end)
