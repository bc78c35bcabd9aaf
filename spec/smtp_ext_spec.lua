local smtp = require "directsend.test".smtp

describe("smtp/ext", function()
  it("knows each extension by its exact first token, in any case", function()
    local names = {
      PIPELINING = "pipelining", CHUNKING = "chunking", BINARYMIME = "binarymime", ["8BITMIME"] = "eightbitmime",
      SMTPUTF8 = "smtputf8", STARTTLS = "starttls", ENHANCEDSTATUSCODES = "enhanced", DSN = "dsn",
      REQUIRETLS = "requiretls", SIZE = "size",
    }
    for keyword, field in pairs(names) do
      for _, line in ipairs { keyword, keyword:lower(), keyword .. " x", keyword .. "  " } do
        local x = smtp.ext(line)
        assert.is_true(x[field], line)
        x[field] = false
        for other, v in pairs(x) do
          assert.is_true(v == false or v == 0, other)
        end
      end
      for _, line in ipairs { keyword .. "X", "X" .. keyword, keyword .. "=1", " " .. keyword, "X " .. keyword } do
        assert.is_false(smtp.ext(line)[field], line)
      end
    end
  end)

  it("reads a size limit, and none from what is no number", function()
    local cases = {
      ["SIZE 1000"] = 1000, ["SIZE"] = 0, ["SIZE 0"] = 0, ["SIZE -1"] = 0, ["SIZE 99999999999999999999"] = 0,
      ["SIZE 10x"] = 0, ["SIZE x"] = 0, ["SIZE 1000 x"] = 1000, ["SIZE\t1000"] = 1000, ["SIZE  7"] = 7,
      ["SIZE 9007199254740992"] = 9007199254740992, ["SIZE 18446744073709551616"] = 0,
    }
    for line, limit in pairs(cases) do
      local x = smtp.ext(line)
      assert.is_true(x.size, line)
      assert.are.equal(limit, x.size_limit, line)
    end
  end)

  it("reads limits, none from what is no number, and passes over those it does not know", function()
    local function limits(line)
      local x = smtp.ext(line)
      return { x.mail_max, x.rcpt_max, x.rcpt_domain_max }
    end
    assert.are.same({ 20, 5, 1 }, limits "LIMITS MAILMAX=20 RCPTMAX=5 RCPTDOMAINMAX=1")
    assert.are.same({ 20, 0, 0 }, limits "limits mailmax=20")
    assert.are.same({ 0, 7, 0 }, limits "LIMITS XFOO RCPTMAX=7 BAR=")
    assert.are.same({ 0, 0, 0 }, limits "LIMITS MAILMAX=x RCPTMAX RCPTDOMAINMAX==1")
    assert.are.same({ 0, 0, 0 }, limits "LIMITS RCPTMAX=99999999999999999999 MAILMAX=0 RCPTMAX= =5")
    assert.are.same({ 0, 0, 0 }, limits "LIMITS")
    assert.are.same({ 0, 0, 0 }, limits "MAILMAX=3")
  end)

  it("knows the mechanisms of AUTH, in the old way of writing too", function()
    local function auth(...)
      return smtp.ext(...).auth
    end
    assert.are.equal(1 + 2 + 16, auth "AUTH PLAIN LOGIN SCRAM-SHA-256")
    assert.are.equal(4 + 8, auth "auth xoauth2 OAuthBearer")
    assert.are.equal(1 + 2, auth("AUTH=LOGIN PLAIN"))
    assert.are.equal(1 + 2 + 16, auth("AUTH SCRAM-SHA-256", "AUTH=PLAIN LOGIN"))
    for _, line in ipairs { "AUTH", "AUTH=", "AUTH CRAM-MD5", "AUTHPLAIN", "XAUTH PLAIN", "AUTH=PLAINLY", "PLAIN" } do
      assert.are.equal(0, auth(line), line)
    end
  end)

  it("takes the last of two, and a keyword of any length", function()
    assert.are.equal(2, smtp.ext("SIZE 1", "SIZE 2").size_limit)
    assert.is_false(smtp.ext(("K"):rep(2000)).size)
  end)
end)
