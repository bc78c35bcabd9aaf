local process = require "support.process"
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

local function read(name)
  local file = assert(io.open(name))
  local text = file:read "*a"
  file:close()
  return text
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

  it("nginx.conf sends from a request and from the log phase", function()
    local server = servers.aiosmtpd {}
    local text = read "examples/nginx.conf"
    local init = text:match "init_worker_by_lua_block (%b{})"
    local quota = text:match "/quota {%s*content_by_lua_block (%b{})"
    local log = text:match "log_by_lua_block (%b{})"
    init = init:gsub("tls = \"required\"", ("%%0, hostname = 'c.example', "
      .. "route = '127.0.0.1:%d'"):format(server.port))
    local nginx = servers.nginx {
      http = "init_worker_by_lua_block " .. init, locations = {},
      server = "location = /quota { content_by_lua_block " .. quota .. " }\n"
               .. "location / { return 500; log_by_lua_block " .. log .. " }",
    }
    local body, status = nginx:get "/quota"
    assert.equal(200, status, nginx:log())
    assert.truthy(body:find "^250 ", body)
    nginx:get "/broken"
    local subjects = {}
    for _ = 1, 200 do -- the log phase does not wait for its timer
      if #server:messages() == 2 then break end
      os.execute "sleep 0.05"
    end
    for i, m in ipairs(server:messages()) do
      subjects[i] = m.raw:match "Subject: ([^\r]*)"
    end
    assert.same({ "quota", "5xx" }, subjects)
  end)
end)
