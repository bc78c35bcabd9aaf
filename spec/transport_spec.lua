local directsend = require "directsend"
local mailers = require "support.mailers"

local alert, to = mailers.alert, mailers.to

describe("what goes into", function()
  it("capture is kept", function()
    local mailer = to(1, { transport = "capture" })
    local rows = assert(mailer:send(alert { to = { "b@example.test",
                                                   "c@other.test" } }))
    assert.is_true(rows.ok)
    assert.same({ sender = "a@contoso.test",
                  recipients = { "b@example.test", "c@other.test" } },
                mailer.sent[1].envelope)
    assert.truthy(mailer.sent[1].raw:find("Subject: s\r\n", 1, true))
    assert.equal(#mailer.sent[1].raw, rows.bytes)
  end)

  it("null is nowhere", function()
    assert.is_true(assert(to(1, { transport = "null" }):send(alert())).ok)
  end)

  -- what the command tells of a folder that a mailer has written into
  local function folder(settings, test)
    local dir = os.tmpname()
    os.remove(dir)
    os.execute("mkdir " .. dir)
    settings.transport = "file:" .. dir
    local ok, why = pcall(test, to(1, settings), function(command)
      local pipe = io.popen("cd " .. dir .. " && " .. command)
      local text = pipe:read "*a"
      pipe:close()
      return text
    end)
    os.execute("rm -r " .. dir)
    if not ok then error(why, 0) end
  end

  it("a folder is whole", function()
    folder({}, function(mailer, told)
      local rows = assert(mailer:send(alert()))
      assert(mailer:send(alert()))
      local _, files = told "ls":gsub("%.eml\n", "")
      assert.equal(2, files)
      assert.falsy(told "ls":find(".part", 1, true))
      assert.equal(2 * rows.bytes, tonumber(told "cat *.eml | wc -c"))
    end)
  end)

  it("a folder is its owner's alone", function()
    folder({}, function(mailer, told)
      assert(mailer:send(alert()))
      assert.equal("-rw-------\n-rw-------\n", told "ls -l | grep -o '^-[rwx-]*'")
    end)
  end)

  it("a folder has its envelope beside it, and not in the message", function()
    folder({ accepted_domains = { "contoso.test", "example.test" } },
           function(mailer, told)
      local rows = assert(mailer:send(alert {
        bcc = "c@example.test", cc = "d@other.test",
        envelope = { sender = "bounces@contoso.test" } }))
      assert.is_false(rows.ok)
      assert.equal("bounces@contoso.test\nb@example.test\nc@example.test\n",
                   told "cat *.env")
      assert.equal("", told "grep -l 'bounces@\\|c@example' *.eml")
      assert.equal("2\n", told "ls | sed 's/....$//' | uniq -c | grep -o '[0-9]*' | head -1")
    end)
  end)

  it("any of them tells of TLS that there was none, and whose wish it was", function()
    for _, word in ipairs { "null", "capture" } do
      local rows = assert(to(1, { transport = word }):send(alert()))
      assert.same({ level = "none", policy = "config" }, rows[1].tls)
    end
    local mailer = assert(directsend.new { transport = "null", route = {
      ["one.test"] = { host = "h.test", tls = "verified" }, ["*"] = "mx" } })
    local rows = assert(mailer:send(alert { to = { "a@one.test", "b@two.test" } }))
    assert.same({ level = "none", policy = "config" }, rows[1].tls)
    assert.same({ level = "none", policy = "default" }, rows[2].tls)
  end)

  it("a folder that is not there is an error", function()
    local mailer = to(1, { transport = "file:/nonexistent" })
    local rows, why = mailer:send(alert())
    assert.is_nil(rows)
    assert.truthy(why:find("/nonexistent", 1, true))
  end)
end)
