local world = require "support.world"

local function queue_id(final)
  local w = world.new{ zone = { ["contoso.test"] = { A = { "9.0.0.1" } } }, hosts = { ["9.0.0.1"] = world.smtp{ final = final } } }
  return w:deliver({ destination = "contoso.test" }, { { body = "x\r\n" } })[1].queue_id
end

describe("an outcome", function()
  it("tells the queue id as the big receivers write it", function()
    local cases = {
      ["250 2.0.0 Ok: queued as 4Zk1Bc0Xyz"] = "4Zk1Bc0Xyz",
      ["250 OK id=1rT5Yx-0007Qp-2k"] = "1rT5Yx-0007Qp-2k",
      ["250 2.6.0 <a@b> [InternalId=188, Hostname=X.outlook.com] 9 bytes in 0.1, Queued mail for delivery"] = "188",
      ["250 2.0.0 3AB12cd4 Message accepted for delivery"] = "3AB12cd4",
      ["250 2.0.0 OK  1700000000 d2e1a72fcca58-6be3.77 - gsmtp"] = "d2e1a72fcca58-6be3.77",
    }
    for reply, id in pairs(cases) do assert.equal(id, queue_id(reply)) end
    assert.is_nil(queue_id "250 2.0.0 Ok")
    assert.is_nil(queue_id "250 queued as ")
  end)
end)
