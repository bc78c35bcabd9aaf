local world = require "support.world"

-- the name ADMIT has for a host
local function provider_of(host)
  local w = world.new{ zone = { ["contoso.test"] = { MX = { { 1, host } } }, [host] = { A = { "9.0.0.1" } } },
                       hosts = { ["9.0.0.1"] = world.smtp{} } }
  w:deliver({ destination = "contoso.test", can = { "admit" } }, { { body = "x\r\n" } })
  for _, op in ipairs(w.asked) do
    if op.what == "connection" then return op.provider end
  end
end

describe("the provider of a host", function()
  it("is known by the end of its name", function()
    for host, name in pairs{
      ["contoso-com.mail.protection.outlook.com"] = "microsoft365", ["contoso-com.x-v1.mx.microsoft"] = "microsoft365",
      ["hotmail-com.olc.protection.outlook.com"] = "outlook", ["aspmx.l.google.com"] = "google", ["aspmx2.googlemail.com"] = "google",
      ["mta5.am0.yahoodns.net"] = "yahoo", ["mx01.mail.icloud.com"] = "apple", ["eu-smtp-inbound-1.mimecast.com"] = "mimecast",
      ["d1.ess.barracudanetworks.com"] = "barracuda", ["mx00.gmx.net"] = "gmx", ["mx-ha02.web.de"] = "gmx", ["smtp-in.orange.fr"] = "orange",
      ["mx3.qq.com"] = "qq", ["163mx01.mxmail.netease.com"] = "netease", ["mx2h1.comcast.net"] = "comcast",
    } do assert.equal(name, provider_of(host)) end
  end)

  it("is the host itself where its name only looks like one of these", function()
    for _, host in ipairs{ "mx.contoso.test", "google.com.contoso.test", "notgoogle.com", "protection.outlook.com", "outlook.com" } do
      assert.equal(host, provider_of(host))
    end
  end)
end)
