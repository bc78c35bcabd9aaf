local cjson = require "cjson"
local show = require "directsend.show"

local rows = {
  { address = "a@b.test", outcome = "delivered", code = 250, seconds = 0.12345,
    tls = { level = "encrypted", version = "TLSv1.3" }, stage = "final" },
  { address = "longer@b.test", outcome = "failed", code = 550, stage = "rcpt",
    enhanced = "5.1.1", tls = { level = "encrypted" } },
}

local lax = { level = "opportunistic", policy = "default" }
local plan = {
  sender = "x@y.test",
  destinations = { { destination = "b.test", route = "mx",
                     level = "opportunistic", policy = "default",
                     recipients = { "a@b.test" }, hosts = {
    { name = "mx1.b.test", preference = 5, addresses = { "192.0.2.1:25" },
      tls = { level = "verified", policy = "mta-sts" } },
    { name = "m.b.test", preference = 10, addresses = {}, refused = "why", tls = lax },
    { name = "192.0.2.9", addresses = { "192.0.2.9:25", "192.0.2.8:25" },
      tls = lax },
  } } },
  refused = { { address = "c@d.test", text = "no route" } },
}

describe("show", function()
  it("prints rows in columns of key=value words", function()
    assert.equal(
      "a@b.test       outcome=delivered  stage=final  code=250"
      .. "                  tls.level=encrypted  tls.version=TLSv1.3"
      .. "  seconds=0.123\n"
      .. "longer@b.test  outcome=failed     stage=rcpt   code=550"
      .. "  enhanced=5.1.1  tls.level=encrypted\n", show.rows(rows))
  end)

  it("has a column for what befell TLS where something did", function()
    local clear = { address = "c@b.test", outcome = "delivered", seconds = 1,
                    tls = { level = "none", note = "STARTTLS is not offered" } }
    assert.truthy(show.rows { rows[1], clear }:find(
      "  seconds=1.000  tls.note=STARTTLS is not offered\n", 1, true))
    assert.falsy(show.rows(rows):find("note", 1, true))
  end)

  it("prints a report as one JSON object in one line", function()
    local whole = { rows[1], ok = true, message_id = "1@b.test", bytes = 9 }
    local text = show.report_json(whole)
    assert.equal(1, select(2, text:gsub("\n", "")))
    assert.same({ ok = true, message_id = "1@b.test",
                  recipients = { rows[1] } }, cjson.decode(text))
  end)

  it("has the warnings of a report in its JSON", function()
    assert.same({ "w" }, cjson.decode(show.report_json { warnings = { "w" } }).warnings)
  end)

  it("adds the error and its detail, and no report inside it", function()
    local text = show.report_json({}, "why", { kind = "usage",
                                                        report = rows })
    assert.same({ ok = false, message_id = cjson.null, recipients = {},
                  error = "why", detail = { kind = "usage" } },
                cjson.decode(text))
    assert.truthy(text:find('"recipients":[]', 1, true))
  end)

  it("prints the same JSON for the same report", function()
    local text = show.report_json({ rows[2], ok = false }, "w", {})
    assert.truthy(text:find('^{"detail":%[%],"error":"w","message_id":null,'
                            .. '"ok":false,"recipients":%[{"address":'), text)
  end)

  it("prints a plan", function()
    assert.equal("b.test  route=mx  tls=opportunistic (default)\n"
                 .. "  to a@b.test\n"
                 .. "   5   mx1.b.test  192.0.2.1:25"
                 .. (" "):rep(15) .. "tls=verified (mta-sts)\n"
                 .. "   10  m.b.test    " .. (" "):rep(51) .. "refused: why\n"
                 .. "   -   192.0.2.9   192.0.2.9:25 192.0.2.8:25\n"
                 .. "c@d.test  refused: no route\n",
                 show.plan(plan))
    local p = cjson.decode(show.plan_json(plan, true))
    assert.is_true(p.ok)
    assert.same({ level = "opportunistic", policy = "default" },
                p.destinations[1].tls)
    assert.same({}, p.destinations[1].hosts[2].addresses)
  end)
end)
