local dialog = require "support.dialog"
local drive = require "support.drive"
local keeper = require "support.keeper"
local process = require "support.process"
local mailers = require "support.mailers"
local servers = require "support.servers"

local function with_config(text, run)
  local name = os.tmpname()
  local file = io.open(name, "w")
  file:write(text)
  file:close()
  local out, ok = run("DIRECTSEND_CONFIG=" .. name)
  os.remove(name)
  return out, ok
end

describe("the example", function()
  after_each(servers.stop_all)

  it("alert.lua delivers", function()
    local server = servers.aiosmtpd { tls = false }
    local out, ok = with_config(
      ("return { hostname = 'c.example', route = '127.0.0.1:%d' }")
      :format(server.port), function(env)
        return process.run("examples/alert.lua", { env = env },
                           "a@contoso.test", "b@example.test", "up")
      end)
    assert.is_true(ok, out)
    assert.truthy(out:find("b@example.test\tdelivered\t127.0.0.1\t250", 1,
                           true), out)
  end)

  it("alert.lua says why not", function()
    local out, ok = with_config("return { accepted_domains = 'contoso.test' }",
      function(env)
        return process.run("examples/alert.lua", { env = env },
                           "a@contoso.test", "b@example.test", "up")
      end)
    assert.is_false(ok)
    assert.truthy(out:find("not among accepted_domains", 1, true), out)
  end)

  it("driver.lua tells the same as the others", function()
    for name, text in pairs(drive.scenarios) do
      local d = dialog.parse(text)
      local host = servers.dialog({ d }, { tls = false })
      assert.equal(drive.tell(name, drive.memory(d), 25),
                   drive.tell(name, dofile "examples/driver.lua", host.port), name)
      assert.is_nil(host:sessions(1)[1].complaint)
      host:stop()
    end
  end)

  it("driver.lua finds hosts by the DNS, and delivers under TLS", function()
    local nsd = servers.nsd { ["example.test"] = "@ MX 5 mx\nmx A 127.0.0.1" }
    local server = servers.aiosmtpd {}
    local m = mailers.to(server.port, {
      driver = dofile "examples/driver.lua", route = "mx", port = server.port,
      allow_private = true, dns = { servers = "127.0.0.1:" .. nsd.port },
      tls = "required",
    })
    local report = assert(m:send(mailers.alert { text = ("hello\n"):rep(20000) }))
    assert.equal("delivered", report[1].outcome)
    assert.equal("mx.example.test", report[1].host)
    m = mailers.to(server.port, { driver = dofile "examples/driver.lua",
                                  source_address = "127.0.0.2" })
    local none, why = m:send(mailers.alert())
    assert.is_nil(none)
    assert.matches("cannot bind", why)
  end)

  -- nginx.conf for this machine: what it says of places is put right, and
  -- mail goes to this port; more: directives for its http block
  local function nginx_conf(dir, port, more)
    local tree = keeper.tree
    local function put(text, from, to)
      local at, last = text:find(from, 1, true)
      assert(at, from)
      return text:sub(1, at - 1) .. to .. text:sub(last + 1)
    end
    local text = keeper.read "examples/nginx.conf"
    for _, name in ipairs { "ndk_http", "ngx_http_lua" } do
      name = name .. "_module.so"
      text = put(text, "modules/" .. name,
                 tree .. "/usr/lib/nginx/modules/" .. name)
    end
    text = text:gsub("/usr/local/share/lua/5.1", keeper.root .. "/lua")
    text = put(text, "/usr/local/lib/lua/5.1", keeper.root .. "/build/jit")
    text = put(text, "init.lua;;", "init.lua;" .. tree
                                   .. "/usr/share/lua/5.1/?.lua;;")
    text = put(text, "8080", "127.0.0.1:@PORT@")
    text = put(text, "http://127.0.0.1:8000", "http://unix:" .. dir .. "/none:")
    text = put(text, 'tls = "required"', ('tls = "required", hostname = '
      .. '"c.example", route = "127.0.0.1:%d"'):format(port))
    text = put(text, "http {", "http {\naccess_log off;\n" .. (more or "")
      .. ("client_body BODY; proxy P; fastcgi F; uwsgi U; scgi S;")
         :gsub("([%a_]+) (%u+);", "%1_temp_path " .. dir .. "/%2;\n"))
    return (keeper.uid == "0" and "user root;\n" or "")
           .. ("daemon off;\npid %s/pid;\nerror_log %s/log info;\n")
              :format(dir, dir) .. text
  end

  local function words(dir)
    return { keeper.tree .. "/usr/sbin/nginx", "-p", dir, "-e", dir .. "/log",
             "-c", dir .. "/nginx.conf" }
  end

  local function nginx(port, more)
    local dir = keeper.folder()
    local server = keeper.start("nginx", dir,
      { ["nginx.conf.in"] = nginx_conf(dir, port, more) }, words(dir))
    function server:get(path)
      return keeper.output(("%s -S %s/get.py %d %s"):format(
        keeper.python, keeper.quote(keeper.support), self.port, path))
    end
    return server
  end

  local function subjects(server, n)
    for _ = 1, 400 do -- the log phase does not wait for its timer
      if #server:messages() == n then break end
      os.execute "sleep 0.05"
    end
    local list = {}
    for i, m in ipairs(server:messages()) do
      list[i] = m.raw:match "Subject: ([^\r]*)"
    end
    return list
  end

  it("nginx.conf sends from a request and from the log phase", function()
    local server = servers.aiosmtpd {}
    local web = nginx(server.port)
    assert.truthy(web:get "/quota":find "^200\n250 ", web:log())
    assert.truthy(web:get "/broken":find "^502\n", web:log())
    assert.same({ "quota", "5xx" }, subjects(server, 2))
    -- and what comes after that within a minute is no news
    web:get "/broken"
    web:get "/quota"
    assert.same({ "quota", "5xx", "quota" }, subjects(server, 3))
  end)

  it("nginx.conf may be changed while nginx runs", function()
    local server = servers.aiosmtpd {}
    local web = nginx(server.port, "lua_code_cache off;\n")
    for _ = 1, 3 do
      assert.truthy(web:get "/quota":find "^200\n250 ", web:log())
    end
    assert.truthy(web:get "/broken":find "^502\n", web:log())
    assert.same({ "quota", "quota", "quota", "5xx" }, subjects(server, 4))
    assert.falsy(web:log():find("exited on signal", 1, true), web:log())
  end)

  it("nginx.conf passes nginx's own test", function()
    local dir = os.tmpname()
    os.remove(dir)
    os.execute("mkdir " .. dir)
    local text = nginx_conf(dir, 25)
    keeper.write(dir .. "/nginx.conf", (text:gsub("127.0.0.1:@PORT@",
                                                  "unix:" .. dir .. "/socket")))
    local out = keeper.output("env -u LD_PRELOAD -u LUA_PATH -u LUA_CPATH "
      .. "LD_LIBRARY_PATH=" .. keeper.libraries .. " "
      .. table.concat(words(dir), " ") .. " -t 2>&1")
    os.execute("rm -r " .. dir)
    assert.truthy(out:find("test is successful", 1, true), out)
  end)
end)
