-- What is shown is what is sent, octet for octet.

local directsend = require "directsend"
local mailers = require "support.mailers"
local message = require "directsend.message"
local reader = require "support.reader"
local servers = require "support.servers"

-- the same time, id and random octets every time
local function fixed(c)
  c.time, c.zone, c.random = 1057049557, 7200, function(n) return ("\171"):rep(n) end
  return c
end

local function letter()
  return { from = "J\195\182rg <a@contoso.test>", to = "b@example.test", cc = "c@example.test", bcc = "d@example.test",
           subject = "Gr\195\188\195\159e", text = "one\n.\n..two\r\195\169", html = "<p>\195\169</p>",
           inline = { logo = { data = "PNG", name = "l.png" } }, priority = "high", list_id = "x.example.com",
           attach = { "spec/octets_spec.lua", { data = "\0\1\2", name = "na\195\175ve.bin" },
                      reader.part(reader.of(("x\n"):rep(90000), 777), true, { name = "lone.txt" }),
                      reader.part(reader.of(("y\n"):rep(90000), 777), false, { name = "streamed.txt" }),
                      { message = { from = "x@example.com", text = "inner", attach = { { data = "z" } } } } } }
end

describe("a message", function()
  after_each(servers.stop_all)

  it("is the same octets captured, on the wire, in a file, and shown", function()
    local shown = assert(message.new(letter(), fixed {})):tostring()

    local capture = assert(directsend.new { transport = "capture" })
    fixed(capture.config)
    assert(capture:send(letter()))
    assert.equal(shown, capture.sent[1].raw)

    local server = servers.aiosmtpd { tls = false }
    local mailer = mailers.to(server.port)
    fixed(mailer.config)
    assert(mailer:send(letter()))
    assert.equal(shown, server:messages()[1].raw)
    assert(mailer:send(assert(message.new(letter(), fixed {}))))
    assert.equal(shown, server:messages()[2].raw)

    local name = os.tmpname()
    assert(assert(message.new(letter(), fixed {})):write { path = name })
    local file = io.open(name, "rb")
    assert.equal(shown, file:read "*a")
    file:close()
    os.remove(name)
  end)

  it("is shown by the face as it is sent by a mailer", function()
    local built = assert(directsend.message(letter()))
    local server = servers.aiosmtpd { tls = false }
    assert(mailers.to(server.port):send(built))
    assert.equal(built:tostring(), server:messages()[1].raw)
    assert.equal(built:size(), #server:messages()[1].raw)
  end)

  it("cannot be written where there is no room", function()
    local m = assert(message.new(letter(), fixed {}))
    local ok, why, detail = m:write { path = "/dev/full" }
    assert.is_nil(ok)
    assert.truthy(why:find("No space left", 1, true), why)
    assert.equal("local", detail.kind)
    ok, why, detail = m:write { path = "/none/x" }
    assert.is_nil(ok)
    assert.truthy(why)
    assert.equal("local", detail.kind)
  end)
end)
