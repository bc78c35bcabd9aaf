--- Published messages, keys and records for the specs of dkim.

local vectors = {}

local function read(name)
  local file = assert(io.open("spec/vectors/dkim/" .. name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

--- A message, its lines ended by CRLF.
function vectors.message(name)
  return (read(name):gsub("\r?\n", "\r\n"))
end

local function unbase64(text)
  return assert(require("directsend.test").dkim.base64(text))
end

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- Octets as base64, written another way than the library writes it.
function vectors.base64(octets)
  local out = {}
  for i = 1, #octets, 3 do
    local a, b, c = octets:byte(i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    for k = 1, 4 do
      local six = math.floor(n / 64 ^ (4 - k)) % 64
      local there = k <= 2 or k == 3 and b or c
      out[#out + 1] = there and alphabet:sub(six + 1, six + 1) or "="
    end
  end
  return table.concat(out)
end

local seed = unbase64(read("rfc8463-ed25519.seed"))
local pkcs8 = "\48\46\2\1\0\48\5\6\3\43\101\112\4\34\4\32" -- what PKCS#8 has in front of a seed

vectors.rsa = read("rfc8463-rsa.pem")
vectors.ed25519 = ("-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n"):format(
  vectors.base64(pkcs8 .. seed))
vectors.example = read("example.pem")

local function public(name)
  return "v=DKIM1; p=" .. read(name):gsub("%-%-%-%-%-[^\n]*", ""):gsub("%s", "")
end

--- What the DNS says, by name.
vectors.records = {
  ["brisbane._domainkey.football.example.com"] = "v=DKIM1; k=ed25519; "
    .. "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
  ["test._domainkey.football.example.com"] = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQ"
    .. "oBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+"
    .. "PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
  ["20120113._domainkey.gmail.com"] = public("gmail.pub"),
}
vectors.example_record = public("example.pub")

return vectors
