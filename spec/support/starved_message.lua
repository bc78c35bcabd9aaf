-- starved_message: build and read a message with the n-th allocation failing,
-- for every n.

local starve = require "support.starve"

starve.open "core"
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
  local forced = assert(message.new({ raw = { data = first } }, { force_from = "x@y.zz" }))
  assert(forced:tostring():find "^From: x@y%.zz\r\n")
end

print(starve.all(attempt) .. " failures survived")
