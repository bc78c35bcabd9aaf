local progress = require "directsend.progress"

describe("a progress line", function()
  it("tells how far, how much, how fast and how long", function()
    assert.equal("[######..................]   25%  250 sent  50/s  0:15 left",
                 progress.line { part = 0.25, done = 250, failed = 0, open = 0, seconds = 5 })
    assert.equal("[############............]   50%  1 sent  2 failed  3 to be tried again  0/s  2:00:00 left",
                 progress.line { part = 0.5, done = 1, failed = 2, open = 3, seconds = 7200 })
    assert.equal("[########################]  100%  9 sent  9/s",
                 progress.line { part = 1.5, done = 9, failed = 0, open = 0, seconds = 1 })
    assert.equal("[........................]    0%  0 sent",
                 progress.line { part = 0, done = 0, failed = 0, open = 0, seconds = 0 })
    assert.matches("11%.6 days left", progress.line { part = 0.5, done = 1, failed = 0, open = 0, seconds = 1e6 })
  end)

  it("is drawn five times a second at most, and cleared", function()
    local out, time = {}, 0
    local stream = { write = function(_, ...) out[#out + 1] = table.concat { ... } end, flush = function() end }
    local bar = progress.over(stream, function() return time end)
    local state = { part = 0, done = 0, failed = 0, open = 0, seconds = 0 }
    bar.clear()
    assert.equal(0, #out)
    bar.draw(state)
    bar.draw(state)
    assert.equal(1, #out)
    time = 0.25
    bar.draw(state)
    bar.draw(state, true)
    assert.equal(3, #out)
    bar.clear()
    bar.clear()
    assert.equal("\r\27[K", out[4])
    assert.equal(4, #out)
  end)
end)
