local warnings = require "directsend.warnings"

describe("warnings", function()
  it("are kept by a message in their order, and none is no list", function()
    local m = {}
    warnings.add(m, nil)
    warnings.add(m, {})
    assert.same({}, m)
    warnings.add(m, { "a", "b" })
    warnings.add(m, { "c" })
    assert.same({ "a", "b", "c" }, m.warnings)
  end)

  it("are told once by each mailer", function()
    for _, mailer in ipairs { {}, {} } do
      local reports = { {}, {}, {} }
      warnings.tell(mailer, reports[1], { "a", "b", "a" })
      warnings.tell(mailer, reports[2], { "b", "c" })
      warnings.tell(mailer, reports[3], { "c", "a" })
      assert.same({ { warnings = { "a", "b" } }, { warnings = { "c" } }, {} }, reports)
    end
  end)
end)
