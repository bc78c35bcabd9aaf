local journal = require "directsend.journal"

describe("a journal", function()
  local path

  before_each(function()
    path = os.tmpname()
    os.remove(path)
  end)
  after_each(function() os.remove(path) end)

  it("remembers the last word about each entry", function()
    local j = assert(journal.open(path))
    for i, words in ipairs { { "begun", "delivered" }, { "begun", "failed" }, { "begun", "deferred" },
                             { "begun" }, { "begun", "unknown" }, { "refused" } } do
      for _, word in ipairs(words) do assert(j.write(i, word, "a b@x.test")) end
    end
    j.close()
    j = assert(journal.open(path))
    local states = {}
    for i = 1, 7 do states[i] = j.state(i, "a b@x.test") or "new" end
    assert.same({ "done", "done", "again", "unknown", "unknown", "again", "new" }, states)
    local state, why = j.state(2, "c@x.test")
    assert.is_nil(state)
    assert.matches("entry 2 was a b@x.test and is c@x.test now", why)
    j.close()
  end)

  it("goes on behind a line that was broken off", function()
    local file = assert(io.open(path, "wb"))
    file:write "directsend bulk 1\n1 begun a@x.test\n2 be"
    file:close()
    local j = assert(journal.open(path))
    assert.is_nil(j.state(2, "b@x.test"))
    j.write(2, "delivered", "b@x.test")
    j.close()
    j = assert(journal.open(path))
    assert.equal("done", j.state(2, "b@x.test"))
    assert.equal("unknown", j.state(1, "a@x.test"))
    j.close()
  end)

  it("is not some other file, and not where none can be", function()
    local file = assert(io.open(path, "wb"))
    file:write "to,name\n"
    file:close()
    local j, why = journal.open(path)
    assert.is_nil(j)
    assert.matches("is no journal of such a run", why)
    j, why = journal.open "/nonexistent/journal"
    assert.is_nil(j)
    assert.matches("No such file", why)
  end)
end)
