-- The sources run on 5.1 to 5.4 and LuaJIT: what all of them have, and no
-- globals of our own.
std = "min"
-- what one version has under another name, and is asked for as such
read_globals = { "jit", "setfenv", "unpack", table = { fields = { "unpack" } } }
max_line_length = 160
exclude_files = { "build", ".cache" }
-- core.next in their place, which says why
files["lua"] = { not_globals = { "next", "pairs" } }
files["spec"] = { std = "min+busted" }
files["lua/directsend/driver/ngx.lua"] = { read_globals = { "ngx" } }
files["bin/directsend"] = { globals = { "_" } }
