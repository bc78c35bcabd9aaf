--- Other people's verifiers, each over many messages: Mail::DKIM knows RSA
-- alone, dkimpy, OpenDKIM and mailauth (which .ci/test-readers gets from npm)
-- Ed25519 as well.
--
--   readers.dkimpy(messages, records)   { "pass", "fail pass", … }

local keeper = require "support.keeper"

local quote, write = keeper.quote, keeper.write
local support, tree = keeper.support, keeper.tree
local readers = {}

-- f with a folder that holds the messages as 1, 2, … and "records"
local function with_files(messages, records, f)
  local dir = keeper.folder()
  local lines, names = {}, {}
  for name, text in pairs(records) do lines[#lines + 1] = name .. " " .. text .. "\n" end
  write(dir .. "/records", table.concat(lines))
  for i, message in ipairs(messages) do
    names[i] = quote(dir .. "/" .. i)
    write(dir .. "/" .. i, message)
  end
  local out = f(dir, table.concat(names, " "))
  keeper.output("rm -r " .. quote(dir))
  return out
end

local function lines_of(text)
  local out = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do out[#out + 1] = line end
  return out
end

local function reader(command)
  return function(messages, records)
    return with_files(messages, records, function(dir, names)
      return lines_of(keeper.output(("unset LD_PRELOAD; %s %s %s"):format(command, quote(dir .. "/records"), names)))
    end)
  end
end

-- with the modules a machine has that lacks Debian's package perl
local perl = ("cd %s && PERL5LIB=$(ls -d $PWD/usr/share/perl5 $PWD/usr/share/perl/* $PWD/usr/lib/*/perl*/* 2>/dev/null "
  .. "| tr '\\n' ':') perl"):format(quote(tree))

readers.dkimpy = reader(("PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=%s %s %s"):format(
  quote(tree .. "/usr/lib/python3/dist-packages"), keeper.python, quote(support .. "/dkim_dkimpy.py")))
readers.mailauth = reader(("NODE_PATH=%s node %s"):format(
  quote(keeper.root .. "/.cache/mailauth/node_modules"), quote(support .. "/dkim_mailauth.js")))
readers.maildkim = reader(perl .. " " .. quote(support .. "/dkim_maildkim.pl"))

local conf = [[
TestDNSData %s/records
Mode v
Background no
Syslog no
]]

function readers.opendkim(messages, records)
  return with_files(messages, records, function(dir)
    write(dir .. "/conf", conf:format(dir))
    return lines_of(keeper.output(([[unset LD_PRELOAD; cd %s; libraries=$(dirname $(find %s/usr/lib -name '*.so.*') | sort -u | tr '\n' ':')
      for i in $(seq %d); do
        LD_LIBRARY_PATH=$libraries %s/usr/sbin/opendkim -x conf -t $i -v -v 2>&1 |
          grep -o 'dkim=[a-z]*' | sed 's/dkim=//' | tr '\n' ' ' | sed 's/ $//'
        echo
      done]]):format(quote(dir), quote(tree), #messages, quote(tree))))
  end)
end

return readers
