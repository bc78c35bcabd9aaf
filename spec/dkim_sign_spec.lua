local dkim = require "directsend.dkim"
local door = require("directsend.test").dkim
local vectors = require "support.dkim_vectors"

local function signer(more)
  local options = { domain = "example.org", selector = "s1", key = vectors.ed25519 }
  for key, value in pairs(more or {}) do options[key] = value end
  return assert(dkim.signer(options))
end

-- the tags of a field, white space taken out of the long ones
local function tags(field)
  local list = door.tags(field:match "^DKIM%-Signature:(.*)$")
  local out = {}
  for i = 1, #list, 2 do out[list[i]] = list[i + 1] end
  for _, name in ipairs { "h", "b" } do out[name] = out[name]:gsub("%s", "") end
  return out
end

local message = "Received: by mx\r\nFrom: a@example.org\r\nTo: b@example.com\r\nSubject: x\r\n"
  .. "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\n\r\nText\r\n"

describe("dkim/sign", function()
  it("writes a field that says how it was made", function()
    local t = tags(signer():sign(message, 1700000000))
    assert.equal("1", t.v)
    assert.equal("ed25519-sha256", t.a)
    assert.equal("relaxed/relaxed", t.c)
    assert.equal("example.org", t.d)
    assert.equal("s1", t.s)
    assert.equal("1700000000", t.t)
    assert.equal(vectors.base64(door.sha256 { "Text\r\n" }), t.bh)
    assert.equal(88, #t.b)
    assert.is_nil(t.x)
    assert.is_nil(t.l)
    assert.is_nil(t.i)
    assert.equal("rsa-sha256", tags(signer { key = vectors.rsa }:sign(message)).a)
  end)

  it("says when only where it is told, and until when", function()
    local t = tags(signer { expire = 3600 }:sign(message, 1700000000))
    assert.equal("1700003600", t.x)
    t = tags(signer { expire = 3600 }:sign(message))
    assert.is_nil(t.t)
    assert.is_nil(t.x)
    assert.equal("0", tags(signer():sign(message, 0)).t)
  end)

  it("signs what must not be added once more than it occurs", function()
    assert.equal("From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Reply-To:MIME-Version:Content-Type",
      tags(signer():sign(message)).h)
    local more = "reply-to: c\r\nMIME-Version: 1.0\r\nContent-type: text/plain\r\nCC: d\r\nCc: e\r\n" .. message
    assert.equal("From:From:To:To:Cc:Cc:Cc:Subject:Subject:Date:Date:Message-ID:Reply-To:Reply-To:"
        .. "MIME-Version:MIME-Version:Content-Type:Content-Type", tags(signer():sign(more)).h)
  end)

  it("signs once what else tells the reader something, and nothing of the way", function()
    local more = "List-Id: <x>\r\nlist-unsubscribe: <y>\r\nList-Odd;Name: z\r\nList-: z\r\nSender: a\r\nReferences: <1>\r\n"
      .. "In-Reply-To: <1>\r\nAuto-Submitted: no\r\nContent-Transfer-Encoding: 7bit\r\nReturn-Path: <>\r\nX-Y: z\r\n"
      .. "List-Id: <2>\r\nFrom: a\r\n\r\n"
    assert.equal("From:From:To:Cc:Subject:Date:Message-ID:Reply-To:MIME-Version:Content-Type:"
        .. "Content-Transfer-Encoding:Sender:In-Reply-To:References:Auto-Submitted:"
        .. "List-Id:list-unsubscribe:List-Id", tags(signer():sign(more)).h)
  end)

  it("folds the field at 78 octets", function()
    local long = ("a"):rep(60) .. ".example.org"
    for _, key in ipairs { vectors.rsa, vectors.ed25519 } do
      for n = 1, 60 do
        local field = signer { key = key, selector = ("s"):rep(n), domain = long }:sign(message, 1700000000)
        for line in field:gmatch "([^\n]*)\n" do
          assert.truthy(line:find "\r$")
          assert.is_true(#line - 1 <= 78, line)
          assert.falsy(line:find "^ +\r$")
        end
      end
    end
  end)

  it("makes a line too long rather than part a name", function()
    local label = ("a"):rep(63)
    local domain = label .. "." .. label .. ".org"
    assert.truthy(signer { domain = domain }:sign(message):find("\r\n d=" .. domain .. ";", 1, true))
  end)

  it("makes several signatures in one pass, each as it is alone", function()
    local one = { domain = "example.org", selector = "s1", key = vectors.rsa, canonicalization = "simple/simple" }
    local two = { domain = "example.com", selector = "s2", key = vectors.ed25519 }
    local both = assert(dkim.signer { one, two })
    assert.equal(dkim.signer(one):sign(message, 5) .. dkim.signer(two):sign(message, 5), both:sign(message, 5))
    local eight, nine = {}, {}
    for i = 1, 9 do
      nine[i] = two
      eight[i] = i < 9 and two or nil
    end
    local _, count = assert(dkim.signer(eight)):sign(message):gsub("DKIM%-Signature", "")
    assert.equal(8, count)
    assert.has_error(function() dkim.signer(nine) end)
  end)

  it("makes the same octets of the same message, and others of another", function()
    for _, key in ipairs { vectors.rsa, vectors.ed25519 } do
      local s = signer { key = key }
      assert.equal(s:sign(message, 1), s:sign(message, 1))
      assert.equal(s:sign(message, 1), signer { key = key }:sign(message, 1))
      assert.are_not.equal(s:sign(message, 1), s:sign(message .. "x", 1))
    end
  end)

  it("refuses a message without From, or without CRLF", function()
    local none, text, detail = signer():sign "To: a\r\n\r\nFrom: b\r\n"
    assert.is_nil(none)
    assert.equal("the message has no From field", text)
    assert.same({ kind = "usage", field = "from" }, detail)
    none, text = signer():sign((message:gsub("\r", "")))
    assert.is_nil(none)
    assert.equal("the lines of the message do not end in CRLF", text)
  end)

  it("leaves nothing in OpenSSL's queue of errors, and what is there alone", function()
    door.queued()
    door.poison()
    signer():sign(message)
    assert.equal(1, door.queued())
  end)
end)
