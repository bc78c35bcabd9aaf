local core = require "directsend.core"
local every_allocation = require "support.every_allocation"
local mime = require "directsend.test".mime

local function raw(data)
  local m = core.message()
  local ok, why = m:raw(data)
  if not ok then return nil, why end
  return m:header(), m:read(), m
end

describe("a raw message", function()
  it("is taken and read twice, or out of memory, at every allocation", function()
    assert.is_true(every_allocation(function() return mime.whole(true) end) > 5)
  end)

  it("shows its header as it came, and sends it without Bcc", function()
    local header, sent = raw "To: a@b.cd\nBcc: c@d.ef,\n\tg@h.ij\nX: 1\n\nbody"
    assert.equal("To: a@b.cd\r\nBcc: c@d.ef,\r\n\tg@h.ij\r\nX: 1\r\n\r\n", header)
    assert.equal("To: a@b.cd\r\nX: 1\r\n\r\nbody\r\n", sent)
  end)

  it("finds the end of its header wherever the pieces are cut", function()
    for n = 8150, 8200 do
      local value = ("v "):rep(40) .. "\n " .. ("w"):rep(n % 80)
      local header = ("X: " .. value .. "\n"):rep(60)
      header = header .. "Y:" .. (" y"):rep(3) .. "\n"
      header = "Z: " .. ("z"):rep(n - 8150) .. "\n" .. header
      local got, sent, m = raw(header .. "\n" .. "the body\n")
      assert.equal((header:gsub("\n", "\r\n")) .. "\r\n", got)
      assert.equal(got .. "the body\r\n", sent)
      assert.equal(#sent, m:size())
    end
  end)

  it("may be a header only, or have nothing behind the blank line", function()
    for _, s in ipairs { "X: 1", "X: 1\n", "X: 1\r", "X: 1\n\n", "X: 1\n\n\n" } do
      local header, sent = raw(s)
      assert.equal(s:find "\n\n\n" and header .. "\r\n" or header, sent)
    end
  end)

  it("is finished: nothing can be added to it", function()
    local _, _, m = raw "X: 1\n\n"
    assert.has_error(function() m:text("X", "2") end)
    assert.has_error(function() m:plain "x" end)
    assert.has_error(function() m:finish(("r"):rep(48)) end)
  end)
end)
