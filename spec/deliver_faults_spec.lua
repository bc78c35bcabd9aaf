-- Every fault at every stage: each recipient ends in exactly one outcome, the
-- one that its stage allows, and nothing is taken twice.

local faults = require "support.faults"
local pki = require "support.pki"
local secured = require "support.secured"
local world = require "support.world"

-- stage -> fault -> outcome of the only host; what is not said is `else`
local expected = {
  { "greeting", ["else"] = "deferred", never = "failed" },
  -- HELO would do, but offers no STARTTLS
  { "ehlo", ["else"] = "deferred" },
  { "starttls", ["else"] = "deferred" },
  { "handshake", ["else"] = "deferred" },
  -- HELO over TLS does
  { "ehlo again", ["else"] = "deferred", never = "delivered" },
  { "auth", ["else"] = "deferred", never = "failed" },
  { "mail", ["else"] = "deferred", never = "failed" },
  { "rcpt", ["else"] = "deferred", never = "failed" },
  { "data", ["else"] = "deferred", never = "failed" },
  { "body", ["else"] = "deferred" },
  { "dot", ["else"] = "unknown", never = "failed", later = "deferred", closing = "deferred" },
  { "quit", ["else"] = "delivered" },
}

local function told(r)
  return table.concat({ tostring(r.kind), tostring(r.stage), tostring(r.reply or r.text) }, " ")
end

describe("a fault", function()
  local files, body = nil, ("0123456789abcdef"):rep(4) .. "\r\n"
  setup(function()
    files = pki.new()
    secured.make(files)
  end)
  teardown(function() files:remove() end)

  -- a world whose first host fails so; the row, and what was received
  local function try(stage, name, second)
    local s = secured.new(files)
    local w = s.world
    s.host.EHLO = "250-mx\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n250 STARTTLS"
    s.host.AUTH = "235 2.7.0 welcome"
    local spare = second and secured.new(files).host
    if spare then
      spare.EHLO, spare.AUTH = s.host.EHLO, s.host.AUTH
      w.zone["contoso.test"].MX[2], w.hosts["9.0.0.3"] = { 20, "spare.test" }, spare
      w.zone["spare.test"] = { A = { "9.0.0.3" } }
    end
    faults.plant(s.host, stage, faults.all[name])
    local rows = w:deliver({ destination = "contoso.test", hostname = "c.example", level = "required", timeout = { total = 600, quit = 5 },
                             auth = stage == "auth" and { user = "u", password = "p", mechanisms = { "plain" } } or nil },
                           { { body = stage == "body" and body:rep(4000) or body } }, faults.on_op(w))
    local received = #s.host.received + (spare and #spare.received or 0)
    assert.equal(1, #rows)
    assert.equal(0, w.open, "a connection was left open")
    return rows[1], received
  end

  for _, row in ipairs(expected) do
    local stage = row[1]
    for _, name in ipairs(faults.names) do
      local outcome = row[name] or row["else"]
      it(("at %s, %s, leads to %s"):format(stage, name, outcome), function()
        local r, received = try(stage, name)
        assert.equal(outcome, r.outcome, told(r))
        assert.equal(outcome == "delivered" and 1 or 0, outcome == "unknown" and 0 or received)
        assert.equal(outcome == "deferred" or outcome == "unknown", r.temporary)
        assert.is_true((r.reply or r.text or "") ~= "" or outcome == "delivered")
      end)

      it(("at %s, %s, is made good by another host, or stands"):format(stage, name), function()
        local r, received = try(stage, name, true)
        assert.is_true(received <= 1, "it was taken twice")
        if r.outcome == "delivered" then
          assert.equal(1, received)
        else
          assert.equal(outcome, r.outcome)
        end
        -- the next host is tried for what is this one's fault alone
        local retried = outcome == "deferred" and stage ~= "auth" and not (name == "later" and stage ~= "greeting" and stage:find "^[mrd]")
        if retried and stage ~= "body" and stage ~= "dot" then
          assert.equal("delivered", r.outcome, told(r))
        end
      end)
    end
  end

  for _, name in ipairs(faults.names) do
    it("between two messages, " .. name .. ", leaves the first delivered, and the second to a new connection or to later", function()
      local s = secured.new(files)
      local n = 0
      s.host.MAIL = function(_, session)
        n = n + 1
        if n == 2 then return faults.all[name](session, "250 2.1.0 ok") end
        return "250 2.1.0 ok"
      end
      local rows = s.world:deliver({ destination = "contoso.test", hostname = "c.example", level = "required" },
                                   { { body = body }, { body = body } }, faults.on_op(s.world))
      assert.equal(2, #rows)
      table.sort(rows, function(a, b) return a.tag < b.tag end)
      local delivered = 0
      for _, r in ipairs(rows) do delivered = delivered + (r.outcome == "delivered" and 1 or 0) end
      assert.is_true(delivered <= #s.host.received)
      assert.is_true(#s.host.received <= 2, "one was taken twice")
      assert.is_true(rows[1].outcome == "delivered" or rows[1].outcome == "unknown", rows[1].outcome)
      assert.equal(name == "never", rows[2].outcome == "failed")
    end)
  end

  -- before any connection is made
  for _, kind in ipairs{ "refused", "unreachable", "timeout", "closed", "reset", "local" } do
    it("of connecting, " .. kind .. ", is deferred, and the next host's chance", function()
      for spare = 0, 1 do
        local w = world.new{ zone = { ["contoso.test"] = { MX = { { 1, "a.test" }, { 2, "b.test" } } }, ["a.test"] = { A = { "9.0.0.1" } },
                                      ["b.test"] = { A = { "9.0.0.2" } } }, hosts = { ["9.0.0.1"] = world.smtp{}, ["9.0.0.2"] = world.smtp{} } }
        local rows = w:deliver({ destination = "contoso.test" }, { { body = body } }, function(op)
          return op.op == "connect" and op.port == 25 and (spare == 0 or op.ip == "9.0.0.1") and "fail " .. kind or nil
        end)
        assert.equal(spare == 0 and "deferred" or "delivered", rows[1].outcome)
      end
    end)
    it("of asking the DNS, " .. kind .. ", is deferred", function()
      local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }, hosts = { ["9.0.0.1"] = world.smtp{} } }
      local rows = w:deliver({ destination = "contoso.test" }, { { body = body } }, function(op)
        return op.op == "connect" and op.port == 53 and "fail " .. kind or nil
      end)
      assert.equal("deferred", rows[1].outcome)
      assert.equal("dns", rows[1].kind)
    end)
  end
  for word, outcome in pairs{ servfail = "deferred", silent = "deferred", nothing = "failed" } do
    it("of a name server, " .. word .. ", is " .. outcome, function()
      local w = world.new{ zone = { ["contoso.test"] = word ~= "nothing" and word or nil } }
      local rows = w:deliver({ destination = "contoso.test" }, { { body = body } })
      assert.equal(outcome, rows[1].outcome)
    end)
  end
end)
