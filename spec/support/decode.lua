-- decode: what readers do to transfer encodings, written to be plain.

local decode = {}

function decode.qp(s)
  s = s:gsub("[ \t]+\r\n", "\r\n"):gsub("=\r\n", "")
  return (s:gsub("=(%x%x)", function(h) return string.char(tonumber(h, 16)) end))
end

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local value = {}
for i = 1, 64 do value[alphabet:byte(i)] = i - 1 end

function decode.base64(s)
  local out, bits, n = {}, 0, 0
  for i = 1, #s do
    local v = value[s:byte(i)]
    if v then
      bits, n = bits * 64 + v, n + 6
      if n >= 8 then
        n = n - 8
        local octet = math.floor(bits / 2 ^ n)
        out[#out + 1] = string.char(octet)
        bits = bits - octet * 2 ^ n
      end
    end
  end
  return table.concat(out)
end

-- the encoded words of a header's value, joined as RFC 2047 §6.2 has it
function decode.words(s)
  s = s:gsub("%?=%s+=%?", "?==?")
  return (s:gsub("=%?utf%-8%?([QB])%?(.-)%?=", function(how, text)
    if how == "B" then return decode.base64(text) end
    return decode.qp((text:gsub("_", " ")))
  end))
end

function decode.unfold(s)
  return (s:gsub("\r\n([ \t])", "%1"):gsub("\r\n$", ""))
end

return decode
