-- sealing: S/MIME: what the key smime asks for, done to a finished message.

local check = require "directsend.check"
local core = require "directsend.core"
local mailbox = require "directsend.mailbox"
local sources = require "directsend.sources"
local warnings = require "directsend.warnings"

local sealing = {}

local UTF8 = 2 -- what core.message's flags say of SMTPUTF8

local function options(t, settings)
  check.keys(t, { sign = "table", encrypt = "string|table" }, "smime")
  local sign, encrypt = rawget(t, "sign"), rawget(t, "encrypt")
  if sign then
    check.keys(sign, { cert = "string", key = "string", chain = "string" },
               "smime.sign")
  end
  if type(encrypt) == "string" then encrypt = { encrypt } end
  for i = 1, encrypt and mailbox.list(encrypt, "smime.encrypt") or 0 do
    check.type(rawget(encrypt, i), "string", ("smime.encrypt[%d]"):format(i))
  end
  return { sign = sign, encrypt = encrypt,
           time = math.floor(settings.time or core.epoch()) }
end

-- sealing.new: keys and certificates read and found good, and the settings for
-- what is to be sealed; nil, message, detail
function sealing.new(t, settings)
  local given = options(t, settings)
  local loaded, smime = pcall(require, "directsend.smime")
  if not loaded then
    return nil, "smime: " .. smime, { kind = "usage", field = "smime" }
  end
  local seal, why, detail = smime.seal(given)
  if seal then
    return seal, setmetatable({ care = given.sign and "signed" or "7bit" },
                              { __index = settings })
  end
  if detail.kind ~= "local" then
    detail.field = "smime" .. (detail.field and "." .. detail.field or "")
    why = detail.field .. ": " .. why
  end
  return nil, why, detail
end

-- a header's fields: those that stay in front, and those that say what the
-- body is and go inside with it (RFC 8551 §3.1)
local function split(header)
  local fields, kind = { outer = {}, inner = {} }, "outer"
  for line in header:gmatch "[^\n]*\n" do
    if not line:find "^[ \t]" then
      kind = line:lower():find "^content%-" and "inner" or "outer"
    end
    table.insert(fields[kind], line)
  end
  return table.concat(fields.outer), table.concat(fields.inner)
end

local function boundary(settings)
  local octets = (settings.random or core.random)(16)
  return ("=_s%d_"):format(settings.nested or 0)
         .. octets:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
end

-- write the message sealed into the spool; nil, message, detail
local function spool_sealed(m, seal, spool, settings)
  local header = ""
  local function write(octets, why)
    if octets then return spool:write(octets) end
    return nil, why
  end
  local function take(_, piece)
    if not header then return write(seal:feed(piece)) end
    header = header .. piece
    local stop = header:find("\r\n\r\n", 1, true)
    if not stop then return true end
    local outer, inner = split(header:sub(1, stop + 1))
    local rest = inner .. header:sub(stop + 2)
    header = nil
    local ok, why = spool:write(outer)
    if ok then ok, why = write(seal:begin(boundary(settings))) end
    if ok then ok, why = write(seal:feed(rest)) end
    return ok, why
  end
  local ok, why, detail = m:write { file = { write = take } }
  if ok then ok, why = write(seal:finish()) end
  if ok then return ok end
  return nil, why, detail or { kind = "local" }
end

-- sealing.apply: the message m sealed, its envelope and all else as it was;
-- nil, message, detail
function sealing.apply(m, seal, settings)
  local spool, sealed = sources.spool(settings), core.message()
  local ok, why, detail = spool_sealed(m, seal, spool, settings)
  if ok then
    ok, why = sealed:raw(spool)
    detail = { kind = "local" }
  end
  if not ok then
    spool:close()
    return nil, why, detail
  end
  m.core:close()
  local utf8 = m.flags % (2 * UTF8) >= UTF8
  m.core, m.flags, m.readers = sealed, sealed:flags(), nil
  if utf8 and m.flags % (2 * UTF8) < UTF8 then m.flags = m.flags + UTF8 end
  warnings.add(m, seal:warnings())
  return m
end

return sealing
