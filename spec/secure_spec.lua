-- secure: the keys that say how sure a host must be.

local config = require "directsend.config"
local configs = require "support.configs"
local pki = require "support.pki"

local refused = configs.refused

local function read(t) return assert(config.read(t)) end

describe("secure", function()
  it("takes MTA-STS for granted, and lets it be off or elsewhere", function()
    assert.same({ nil, nil }, { read{}.mta_sts, read{}.sts_port })
    assert.is_true(read{ mta_sts = true }.mta_sts)
    assert.is_false(read{ mta_sts = false }.mta_sts)
    local c = read{ mta_sts = { port = 8443 } }
    assert.same({ true, 8443 }, { c.mta_sts, c.sts_port })
    refused({ mta_sts = { port = 0 } }, "mta_sts.port", "1 to 65535")
    assert.error_matches(function() config.read{ mta_sts = "yes" } end, "mta_sts: expected boolean")
    assert.error_matches(function() config.read{ mta_sts = { prot = 1 } } end, "did you mean 'port'")
  end)

  it("has the big receivers' hosts verified, others, or none", function()
    assert.is_nil(read{ trusted_hosts = true }.trusted_hosts)
    assert.same({}, read{ trusted_hosts = false }.trusted_hosts)
    assert.same({ "mx.corp.test", "example.org" }, read{ trusted_hosts = { "MX.corp.test", "example.org" } }.trusted_hosts)
    refused({ trusted_hosts = { "no host" } }, "trusted_hosts", "is no host")
    assert.error_matches(function() config.read{ trusted_hosts = 1 } end, "trusted_hosts")
  end)

  it("resumes sessions, but where it is told not to", function()
    assert.same({ nil, nil }, { read{}.resumption, read{}.fresh })
    assert.is_false(read{ resumption = false }.resumption)
    local c = read{ resumption = { ["Example.org"] = false, ["a.test"] = false, ["b.test"] = true } }
    assert.same({ true, { "a.test", "example.org" } }, { c.resumption, c.fresh })
    refused({ resumption = { ["no host"] = false } }, "resumption.no host", "is no host")
    assert.error_matches(function() config.read{ resumption = { ["a.test"] = 1 } } end, "resumption.a.test: expected boolean")
  end)

  it("wants a DNS server that is trusted for DANE", function()
    refused({ tls = "dane" }, "tls", "dns.trust_ad = true")
    refused({ route = { ["a.test"] = { host = "mx.test", tls = "dane" } } }, "route.a.test.tls", "dns.trust_ad = true")
    assert.equal("dane", read{ tls = "dane", dns = { trust_ad = true } }.tls)
  end)

  it("keeps state in a directory that is there", function()
    local files = pki.new()
    assert.equal(files.dir, read{ state = files.dir }.state)
    assert.is_false(read{ state = false }.state)
    files:write("f", "")
    refused({ state = files:path "none" }, "state", "no directory that can be used")
    refused({ state = files:path "f" }, "state", "no directory that can be used")
    files:remove()
    assert.error_matches(function() config.read{ state = true } end, "state: expected string")
  end)
end)
