local directsend = require "directsend"
local mailers = require "support.mailers"
local servers = require "support.servers"
local trace = require "directsend.trace"

local alert, to = mailers.alert, mailers.to

describe("trace", function()
  after_each(servers.stop_all)

  it("tells a function the dialogue, line by line", function()
    local server = servers.aiosmtpd { tls = false }
    local lines = {}
    local mailer = to(server.port, { trace = function(line)
      lines[#lines + 1] = line
    end })
    assert(mailer:send(alert()))
    local text = table.concat(lines, "\n")
    assert.truthy(text:find("C: MAIL FROM:<a@contoso.test>", 1, true), text)
    assert.truthy(text:find("\nS: 250", 1, true), text)
    assert.falsy(text:find("hello", 1, true))
  end)

  it("costs nobody the mail when it raises", function()
    local server = servers.aiosmtpd { tls = false }
    local mailer = to(server.port, { trace = function() error "a bug" end })
    assert.is_true(assert(mailer:send(alert())).ok)
  end)

  it("goes to a file", function()
    local server = servers.aiosmtpd { tls = false }
    local name = os.tmpname()
    local mailer = to(server.port, { trace = name })
    assert(mailer:send(alert()))
    mailer:close()
    local file = io.open(name)
    local text = file:read "*a"
    file:close()
    os.remove(name)
    assert.truthy(text:find("C: EHLO client.example\n", 1, true), text)
  end)

  it("may be told and ended after its end", function()
    local name = os.tmpname()
    local told = trace.open(name)
    told "one\n"
    told()
    told "two\n"
    told()
    local file = io.open(name)
    assert.equal("one\n", file:read "*a")
    file:close()
    os.remove(name)
  end)

  it("leaves a mailer that nobody closed to the collector", function()
    local name = os.tmpname()
    for _ = 1, 3 do assert(directsend.new { trace = name }) end
    assert.has_no_error(function()
      collectgarbage()
      collectgarbage()
    end)
    os.remove(name)
  end)

  it("must have a file it can write", function()
    local mailer, _, detail = directsend.new { trace = "/nonexistent/t" }
    assert.is_nil(mailer)
    assert.equal("trace", detail.field)
  end)
end)
