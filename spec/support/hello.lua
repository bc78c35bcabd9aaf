--- The fields of a ClientHello (RFC 8446 §4.1.2).

local hello = {}

--- {suites=, session=, compression=, extensions = bytes by number} of the record that `bytes` begin with.
function hello.parse(bytes)
  local at = 1
  local function take(n)
    local part = bytes:sub(at, at + n - 1)
    assert(#part == n, "a hello that ends early")
    at = at + n
    return part
  end
  local function number(n)
    local value = 0
    for _ = 1, n do
      value = value * 256 + take(1):byte()
    end
    return value
  end
  assert(number(1) == 22, "no handshake record")
  take(2 + 2 + 1 + 3 + 2 + 32)
  local h = { session = take(number(1)), extensions = {} }
  h.suites = take(number(2))
  h.compression = take(number(1))
  local left = number(2)
  while left > 0 do
    local kind = number(2)
    h.extensions[kind] = take(number(2))
    left = left - 4 - #h.extensions[kind]
  end
  return h
end

--- The ticket a hello offers: TLS 1.3's identity, or TLS 1.2's; nil when it offers none.
function hello.ticket(bytes)
  local of = hello.parse(bytes).extensions
  if of[41] then
    return of[41]:sub(5, 4 + of[41]:byte(3) * 256 + of[41]:byte(4))
  end
  return of[35] ~= "" and of[35] or nil
end

return hello
