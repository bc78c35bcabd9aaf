-- http/response: what policy hosts answer, and what they should not.

local test = require "directsend.test"
local unpack = table.unpack or unpack -- luacheck: ignore
local pieces = require "support.pieces"
local every_allocation = require "support.every_allocation"
local parse = test.http.parse

local NOMEM, LIMIT, PROTOCOL = -1, -4, -5

local function lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

local function response(fields, body)
  return lines("HTTP/1.1 200 OK", unpack(fields)) .. "\r\n" .. body
end


local function chunked(body, size, more)
  local out = {}
  for at = 1, #body, size do
    local c = body:sub(at, at + size - 1)
    out[#out + 1] = ("%X%s\r\n%s\r\n"):format(#c, more or "", c)
  end
  return table.concat(out) .. "0\r\n"
end

local TEXT = "version: STSv1\nmode: enforce\n"
local TYPE = "Content-Type: text/plain"

-- every way to cut it gives the same
local function whole(text, ending)
  local got
  for _, cut in ipairs(pieces(text)) do
    local r, why, code = parse(cut, ending)
    local all = { r or false, why, code }
    assert.same(got or all, all)
    got = all
  end
  return unpack(got)
end

local function refused(text, words, code, ending)
  local r, why, got = whole(text, ending)
  assert.is_false(r)
  assert.matches(words, why)
  assert.equal(code or PROTOCOL, got)
end

describe("http/response", function()
  it("reads a body by its length", function()
    local r = whole(response({ TYPE .. "; charset=utf-8", "Content-Length: " .. #TEXT }, TEXT))
    assert.same({ status = 200, type = "text/plain", body = TEXT }, r)
  end)

  it("reads a body in chunks, with extensions and trailers", function()
    for size = 1, #TEXT do
      local r = whole(response({ "TRANSFER-ENCODING:chunked", "content-type:\tText/Plain " },
                               chunked(TEXT, size, ";a=b") .. "X: y\r\n\r\n"))
      assert.same({ status = 200, type = "text/plain", body = TEXT }, r)
    end
  end)

  it("reads a body up to the end of the stream, when that is told in order", function()
    local text = response({ TYPE }, TEXT)
    assert.equal(TEXT, whole(text, "clean").body)
    refused(text, "was cut", PROTOCOL, "cut")
    assert.same({ false, "more", 0 }, { whole(text) })
  end)

  it("needs all of a body that was told its length", function()
    for _, text in ipairs{ response({ "Content-Length: " .. #TEXT + 1 }, TEXT),
                           response({ "Transfer-Encoding: chunked" }, chunked(TEXT, 5)) } do
      assert.same({ false, "more", 0 }, { whole(text) })
      refused(text, "was cut", PROTOCOL, "clean")
      refused(text, "was cut", PROTOCOL, "cut")
    end
    assert.equal("", whole(response({ "Content-Length: 0" }, "")).body)
  end)

  it("does not look at what comes behind", function()
    assert.equal(TEXT, whole(response({ "Content-Length: " .. #TEXT }, TEXT .. "\0junk\r\n"), "cut").body)
    assert.equal("", whole(response({ "Transfer-Encoding: chunked" }, "0\r\n\r\n\0")).body)
  end)

  it("takes line ends of LF alone", function()
    local r = whole((response({ TYPE, "Content-Length: 2" }, "\r\n"):gsub("\r", "")) .. "x")
    assert.same({ 200, "text/plain", "\nx" }, { r.status, r.type, r.body })
  end)

  it("passes over interim responses", function()
    local interim = lines("HTTP/1.1 103 Early Hints", "Link: </x>", "Content-Length: 7", "")
    assert.equal("x", whole(interim .. interim .. response({ "Content-Length: 1" }, "x")).body)
  end)

  it("ends with the head where the status is no 200; a redirect is one of them", function()
    for _, status in ipairs{ 101, 204, 206, 301, 302, 304, 307, 404, 500, 599 } do
      local r = whole(lines("HTTP/1.0 " .. status .. " words", "Location: https://a.test/", "Content-Length: 9", "") .. "ignored")
      assert.same({ status = status, type = "", body = "" }, r)
    end
    assert.equal(404, whole(lines("HTTP/1.1 404", "")).status)
  end)

  it("refuses what does not begin as a response", function()
    for _, line in ipairs{ "HTTP/2 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 abc OK", "HTTP/1.1  200 OK",
                           "HTTP/1.1 099 OK", "http/1.1 200 OK", "220 mx ESMTP", "", "HTTP/1.x 200 OK" } do
      refused(lines(line, ""), "does not begin as one")
    end
  end)

  it("refuses a head that is none", function()
    for _, field in ipairs{ "no colon", "Name : x", ": x", " folded: x", "N\127me: x", "(x): y" } do
      refused(response({ field }, ""), "no field")
    end
    refused(response({ "X: a\0b" }, ""), "controls")
    refused(response({ "X: a\rb" }, ""), "controls")
    refused(response({ "Transfer-Encoding: chunked" }, "0\r\nx\r\n"), "no field")
  end)

  it("refuses a body it cannot tell the end of", function()
    for _, fields in ipairs{ { "Content-Length: x" }, { "Content-Length: -1" }, { "Content-Length: 1, 1" }, { "Content-Length:" },
                             { "Content-Length: 1", "Content-Length: 2" }, { "Content-Length: 9999999999999999" },
                             { "Content-Length: 0x1" } } do
      refused(response(fields, ""), "no single Content%-Length")
    end
    assert.equal("x", whole(response({ "Content-Length: 1", "Content-Length: 1" }, "x")).body)
    refused(response({ "Transfer-Encoding: gzip, chunked" }, ""), "other than chunked")
    refused(response({ "Transfer-Encoding: chunked", "Transfer-Encoding: chunked" }, ""), "other than chunked")
    refused(response({ "Transfer-Encoding: chunked", "Content-Length: 1" }, ""), "both")
    refused(response({ "Content-Encoding: gzip", "Content-Length: 1" }, "x"), "content encoding")
    assert.equal("x", whole(response({ "Content-Encoding: identity", "Content-Length: 1" }, "x")).body)
  end)

  it("refuses chunks that are none", function()
    for _, body in ipairs{ "x\r\n", "\r\n", "-1\r\n", "0x1\r\n", " \r\n", ";a=b\r\n", "1000000000000000\r\n" } do
      refused(response({ "Transfer-Encoding: chunked" }, body), "without a length")
    end
    refused(response({ "Transfer-Encoding: chunked" }, "1\r\nxx\r\n"), "longer than it said")
  end)

  it("is bounded in body and head", function()
    local full = ("x"):rep(65536)
    assert.equal(full, parse{ response({ "Content-Length: 65536" }, full) }.body)
    assert.equal(full, parse{ response({ "Transfer-Encoding: chunked" }, chunked(full, 4096) .. "\r\n") }.body)
    assert.equal(full, parse({ response({}, full) }, "clean").body)
    for _, text in ipairs{ response({ "Content-Length: 65537" }, ""), response({}, full .. "x"),
                           response({ "Transfer-Encoding: chunked" }, chunked(full .. "x", 4096)) } do
      refused(text, "more than 64 KiB", LIMIT)
    end
    refused(response({ "X: " .. ("x"):rep(16384) }, ""), "too long a head", LIMIT)
    refused(lines("HTTP/1.1 103 x", ""):rep(1100), "too long a head", LIMIT)
    refused(response({ "Transfer-Encoding: chunked" }, chunked(full, 1)), "too long a head", LIMIT)
  end)

  it("keeps no type longer than types are", function()
    assert.equal(("t"):rep(63), whole(response({ "Content-Type: " .. ("T"):rep(63), "Content-Length: 0" }, "")).type)
    assert.equal("", whole(response({ "Content-Type: " .. ("t"):rep(64), "Content-Length: 0" }, "")).type)
  end)

  it("gives back all it took when an allocation fails", function()
    local text = response({ TYPE, "Transfer-Encoding: chunked" }, chunked(TEXT, 3) .. "\r\n")
    local runs = every_allocation(function()
      local r, why, code = parse{ text:sub(1, 20), text:sub(21) }
      if not r then assert.same({ "out of memory", NOMEM }, { why, code }) end
      return r, why, code
    end)
    assert.is_true(runs > 2)
  end)
end)
