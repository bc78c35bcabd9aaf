rockspec_format = "3.0"
package = "directsend"
version = "scm-1"
source = {
  url = "file://.", -- built from a checkout: luarocks make
}
description = {
  summary = "Delivers mail straight to the recipient's MX",
  detailed = "Port 25, STARTTLS, no account, no relay; from plain Lua and from inside nginx.",
  license = "MIT",
}
supported_platforms = { "linux" }
-- the command also wants argparse, and lua-cjson for --json
dependencies = { "lua >= 5.1, < 5.5" }
external_dependencies = {
  OPENSSL = { header = "openssl/ssl.h" },
}
test_dependencies = { "busted", "lua-cjson", "argparse" }
test = { type = "busted" }

local util = {
  "src/util/addr.c", "src/util/buf.c", "src/util/content.c", "src/util/err.c",
  "src/util/mem.c",
}
local core = {
  "src/deliver/answer.c", "src/deliver/ask.c", "src/deliver/attempt.c",
  "src/deliver/best.c", "src/deliver/config.c", "src/deliver/connect.c",
  "src/deliver/dane.c", "src/deliver/delivery.c", "src/deliver/discover.c",
  "src/deliver/family.c", "src/deliver/feed.c", "src/deliver/judge.c",
  "src/deliver/kept.c", "src/deliver/level.c", "src/deliver/limit.c",
  "src/deliver/outcome.c", "src/deliver/peer.c", "src/deliver/policy.c",
  "src/deliver/provider.c", "src/deliver/resolve.c", "src/deliver/secure.c",
  "src/deliver/sts.c", "src/deliver/tlsrpt.c", "src/deliver/work.c", "src/dns/answer.c",
  "src/dns/conf.c", "src/dns/message.c", "src/dns/mx.c", "src/dns/query.c",
  "src/http/response.c", "src/mime/address.c", "src/mime/base64.c",
  "src/mime/base64_arm.c", "src/mime/base64_x86.c", "src/mime/calendar.c",
  "src/mime/crlf.c", "src/mime/date.c", "src/mime/domain.c", "src/mime/encode.c",
  "src/mime/field.c", "src/mime/ident.c", "src/mime/kernel.c", "src/mime/layout.c",
  "src/mime/mailbox.c", "src/mime/media.c", "src/mime/message.c", "src/mime/param.c",
  "src/mime/part.c", "src/mime/qp.c", "src/mime/qp_arm.c", "src/mime/qp_x86.c",
  "src/mime/raw.c", "src/mime/scan.c", "src/mime/stream.c", "src/mime/utf8.c",
  "src/mime/word.c", "src/net/connect.c", "src/net/file.c", "src/net/heap.c",
  "src/net/loop.c", "src/net/obey.c", "src/net/pool.c", "src/net/secret.c",
  "src/net/socket.c", "src/net/spool.c", "src/net/state.c", "src/net/sys.c",
  "src/net/watch.c", "src/session/fetch.c", "src/session/limit.c",
  "src/session/session.c", "src/session/trace.c", "src/session/wire.c",
  "src/smtp/auth.c", "src/smtp/base64.c", "src/smtp/body.c", "src/smtp/command.c",
  "src/smtp/engine.c", "src/smtp/engine_auth.c", "src/smtp/engine_begin.c",
  "src/smtp/engine_body.c", "src/smtp/engine_reply.c", "src/smtp/engine_send.c",
  "src/smtp/engine_txn.c", "src/smtp/ext.c", "src/smtp/reply.c", "src/smtp/scram.c",
  "src/smtp/text.c", "src/tls/peer.c", "src/lua/address.c", "src/lua/class.c",
  "src/lua/compat.c", "src/lua/content.c", "src/lua/core.c", "src/lua/delivery.c",
  "src/lua/delivery_answer.c", "src/lua/delivery_config.c", "src/lua/delivery_message.c",
  "src/lua/field.c", "src/lua/kept.c", "src/lua/loop.c", "src/lua/message.c",
  "src/lua/message_head.c", "src/lua/mime.c", "src/lua/op.c", "src/lua/question.c",
  "src/lua/row.c", "src/lua/state.c", "src/lua/watch.c",
}
local tls = {
  "src/crypto/openssl.c", "src/crypto/pem.c", "src/tls/client.c", "src/tls/crypto.c",
  "src/tls/ctx.c", "src/tls/dane.c", "src/tls/peer.c", "src/tls/sessions.c",
  "src/tls/stream.c", "src/tls/trust.c", "src/tls/verify.c", "src/tls/words.c",
  "src/lua/class.c", "src/lua/compat.c", "src/lua/field.c", "src/lua/tls.c",
  "src/net/secret.c",
}
local dkim = {
  "src/crypto/openssl.c", "src/crypto/pem.c", "src/dkim/canon.c", "src/dkim/hash.c",
  "src/dkim/header.c", "src/dkim/key.c", "src/dkim/pass.c", "src/dkim/pem.c",
  "src/dkim/sign.c", "src/dkim/signer.c", "src/dkim/tags.c", "src/dkim/verify.c",
  "src/lua/class.c", "src/lua/compat.c", "src/lua/dkim.c", "src/lua/dkim_key.c",
  "src/lua/dkim_sign.c", "src/lua/dkim_verify.c", "src/lua/field.c", "src/net/secret.c",
}
local smime = {
  "src/crypto/openssl.c", "src/crypto/pem.c", "src/smime/encrypt.c", "src/smime/fit.c",
  "src/smime/lines.c", "src/smime/seal.c", "src/smime/sign.c", "src/smime/smime.c",
  "src/lua/class.c", "src/lua/compat.c", "src/lua/field.c", "src/lua/smime.c",
  "src/net/secret.c",
}
for i = 1, #util do
  core[#core + 1] = util[i]
  tls[#tls + 1] = util[i]
  dkim[#dkim + 1] = util[i]
  smime[#smime + 1] = util[i]
end

local modules = {
  ["directsend.body"] = "lua/directsend/body.lua",
  ["directsend.built"] = "lua/directsend/built.lua",
  ["directsend.bulk"] = "lua/directsend/bulk.lua",
  ["directsend.check"] = "lua/directsend/check.lua",
  ["directsend.cli"] = "lua/directsend/cli.lua",
  ["directsend.config"] = "lua/directsend/config.lua",
  ["directsend.configfile"] = "lua/directsend/configfile.lua",
  ["directsend.context"] = "lua/directsend/context.lua",
  ["directsend.destination"] = "lua/directsend/destination.lua",
  ["directsend.dkimcommand"] = "lua/directsend/dkimcommand.lua",
  ["directsend.driver.choice"] = "lua/directsend/driver/choice.lua",
  ["directsend.driver.connector"] = "lua/directsend/driver/connector.lua",
  ["directsend.driver.copas"] = "lua/directsend/driver/copas.lua",
  ["directsend.driver.cqueues"] = "lua/directsend/driver/cqueues.lua",
  ["directsend.driver.given"] = "lua/directsend/driver/given.lua",
  ["directsend.driver.handles"] = "lua/directsend/driver/handles.lua",
  ["directsend.driver"] = "lua/directsend/driver/init.lua",
  ["directsend.driver.loop"] = "lua/directsend/driver/loop.lua",
  ["directsend.driver.luasocket"] = "lua/directsend/driver/luasocket.lua",
  ["directsend.driver.luv"] = "lua/directsend/driver/luv.lua",
  ["directsend.driver.native"] = "lua/directsend/driver/native.lua",
  ["directsend.driver.ngx"] = "lua/directsend/driver/ngx.lua",
  ["directsend.driver.running"] = "lua/directsend/driver/running.lua",
  ["directsend.driver.sockets"] = "lua/directsend/driver/sockets.lua",
  ["directsend.each"] = "lua/directsend/each.lua",
  ["directsend.envelope"] = "lua/directsend/envelope.lua",
  ["directsend.fields"] = "lua/directsend/fields.lua",
  ["directsend.forced"] = "lua/directsend/forced.lua",
  ["directsend"] = "lua/directsend/init.lua",
  ["directsend.journal"] = "lua/directsend/journal.lua",
  ["directsend.letter"] = "lua/directsend/letter.lua",
  ["directsend.lists"] = "lua/directsend/lists.lua",
  ["directsend.lookup"] = "lua/directsend/lookup.lua",
  ["directsend.mailbox"] = "lua/directsend/mailbox.lua",
  ["directsend.memory"] = "lua/directsend/memory.lua",
  ["directsend.message"] = "lua/directsend/message.lua",
  ["directsend.octets"] = "lua/directsend/octets.lua",
  ["directsend.options"] = "lua/directsend/options.lua",
  ["directsend.parts"] = "lua/directsend/parts.lua",
  ["directsend.plan"] = "lua/directsend/plan.lua",
  ["directsend.progress"] = "lua/directsend/progress.lua",
  ["directsend.raw"] = "lua/directsend/raw.lua",
  ["directsend.recipients"] = "lua/directsend/recipients.lua",
  ["directsend.report"] = "lua/directsend/report.lua",
  ["directsend.rescue"] = "lua/directsend/rescue.lua",
  ["directsend.route"] = "lua/directsend/route.lua",
  ["directsend.sealing"] = "lua/directsend/sealing.lua",
  ["directsend.secure"] = "lua/directsend/secure.lua",
  ["directsend.settings"] = "lua/directsend/settings.lua",
  ["directsend.show"] = "lua/directsend/show.lua",
  ["directsend.signing"] = "lua/directsend/signing.lua",
  ["directsend.sources"] = "lua/directsend/sources.lua",
  ["directsend.tlsrpt"] = "lua/directsend/tlsrpt.lua",
  ["directsend.tlsrptcommand"] = "lua/directsend/tlsrptcommand.lua",
  ["directsend.trace"] = "lua/directsend/trace.lua",
  ["directsend.transport"] = "lua/directsend/transport.lua",
  ["directsend.value"] = "lua/directsend/value.lua",
  ["directsend.warnings"] = "lua/directsend/warnings.lua",
}
modules["directsend.core"] = {
  sources = core, incdirs = { "src" }, defines = { "_GNU_SOURCE" }, libraries = { "resolv" },
}
modules["directsend.tls"] = {
  sources = tls, incdirs = { "src", "$(OPENSSL_INCDIR)" }, libdirs = { "$(OPENSSL_LIBDIR)" },
  defines = { "_GNU_SOURCE" }, libraries = { "ssl", "crypto" },
}
modules["directsend.smime"] = {
  sources = smime, incdirs = { "src", "$(OPENSSL_INCDIR)" }, libdirs = { "$(OPENSSL_LIBDIR)" },
  defines = { "_GNU_SOURCE" }, libraries = { "crypto" },
}
modules["directsend.dkim"] = {
  sources = dkim, incdirs = { "src", "$(OPENSSL_INCDIR)" }, libdirs = { "$(OPENSSL_LIBDIR)" },
  defines = { "_GNU_SOURCE" }, libraries = { "crypto" },
}

build = {
  type = "builtin",
  modules = modules,
  install = { bin = { "bin/directsend" } },
}
