-- starved_message: build and read a message with the n-th allocation failing,
-- for every n.  The core comes out of the test door, whose allocations count.

local open, why
for template in package.cpath:gmatch "[^;]+" do
  if not open then
    open, why = package.loadlib(template:gsub("%?", "directsend/test"), "luaopen_directsend_core")
  end
end
package.preload["directsend.core"] = assert(open, why)
local util = require "directsend.test".util
local message = require "directsend.message"

local reader = require "support.reader"
require "support.traversal"

local calendar = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n"

local function attempt()
  local m = assert(message.new { from = "J\195\182rg <a@example.com>", to = "b@example.com", subject = "\195\164",
                                 text = "caf\195\169", html = "<p>", inline = { x = { data = "y" } },
                                 attach = { { data = "z", name = "z.txt" }, "spec/support/starved_message.lua" } })
  local first = assert(m:tostring())
  assert(first == m:tostring())
  local raw = assert(message.new { raw = { data = first } })
  assert(raw:tostring() == first)
  local streamed = reader.of(first, 5000)
  raw = assert(message.new { raw = reader.part(streamed) })
  assert(raw:tostring() == first)
  local outer = assert(message.new { from = "a@b\195\188cher.example", to = "b@example.com", calendar = calendar, list_id = "x <a.b>",
                                     attach = { { message = raw }, reader.part(reader.of(first, 999)),
                                                reader.part(reader.of(first, 999), true) } })
  assert(outer:tostring() == outer:tostring())
  local wrapped = require "directsend.core".message()
  assert(wrapped:wrap(raw.core))
  assert(wrapped:prefix "X: 1\r\n")
  assert(wrapped:read():sub(1, 6) == "X: 1\r\n")
end

attempt()
collectgarbage()
local n, before = 0, util.live()
repeat
  n = n + 1
  util.fail_at(n)
  local ok, trouble = pcall(attempt)
  util.fail_at(0)
  collectgarbage()
  assert(util.live() == before, "a leak at allocation " .. n)
  assert(ok or tostring(trouble):find "memory", trouble)
until ok
print(n - 1 .. " failures survived")
