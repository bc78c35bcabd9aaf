-- One core, any sockets: the same dialogue by every driver ends in the same
-- rows, and puts the same octets on the wire.

local dialog = require "support.dialog"
local drive = require "support.drive"
local servers = require "support.servers"

local names = {}
for name in pairs(drive.scenarios) do names[#names + 1] = name end
table.sort(names)

local function heard_by(server, sessions)
  local list = server:sessions(sessions)
  for i, s in ipairs(list) do
    assert.is_nil(s.complaint)
    list[i] = s.heard
  end
  return table.concat(list, "\n")
end

local function host_of(d)
  return servers.dialog({ d }, { tls = false })
end

describe("every driver", function()
  local nginx

  setup(function()
    nginx = servers.nginx { locations = { ["/drive"] = [[
      local drive = require "support.drive"
      local args = ngx.req.get_uri_args()
      ngx.print(drive.tell(args.name, "ngx", tonumber(args.port)))
    ]] } }
    nginx.kept = true
  end)

  teardown(function() nginx:stop() end)

  after_each(servers.stop_all)

  for _, name in ipairs(names) do
    it("tells the same of " .. name:gsub("_", " "), function()
      local d = dialog.parse(drive.scenarios[name])
      local memory = drive.memory(d)
      local rows = drive.tell(name, memory, 25)
      assert.is_nil(memory.conn.complaint)
      assert.is_true(memory.conn.closed)
      assert.truthy(rows:find("outcome=", 1, true))

      local native = host_of(d)
      assert.equal(rows, drive.tell(name, "native", native.port))
      local heard = heard_by(native, 1)
      assert.equal(memory.conn.heard, heard:sub(1, #memory.conn.heard))

      local ngx = host_of(d)
      local text, status = nginx:get("/drive?name=" .. name .. "&port="
                                     .. ngx.port)
      assert.equal(200, status)
      assert.equal(rows, text)
      assert.equal(heard, heard_by(ngx, 1))
    end)

    it("tells the same of " .. name:gsub("_", " ")
       .. ", octet by octet", function()
      local d = dialog.parse(drive.scenarios[name])
      local whole = drive.tell(name, drive.memory(d), 25)
      assert.equal(whole, drive.tell(name, drive.memory(d, 1), 25))
    end)
  end
end)
