-- deliver/sts: records, policies and what is remembered, as text.

local test = require "directsend.test"
local every_allocation = require "support.every_allocation"
local sts = test.policy

local PROTOCOL = -5

local function case_lines()
  local file = assert(io.open "spec/vectors/mta-sts/cases.tsv")
  local out = {}
  file:read "*l"
  for line in file:lines() do
    local f = {}
    for field in (line .. "\t"):gmatch "([^\t]*)\t" do f[#f + 1] = field end
    out[#out + 1] = { name = f[1], txt = f[2], status = f[3], type = f[4], certificate = f[5],
                      body = f[6]:gsub("\\n", "\n"), expected = f[7] }
  end
  file:close()
  return out
end

local function policy(t)
  local lines = { "version: STSv1", "mode: " .. (t.mode or "enforce"), "max_age: " .. (t.max_age or 86400) }
  for _, mx in ipairs(t.mx or { "mx.a.test" }) do lines[#lines + 1] = "mx: " .. mx end
  return table.concat(lines, "\n") .. "\n"
end

describe("deliver/sts", function()
  it("reads the records and policies of the test cases", function()
    local cases = case_lines()
    assert.equal(17, #cases)
    local read = 0
    for _, c in ipairs(cases) do
      local id = sts.sts_record{ c.txt }
      if c.expected:find "^no%-policy" then
        assert.is_nil(id, c.name)
        read = read + 1
      else
        assert.equal("20180907T090909", id, c.name)
        local p, why = sts.sts_policy(c.body)
        local http = c.status ~= "200" or c.type ~= "text/plain" or c.certificate ~= "valid"
        if not c.expected:find "^fetch%-fail" then
          local mode, mx = c.expected:match "^(%a+)%s*m?x?=?(.*)$"
          assert.same({ mode = mode, max_age = 86400, mx = mx ~= "" and { mx } or {} }, p, c.name)
          read = read + 1
        elseif not http then
          assert.is_nil(p, c.name)
          assert.truthy(#why > 0)
          read = read + 1
        end
      end
    end
    assert.equal(13, read) -- the other four fail over HTTPS: deliver_policies_spec
  end)

  describe("the record", function()
    it("begins with its version and has an id", function()
      for text, id in pairs{
        ["v=STSv1; id=1"] = "1", ["v=STSv1;id=1;"] = "1", ["v=STSv1 ; id=aB9 ; "] = "aB9", ["v=STSv1\t;\tid=1"] = "1",
        ["v=STSv1; a=b; id=1; c_-.=!~"] = "1", ["v=STSv1; id=1; id=2"] = "1",
        ["v=STSv1; id=" .. ("x"):rep(32)] = ("x"):rep(32),
      } do
        assert.equal(id, sts.sts_record{ text }, text)
      end
    end)

    it("is none where it is not well formed", function()
      for _, text in ipairs{
        "", "v=STSv1", "v=STSv1;", "v=STSv1; ", "id=1; v=STSv1", " v=STSv1; id=1", "V=STSv1; id=1", "v=stsv1; id=1",
        "v=STSv12; id=1", "v=STSv1, id=1", "v=STSv1; ID=1", "v=STSv1; id=", "v=STSv1; id=a-b", "v=STSv1; id=" .. ("x"):rep(33),
        "v=STSv1;; id=1", "v=STSv1; id", "v=STSv1; id =1", "v=STSv1; id= 1", "v=STSv1; id=1; x", "v=STSv1; id=1; x=a b",
        "v=STSv1; id=1; x=a=b", "v=STSv1; id=1; -x=1", "v=STSv1; id=1; x=", "v=STSv1; id=1;; ", "v=STSv1; id=1\0",
        "v=STSv1; id=1; " .. ("x"):rep(33) .. "=1",
      } do
        assert.is_nil(sts.sts_record{ text }, text)
      end
    end)

    it("stands alone among those that are none", function()
      assert.equal("1", sts.sts_record{ "v=spf1 -all", "v=STSv1; id=1", "", "id=2" })
      assert.is_nil(sts.sts_record{ "v=STSv1; id=1", "v=STSv1; id=1" })
      assert.is_nil(sts.sts_record{ "v=STSv1; id=1", "v=STSv1;" })
      assert.is_nil(sts.sts_record{})
    end)
  end)

  describe("the policy", function()
    it("takes its fields in any order, with LF or CRLF, the first of two, and those it does not know", function()
      local want = { mode = "testing", max_age = 604800, mx = { "a.test", "*.b.test" } }
      for _, text in ipairs{
        "version: STSv1\nmode: testing\nmx: a.test\nmx: *.B.test\nmax_age: 604800",
        "max_age:604800\r\nmx:A.test\r\nversion:STSv1\r\nmx:\t*.b.test \r\nmode:testing\r\n",
        "version: STSv1\nversion: STSv2\nmode: testing\nmode: enforce\nmx: a.test\nmx: *.b.test\nmax_age: 604800\nmax_age: 1\n\n",
        "x-y_z.1: what ever: \195\188\nversion: STSv1\nmode: testing\nmx: a.test\n\r\n  \nmx: *.b.test\nmax_age: 604800\n",
      } do
        assert.same(want, sts.sts_policy(text))
      end
    end)

    it("of mode none needs no mx, others do", function()
      assert.same({ mode = "none", max_age = 0, mx = {} }, sts.sts_policy "version: STSv1\nmode: none\nmax_age: 0")
      for _, mode in ipairs{ "testing", "enforce" } do
        local p, why = sts.sts_policy(policy{ mode = mode, mx = {} })
        assert.is_nil(p)
        assert.matches("names no mx", why)
      end
    end)

    it("says what is wrong with it", function()
      local good = policy{}
      local cases = {
        { "", "no version" }, { good:gsub("version: STSv1\n", ""), "no version" }, { good:gsub("STSv1", "STSv2"), "other than STSv1" },
        { good:gsub("STSv1", "stsv1"), "other than STSv1" }, { good:gsub("mode: enforce\n", ""), "no mode" },
        { good:gsub("enforce", "Enforce"), "mode other than" }, { good:gsub("enforce", ""), "mode other than" },
        { good:gsub("max_age: %d+\n", ""), "no max_age" }, { good:gsub("86400", "31557601"), "max_age that is not" },
        { good:gsub("86400", "-1"), "max_age that is not" }, { good:gsub("86400", "1e3"), "max_age that is not" },
        { good:gsub("86400", "99999999999"), "max_age that is not" }, { good:gsub("86400", ""), "max_age that is not" },
        { good .. "garbage", 'not "name: value"' }, { good .. ": x", 'not "name: value"' }, { good .. " x: y", 'not "name: value"' },
        { good .. "x : y", 'not "name: value"' }, { good .. ("x"):rep(33) .. ": y", 'not "name: value"' }, { good .. "\0", "NUL" },
        { good .. "mx: a b", "no host" }, { good .. "mx:", "no host" }, { good .. "mx: *", "no host" }, { good .. "mx: *.", "no host" },
        { good .. "mx: a.*.b", "no host" }, { good .. "mx: *.*.b", "no host" }, { good .. "mx: _x.b", "no host" },
        { good .. "mx: .b", "no host" }, { good .. "mx: b.", "no host" }, { good .. "mx: b\195\188.de", "no host" },
        { good .. ("mx: a.test\n"):rep(1000), "too many" },
      }
      for _, c in ipairs(cases) do
        local p, why, code = sts.sts_policy(c[1])
        assert.is_nil(p, c[1])
        assert.matches(c[2], why)
        assert.equal(PROTOCOL, code)
      end
      assert.equal(31557600, sts.sts_policy((good:gsub("86400", "31557600"))).max_age)
      assert.equal(1000, #sts.sts_policy(good .. ("mx: a.test\n"):rep(999)).mx)
    end)

    it("names hosts, and by *. those one label below", function()
      local text = policy{ mx = { "Mail.a.test", "*.b.test" } }
      for host, listed in pairs{
        ["mail.a.test"] = true, ["MAIL.A.TEST"] = true, ["x.mail.a.test"] = false, ["a.test"] = false, ["xmail.a.test"] = false,
        ["x.b.test"] = true, ["X.B.Test"] = true, ["x.y.b.test"] = false, ["b.test"] = false, [".b.test"] = false, ["xb.test"] = false,
        [""] = false, ["test"] = false,
      } do
        assert.equal(listed, sts.sts_lists(text, host), host)
      end
    end)
  end)

  describe("what is remembered", function()
    local now = 1795392000

    it("comes back as it was, whatever it is", function()
      for _, mode in ipairs{ "none", "testing", "enforce" } do
        for _, mx in ipairs{ {}, { "a.test" }, { "a.test", "*.b.test", "c" } } do
          if mode == "none" or mx[1] then
            local e = { id = "x1", fetched = now, checked = now + 1, failed = now + 2, failed_id = "y",
                        policy = policy{ mode = mode, mx = mx, max_age = 31557600 } }
            local line = sts.sts_write(e)
            assert.is_nil(line:find "[^\33-\126 ]")
            assert.same({ id = "x1", fetched = now, checked = now + 1, failed = now + 2, failed_id = "y", mode = mode,
                          max_age = 31557600, mx = mx }, sts.sts_read(line))
          end
        end
      end
      assert.same({ id = "", fetched = 0, checked = 7, failed = 0, failed_id = "", mode = "unknown", max_age = 0, mx = {} },
                  sts.sts_read(sts.sts_write{ checked = 7 }))
    end)

    it("is nothing where the line is none of ours", function()
      local line = sts.sts_write{ id = "x1", fetched = now, checked = now, policy = policy{} }
      assert.truthy(sts.sts_read(line))
      for _, wrong in ipairs{
        "", "x", "sts1", "sts1 ", line .. " ", line .. " a  b", line:gsub("sts1", "sts2"), line:gsub("enforce", "enforced"),
        line:gsub(" x1 ", " x-1 "), line:gsub(" x1 ", "  "), line:gsub("86400", "31557601"), line:gsub("86400", "-1"),
        line:gsub(tostring(now), "soon"), line:gsub("mx%.a%.test", "*"), line:gsub(" mx%.a%.test", ""), line:gsub(" ", "\t"),
        line .. "\0", (line:gsub("mx", "_mx")),
      } do
        assert.is_false(sts.sts_read(wrong), wrong)
      end
      for n = 0, #line - 1 do -- cut anywhere it is refused, or a shorter pattern
        local e = sts.sts_read(line:sub(1, n))
        assert.truthy(not e or #e.mx == 1 and #e.mx[1] < #"mx.a.test", n)
      end
    end)

    local function due(e, at, id)
      local mode, stale, wants = sts.sts_due(e, at, id or "x1")
      return { mode, stale and "ask" or "-", wants and "fetch" or "-" }
    end

    it("is in force until its end", function()
      local e = { id = "x1", fetched = now, checked = now, policy = policy{ max_age = 1000 } }
      assert.same({ "enforce", "-", "-" }, due(e, now))
      assert.same({ "enforce", "-", "-" }, due(e, now + 499))
      assert.same({ "enforce", "-", "fetch" }, due(e, now + 500))
      assert.same({ "enforce", "-", "fetch" }, due(e, now + 999))
      assert.same({ "unknown", "ask", "fetch" }, due(e, now + 1000))
    end)

    it("is asked for again after an hour, and fetched again after a day or with another id", function()
      local e = { id = "x1", fetched = now, checked = now, policy = policy{ max_age = 31557600 } }
      assert.same({ "enforce", "-", "-" }, due(e, now + 3599))
      assert.same({ "enforce", "ask", "-" }, due(e, now + 3600))
      assert.same({ "enforce", "ask", "-" }, due(e, now + 86399))
      assert.same({ "enforce", "ask", "fetch" }, due(e, now + 86400))
      assert.same({ "enforce", "-", "fetch" }, due(e, now, "x2"))
      assert.same({ "enforce", "-", "fetch" }, due(e, now, "X1"))
    end)

    it("is not believed to be of the future", function()
      local e = { id = "x1", fetched = now, checked = now, policy = policy{ max_age = 31557600 } }
      assert.same({ "enforce", "ask", "fetch" }, due(e, now - 1))
    end)

    it("that there is no policy holds for an hour", function()
      assert.same({ "unknown", "-", "fetch" }, due({ checked = now }, now + 3599))
      assert.same({ "unknown", "ask", "fetch" }, due({ checked = now }, now + 3600))
      assert.same({ "unknown", "ask", "fetch" }, due({}, now))
    end)

    it("that a fetch failed holds for five minutes, and for that id only", function()
      local none = { checked = now, failed = now, failed_id = "x1" }
      assert.same({ "unknown", "-", "-" }, due(none, now + 299))
      assert.same({ "unknown", "-", "fetch" }, due(none, now + 299, "x2"))
      assert.same({ "unknown", "ask", "fetch" }, due(none, now + 300))
      local old = { id = "x0", fetched = now - 600, checked = now, failed = now, failed_id = "x1", policy = policy{} }
      assert.same({ "enforce", "-", "-" }, due(old, now + 299))
      assert.same({ "enforce", "ask", "fetch" }, due(old, now + 300))
    end)
  end)

  it("gives back all it took when an allocation fails", function()
    local text = policy{ mx = { "a.test", "b.test" } }
    assert.equal(3, every_allocation(function()
      local p, why, code = sts.sts_policy(text)
      if not p then assert.equal("out of memory", why) end
      return p, why, code
    end))
    local line = sts.sts_write{ policy = text }
    assert.equal(3, every_allocation(function() return sts.sts_read(line) end))
    assert.is_true(every_allocation(function()
      local ok, why, code = sts.sts_write{ policy = text }
      return ok, why, code
    end) > 3)
  end)
end)
