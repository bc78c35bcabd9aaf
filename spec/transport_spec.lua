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

  it("a folder is whole", function()
    local dir = os.tmpname()
    os.remove(dir)
    os.execute("mkdir " .. dir)
    local mailer = to(1, { transport = "file:" .. dir })
    local rows = assert(mailer:send(alert()))
    assert(mailer:send(alert()))
    local pipe = io.popen("cd " .. dir .. " && ls && cat *.eml | wc -c")
    local listing = pipe:read "*a"
    pipe:close()
    os.execute("rm -r " .. dir)
    local _, files = listing:gsub("%.eml\n", "")
    assert.equal(2, files)
    assert.falsy(listing:find(".part", 1, true))
    assert.equal(2 * rows.bytes, tonumber(listing:match "(%d+)\n$"))
  end)

  it("a folder that is not there is an error", function()
    local mailer = to(1, { transport = "file:/nonexistent" })
    local rows, why = mailer:send(alert())
    assert.is_nil(rows)
    assert.truthy(why:find("/nonexistent", 1, true))
  end)
end)
