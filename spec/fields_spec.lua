local directsend = require "directsend"

local function capture(config)
  local c = { transport = "capture", hostname = "client.example" }
  for k, v in pairs(config or {}) do c[k] = v end
  return assert(directsend.new(c))
end

-- the messages as capture has them, by recipient
local function kept(mailer)
  local out = {}
  for _, m in ipairs(mailer.sent) do out[m.envelope.recipients[1]] = m end
  return out
end

describe("a letter's fields", function()
  local function one(t, fields, config)
    local mailer = capture(config)
    local row = assert(mailer:each(t, { { to = "Ann <ann@x.test>", fields = fields } })):next()
    assert.equal("delivered", row.outcome, row.text)
    return kept(mailer)["ann@x.test"].raw
  end

  it("are text in html, and nothing else", function()
    local raw = one({ from = "a@x.test", text = "{{ name }}", html = "<b>{{name}}</b>" },
                    { name = [[<i>&"']] })
    assert.truthy(raw:find([[<b>&lt;i&gt;&amp;&quot;&#39;</b>]], 1, true))
    assert.truthy(raw:find([[<i>&"']], 1, true))
  end)

  it("stand in header fields and in URIs", function()
    local raw = one({ from = "a@x.test", text = "x",
                      headers = { { "X-Customer", "no. {{no}}" }, { "X-Other", "same" } },
                      list_unsubscribe = { https = "https://x.test/u?t={{token}}", one_click = true } },
                    { no = 12, token = "a b&c" })
    assert.truthy(raw:find("X-Customer: no. 12\r\nX-Other: same\r\n", 1, true))
    assert.truthy(raw:find("<https://x.test/u?t=a%20b%26c>", 1, true))
  end)

  it("may be a URI as a whole", function()
    local raw = one({ from = "a@x.test", text = "x", list_unsubscribe = { https = "{{url}}" } },
                    { url = "https://x.test/u?a=b&c=d" })
    assert.truthy(raw:find("<https://x.test/u?a=b&c=d>", 1, true))
  end)

  it("are not looked for in a finished message", function()
    local raw = one({ raw = { data = "From: a@x.test\r\n\r\n{{name}}\r\n" } })
    assert.truthy(raw:find("{{name}}", 1, true))
  end)

  it("make the octets that send would send", function()
    local function fixed(config)
      local mailer = capture(config)
      mailer.config.time, mailer.config.zone = 1700000000, 0
      mailer.config.random = function(n) return ("\1"):rep(n) end
      return mailer
    end
    local letters = {
      { text = "plain, {{name}}" },
      { text = "constant", subject = "for {{name}}" },
      { text = "{{name}}", html = "<p>{{name}}</p>", subject = "constant" },
      { text = "constant", html = "<p>constant</p>", list_id = "news.x.test" },
      { text = "héllo", headers = { { "X-A", "{{name}}" } }, reply_to = "r@x.test",
        attach = { { data = ("x"):rep(100), name = "a.bin" } } },
      { text = ("long line "):rep(300), priority = "high", auto = "generated" },
      { text = "constant", list_unsubscribe = { https = "https://x.test/{{name}}" } },
    }
    for _, t in ipairs(letters) do
      t.from = "News <n@x.test>"
      for _, person in ipairs { { "Ann Ä <ann@x.test>", "Ann" }, { "bob@x.test", "Böb" } } do
        local a, b = fixed(), fixed()
        assert.equal("delivered", a:each(t, { { to = person[1], fields = { name = person[2] } } }):next().outcome)
        local whole = { to = person[1] }
        local function fill(v)
          return type(v) == "string" and (v:gsub("{{name}}", person[2])) or v
        end
        for k, v in pairs(t) do whole[k] = fill(v) end
        if t.headers then whole.headers = { { "X-A", person[2] } } end
        if t.list_unsubscribe then
          whole.list_unsubscribe = { https = "https://x.test/" .. person[2]:gsub("ö", "%%C3%%B6") }
        end
        assert(b:send(whole))
        assert.equal(b.sent[1].raw, a.sent[1].raw)
        assert.same(b.sent[1].envelope, a.sent[1].envelope)
      end
    end
  end)
end)
