local smtp = require "directsend.test".smtp

local PROTOCOL = -5

local function one(octets, chunk)
  local list, rc, partial, lines = smtp.replies(octets, chunk or #octets)
  return list[1], rc, partial, lines
end

-- replies do not depend on how their octets come
local function same_in_pieces(octets)
  local whole, rc = smtp.replies(octets, #octets)
  for chunk = 1, math.min(#octets, 80) do
    local list, code = smtp.replies(octets, chunk)
    assert.are.same(whole, list)
    assert.are.equal(rc, code)
  end
  return whole, rc
end

describe("smtp/reply", function()
  it("reads a line", function()
    local list, rc = same_in_pieces "250 2.1.0 Ok\r\n"
    assert.are.equal(0, rc)
    assert.are.same({ { code = 250, lines = 1, enhanced = "2.1.0", text = "250 2.1.0 Ok" } }, list)
  end)

  it("joins lines and shows each", function()
    local r, _, partial, lines = one "250-mx.example\r\n250-SIZE 10\r\n250 HELP\r\n"
    assert.are.equal("250 mx.example SIZE 10 HELP", r.text)
    assert.are.equal(3, r.lines)
    assert.is_false(partial)
    assert.are.same({ "mx.example", "SIZE 10", "HELP" }, lines)
  end)

  it("reads several, and says when one is unfinished", function()
    local list, rc, partial = smtp.replies("250 a\r\n354-b\r\n354 c\r\n55", 100)
    assert.are.equal(2, #list)
    assert.are.equal(0, rc)
    assert.is_true(partial)
  end)

  it("takes a code alone, with or without a blank", function()
    for _, octets in ipairs { "250\r\n", "250 \r\n", "250\n", "250-\r\n250\r\n" } do
      local list, rc = same_in_pieces(octets)
      assert.are.equal(0, rc)
      assert.are.equal("250", list[1].text)
    end
  end)

  it("takes LF, CR LF and CR CR LF for an end, never CR alone", function()
    for _, e in ipairs { "\n", "\r\n", "\r\r\n" } do
      assert.are.equal("250 Ok", same_in_pieces("250 Ok" .. e)[1].text)
    end
    local r, rc, partial = one "250 Ok\r"
    assert.is_nil(r)
    assert.are.equal(0, rc)
    assert.is_true(partial)
    assert.are.equal("250 a?b", one("250 a\rb\r\n").text)
  end)

  it("refuses what is no reply, at once", function()
    local wrong = {
      "25\r\n", "\r\n", "\n", "abc", "a", " 250 x", "250_x", "2500 x", "1", "6", "0", "99", "199 x",
      "600 x", ("2"):rep(22), "250\tx", "250\rx\r\n", "-250", "2\0005", "\255", "250\0",
      "250-a\r\n550 b\r\n", "250-a\r\n251-", "250-a\r\n25\r\n", "250-a\r\n\r\n", "250-a\r\nb",
    }
    for _, octets in ipairs(wrong) do
      for chunk = 1, #octets do
        local _, rc = one(octets, chunk)
        assert.are.equal(PROTOCOL, rc, ("%q by %d"):format(octets, chunk))
      end
    end
  end)

  it("keeps 2,048 octets of a line and counts all", function()
    local r, rc = one("550 " .. ("x"):rep(60000) .. "\r\n", 1000)
    assert.are.equal(0, rc)
    assert.are.equal(512, #r.text)
    assert.are.equal(PROTOCOL, select(2, one("550 " .. ("x"):rep(70000) .. "\r\n", 1000)))
    assert.are.equal(PROTOCOL, select(2, one(("x"):rep(70000), 70000)))
    local _, _, _, lines = one("250-" .. ("k"):rep(5000) .. "\r\n250 a\r\n")
    assert.are.equal(2044, #lines[1])
  end)

  it("is bounded to 100 lines and 64 KiB in all", function()
    local r = one(("250-x\r\n"):rep(99) .. "250 x\r\n")
    assert.are.equal(100, r.lines)
    assert.are.equal(PROTOCOL, select(2, one(("250-x\r\n"):rep(100) .. "250 x\r\n")))
    local long = "250-" .. ("x"):rep(996) .. "\r\n"
    assert.are.equal(0, select(2, one(long:rep(65))))
    assert.are.equal(PROTOCOL, select(2, one(long:rep(66))))
  end)

  it("counts each reply anew", function()
    local list, rc = smtp.replies(("250 " .. ("x"):rep(1000) .. "\r\n"):rep(100), 4096)
    assert.are.equal(0, rc)
    assert.are.equal(100, #list)
  end)

  it("finds the enhanced code that fits", function()
    local cases = {
      ["550 5.1.1 no"] = "5.1.1", ["550 5.7.68"] = "5.7.68", ["550 5.123.456 x"] = "5.123.456",
      ["550 4.1.1 no"] = "", ["550 5.1.1no"] = "", ["550 5.1 no"] = "", ["550 5.1.1234 x"] = "",
      ["550 5..1 x"] = "", ["550 5.1. x"] = "", ["550 5.1234.1 x"] = "", ["354 3.0.0 x"] = "3.0.0",
      ["250 2.0.0: x"] = "", ["550 no 5.1.1"] = "", ["550"] = "", ["550 5.1.1.1 x"] = "",
    }
    for octets, enhanced in pairs(cases) do
      assert.are.equal(enhanced, one(octets .. "\r\n").enhanced, octets)
    end
    assert.are.equal("5.7.1", one("550-listed, see\r\n550 5.7.1 there\r\n").enhanced)
  end)

  it("shows nothing that steers a terminal", function()
    local r = one "550 \27[2J\27]0;owned\7 a\0b \194\155c gr\195\188n \255\r\n"
    assert.are.equal("550 ?[2J?]0;owned? a?b ?c gr\195\188n ?", r.text)
  end)
end)
