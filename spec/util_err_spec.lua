local util = require("directsend.test").util

local NOMEM, USAGE = -1, -2
local KIND_USAGE, KIND_DNS = 1, 3

local function text_of(text)
  local e = util.error()
  e:set(USAGE, KIND_USAGE, nil, text)
  return (select(4, e:get()))
end

describe("util/err", function()
  it("names kinds, stages and outcomes as reports do", function()
    local kinds = "usage policy dns connect tls protocol reply timeout local"
    assert.equal("", util.kinds[0])
    assert.equal(kinds, table.concat(util.kinds, " "))
    local stages = "dns connect greeting ehlo starttls handshake auth mail rcpt "
      .. "data body final rset quit"
    assert.equal("", util.stages[0])
    assert.equal(stages, table.concat(util.stages, " "))
    assert.equal("pending", util.outcomes[0])
    assert.equal("delivered deferred failed unknown",
      table.concat(util.outcomes, " "))
  end)

  it("returns the code it sets", function()
    local e = util.error()
    assert.equal(USAGE, e:set(USAGE, KIND_USAGE, "subject", "no good"))
    assert.same({USAGE, "usage", "subject", "no good"}, {e:get()})
  end)

  it("keeps the first failure", function()
    local e = util.error()
    e:set(USAGE, KIND_USAGE, "to", "first")
    assert.equal(NOMEM, e:set(NOMEM, KIND_DNS, nil, "second"))
    assert.same({USAGE, "usage", "to", "first"}, {e:get()})
    e:clear()
    assert.same({0, "", "", ""}, {e:get()})
    e:set(NOMEM, KIND_DNS, nil, "third")
    assert.same({NOMEM, "dns", "", "third"}, {e:get()})
  end)

  it("does without a record", function()
    assert.equal(USAGE, util.error_set(nil, USAGE, KIND_USAGE, nil, "x"))
  end)

  it("makes one printable line", function()
    assert.equal("a??b?c?", text_of("a\r\nb\tc\127"))
    assert.equal("x??y", text_of("x\194\155y")) -- a C1 control
    assert.equal("Zürich €\240\159\152\128",
      text_of("Zürich €\240\159\152\128"))
  end)

  it("lets no broken UTF-8 through", function()
    for _, bad in ipairs{"\255", "\128", "\192\175", "\195(", "\224\159\191",
        "\237\160\128", "\240\143\191\191", "\244\144\128\128",
        "\245\128\128\128"} do
      local text = text_of("<" .. bad .. ">")
      assert.truthy(text:find("^<%?+%(?%?*>$"), text)
    end
  end)

  it("cuts long texts between characters", function()
    for pad = 0, 3 do
      local text = text_of(("x"):rep(pad) .. ("€"):rep(300))
      assert.is_true(#text <= 463 and #text > 459)
      assert.equal(("x"):rep(pad) .. ("€"):rep((#text - pad) / 3), text)
    end
  end)

  it("cuts long field names between characters", function()
    local e = util.error()
    e:set(USAGE, KIND_USAGE, ("ü"):rep(40), "x")
    assert.equal(("ü"):rep(23), (select(3, e:get())))
  end)
end)
