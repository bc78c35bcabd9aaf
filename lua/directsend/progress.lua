-- progress: how far a long work has come, in one line for a terminal.

local progress = {}

local width = 24

local function clock(seconds)
  seconds = math.floor(seconds + 0.5)
  if seconds >= 86400 then return ("%.1f days"):format(seconds / 86400) end
  local h, m, s = math.floor(seconds / 3600), math.floor(seconds / 60) % 60,
                  seconds % 60
  if h > 0 then return ("%d:%02d:%02d"):format(h, m, s) end
  return ("%d:%02d"):format(m, s)
end

local function bar(part)
  local full = math.floor(part * width + 0.5)
  return "[" .. ("#"):rep(full) .. ("."):rep(width - full) .. "]"
end

-- progress.line: of { part = 0 to 1, done =, failed =, open = (numbers of
-- messages), seconds = since it began }
function progress.line(p)
  local part = math.max(0, math.min(1, p.part))
  local words = { bar(part), ("%3.0f%%"):format(part * 100),
                  ("%d sent"):format(p.done) }
  if p.failed > 0 then words[#words + 1] = ("%d failed"):format(p.failed) end
  if p.open > 0 then words[#words + 1] = ("%d to be tried again"):format(p.open) end
  if p.seconds > 0 then
    local total = p.done + p.failed + p.open
    words[#words + 1] = ("%.0f/s"):format(total / p.seconds)
    if part > 0 and part < 1 then
      words[#words + 1] = clock(p.seconds / part * (1 - part)) .. " left"
    end
  end
  return table.concat(words, "  ")
end

-- progress.over: a bar on a terminal's stream, drawn five times a second at
-- most: draw(state [, at_once]), and clear(), before other words come
function progress.over(stream, now)
  local last, shown = -1, false
  local out = {}
  function out.clear()
    if shown then stream:write "\r\27[K" end
    shown = false
  end
  function out.draw(state, at_once)
    local time = now()
    if not at_once and time - last < 0.2 then return end
    last, shown = time, true
    stream:write("\r\27[K", progress.line(state))
    stream:flush()
  end
  return out
end

return progress
