-- pieces: one text cut in many ways, to show that chunks do not matter.

local function split(s, size)
  local out = {}
  for i = 1, #s, size do out[#out + 1] = s:sub(i, i + size - 1) end
  return out
end

-- the cuts of s: whole, octet by octet, and some sizes between
return function(s)
  local out = { { s } }
  for _, size in ipairs { 1, 2, 3, 7, 56, 57, 58, 512, 2048, 4099 } do
    if size == 1 or size < #s then out[#out + 1] = split(s, size) end
  end
  return out
end
