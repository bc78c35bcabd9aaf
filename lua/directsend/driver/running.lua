-- running: the native loop for deliveries that others may be added to while
-- they run.

local core = require "directsend.core"

-- { add = function(delivery, feed), turn =, cancel =, close = }; nil, message,
-- detail
--   turn()    until a row was told or a delivery is done (feed.over, if it has
--             that); false: none is left
--   cancel()  all of them: their rows and their ends follow
--   close()   what is open is closed, and nothing more is told
return function()
  local loop, why = core.loop()
  if not loop then return nil, why, { kind = "local" } end
  local feeds, runner, broken = {}, {}, false

  function runner.add(delivery, feed)
    loop:add(delivery)
    feeds[delivery] = feed
  end

  -- a feed raised, or a signal did, and some delivery has not been answered
  local function mend()
    for delivery in core.next, feeds do
      pcall(loop.answer, loop, delivery, "failed", "local",
            "its owner raised an error")
    end
  end

  local function turn()
    local delivery, op = loop:wait()
    while delivery ~= nil do
      local feed, what = delivery and feeds[delivery], delivery and op.op
      if what == "result" then
        feed.result(op)
        return true
      elseif what == "done" then
        feeds[delivery] = nil
        if feed.over then feed.over() end
        return true
      elseif what then
        delivery, op = loop:wait(feed[what](op))
      else -- a signal came
        delivery, op = loop:wait()
      end
    end
    return false
  end

  function runner.turn()
    if broken then mend() end
    broken = true
    local told = turn()
    broken = false
    return told
  end

  function runner.cancel() loop:cancel() end
  function runner.close() loop:close() end
  return runner
end
