-- envelope: who sends and who gets a message where it says so itself;
-- message_spec says the rest of it.

local envelope = require "directsend.envelope"
local mailbox = require "directsend.mailbox"

local function plain(list) return list end

local default = { sender = { address = "f@a.test" }, recipients = { { address = "t@a.test" } } }

local function of(given, settings)
  settings = settings or {}
  local out, field = envelope(given, settings, mailbox.reader(settings), default, plain)
  local list = {}
  for i, a in ipairs(out.recipients) do list[i] = a.address end
  return out.sender.address .. " > " .. table.concat(list, " "), field
end

describe("envelope", function()
  it("is the default's where nothing else is said", function()
    assert.same({ "f@a.test > t@a.test", nil }, { of(nil) })
    assert.same({ "f@a.test > t@a.test", nil }, { of{} })
  end)

  it("says who sends, nobody too, and who gets it", function()
    assert.equal("s@b.test > t@a.test", (of{ sender = "s@b.test" }))
    assert.equal(" > t@a.test", (of{ sender = "" }))
    assert.equal(" > t@a.test", (of{ sender = "<>" }))
    assert.same({ "f@a.test > x@b.test y@b.test", "envelope.recipients" }, { of{ recipients = { "x@b.test", "y@b.test" } } })
  end)

  it("is force_from's, but for who sends as nobody", function()
    assert.equal("o@c.test > t@a.test", (of(nil, { force_from = "o@c.test" })))
    assert.equal("o@c.test > t@a.test", (of({ sender = "s@b.test" }, { force_from = "O <o@c.test>" })))
    assert.equal(" > t@a.test", (of({ sender = "<>" }, { force_from = "o@c.test" })))
  end)

  it("takes no other keys", function()
    assert.error_matches(function() of{ from = "x@y.test" } end, "envelope: unknown key 'from'")
  end)
end)
