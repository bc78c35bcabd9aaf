-- MTA-STS over real servers: NSD, an HTTPS server with the policies, a mail
-- host with STARTTLS.

local directsend = require "directsend"
local pki = require "support.pki"
local servers = require "support.servers"

local function case_lines()
  local file = assert(io.open "spec/vectors/mta-sts/cases.tsv")
  local out = {}
  file:read "*l"
  for line in file:lines() do
    local f = {}
    for field in (line .. "\t"):gmatch "([^\t]*)\t" do f[#f + 1] = field end
    out[#out + 1] = { name = f[1], txt = f[2], status = tonumber(f[3]), type = f[4], certificate = f[5],
                      body = f[6]:gsub("\\n", "\n"), expected = f[7] }
  end
  file:close()
  return out
end

local CASES = case_lines()

describe("MTA-STS, live,", function()
  local files, dns, mx, wrong, pages, sites

  local function pair(name)
    return { cert = files:path(name .. ".pem"), key = files:path(name .. ".key") }
  end

  setup(function()
    files = pki.new()
    files:authority "ca"
    files:authority "strangers"
    local names = {}
    for i, c in ipairs(CASES) do names[i] = "DNS:mta-sts." .. c.name .. ".sts.test" end
    for i, name in ipairs{ "keep", "change" } do names[#CASES + i] = "DNS:mta-sts." .. name .. ".sts.test" end
    files:leaf("sts", { issuer = "ca", san = table.concat(names, ",") })
    files:leaf("stranger", { issuer = "strangers", san = table.concat(names, ",") })
    files:leaf("other", { issuer = "ca", san = "DNS:other.sts.test" })
    files:leaf("mail", { issuer = "ca", san = "DNS:mail.loc" })
    mx = servers.aiosmtpd{ certificate = pair "mail" }
    wrong = servers.aiosmtpd{ certificate = pair "other" }
    local lines = {}
    sites = {}
    local function add(c)
      lines[#lines + 1] = ("%s MX 10 mail.loc.\nmta-sts.%s A 127.0.0.1"):format(c.name, c.name)
      if c.txt ~= "" then lines[#lines + 1] = ('_mta-sts.%s TXT "%s"'):format(c.name, c.txt) end
      local certificate = ({ valid = "sts", ["untrusted CA"] = "stranger", ["trusted CA, other name"] = "other" })[c.certificate]
      local p = pair(assert(certificate, c.certificate))
      sites["mta-sts." .. c.name .. ".sts.test"] = { cert = p.cert, key = p.key, status = c.status, type = c.type, body = c.body }
    end
    for _, c in ipairs(CASES) do add(c) end
    for _, name in ipairs{ "keep", "change" } do
      add{ name = name, txt = "v=STSv1; id=1", status = 200, type = "text/plain", certificate = "valid",
           body = "version: STSv1\r\nmode: enforce\r\nmx: mail.loc\r\nmax_age: 604800\r\n" }
    end
    pages = servers.https(sites)
    dns = servers.nsd{ ["sts.test"] = table.concat(lines, "\n"), ["loc"] = "mail A 127.0.0.1" }
  end)
  teardown(function()
    servers.stop_all()
    files:remove()
  end)

  local function settings(more)
    local c = { from = "a@client.test", hostname = "client.test", port = mx.port, allow_private = true, ca_file = files:path "ca.pem",
                mta_sts = { port = pages.port }, dns = { servers = { "127.0.0.1:" .. dns.port } } }
    for k, v in pairs(more or {}) do c[k] = v end
    return c
  end

  local function send(to, more)
    local trace = {}
    local c = settings(more)
    c.trace = c.trace or function(line) trace[#trace + 1] = line end
    local mailer = assert(directsend.new(c))
    local report, _, detail = mailer:send{ to = "b@" .. to .. ".sts.test", subject = to, text = "t" }
    mailer:close()
    return (report or detail.report)[1], table.concat(trace, "\n")
  end

  local function how(row)
    return { row.outcome, row.tls.level, row.tls.policy }
  end

  local function fetched(name)
    local n = 0
    for _, r in ipairs(pages:requests()) do
      if r.site == "mta-sts." .. name .. ".sts.test" then
        n = n + 1
        assert.equal("/.well-known/mta-sts.txt", r.path)
        assert.equal(r.site, r.host)
      end
    end
    return n
  end

  it("is kept to in the test cases", function()
    local seen = {}
    for _, c in ipairs(CASES) do
      local good, trace = send(c.name)
      local bad = send(c.name, { port = wrong.port })
      local kind = c.expected:match "^[%a-]+"
      seen[kind] = (seen[kind] or 0) + 1
      if kind == "enforce" then
        assert.same({ "delivered", "verified", "mta-sts" }, how(good), c.name)
        assert.same({ "deferred", "none", "mta-sts" }, how(bad), c.name)
      elseif kind == "testing" then
        assert.same({ "delivered", "verified", "default" }, how(good), c.name)
        assert.same({ "delivered", "encrypted", "default" }, how(bad), c.name)
        assert.matches("mode testing", bad.tls.note)
      else
        assert.same({ "delivered", "encrypted", "default" }, how(good), c.name)
        assert.same({ "delivered", "encrypted", "default" }, how(bad), c.name)
      end
      assert.equal(kind == "fetch-fail", trace:find("no policy from https://mta-sts." .. c.name, 1, true) ~= nil, c.name .. ": " .. trace)
      local asked = kind ~= "no-policy" and c.certificate == "valid"
      assert.equal(asked and 2 or 0, fetched(c.name), c.name)
    end
    assert.same({ enforce = 1, testing = 1, none = 1, ["no-policy"] = 4, ["fetch-fail"] = 10 }, seen)
  end)

  it("outlives the process where there is a state directory", function()
    files:run "mkdir state"
    local state = files:path "state"
    assert.same({ "delivered", "verified", "mta-sts" }, how((send("keep", { state = state }))))
    assert.equal(1, fetched "keep")
    assert.same({ "delivered", "verified", "mta-sts" }, how((send("keep", { state = state }))))
    assert.equal(1, fetched "keep")
    pages:sites{} -- nobody there any more can prove to be the policy host
    local row = send("keep", { state = state, port = wrong.port })
    assert.same({ "deferred", "none", "mta-sts" }, how(row))
    assert.same({ "delivered", "encrypted", "default" }, how((send("keep", { port = wrong.port }))))
    pages:sites(sites)
    local counts = {}
    for line, n in pairs(require "directsend.tlsrpt".read(state, os.date "!%Y-%m-%d")["keep.sts.test"]) do
      local result = line:match "^sts\t([^\t]*)"
      counts[result] = (counts[result] or 0) + n
    end
    assert.same({ success = 2, ["certificate-host-mismatch"] = 1 }, counts)
  end)

  it("is remembered by a mailer, from its second message on", function()
    local mailer = assert(directsend.new(settings()))
    for i = 1, 4 do
      local report = assert(mailer:send{ to = "b@change.sts.test", subject = "s", text = "t" })
      assert.equal("mta-sts", report[1].tls.policy)
      assert.equal(math.min(i, 2), fetched "change")
    end
    mailer:close()
  end)

  it("judges by the time of day, whatever the driver's clock says", function()
    local core = require "directsend.core"
    local ahead = 20 * 365 * 86400
    local plain = dofile "examples/driver.lua"
    local d = { name = "ahead", capabilities = plain.capabilities, now = function() return core.now() + ahead end }
    local function on_time(deadline) return deadline and deadline - ahead end
    function d.connect(op)
      op.deadline = on_time(op.deadline)
      local conn, kind, text = plain.connect(op)
      if not conn then return nil, kind, text end
      return { local_ip = conn.local_ip, peer_ip = conn.peer_ip, close = function(_, abort) return conn:close(abort) end,
               send = function(_, data, deadline) return conn:send(data, on_time(deadline)) end,
               receive = function(_, max, deadline) return conn:receive(max, on_time(deadline)) end }
    end
    local row, trace = send("good", { driver = d })
    assert.same({ "delivered", "verified", "mta-sts" }, how(row), trace)
  end)

  it("is found from nginx too", function()
    local code = ([[
      local directsend = require "directsend"
      local mailer = assert(directsend.new{ from = "a@client.test", hostname = "client.test", port = %d, allow_private = true,
        ca_file = %q, mta_sts = { port = %d }, dns = { servers = { "127.0.0.1:%d" } } })
      local report, why = mailer:send{ to = "b@good.sts.test", subject = "s", text = "t" }
      ngx.say(report and report[1].tls.level .. " " .. report[1].tls.policy or why)
    ]]):format(mx.port, files:path "ca.pem", pages.port, dns.port)
    local nginx = servers.nginx{ locations = { ["/send"] = code } }
    local before = fetched "good"
    assert.equal("verified mta-sts", (nginx:get "/send"))
    assert.equal(before + 1, fetched "good")
    nginx:stop()
  end)
end)
