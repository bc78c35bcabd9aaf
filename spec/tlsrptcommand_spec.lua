-- The command directsend tlsrpt: results as the reports of RFC 8460.

local cjson = require "cjson"
local command = require "support.command"
local core = require "directsend.core"
local pki = require "support.pki"
local servers = require "support.servers"

local DAY = "2026-11-22"
local STS = "version: STSv1|mode: enforce|max_age: 86400|mx: mx.a.test|mx: *.x.test"

describe("the command tlsrpt", function()
  local files

  local function results(lines, day)
    core.write_private(files:path("tlsrpt-" .. (day or DAY)), "directsend tlsrpt 1\n" .. table.concat(lines, "\n") .. "\n")
  end

  before_each(function() files = pki.new() end)
  after_each(function()
    servers.stop_all()
    files:remove()
  end)

  local function run(...)
    return command{ "tlsrpt", "--state", files.dir, "--day", DAY, "--organization", "mail.client.test", "--contact", "x@client.test", ... }
  end

  local function decoded(out)
    local list = {}
    for line in out:gmatch "[^\n]+" do list[#list + 1] = cjson.decode(line) end
    return list
  end

  it("prints a report for each domain and its policies", function()
    results{
      "2\ta.test\tsts\tsuccess\t9.9.9.9\tmx.a.test\t9.0.0.1\t\t" .. STS,
      "3\ta.test\tsts\tsuccess\t9.9.9.9\tmx.a.test\t9.0.0.2\t\t" .. STS,
      "4\ta.test\tsts\tcertificate-expired\t9.9.9.9\tmx.a.test\t9.0.0.2\tit is over\t" .. STS,
      "1\ta.test\tsts\tsts-policy-fetch-error\t\t\t\tHTTP status 404\t",
      "1\tb.test\ttlsa\tsuccess\t9.9.9.9\tmx.b.test\t2600::1\t\t3 1 1 aabb|2 1 1 ccdd",
    }
    local status, out = run()
    assert.equal(0, status)
    local list = decoded(out)
    assert.same({
      ["organization-name"] = "mail.client.test", ["contact-info"] = "x@client.test", ["report-id"] = "2026-11-22_a.test",
      ["date-range"] = { ["start-datetime"] = "2026-11-22T00:00:00Z", ["end-datetime"] = "2026-11-22T23:59:59Z" },
      policies = {
        { policy = { ["policy-type"] = "sts", ["policy-domain"] = "a.test", ["mx-host"] = { "mx.a.test", "*.x.test" },
                     ["policy-string"] = { "version: STSv1", "mode: enforce", "max_age: 86400", "mx: mx.a.test", "mx: *.x.test" } },
          summary = { ["total-successful-session-count"] = 5, ["total-failure-session-count"] = 4 },
          ["failure-details"] = { { ["result-type"] = "certificate-expired", ["sending-mta-ip"] = "9.9.9.9", ["receiving-ip"] = "9.0.0.2",
                                    ["receiving-mx-hostname"] = "mx.a.test", ["failed-session-count"] = 4,
                                    ["failure-reason-code"] = "it is over" } } },
        { policy = { ["policy-type"] = "sts", ["policy-domain"] = "a.test" },
          summary = { ["total-successful-session-count"] = 0, ["total-failure-session-count"] = 1 },
          ["failure-details"] = { { ["result-type"] = "sts-policy-fetch-error", ["failed-session-count"] = 1,
                                    ["failure-reason-code"] = "HTTP status 404" } } },
      },
    }, list[1])
    assert.same({ ["policy-type"] = "tlsa", ["policy-domain"] = "b.test", ["policy-string"] = { "3 1 1 aabb", "2 1 1 ccdd" } },
                list[2].policies[1].policy)
    assert.equal(2, #list)
  end)

  it("prints nothing of a day without results, and of yesterday where none is named", function()
    assert.same({ 0, "", "" }, { run() })
    local yesterday = os.date("!%Y-%m-%d", core.epoch() - 86400)
    results({ "1\ta.test\tsts\tsuccess\t\t\t\t\t" }, yesterday)
    local status, out = command{ "tlsrpt", "--state", files.dir, "--organization", "m.test" }
    assert.equal(0, status)
    assert.equal(yesterday .. "T00:00:00Z", decoded(out)[1]["date-range"]["start-datetime"])
    assert.equal("postmaster@m.test", decoded(out)[1]["contact-info"])
  end)

  it("writes files with the names reports have", function()
    results{ "1\ta.test\tsts\tsuccess\t\t\t\t\t" }
    files:run "mkdir out"
    for _ = 1, 2 do
      assert.same({ 0, "", "" }, { run("--out", files:path "out") })
      local report = cjson.decode((files:read "out/mail.client.test!a.test!1795305600!1795391999.json"))
      assert.equal("2026-11-22_a.test", report["report-id"])
    end
    local status = run("--out", files:path "none")
    assert.equal(74, status)
  end)

  it("asks who wants a report, and where", function()
    local dns = servers.nsd{
      ["a.test"] = '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:r@a.test,https://a.test/r"',
      ["b.test"] = '_smtp._tls TXT "v=spf1 -all"',
      ["c.test"] = '_smtp._tls TXT "v=TLSRPTv1;rua=ftp://c.test"',
      ["d.test"] = "www A 127.0.0.1",
    }
    local lines = {}
    for i, domain in ipairs{ "a", "b", "c", "d" } do lines[i] = "1\t" .. domain .. ".test\tsts\tsuccess\t\t\t\t\t" end
    results(lines)
    local status, out = run("--rua", "--dns", "127.0.0.1:" .. dns.port)
    assert.equal(0, status)
    local list = decoded(out)
    assert.equal(1, #list)
    assert.same({ "mailto:r@a.test", "https://a.test/r" }, list[1].rua)
    assert.equal("2026-11-22_a.test", list[1].report["report-id"])
    status = run("--rua", "--dns", "127.0.0.1:1")
    assert.equal(75, status)
  end)

  it("says what will not do", function()
    for _, day in ipairs{ "yesterday", "2026-13-01", "2026-11-32", "22.11.2026" } do
      local status, _, err = command{ "tlsrpt", "--state", files.dir, "--day", day }
      assert.equal(64, status)
      assert.matches("is no day", err)
    end
    local name = files:write("config.lua", "return {}")
    local status, _, err = command{ "tlsrpt", "--config", name }
    assert.equal(78, status)
    assert.matches("has no state", err)
    status, _, err = command{ "tlsrpt", "--state", files:path "none" }
    assert.equal(78, status)
    assert.matches("no directory", err)
    results{ "x" }
    files:run("chmod 666 tlsrpt-" .. DAY)
    status = run()
    assert.equal(78, status)
  end)

  it("takes the state of the configuration", function()
    results{ "1\ta.test\tsts\tsuccess\t\t\t\t\t" }
    local name = files:write("config.lua", ("return { state = %q, from = 'A <a@client.test>', hostname = 'h.client.test' }"):format(files.dir))
    local status, out = command{ "tlsrpt", "--config", name, "--day", DAY }
    assert.equal(0, status)
    assert.same({ "h.client.test", "a@client.test" }, { decoded(out)[1]["organization-name"], decoded(out)[1]["contact-info"] })
  end)
end)
