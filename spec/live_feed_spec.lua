-- What a feed and a lone alert cost in system calls: counted from the first
-- octet of SMTP to the last, by strace.

local pki = require "support.pki"
local process = require "support.process"
local servers = require "support.servers"

local script = [[
local core = require "directsend.core"
local native = require "directsend.driver.native"
local port, n = tonumber(arg[1]), tonumber(arg[2])
local body = "From: a@example.test\r\nSubject: x\r\n\r\n" .. ("0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab\r\n"):rep(16)
local given, delivered = 0, 0
local d = assert(core.delivery { destination = "127.0.0.1", pinned = true, port = port, level = "off", hostname = "client.example.test",
                                 max_chunk = native.capabilities.max_chunk })
assert(native.run { { delivery = d, feed = {
  next = function()
    given = given + 1
    if given > n then return "no_more" end
    return "message", { sender = "a@example.test", recipients = { "b@example.test" }, size = #body, tag = given }
  end,
  body = function() return "body", body, true end,
  rewind = function() return "rewound" end,
  result = function(op) delivered = delivered + (op.row.outcome == "delivered" and 1 or 0) end,
} } })
print(delivered)
]]

local alert = [[
local directsend = require "directsend"
local mailer = assert(directsend.new { hostname = "client.example.test", tls = "off",
                                       route = { ["*"] = { host = "127.0.0.1", port = tonumber(arg[1]) } } })
local report = assert(mailer:send { from = "a@example.test", to = "b@example.test", subject = "s", text = "hello" })
print(report[1].outcome == "delivered" and 1)
]]

local memory = { brk = true, mmap = true, munmap = true, madvise = true, mprotect = true, mremap = true }

describe("the price of a message, in system calls", function()
  local files = pki.new()

  setup(function()
    files:write("feed.lua", script)
    files:write("alert.lua", alert)
  end)
  teardown(function()
    servers.stop_all()
    files:remove()
  end)

  -- system calls from the EHLO on, by name; delivered: how many the script is
  -- to have delivered
  local function calls(name, server, delivered)
    local log = files:path "strace.log"
    local said = process.run(files:path(name), { under = "strace -o " .. process.quote(log) }, server.port, delivered)
    assert.equal(tostring(delivered), said:match "%d+")
    local by, total, seen = {}, 0, false
    for line in files:read("strace.log"):gmatch "[^\n]+" do
      local call = line:match "^([%w_]+)%("
      seen = seen or line:find("EHLO", 1, true)
      if seen and call and not memory[call] then
        by[call], total = (by[call] or 0) + 1, total + 1
        if call == "close" then break end
      end
    end
    return total, by
  end

  it("is a fifth of a call at most where CHUNKING is offered", function()
    local total, by = calls("feed.lua", servers.sink { "PIPELINING", "CHUNKING" }, 320)
    assert.is_true(total <= 0.2 * 320, total)
    assert.is_true(by.sendto <= 320 / 32 + 4, by.sendto)
  end)

  it("is little more than two where it is not", function()
    local total, by = calls("feed.lua", servers.sink { "PIPELINING" }, 320)
    assert.is_true(total <= 2.2 * 320, total)
    assert.is_true(by.sendto <= 320 + 3, by.sendto)
  end)

  -- five and seven; the rest look for what a slow machine may have kept from us
  it("is eight at most for a lone alert, eleven without CHUNKING", function()
    local total, by = calls("alert.lua", servers.sink { "PIPELINING", "CHUNKING" }, 1)
    assert.is_true(total <= 8, total)
    assert.equal(2, by.sendto)
    total, by = calls("alert.lua", servers.sink { "PIPELINING" }, 1)
    assert.is_true(total <= 11, total)
    assert.equal(3, by.sendto)
  end)

  it("is as few writes with Postfix, whole batches of them", function()
    local _, by = calls("feed.lua", servers.postfix { tls = false }, 320)
    assert.is_true(by.sendto <= 320 / 32 + 4, by.sendto)
    _, by = calls("feed.lua", servers.postfix { tls = false, main = { smtpd_discard_ehlo_keywords = "chunking" } }, 320)
    assert.is_true(by.sendto <= 320 + 3, by.sendto)
  end)
end)
