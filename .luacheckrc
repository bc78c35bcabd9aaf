-- The sources run on 5.1 to 5.4 and LuaJIT: what all of them have, and no
-- globals of our own.
std = "min"
max_line_length = 160
exclude_files = { "build", ".cache" }
files["spec"] = { std = "min+busted" }
files["lua/directsend/driver/ngx.lua"] = { read_globals = { "ngx" } }
