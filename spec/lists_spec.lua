local message = require "directsend.message"

local function new(t)
  t.from, t.to = "a@example.com", "b@example.net"
  return message.new(t, { time = 0, zone = 0 })
end

local function header(t)
  return (assert(new(t)):tostring():match "^(.-\r\n)\r\n":gsub("\r\n ", " "))
end

local function refused(t)
  local m, text, detail = new(t)
  assert.is_nil(m)
  assert.equal("usage", detail.kind)
  return detail.field, text
end

describe("a list", function()
  it("tells how to leave it", function()
    local h = header { list_unsubscribe = { https = "https://x.example/u?id=1&t=a%2Cb", mailto = "leave@x.example",
                                            one_click = true } }
    assert.truthy(h:find("\r\nList-Unsubscribe: <https://x.example/u?id=1&t=a%2Cb>, <mailto:leave@x.example>\r\n", 1, true))
    assert.truthy(h:find("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", 1, true))
  end)

  it("may be left by one way only, and then without a click", function()
    local h = header { list_unsubscribe = { mailto = "mailto:leave@x.example?subject=leave" } }
    assert.truthy(h:find("\r\nList-Unsubscribe: <mailto:leave@x.example?subject=leave>\r\n", 1, true))
    assert.falsy(h:find("-Post", 1, true))
    assert.truthy(header { list_unsubscribe = { https = "HTTPS://x.example" } }:find("<HTTPS://x.example>", 1, true))
    assert.falsy(header { list_unsubscribe = { https = "https://x.example", one_click = false } }:find("-Post", 1, true))
  end)

  it("keeps a URI whole, which names nobody before its host", function()
    for _, v in ipairs { "https://x.example/u?to=a@b.cd", "https://x.example/@a", "https://x.example?a@b", "https://x.example#a@b" } do
      assert.truthy(header { list_unsubscribe = { https = v } }:find("<" .. v .. ">", 1, true))
    end
    for _, v in ipairs { "https://a@x.example/", "https://a@x.example", "https://a:b@x.example?c", "https:///x", "https://?x" } do
      assert.equal("list_unsubscribe.https", (refused { list_unsubscribe = { https = v } }))
    end
    local uri = "https://x.example/" .. ("0123456789"):rep(60)
    assert.truthy(header { list_unsubscribe = { https = uri } }:find("<" .. uri .. ">", 1, true))
    assert.equal("list_unsubscribe.https", (refused { list_unsubscribe = { https = uri .. uri } }))
  end)

  it("has a name in three notations", function()
    for _, v in ipairs { "News & more <news.example.com>", '"News & more" <news.example.com>',
                         { name = "News & more", id = "news.example.com" } } do
      assert.truthy(header { list_id = v }:find("\r\nList-Id: News & more <news.example.com>\r\n", 1, true))
    end
    for _, v in ipairs { "news.example.com", { id = "news.example.com" }, "<news.example.com>" } do
      assert.truthy(header { list_id = v }:find("\r\nList-Id: <news.example.com>\r\n", 1, true))
    end
    assert.truthy(header { list_id = "Gr\195\188\195\159e <n.example.com>" }
                  :find("List-Id: =?utf-8?B?R3LDvMOfZQ==?= <n.example.com>", 1, true))
    assert.truthy(header { list_id = [["A \"b\" \\" <n.example.com>]] }:find([[List-Id: "A \"b\" \\" <n.example.com>]], 1, true))
    assert.truthy(header { list_id = 'A, B <n.example.com>' }:find('List-Id: "A, B" <n.example.com>', 1, true))
  end)

  it("is refused a name that is none", function()
    for _, v in ipairs { "news", "a..b", ".a.b", "a b.c", "", "<>", "x <a.b", "a@b.c", "<a.b> x", ("a."):rep(128) .. "b" } do
      assert.equal("list_id", (refused { list_id = v }), v)
    end
    assert.has_error(function() new { list_id = {} } end, "list_id.id: expected string, got nil")
    assert.has_error(function() new { list_id = { nme = "x" } } end)
  end)

  it("has its other fields checked, and Precedence as it is given", function()
    local list = { { "List-Help", "<https://x.example/help> (help), <mailto:help@x.example>" }, { "List-Post", "NO (closed)" },
                   { "List-Archive", "<https://x.example/>" }, { "Precedence", "bulk" } }
    local h = header { headers = list }
    for _, pair in ipairs(list) do assert.truthy(h:find(pair[1] .. ": " .. pair[2] .. "\r\n", 1, true), pair[1]) end
    for _, pair in ipairs { { "List-Help", "NO" }, { "List-Post", "NO <x>" }, { "List-Help", "" },
                            { "List-Owner", "<mailto:nobody>" }, { "List-Owner", "<mailto:a@b.cd> x" } } do
      assert.equal("headers[1]", (refused { headers = { pair } }))
    end
    local _, text = refused { headers = { { "List-ID", "x.y" } } }
    assert.truthy(text:find("what the key list_id is for", 1, true))
  end)
end)
