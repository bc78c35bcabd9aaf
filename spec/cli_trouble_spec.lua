-- What the command says, and how it ends, where something is not as it should
-- be besides what cli_spec.lua has.

local cjson = require "cjson"
local command = require "support.command"
local dialog = require "support.dialog"
local drive = require "support.drive"
local process = require "support.process"
local servers = require "support.servers"

local letter = { "--from", "a@contoso.test", "--to", "b@example.test",
                 "--subject", "s" }

local function words(...)
  local out = {}
  for _, group in ipairs { ... } do
    for _, word in ipairs(group) do out[#out + 1] = word end
  end
  return out
end

local function pinned(port)
  return { "--route", "*=127.0.0.1:" .. port, "--hostname", "client.example" }
end

local function send(server, ...)
  return words({ "send" }, letter, { "--text", "hello" }, pinned(server.port),
               { ... })
end

-- a file with this text, for as long as test runs
local function with_file(text, test)
  local name = os.tmpname()
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
  local ok, why = pcall(test, name)
  os.remove(name)
  if not ok then error(why, 0) end
end

local function contents(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function one_line(err)
  assert.truthy(err:find "^directsend: [^%c]+\n$", err)
end

describe("the command, in trouble,", function()
  after_each(servers.stop_all)

  describe("with a standard input that cannot be read,", function()
    for what, from in pairs { ["a folder"] = "</", ["none"] = "<&-" } do
      it("sends nothing and ends with 65: " .. what, function()
        local server = servers.aiosmtpd { tls = false }
        with_file("", function(err)
          local status = command(words({ "send" }, letter, pinned(server.port)),
                                 { shell = "2>" .. err .. " " .. from })
          assert.equal(65, status)
          assert.truthy(contents(err):find("standard input: ", 1, true))
          one_line(contents(err))
        end)
        assert.equal(0, #server:messages())
      end)
    end

    it("plans all the same, for it reads none", function()
      for _, from in ipairs { "</", "<&-" } do
        local status = command(words({ "plan" }, letter, pinned(1)),
                               { shell = ">/dev/null " .. from })
        assert.equal(0, status)
      end
    end)
  end)

  describe("with an option that will not do,", function()
    it("names the option, not the key it stands for", function()
      for said, case in pairs {
        ["--to: 'b': there is no domain to add to a bare name"] = { 64, "--to", "b" },
        ["--cc: 'b@x': a mail domain has at least two labels"] = { 64, "--to", "a@b.cd", "--cc", "b@x" },
        ["--to: names no recipient"] = { 64 },
        ["--from: 'x y@b.cd': "] = { 64, "--to", "a@b.cd", "--from", "x y@b.cd" },
        ["--attach: /none/x: No such file or directory"] = { 65, "--to", "a@b.cd", "--attach", "/none/x" },
        ["--html-file: /none/x: No such file or directory"] = { 65, "--to", "a@b.cd", "--html-file", "/none/x" },
        ["--text-file: /none/x: No such file or directory"] = { 65, "--to", "a@b.cd", "--text-file", "/none/x" },
        ["--inline: /none/x: No such file or directory"] = { 65, "--to", "a@b.cd", "--inline", "x=/none/x", "--html-file",
                                                             "README.md" },
        ["--header: Date is what the key date is for"] = { 65, "--to", "a@b.cd", "--header", "Date: x" },
        ["--header reply-to: 'x': there is no domain"] = { 65, "--to", "a@b.cd", "--header", "Reply-To: x" },
        ["--header message-id: a Message-ID is "] = { 65, "--to", "a@b.cd", "--header", "Message-ID: x" },
        ["--port: \"0\" is no whole number"] = { 64, "--to", "a@b.cd", "--port", "0" },
        ["--ca-file: is empty"] = { 64, "--to", "a@b.cd", "--ca-file", "" },
        ["--dns: \"x\" is no address"] = { 64, "--to", "a@b.cd", "--dns", "x" },
        ["--timeout: \"x\" is no time"] = { 64, "--to", "a@b.cd", "--timeout", "x" },
        ["--route: "] = { 64, "--to", "a@b.cd", "--route", "a b=c.de" },
      } do
        local status = table.remove(case, 1)
        local all = words({ "render" }, case)
        local has = table.concat(case, " ")
        if not has:find "%-%-from" then all = words(all, { "--from", "a@contoso.test" }) end
        if not has:find "%-%-text" then all = words(all, { "--text", "x" }) end
        local got, out, err = command(all)
        assert.equal("directsend: " .. said, err:sub(1, #said + 12), err)
        assert.equal(status, got, said)
        assert.equal("", out)
        one_line(err)
      end
    end)

    it("names the configuration's key where that is at fault", function()
      with_file("return { from = 'x' }", function(name)
        local _, _, err = command { "render", "--config", name, "--to", "a@b.cd", "--text", "x" }
        assert.equal("directsend: " .. name .. ": from: ", err:sub(1, #name + 20), err)
      end)
    end)
  end)

  describe("with a configuration that is wrong,", function()
    local function ends(text, more, said)
      with_file(text, function(name)
        local status, out, err = command(words({ "send", "--config", name },
          { "--to", "b@example.test", "--text", "x" }, more))
        assert.equal(78, status, err)
        assert.equal("", out)
        one_line(err)
        assert.equal("directsend: " .. name .. ":",
                     err:sub(1, #name + 13), err)
        assert.truthy(err:find(said, 1, true), err)
      end)
    end

    it("ends with 78 and one line that names the file", function()
      ends("return { timeout = 5 }", { "--timeout", "7" },
           "timeout: expected table, got number")
      ends("return { dns = '127.0.0.1' }", { "--dns", "127.0.0.1" },
           "dns: expected table, got string")
      ends("return { route = 5 }", { "--route", "a.test=b.test" },
           "expected string, got number")
      ends("return { from = 5 }", {}, "from: expected string or table")
      ends("return { from = { nmae = 'x' } }", {}, "'nmae'")
      ends("return { from = 'a@@b' }", {}, "from: ")
      ends("return { driver = 'ngx' }", {},
           "the driver ngx works inside nginx only")
      ends("return { port = 0 }", {}, "port: ")
      ends("return {", {}, ":1: ")
      ends("return { ['a\\nb'] = 1 }", {}, "unknown key 'a?b'")
    end)

    it("does not blame the file for an option", function()
      with_file("return { tls = 'off' }", function(name)
        local status, _, err = command(words({ "send", "--config", name,
          "--port", "0", "--text", "x" }, letter))
        assert.equal(64, status)
        assert.falsy(err:find(name, 1, true), err)
      end)
    end)
  end)

  describe("with an output that takes nothing,", function()
    -- its status and what it complained of
    local function into_full(list)
      local status, err
      with_file("", function(name)
        status = command(list, { shell = ">/dev/full </dev/null 2>" .. name })
        err = contents(name)
      end)
      return status, err
    end

    it("ends a render with 74", function()
      for _, text in ipairs { "hello", ("x\n"):rep(100000) } do
        with_file(text, function(name)
          local status, err = into_full(words({ "render", "--text-file", name },
                                              letter))
          assert.equal(74, status)
          one_line(err)
          assert.truthy(err:find("standard output: ", 1, true), err)
        end)
      end
    end)

    it("ends a plan and a version with 74", function()
      for _, list in ipairs { words({ "plan" }, letter, pinned(1)),
                              words({ "plan", "--json" }, letter, pinned(1)),
                              { "version" } } do
        local status, err = into_full(list)
        assert.equal(74, status)
        one_line(err)
      end
    end)

    it("tells the status of the mail nevertheless", function()
      local server = servers.aiosmtpd { tls = false, replies = { rcpt = {
        ["c@example.test"] = "550 5.1.1 no" } } }
      for _, more in ipairs { "--quiet", "--json", "--no-auto" } do
        local status, err = into_full(send(server, "--tls", "off", more))
        assert.equal(0, status)
        local told = err:find("^directsend: standard output: ") ~= nil
        assert.equal(more ~= "--quiet", told, err)
      end
      assert.equal(69, (into_full(words({ "send", "--to", "c@example.test",
        "--text", "x" }, { "--from", "a@contoso.test" }, pinned(server.port)))))
    end)
  end)

  describe("with options that will not do,", function()
    it("prints JSON where JSON was asked for", function()
      for _, wrong in ipairs { { "send", "--json", "--form", "x" },
                               { "sned", "--json" }, { "--json" },
                               { "plan", "--tls", "off", "--json", "--tls" } } do
        local status, out, err = command(wrong)
        assert.equal(64, status)
        local report = cjson.decode(out)
        assert.is_false(report.ok)
        assert.equal("usage", report.detail.kind)
        assert.equal("directsend: " .. report.error .. "\n", err)
      end
    end)

    it("speaks in one line, and not a long one", function()
      local long = ("x"):rep(10000)
      for _, list in ipairs { { "send", "--a\nb" }, { "a\nb\27[2J" },
                              { long },
                              { "send", "--form", "x" },
                              { "send", "--text", "x", "--inline", "a\nb" },
                              { "send", "--text", "x", "--tls",
                                "a\nb\7" .. long },
                              { "send", "--text", "x", "--route",
                                "a\nb=h" .. long } } do
        local status, _, err = command(list)
        assert.equal(64, status)
        one_line(err)
        assert.is_true(#err < 500, err)
      end
    end)

    it("names an option that is said twice", function()
      for _, name in ipairs { "--from", "--subject", "--text", "--tls",
                              "--config", "--timeout", "--trace" } do
        local status, _, err = command { "send", name, "x", name, "y" }
        assert.equal(64, status)
        assert.truthy(err:find(name, 1, true), err)
      end
      local status, _, err = command { "send", "--text", "x",
                                       "--text-file", "y" }
      assert.equal(64, status)
      assert.truthy(err:find("--text-file", 1, true), err)
    end)
  end)

  describe("in clear,", function()
    it("says so and why, but where told to be quiet or send so", function()
      local server = servers.aiosmtpd { tls = false }
      local status, out, err = command(send(server))
      assert.equal(0, status)
      local note = "STARTTLS is not offered\n"
      assert.equal("directsend: b@example.test: delivered in clear: " .. note,
                   err)
      assert.truthy(out:find("tls.note=" .. note, 1, true), out)
      for _, more in ipairs { { "--tls", "off" }, { "--quiet" } } do
        status, out, err = command(send(server, more[1], more[2]))
        assert.equal(0, status)
        assert.equal("", err)
        assert.falsy(out:find("note", 1, true))
      end
    end)
  end)

  describe("interrupted,", function()
    local function interrupt(more, test)
      local d = dialog.parse(drive.scenarios.silent)
      local server = servers.dialog({ d }, { tls = false })
      local function run(trace, out, err)
        local list = words(send(server, "--trace=" .. trace), more)
        local status = command(list, { shell = ([[>%s 2>%s </dev/null &
          p=$!; n=0
          until grep -q EHLO %s || [ $n = 400 ]; do
            sleep 0.05; n=$((n+1))
          done
          kill -INT $p; wait $p]]):format(out, err, trace) })
        test(status, contents(out), contents(err))
      end
      with_file("", function(trace)
        with_file("", function(out)
          with_file("", function(err) run(trace, out, err) end)
        end)
      end)
    end

    it("ends with 75 and no traceback", function()
      interrupt({}, function(status, _, err)
        assert.equal(75, status, err)
        assert.falsy(err:find("traceback", 1, true), err)
        assert.truthy(err:find("interrupted", 1, true), err)
        one_line(err)
      end)
    end)

    it("has its JSON", function()
      interrupt({ "--json" }, function(status, out)
        assert.equal(75, status)
        local report = cjson.decode(out)
        assert.is_false(report.ok)
        assert.truthy(report.error:find("interrupted", 1, true), report.error)
      end)
    end)

    it("wherever it is", function()
      local init = "package.preload['directsend.plan'] = function() "
                   .. "return function() error('x:1: interrupted!', 0) end end"
      local status, _, err = command(words({ "plan" }, letter), {
        env = "LUA_INIT=" .. process.quote(init) })
      assert.equal(75, status, err)
      one_line(err)
    end)
  end)

  it("tells a bug for what it is", function()
    local init = "package.preload['directsend.plan'] = function() "
                 .. "return function() error('a bug', 0) end end"
    local status, _, err = command(words({ "plan" }, letter), {
      env = "LUA_INIT=" .. process.quote(init) })
    assert.equal(1, status)
    assert.truthy(err:find("a bug", 1, true))
  end)
end)
