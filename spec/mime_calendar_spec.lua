local message = require "directsend.message"

local settings = { time = 0, zone = 0, random = function(n) return ("\171"):rep(n) end }

local function new(t)
  t.from, t.to = "a@example.com", "b@example.net"
  return message.new(t, settings)
end

local function calendar(...)
  return table.concat({ "BEGIN:VCALENDAR", "VERSION:2.0", ... }, "\r\n") .. "\r\nEND:VCALENDAR\r\n"
end

local event = "BEGIN:VEVENT\r\nMETHOD:CANCEL\r\nSUMMARY:x\r\nEND:VEVENT"

describe("a calendar", function()
  it("is an alternative with its method, and an attachment", function()
    local data = calendar("METHOD:REQUEST", event)
    local s = assert(new { text = "t", html = "h", calendar = data }):tostring()
    local kinds = {}
    for kind in s:gmatch "Content%-Type: ([^\r\n]*)" do kinds[#kinds + 1] = kind end
    assert.same({ "multipart/mixed;", "multipart/alternative;", "text/plain; charset=us-ascii", "text/html; charset=us-ascii",
                  "text/calendar; method=REQUEST; charset=us-ascii", "application/ics; name=invite.ics" }, kinds)
    assert.truthy(s:find("\r\n\r\n" .. data .. "\r\n--", 1, true))
    local encoded = s:match "filename=invite.ics\r\n\r\n(.-\r\n)\r\n%-%-"
    assert.equal(data, require "support.decode".base64(encoded))
  end)

  it("needs no text beside it", function()
    local s = assert(new { calendar = calendar("METHOD:PUBLISH") }):tostring()
    assert.falsy(s:find("text/plain", 1, true))
    assert.falsy(s:find("alternative", 1, true))
  end)

  it("may have no method, any line ends, and come from a file", function()
    local name = os.tmpname()
    local file = io.open(name, "wb")
    file:write((calendar("X-A:1", "method:reply", event):gsub("\r", "")))
    file:close()
    assert.truthy(assert(new { calendar = { path = name } }):tostring():find("text/calendar; method=reply;", 1, true))
    os.remove(name)
    assert.truthy(assert(new { calendar = calendar(event) }):tostring():find("text/calendar; charset=", 1, true))
  end)

  it("has its method found in folded lines and behind parameters", function()
    for _, line in ipairs { "METHOD:REQ\r\n UEST", "METH\r\n\tOD:REQ\r\n UES\r\n T", "METHOD;X-A=b:REQUEST",
                            'METHOD;X-A="b:c";X-B="d;e":REQUEST' } do
      local s = assert(new { calendar = calendar("X-A:1", line, event) }):tostring()
      assert.truthy(s:find("text/calendar; method=REQUEST; ", 1, true), line)
    end
    local s = assert(new { calendar = calendar("METHODS:CANCEL", event) }):tostring()
    assert.truthy(s:find("text/calendar; charset=", 1, true))
  end)

  it("is refused where its method may be further down than is looked", function()
    local lead = #"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-A:\r\n"
    for before = 8192 - lead - 60, 8192 - lead + 10 do
      local m, why, detail = new { calendar = calendar("X-A:" .. ("x"):rep(before), "METHOD:REQUEST", event) }
      if m then assert.truthy(m:tostring():find("method=REQUEST; ", 1, true), before)
      else
        assert.equal("calendar", detail.field)
        assert.truthy(why:find("8192", 1, true), why)
      end
    end
    assert.is_nil(new { calendar = calendar("X-A:" .. ("x"):rep(8200), "METHOD:REQUEST", event) })
    assert(new { calendar = calendar("METHOD:REQUEST", "X-A:" .. ("x"):rep(9000), event) })
    assert(new { calendar = calendar(event, "BEGIN:VEVENT\r\nSUMMARY:" .. ("x"):rep(9000) .. "\r\nEND:VEVENT") })
  end)

  it("has the method that is said, or is refused", function()
    assert(new { calendar = { data = calendar("METHOD:REQUEST"), method = "request" } })
    for _, v in ipairs { { data = calendar("METHOD:REQUEST"), method = "CANCEL" }, { data = calendar(event), method = "CANCEL" } } do
      local m, why, detail = new { calendar = v }
      assert.is_nil(m)
      assert.equal("calendar.method", detail.field)
      assert.truthy(why:find("METHOD:", 1, true))
    end
  end)

  it("is refused when it is none", function()
    for _, data in ipairs { "", "x", "BEGIN:VCARD\r\n", calendar("METHOD:A B"), calendar("METHOD:"),
                            calendar("METHOD:" .. ("X"):rep(32)), calendar("METHOD:X\tY"), calendar('METHOD:"X"') } do
      local m, _, detail = new { calendar = data }
      assert.is_nil(m, data)
      assert.equal("calendar", detail.field)
    end
    local _, _, detail = new { calendar = { path = "/does/not/exist" } }
    assert.equal("calendar.path", detail.field)
    assert.has_error(function() new { calendar = {} } end, "calendar: either path or data is wanted")
    assert.has_error(function() new { calendar = { data = "x", methd = "x" } } end)
  end)
end)
