local process = require "support.process"
local servers = require "support.servers"

describe("connecting with few descriptors", function()
  after_each(servers.stop_all)

  it("waits for those that others hold", function()
    local sink = servers.smtp_sink{}
    local text = process.run("spec/support/hungry.lua", { under = "sh -c 'ulimit -n 16; exec \"$@\"' sh" }, sink.port, 200)
    assert.equal("200\t\n", text)
    assert.equal(200, #sink:messages(200))
  end)

  it("fails where nobody holds any", function()
    local sink = servers.smtp_sink{}
    local text = process.run("spec/support/hungry.lua", { under = "sh -c 'ulimit -n 5; exec \"$@\" 4</dev/null' sh" }, sink.port, 3)
    assert.matches("^0\tconnect to 127%.0%.0%.1:%d+: Too many open files", text)
  end)
end)
