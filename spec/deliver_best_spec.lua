-- deliver/best: the best level a destination had is remembered, and a row says
-- when there is less.

local pki = require "support.pki"
local secured = require "support.secured"

local CAN = { can = { "recall" } }

describe("the best level of a destination", function()
  local files
  setup(function()
    files = pki.new()
    secured.make(files)
  end)
  teardown(function() files:remove() end)

  local function remembered(s)
    for i = #s.world.remembered, 1, -1 do
      if s.world.remembered[i].space == "tls" then return s.world.remembered[i] end
    end
  end

  it("is remembered for thirty days once mail went over it", function()
    for level, t in pairs{ encrypted = {}, verified = { sts = true }, dane = { secure = true } } do
      local s = secured.new(files, t)
      if level == "dane" then s:tlsa "match" end
      assert.equal(level, s:deliver(CAN).tls.level)
      local told = remembered(s)
      assert.same({ "contoso.test", level }, { told.key, told.value:match "^%a+" })
      assert.is_true(math.abs(told.expires - s.epoch - 30 * 86400) < 5)
    end
    local s = secured.new(files)
    s.host.final = "451 later"
    s:deliver(CAN)
    assert.is_nil(remembered(s))
    s = secured.new(files)
    s.host.EHLO = "250 mx"
    s:deliver(CAN)
    assert.is_nil(remembered(s))
  end)

  it("is told once a day, and when it rises", function()
    local s = secured.new(files)
    local function told()
      local n = #s.world.remembered
      s:deliver(CAN)
      local new = 0
      for i = n + 1, #s.world.remembered do
        if s.world.remembered[i].space == "tls" then new = new + 1 end
      end
      return new
    end
    assert.equal(1, told())
    assert.equal(0, told())
    s.epoch = s.epoch + 86400
    assert.equal(1, told())
    s:announce()
    s.epoch = s.epoch + 3700
    assert.equal(1, told())
    assert.matches("^verified ", remembered(s).value)
  end)

  it("is missed in every row that has less, and forbids nothing", function()
    for value, words in pairs{ ["encrypted 1"] = "was encrypted once", ["verified 1"] = "was verified once",
                               ["dane 1"] = "was authenticated by DANE once" } do
      local s = secured.new(files)
      s.host.EHLO = "250 mx"
      s.world.memory["tls contoso.test"] = value
      local row = s:deliver(CAN)
      assert.equal("delivered", row.outcome)
      assert.matches("STARTTLS is not offered; less than before: this destination " .. words, row.tls.note)
      assert.is_nil(remembered(s))
    end
    local s = secured.new(files)
    s.host.STARTTLS = "454 4.7.0 not now"
    s.world.memory["tls contoso.test"] = "encrypted 1"
    assert.matches("STARTTLS failed: .*; less than before", s:deliver(CAN).tls.note)
    s = secured.new(files)
    s.world.context, s.world.memory["tls contoso.test"] = nil, "encrypted 1"
    assert.matches("no TLS on this side: .*; less than before", s:deliver(CAN).tls.note)
  end)

  it("looks at a certificate that need not hold, where one held before", function()
    local s = secured.new(files)
    s.world.memory["tls contoso.test"] = "verified 1"
    local row = s:deliver(CAN)
    assert.same({ "verified" }, { row.tls.level, row.tls.note })
    s = secured.new(files, { certificate = "other" })
    s.world.memory["tls contoso.test"] = "verified 1"
    row = s:deliver(CAN)
    assert.equal("encrypted", row.tls.level)
    assert.matches("was verified once, now .*mx%.contoso%.test", row.tls.note)
  end)

  it("is nothing where the memory holds nonsense, or there is none", function()
    for _, value in ipairs{ "", "verified", "better 1", "none 1", "verified1", "dane" } do
      local s = secured.new(files)
      s.world.memory["tls contoso.test"] = value
      assert.is_nil(s:deliver(CAN).tls.note)
    end
    local s = secured.new(files)
    s.world.memory["tls contoso.test"] = "verified 1"
    assert.is_nil(s:deliver().tls.note)
    assert.equal(0, #s.world.remembered)
  end)
end)
