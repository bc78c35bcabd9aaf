local mailers = require "support.mailers"
local servers = require "support.servers"

local alert, to = mailers.alert, mailers.to

describe("a body", function()
  after_each(servers.stop_all)

  it("sends the same octets to every destination", function()
    local one = servers.aiosmtpd { tls = false }
    local two = servers.aiosmtpd { tls = false }
    local mailer = to(0, { route = { ["one.test"] = "127.0.0.1:" .. one.port,
                                     ["*"] = "127.0.0.1:" .. two.port } })
    for _, text in ipairs { "hello", ("0123456789abcde\n"):rep(100000) } do
      assert(mailer:send(alert { to = { "a@one.test", "b@two.test" },
                                 text = text }))
    end
    local left, right = one:messages(), two:messages()
    for i = 1, 2 do assert.equal(left[i].raw, right[i].raw) end
    assert.is_true(#left[2].raw > 1048576)
  end)
end)
