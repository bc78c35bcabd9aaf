local decode = require "support.decode"
local message = require "directsend.message"

local settings = { time = 0, zone = 0, random = function(n) return ("\171"):rep(n) end }

local function new(t)
  t.from, t.to = t.from or "a@example.com", t.to or "b@example.net"
  return message.new(t, settings)
end

local function text_of(t)
  return assert(new(t)):tostring()
end

local function refusal(t)
  local m, text, detail = new(t)
  assert.is_nil(m)
  assert.equal("usage", detail.kind)
  return detail.field, text
end

-- the types of parts, in the order they stand
local function shape(t)
  local out = {}
  for kind in text_of(t):gmatch "Content%-Type: ([%w/-]+)" do out[#out + 1] = kind end
  return table.concat(out, " ")
end

describe("the tree", function()
  local file, picture = { data = "x", name = "x.pdf" }, { a = { data = "x", name = "x.png" } }

  it("has no more levels than it needs", function()
    assert.equal("text/plain", shape {})
    assert.equal("text/html", shape { html = "h" })
    assert.equal("multipart/alternative text/plain text/html", shape { text = "t", html = "h" })
    assert.equal("multipart/related text/html image/png", shape { html = "h", inline = picture })
    assert.equal("multipart/alternative text/plain multipart/related text/html image/png",
                 shape { text = "t", html = "h", inline = picture })
    assert.equal("multipart/mixed application/pdf", shape { attach = { file } })
    assert.equal("multipart/mixed text/plain application/pdf", shape { text = "t", attach = { file } })
    assert.equal("multipart/mixed multipart/alternative text/plain multipart/related text/html image/png application/pdf",
                 shape { text = "t", html = "h", inline = picture, attach = { file } })
    assert.equal("text/plain", shape { text = "t", attach = {}, inline = {} })
  end)

  it("keeps its boundaries apart even where random octets repeat", function()
    local seen = {}
    for b in text_of { text = "t", html = "h", inline = picture, attach = { file } }:gmatch 'boundary="([^"]+)"' do
      assert.is_nil(seen[b])
      assert.is_truthy(b:find("=_", 1, true))
      assert.equal(35, #b)
      seen[b] = true
    end
  end)
end)

describe("an attachment", function()
  it("has every octet value come back", function()
    local all = {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    local data = table.concat(all):rep(20)
    for _, name in ipairs { "a.bin", "a.txt", "a.html" } do
      local s = text_of { attach = { { data = data, name = name } } }
      assert.equal(data, decode.base64(s:match "attachment;.-\r\n\r\n(.-)\r\n%-%-"))
    end
  end)

  it("is named and typed by its path, or otherwise", function()
    local s = text_of { attach = { { data = "x", name = "a/b.pdf" }, { data = "x", name = "x", type = "text/csv; charset=utf-8" },
                                   { data = "x" }, { data = "x", name = "i.png", disposition = "inline" } } }
    assert.is_truthy(s:find("Content-Type: application/pdf; name=b.pdf\r\n", 1, true))
    assert.is_truthy(s:find("Content-Type: text/csv; charset=utf-8; name=x\r\n", 1, true))
    assert.is_truthy(s:find("Content-Type: application/octet-stream\r\n", 1, true))
    assert.is_truthy(s:find("Content-Disposition: attachment\r\n", 1, true))
    assert.is_truthy(s:find("Content-Disposition: inline; filename=i.png\r\n", 1, true))
  end)

  it("has its type on the line of the field's name, however long", function()
    local s = text_of { attach = { { data = "x", name = "a.docx" } } }
    assert.is_truthy(s:find("\r\nContent-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document;"
                            .. "\r\n name=a.docx\r\n", 1, true))
  end)

  it("that is a message is not encoded, or is not said to be one", function()
    local s = text_of { attach = { { data = "Subject: x\n\nhi\n", name = "m.eml" } } }
    assert.is_truthy(s:find("Content-Type: message/rfc822; name=m.eml\r\nContent-Transfer-Encoding: 7bit", 1, true))
    assert.is_truthy(s:find("\r\n\r\nSubject: x\r\n\r\nhi\r\n\r\n--", 1, true))
    s = text_of { attach = { { data = "Subject: \195\164\n\nhi\n", name = "m.eml" } } }
    assert.is_truthy(s:find("Content-Type: application/octet-stream; name=m.eml\r\nContent-Transfer-Encoding: base64", 1, true))
    s = text_of { encoding = "8bit", attach = { { data = "Subject: \195\164\n\nhi\n", name = "m.eml" } } }
    assert.is_truthy(s:find("Content-Type: message/rfc822; name=m.eml\r\nContent-Transfer-Encoding: 8bit", 1, true))
  end)

  it("says which of its values will not do", function()
    assert.equal("attach[1].name", (refusal { attach = { { data = "x", name = ".." } } }))
    assert.equal("attach[1].type", (refusal { attach = { { data = "x", type = "text" } } }))
    assert.equal("attach[2].type", (refusal { attach = { { data = "x" }, { data = "x", type = "multipart/mixed" } } }))
    assert.equal("attach[1].disposition", (refusal { attach = { { data = "x", disposition = "shown" } } }))
    assert.equal("attach[1].path", (refusal { attach = { "/does/not/exist" } }))
  end)

  it("is data or a path, in a list", function()
    assert.has_error(function() new { attach = { {} } } end, "attach[1]: either path or data is wanted")
    assert.has_error(function() new { attach = { { path = "x", data = "y" } } } end, "attach[1]: either path or data is wanted")
    assert.has_error(function() new { attach = { 1 } } end, "attach[1]: expected string or table, got number")
    assert.has_error(function() new { attach = { { data = 1 } } } end, "attach[1].data: expected string, got number")
    assert.has_error(function() new { attach = { { dta = "x" } } } end,
                     "attach[1]: unknown key 'dta' (did you mean 'data'?)")
    assert.has_error(function() new { attach = { path = "x" } } end, "attach: a list is wanted, and it has the key 'path'")
  end)

  it("comes a thousand times at most", function()
    local list = {}
    for i = 1, 999 do list[i] = { data = "" } end
    assert.is_truthy(new { text = "x", attach = list })
    list[1000] = { data = "" }
    local field, text = refusal { text = "x", attach = list }
    assert.equal("attach[1000]", field)
    assert.is_truthy(text:find "more than 1000 parts")
  end)
end)

describe("a picture", function()
  it("has its Content-ID and is in the order of the alphabet", function()
    local s = text_of { html = "h", inline = { b = { data = "x", name = "b.png" }, a = { data = "x" }, ["c@x"] = { data = "x" } } }
    local ids = {}
    for id in s:gmatch "Content%-ID: (%S+)" do ids[#ids + 1] = id end
    assert.equal("<a> <b> <c@x>", table.concat(ids, " "))
    assert.is_truthy(s:find("Content-Disposition: inline; filename=b.png", 1, true))
    assert.is_truthy(s:find('type="text/html"', 1, true))
  end)

  it("says which of its values will not do", function()
    assert.equal("inline", (refusal { text = "t", inline = { a = { data = "x" } } }))
    assert.equal("inline.x>y.cid", (refusal { html = "h", inline = { ["x>y"] = { data = "x" } } }))
    assert.equal("inline.a.path", (refusal { html = "h", inline = { a = "/does/not/exist" } }))
    assert.has_error(function() new { html = "h", inline = { "x.png" } } end)
  end)
end)

describe("own fields", function()
  it("stand in their order, as often as they like", function()
    local s = text_of { headers = { { "X-B", "1" }, { "x-a", "caf\195\169" }, { "X-B", "2" } } }
    assert.is_truthy(s:find("X-B: 1\r\nx-a: =?utf-8?B?Y2Fmw6k=?=\r\nX-B: 2\r\n", 1, true))
  end)

  it("are not those of other keys or of the way", function()
    for _, name in ipairs { "From", "FROM", "to", "Cc", "Bcc", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
                            "Sender", "Reply-To", "Auto-Submitted", "Return-Path", "Received", "MIME-Version",
                            "Content-Type", "Content-Transfer-Encoding", "content-x", "DKIM-Signature", "Resent-Bcc" } do
      local field, text = refusal { headers = { { "X-A", "b" }, { name, "x" } } }
      assert.equal("headers[2]", field)
      assert.is_truthy(text:find(name, 1, true))
    end
  end)

  it("are pairs of strings", function()
    assert.has_error(function() new { headers = { "X-A: b" } } end, "headers[1]: expected table, got string")
    assert.has_error(function() new { headers = { { "X-A" } } } end, "headers[1][2]: expected string, got nil")
    assert.has_error(function() new { headers = { { "X-A", 1 } } } end, "headers[1].2: expected string, got number")
    assert.has_error(function() new { headers = { ["X-A"] = "b" } } end, "headers: a list is wanted, and it has the key 'X-A'")
  end)

  it("have bounds", function()
    local list = {}
    for i = 1, 1001 do list[i] = { "X-A", "b" } end
    local field, text = refusal { headers = list }
    assert.is_truthy(field:find "^headers%[99%d%]$")
    assert.is_truthy(text:find "more than 1000")
    field, text = refusal { headers = { { "X-A", ("word "):rep(60000) .. "x" } } }
    assert.equal("headers[1]", field)
    assert.is_truthy(text:find "262144")
  end)
end)

describe("a priority", function()
  it("is three words or five numbers", function()
    local cases = { high = "1 High", low = "5 Low", [1] = "1 High", [2] = "2 High", [4] = "4 Low", [5] = "5 Low" }
    for value, wanted in pairs(cases) do
      local s = text_of { priority = value }
      assert.equal(wanted, s:match "X%-Priority: (%S+)" .. " " .. s:match "Importance: (%S+)")
    end
    for _, value in ipairs { "normal", 3 } do assert.is_nil(text_of { priority = value }:find "Priority") end
    for _, value in ipairs { "urgent", 0, 6, 1.5, 0 / 0 } do assert.equal("priority", (refusal { priority = value })) end
  end)
end)
