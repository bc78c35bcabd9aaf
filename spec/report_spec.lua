local report = require "directsend.report"

local function row(t)
  local r = { address = "it@contoso.com", outcome = "failed", kind = "reply",
              temporary = false }
  for k, v in pairs(t) do r[k] = v end
  return r
end

describe("report", function()
  it("says who refused whom, where, in whose words, and what to do", function()
    assert.equal(
      "it@contoso.com: refused by mx1.contoso.com at RCPT: 550 5.1.1 no such "
      .. "user; check the address",
      report.line(row { stage = "rcpt", host = "mx1.contoso.com", code = 550,
                        enhanced = "5.1.1", reply = "550 5.1.1 no such user" }))
  end)

  it("says what happened where nobody replied", function()
    assert.equal(
      "it@contoso.com: deferred at CONNECT: connect to 192.0.2.1:25: timed "
      .. "out; the network here may block outgoing mail (port 25): ask its "
      .. "provider",
      report.line(row { outcome = "deferred", kind = "timeout", port = 25,
                        stage = "connect",
                        text = "connect to 192.0.2.1:25: timed out" }))
  end)

  it("says how a message was delivered", function()
    assert.equal(
      "it@contoso.com: delivered to mx1.contoso.com over TLSv1.3, queued there "
      .. "as 4XY",
      report.line(row { outcome = "delivered", host = "mx1.contoso.com",
                        tls = { version = "TLSv1.3", level = "encrypted" },
                        queue_id = "4XY" }))
  end)

  it("has a hint for each trouble that has a cure", function()
    for words, t in pairs {
      ["deliver it twice"] = { outcome = "unknown", stage = "final",
                               kind = "timeout", text = "no reply" },
      ["check the address"] = { kind = "dns", enhanced = "5.1.10", stage = "dns" },
      ["spelling"] = { kind = "dns", enhanced = "5.1.2", stage = "dns" },
      ["route"] = { kind = "policy", stage = "connect" },
      ["hide STARTTLS"] = { outcome = "deferred", kind = "tls",
                            stage = "starttls" },
      ["prove its name"] = { outcome = "deferred", kind = "tls",
                             stage = "handshake", tls = { policy = "config" } },
      ["try again later"] = { outcome = "deferred", kind = "reply",
                              stage = "rcpt", reply = "451 4.7.1 greylisted" },
    } do
      assert.truthy(report.hint(row(t)):find(words, 1, true), words)
    end
  end)

  it("has none where there is nothing to be done", function()
    assert.is_nil(report.hint(row { stage = "data", code = 554 }))
    assert.is_nil(report.hint(row { outcome = "delivered" }))
    assert.is_nil(report.hint(row { kind = "policy" }))
  end)

  it("lets what may still be cured speak first", function()
    local rows = { row { outcome = "delivered" }, row { address = "a@b.test" },
                   row { address = "c@d.test", outcome = "unknown" } }
    assert.equal(rows[3], report.first(rows))
    rows[3].outcome = "failed"
    assert.equal(rows[2], report.first(rows))
    assert.is_nil(report.first { rows[1] })
  end)

  it("is one line however many recipients there are", function()
    local rows = { row { reply = "550 no" }, row { outcome = "delivered" },
                   row { reply = "551 no", address = "c@d.test" } }
    assert.equal("it@contoso.com: refused: 550 no (and 1 more of 3 recipients)",
                 report.message(rows))
  end)

  it("gives the deciding row's facts as detail", function()
    local rows = { row { code = 550, enhanced = "5.1.1", reply = "550 no",
                         stage = "rcpt", host = "h", ip = "192.0.2.1" } }
    assert.same({ kind = "reply", temporary = false, code = 550,
                  enhanced = "5.1.1", reply = "550 no", stage = "rcpt",
                  host = "h", ip = "192.0.2.1", report = rows },
                report.detail(rows))
  end)
end)
