-- net/state: a file of our own, through core.read_private.

local core = require "directsend.core"
local pki = require "support.pki"

describe("net/state", function()
  local files
  before_each(function() files = pki.new() end)
  after_each(function() files:remove() end)

  local function refuses(name, why)
    local text, words, detail = core.read_private(files:path(name))
    assert.is_nil(text)
    assert.equal(files:path(name) .. ": " .. why, words)
    assert.equal("usage", detail.kind)
  end

  it("reads what is ours, whatever it holds", function()
    for _, text in ipairs{ "", "x", "a\0b\r\n\255", ("x"):rep(200000) } do
      local path = files:path "f"
      os.remove(path)
      assert(core.write_private(path, text))
      assert.equal(text, core.read_private(path))
    end
  end)

  it("says nothing of a file that is not there", function()
    assert.same({ n = 1 }, { n = select("#", core.read_private(files:path "none")), core.read_private(files:path "none") })
  end)

  it("believes no file that somebody else may have written", function()
    files:write("f", "x")
    for bits, why in pairs{ ["666"] = "can be written by others", ["620"] = "can be written by others", ["602"] = "can be written by others" } do
      files:run("chmod " .. bits .. " f")
      refuses("f", why)
    end
    files:run "chmod 644 f"
    assert.equal("x", core.read_private(files:path "f"))
    files:run "ln -s f link; mkfifo pipe; mkdir folder"
    refuses("link", "is a symbolic link")
    refuses("pipe", "is not a regular file")
    refuses("folder", "is not a regular file")
    if core.read_private "/etc/passwd" == nil then refuses("../../etc/passwd", "is another user's") end
  end)

  it("reads no more than sixteen MiB", function()
    files:run "truncate -s 16777217 f"
    refuses("f", "is too long")
    files:run "truncate -s 16777216 f"
    assert.equal(16777216, #core.read_private(files:path "f"))
  end)

  it("takes no NUL in a path", function()
    assert.error_matches(function() core.read_private "a\0b" end, "NUL")
  end)
end)
