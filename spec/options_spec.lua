local options = require "directsend.options"

local function parse(...)
  return assert(options.parse { ... })
end

describe("options", function()
  it("become a message", function()
    local m = options.message(parse("send", "--from", "a@b.test", "--to",
      "c@d.test", "--to=e@f.test,\"G, H\" <g@h.test>", "--cc", "not one", "--subject", "s", "--text-file",
      "body.txt", "--html-file", "body.html", "--attach", "x", "--attach",
      "y", "--inline", "logo=/a=b.png", "--header", "X-A: b: c", "--header",
      "X-B:d"))
    assert.same({ from = "a@b.test", to = { { address = "c@d.test" },
                  { address = "e@f.test" },
                  { name = "G, H", address = "g@h.test" } },
                  cc = { "not one" },
                  subject = "s", text = { path = "body.txt" },
                  html = { path = "body.html" }, attach = { "x", "y" },
                  inline = { logo = "/a=b.png" }, auto = "generated",
                  headers = { { "X-A", "b: c" }, { "X-B", "d" } } }, m)
  end)

  it("give fields that have keys of their own to these", function()
    local function headers(...)
      local args = { "send" }
      for _, text in ipairs { ... } do
        args[#args + 1] = "--header"
        args[#args + 1] = text
      end
      local m = options.message(assert(options.parse(args)))
      m.auto = nil
      return m
    end
    assert.same({ reply_to = { { address = "a@b.test" }, { name = "C", address = "c@d.test" } }, sender = "S <s@t.test>",
                  in_reply_to = "<1@x>", references = "<0@x> <1@x>", message_id = "<2@x>", list_id = "L <l.test>",
                  headers = { { "X-A", "1" } } },
                headers("Reply-To: a@b.test, C <c@d.test>", "SENDER:S <s@t.test>", "In-Reply-To: <1@x>", "X-A: 1",
                        "References: <0@x> <1@x>", "Message-ID: <2@x>", "List-Id: L <l.test> "))
    assert.same({ list_unsubscribe = { https = "https://x.test/u", mailto = "MAILTO:u@x.test", one_click = true } },
                headers("List-Unsubscribe-Post: List-Unsubscribe=One-Click",
                        "List-Unsubscribe: <https://x.test/u>, <MAILTO:u@x.test>"))
    assert.same({ list_unsubscribe = { mailto = "mailto:u@x.test?subject=a,b" } },
                headers "List-Unsubscribe:<mailto:u@x.test?subject=a,b>")
    for _, list in ipairs { { "Sender: a@b.test", "sender: c@d.test" }, { "List-Unsubscribe: <ftp://x>" },
                            { "List-Unsubscribe: <https://x><https://y>" }, { "List-Unsubscribe: https://x" },
                            { "List-Unsubscribe:" }, { "List-Unsubscribe-Post: yes" } } do
      local ok, e = pcall(headers, list[1], list[2])
      assert.is_false(ok)
      assert.equal("--header", e.field)
    end
  end)

  it("leave out what was not said", function()
    assert.same({ auto = "generated" }, options.message(parse "send"))
  end)

  it("may keep silent about who wrote the message", function()
    assert.same({ auto = false }, options.message(parse("send", "--no-auto")))
  end)

  it("leave settings that are wrong to be refused", function()
    local t, set = options.settings(parse("send", "--dns", "127.0.0.1",
      "--timeout", "5"), { dns = "192.0.2.1", timeout = 3 })
    assert.same({ dns = "192.0.2.1", timeout = 3 }, t)
    assert.same({}, set)
  end)

  it("become settings over those there are", function()
    local base = { tls = "off", dns = { servers = "192.0.2.1", timeout = 3 },
                   timeout = { total = 9, final = 8 }, from = "x@y.test" }
    local t, set = options.settings(parse("send", "--tls", "required",
      "--dns", "127.0.0.1", "--timeout", "5", "--port", "26"), base)
    assert.same({ tls = "required", port = "26", from = "x@y.test",
                  dns = { servers = { "127.0.0.1" }, timeout = 3 },
                  timeout = { total = 5, final = 8 } }, t)
    assert.same({ tls = true, port = true, dns = true, timeout = true }, set)
    assert.same({ servers = "192.0.2.1", timeout = 3 }, base.dns)
  end)

  it("add routes to those there are, and leave the others their way", function()
    local function routes(before)
      return options.settings(parse("send", "--route", "a.test=mx.a.test:26"),
                              { route = before }).route
    end
    assert.same({ ["a.test"] = "mx.a.test:26", ["*"] = "mx" }, routes(nil))
    assert.same({ ["a.test"] = "mx.a.test:26", ["*"] = "h" }, routes "h")
    assert.same({ ["a.test"] = "mx.a.test:26", ["b.test"] = "mx" },
                routes { ["b.test"] = "mx" })
  end)

  it("know a trace from a trace into a file", function()
    assert.same({}, parse("send", "--trace").trace)
    assert.same({ "f" }, parse("send", "--trace=f").trace)
    assert.is_nil(parse("send").trace)
  end)

  it("name the nearest word", function()
    local none, why = options.parse { "send", "--subjct", "x" }
    assert.is_nil(none)
    assert.equal("unknown option '--subjct' (did you mean '--subject'?)", why)
  end)

  it("want a command, which may be an option", function()
    local none, why = options.parse {}
    assert.is_nil(none)
    assert.truthy(why:find("a command is wanted", 1, true))
    assert.equal("version", parse("--version").command)
    assert.equal("version", parse("send", "--version").command)
  end)

  it("are said once, where not several make sense", function()
    for _, name in ipairs { "--from", "--config", "--ip" } do
      local none, why = options.parse { "send", name, "x", name, "y" }
      assert.is_nil(none)
      assert.truthy(why:find(name, 1, true), why)
    end
    local none, why = options.parse { "dkim", "keygen", "--bits", "1", "--bits",
                                      "2", "--domain", "d", "--selector", "s" }
    assert.is_nil(none)
    assert.truthy(why:find("--bits", 1, true), why)
    assert.same({ "x", "y" }, parse("send", "--to", "x", "--to", "y").to)
  end)

  it("refuse what has not its form", function()
    for option, word in pairs { ["--inline"] = "cid", ["--header"] = "X" } do
      local ok, e = pcall(options.message, parse("send", option, word))
      assert.is_false(ok)
      assert.equal(option, e.field)
    end
    local ok, e = pcall(options.message, parse("send", "--inline", "a=x", "--inline", "a=y"))
    assert.is_false(ok)
    assert.equal("--inline", e.field)
    ok, e = pcall(options.settings, parse("send", "--route", "a"), {})
    assert.is_false(ok)
    assert.equal("--route", e.field)
  end)
end)
