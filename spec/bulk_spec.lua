local cjson = require "cjson"
local command = require "support.command"
local servers = require "support.servers"

local made = {}

local function write(text, extension)
  local name = os.tmpname()
  made[#made + 1] = name
  if extension then
    name = name .. extension
    made[#made + 1] = name
  end
  made[#made + 1] = name .. ".journal"
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
  return name
end

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local letter = [[return { from = "news@contoso.test", subject = "For {{name}}",
                          text = "Dear {{name}}" }]]

local function bulk(server, letter_file, list, ...)
  local words = { "bulk", letter_file, list, "--tls", "off", "--hostname", "client.example",
                  "--route", "*=127.0.0.1:" .. server.port, ... }
  return command(words)
end

describe("directsend bulk", function()
  after_each(function()
    servers.stop_all()
    for _, name in ipairs(made) do os.remove(name) end
    made = {}
  end)

  it("sends a letter to all of a list, and not again", function()
    local server = servers.aiosmtpd { tls = false }
    local file, list = write(letter, ".lua"), write("Email,name\r\na@x.test,\"A, the first\"\r\nb@x.test,B\r\n", ".csv")
    local status, out, err = bulk(server, file, list)
    assert.equal(0, status, err)
    assert.equal("2 delivered, 0 failed, 0 deferred, 0 unknown of 2\n", out)
    assert.equal("", err)
    local subjects = {}
    for _, m in ipairs(server:messages()) do
      subjects[m.recipients[1]] = m.raw:match "\r\nSubject: ([^\r]*)"
    end
    assert.same({ ["a@x.test"] = "For A, the first", ["b@x.test"] = "For B" }, subjects)
    status, out = bulk(server, file, list)
    assert.equal(0, status)
    assert.equal("0 delivered, 0 failed, 0 deferred, 0 unknown of 0; 2 were done before\n", out)
    assert.equal(2, #server:messages())
  end)

  it("tries the deferred again, and the failed not", function()
    local server = servers.aiosmtpd { tls = false, replies = { rcpt = {
      ["b@x.test"] = "450 4.2.1 later", ["c@x.test"] = "550 5.1.1 nobody" } } }
    local file = write(letter, ".lua")
    local list = write('{"to":"a@x.test","name":"A"}\n{"email":"b@x.test","fields":{"name":"B"}}\n\n{"to":"c@x.test","name":"C","id":9}\n', ".jsonl")
    local status, out, err = bulk(server, file, list)
    assert.equal(75, status)
    assert.matches("^1 delivered, 1 failed, 1 deferred, 0 unknown of 3; the same command", out)
    assert.matches("c@x.test: refused by", err)
    status, out = bulk(server, file, list, "--json")
    assert.equal(75, status)
    local rows = {}
    for line in out:gmatch "[^\n]+" do rows[#rows + 1] = cjson.decode(line) end
    assert.equal(2, #rows)
    assert.equal("b@x.test", rows[1].address)
    assert.equal(2, rows[1].index)
    assert.equal(450, rows[1].code)
    assert.same({ ok = false, delivered = 0, failed = 0, deferred = 1, unknown = 0,
                  before = 2, left = 0 }, rows[2])
  end)

  it("leaves alone whom nobody knows of, unless it is told to try", function()
    local server = servers.aiosmtpd { tls = false }
    local file, list = write(letter, ".lua"), write("to,name\na@x.test,A\nb@x.test,B\nc@x.test,C\n", ".csv")
    local journal = assert(io.open(list .. ".journal", "wb"))
    journal:write("directsend bulk 1\n1 begun a@x.test\n2 begun b@x.test\n1 delivered a@x.test\n3 beg")
    journal:close()
    local status, out = bulk(server, file, list)
    assert.equal(0, status)
    assert.matches("^1 delivered, .* of 1; 1 were done before; of 1 nobody knows", out)
    assert.equal(1, #server:messages())
    assert.equal("c@x.test", server:messages()[1].recipients[1])
    status, out = bulk(server, file, list, "--on-unknown", "retry")
    assert.equal(0, status)
    assert.matches("^1 delivered, .* of 1; 2 were done before\n$", out)
    assert.equal("b@x.test", server:messages()[2].recipients[1])
    assert.truthy(read(list .. ".journal"):find("\n2 begun b@x.test\n2 delivered b@x.test\n", 1, true))
  end)

  it("refuses a list that is another one by now", function()
    local server = servers.aiosmtpd { tls = false }
    local file, list = write(letter, ".lua"), write("to,name\nz@x.test,A\n", ".csv")
    local journal = write("directsend bulk 1\n1 delivered a@x.test\n")
    local status, _, err = bulk(server, file, list, "--journal", journal)
    assert.equal(65, status)
    assert.matches("entry 1 was a@x.test and is z@x.test now", err)
    local _, _, why = bulk(server, file, list, "--journal", file)
    assert.matches("is no journal of such a run", why)
    assert.equal(0, #server:messages())
  end)

  it("writes down that a message may leave before it does", function()
    local server = servers.aiosmtpd { tls = false, replies = { rcpt = "" } }
    local file, list = write(letter, ".lua"), write("to,name\na@x.test,A\n", ".csv")
    bulk(server, file, list)
    assert.matches("^directsend bulk 1\n1 begun a@x.test\n1 deferred a@x.test\n$", read(list .. ".journal"))
  end)

  it("sends a finished message as it is, at a rate", function()
    local server = servers.aiosmtpd { tls = false }
    local raw = "From: a@contoso.test\r\nSubject: {{name}}\r\n\r\nhello\r\n"
    local file, list = write(raw, ".eml"), write("to\na@x.test\nb@x.test\n", ".csv")
    local status, _, err = bulk(server, file, list, "--rate", "100/s", "--connections", "1")
    assert.equal(0, status, err)
    for _, m in ipairs(server:messages()) do assert.equal(raw, m.raw) end
    assert.equal(2, #server:messages())
    assert.equal(64, (bulk(server, file, list, "--rate", "fast")))
    assert.equal(64, (bulk(server, file, list, "--on-unknown", "maybe")))
  end)

  it("says what is wrong with a list or a letter", function()
    local server = servers.aiosmtpd { tls = false }
    local file, list = write(letter, ".lua"), write("to,name\na@x.test,A\n", ".csv")
    local broken = write("to,name\na@x.test,A\nb@x.test\n", ".csv")
    local status, out, err = bulk(server, file, broken)
    assert.equal(65, status)
    assert.matches("entry 2: it has 1 values, and the header line 2", err)
    assert.matches("^1 delivered", out)
    for bad, why in pairs {
      [write("name\nA\n", ".csv")] = "names no column to, email or address",
      [write("to,to\nA\n", ".csv")] = "names to twice",
      [write("", ".csv")] = "is empty",
      [write("nothing", ".jsonl")] = "entry 1: is no JSON",
      ["/nonexistent/list.csv"] = "No such file",
    } do
      status, out, err = bulk(server, file, bad)
      assert.equal("", (out:gsub("^0 delivered[^\n]*\n", "")))
      assert.equal(65, status)
      assert.truthy(err:find(why, 1, true), err)
    end
    for bad, why in pairs {
      [write("return 5", ".lua")] = "returns no table",
      [write("return { form = 'a@x.test' }", ".lua")] = "unknown key 'form'",
      ["/nonexistent/letter.eml"] = "No such file",
    } do
      status, out, err = bulk(server, bad, list)
      assert.equal("", out)
      assert.equal(65, status)
      assert.truthy(err:find(why, 1, true), err)
    end
  end)
end)
