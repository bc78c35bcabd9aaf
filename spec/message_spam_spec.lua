-- SpamAssassin, without the network, finds nothing wrong with how typical
-- messages are built.

local message = require "directsend.message"
local process = require "support.process"
local typical = require "support.typical"

local quote = process.quote

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- spamassassin as it was unpacked, its state in a folder of its own
local function command(home)
  local root, perl = output "pwd":gsub("\n", "") .. "/.cache/readers/root", {}
  for _, dir in ipairs { "/usr/share/perl5", "/usr/lib/*/perl5/5.*", "/usr/share/perl/5.*" } do
    for name in output("ls -d " .. root .. dir .. " 2>/dev/null"):gmatch "[^\n]+" do perl[#perl + 1] = "-I" .. name end
  end
  return ("env -u LD_PRELOAD HOME=%s perl -T %s %s/usr/bin/spamassassin -L -x --mbox --siteconfigpath=%s/etc/spamassassin "
          .. "--configpath=%s/usr/share/spamassassin 2>&1"):format(quote(home), table.concat(perl, " "), root, root, root)
end

-- as it lies in a mailbox, the receiving host's field in front
local function received(text)
  local date = text:match "Date: ([^\r\n]*)" or "Thu, 04 Jan 2024 10:00:00 +0000"
  return "From ana@example.com Thu Jan  4 10:00:00 2024\nReceived: from mx.example.com (mx.example.com [192.0.2.25])\n"
         .. "\tby mx.example.net with ESMTPS id 1;\n\t" .. date .. "\n" .. text:gsub("\r\n", "\n"):gsub("\nFrom ", "\n>From ") .. "\n"
end

-- the rules that each message of a mailbox fires, in a line
local function fired(texts)
  local home = os.tmpname()
  os.remove(home)
  os.execute("mkdir " .. home)
  local file = io.open(home .. "/mbox", "wb")
  for _, text in ipairs(texts) do file:write(received(text)) end
  file:close()
  local said, out = output(command(home) .. " " .. home .. "/mbox"), {}
  os.execute("rm -r " .. home)
  for status in said:gmatch "\nX%-Spam%-Status: (.-)\n%S" do
    out[#out + 1] = status:gsub("%s+", ""):match "tests=(.-)autolearn" or status
  end
  assert.equal(#texts, #out, said)
  return out
end

describe("SpamAssassin", function()
  it("has no word against how typical messages are built", function()
    local texts = {}
    for i, t in ipairs(typical) do texts[i] = assert(message.new(t)):tostring() end
    assert.equal(20, #texts)
    for i, rules in ipairs(fired(texts)) do
      for rule in rules:gmatch "[%w_]+" do
        for _, bad in ipairs { "^MIME_", "^MISSING_", "^INVALID_", "MALF" } do
          assert.falsy(rule:find(bad), i .. ": " .. typical[i].subject .. ": " .. rules)
        end
      end
    end
  end)

  it("has one where something is wrong", function()
    local rules = fired { "From: a@example.com\n\nno date\n" }[1]
    assert.truthy(rules:find("MISSING_DATE", 1, true), rules)
  end)
end)
