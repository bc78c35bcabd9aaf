-- The module loads, knows its version and builds a message.
local directsend = require "directsend"

assert(directsend._VERSION:match("^directsend %d+%.%d+%.%d+$"), directsend._VERSION)
local message = assert(directsend.message {
  from = "scanner@contoso.test", to = "it@contoso.test", subject = "smoke", text = "No fire.",
})
assert(message:tostring():find("\r\nSubject: smoke\r\n", 1, true), message:tostring())
print(_VERSION, directsend._VERSION)
