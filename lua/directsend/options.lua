-- options: the words of the command line, and what they mean as a message and
-- as settings.

local argparse = require "argparse"
local check = require "directsend.check"
local core = require "directsend.core"
local value = require "directsend.value"

local options = {}

-- an option that is said once, and one that may be said again
local function one(p, name, argname, words)
  return p:option(name, words):argname(argname):overwrite(false)
end
local function many(p, name, argname, words)
  return p:option(name, words):argname(argname):count "*"
end

-- what is set for one run; options.settings reads it
local function common(p)
  one(p, "--config", "FILE", "Configuration file.")
  many(p, "--dns", "IP[:PORT]", "DNS server to ask.")
  one(p, "--port", "N", "Port of the receiving hosts.")
  many(p, "--route", "DOMAIN=HOST[:PORT]",
       "Send a domain's mail to this host; * for all others.")
  one(p, "--tls", "LEVEL", "off, opportunistic, required or verified.")
  one(p, "--ca-file", "FILE", "Authorities to trust.")
  one(p, "--hostname", "NAME", "Name to give in EHLO.")
  p:flag("--allow-private", "Let hosts have private addresses.")
  one(p, "--ip", "ORDER", "4first, 6first, 4 or 6.")
  one(p, "--timeout", "SECONDS", "Longest a send may take.")
  p:flag("--json", "Print one JSON object.")
  one(p, "--trace", "FILE", "Show the dialogue, or write it to a file.")
    :args "?"
  p:flag("--quiet", "Say nothing; the exit status tells.")
end

-- what is sent; options.message reads it
local function letter(p)
  one(p, "--from", "ADDRESS", "Author.")
  for _, name in ipairs { "--to", "--cc", "--bcc" } do
    many(p, name, "ADDRESS[,...]", "Recipients.")
  end
  one(p, "--subject", "TEXT", "Subject.")
  p:mutex(one(p, "--text", "TEXT", "Body."),
          one(p, "--text-file", "FILE", "Body, from a file."))
  one(p, "--html-file", "FILE", "HTML body, from a file.")
  many(p, "--attach", "FILE", "File to attach.")
  many(p, "--inline", "CID=FILE", "File the HTML body shows as cid:CID.")
  many(p, "--header", "'NAME: VALUE'", "Another header field.")
  p:flag("--no-auto", "Do not say that a program wrote it (Auto-Submitted).")
end

local commands = {
  { "send", "Deliver a message now and report on every recipient." },
  { "render", "Print the message, send nothing." },
  { "plan", "Tell who would go where, send nothing." },
}

-- the keys that sign; dkimcommand.lua reads it
local function dkim(p)
  p:command_target "action"
  local function identity(c)
    one(c, "--domain", "DOMAIN", "Domain that signs."):count(1)
    one(c, "--selector", "NAME", "Name of the key in it."):count(1)
  end
  local keygen = p:command("keygen", "Make a key; print the record to publish.")
  identity(keygen)
  one(keygen, "--bits", "N", "Length of an RSA key.")
  keygen:flag("--ed25519", "Make an Ed25519 key, not an RSA one.")
  one(keygen, "--out", "FILE", "File to write the key to.")
  local record = p:command("record", "Print the record of a key.")
  record:argument("file", "File with the key.")
  identity(record)
  local verify = p:command("verify", "Check a message's signatures.")
  verify:argument("file", "File with the message; - for standard input.")
  one(verify, "--key", "FILE",
      "File with the record, instead of asking the DNS.")
  many(verify, "--dns", "IP[:PORT]", "DNS server to ask.")
  verify:flag("--json", "Print one JSON object.")
  for _, c in ipairs { keygen, record, verify } do
    c:flag("--quiet", "Say nothing; the exit status tells.")
  end
end

-- a letter to all of a list; bulk.lua reads it
local function bulk(p)
  p:argument("letter", "The letter: a Lua table (.lua) or a finished message.")
  p:argument("recipients", "Whom it goes to: .csv or .jsonl.")
  one(p, "--rate", "N/s", "Most messages in a second (or N/min, N/h).")
  one(p, "--connections", "N", "Most connections at once.")
  one(p, "--per-destination", "N", "Most of them to one destination.")
  one(p, "--per-connection", "N", "Most messages over one connection.")
  one(p, "--journal", "FILE", "What became of each (RECIPIENTS.journal).")
  one(p, "--on-unknown", "WORD", "retry, or skip, who may have it already.")
    :choices { "retry", "skip" }
end

-- reports of TLS; tlsrptcommand.lua reads it
local function tlsrpt(p)
  one(p, "--config", "FILE", "Configuration.")
  one(p, "--state", "DIR", "Where results are kept (the configuration's state).")
  one(p, "--day", "YYYY-MM-DD", "Day that is reported (yesterday).")
  p:flag("--rua", "Only to domains that ask for reports, with where they do.")
  many(p, "--dns", "IP[:PORT]", "DNS server to ask.")
  one(p, "--out", "DIR", "Directory for a file for each domain.")
  one(p, "--organization", "NAME", "Who reports (the host's name).")
  one(p, "--contact", "TEXT", "Whom to ask about it.")
  p:flag("--quiet", "Say nothing; the exit status tells.")
end

-- options.parse: the arguments of a command; nil, message: they will not do
function options.parse(args)
  local p = argparse "directsend"
    :description "Deliver mail straight to the hosts that take it."
    :command_target "command"
  for _, c in ipairs(commands) do
    local command = p:command(c[1], c[2])
    letter(command)
    common(command)
  end
  local many_letters = p:command("bulk", "Send a letter to all of a list.")
  bulk(many_letters)
  common(many_letters)
  dkim(p:command("dkim", "Make keys that sign mail; check signatures."))
  tlsrpt(p:command("tlsrpt", "Print what TLS came to on a day, as reports."))
  p:command("version", "Print the version.")
  p:flag("--version", "Print the version.")
  p:require_command(false)
  local ok, got = p:pparse(args)
  if not ok then
    got = got:gsub("\nDid you mean (.*)%?$", " (did you mean %1?)")
    return nil, check.plain(got)
  end
  if got.version then got.command = "version" end
  if got.command then return got end
  return nil, "a command is wanted: send, render, plan, bulk, dkim, tlsrpt or "
              .. "version"
end

local function pair(text, pattern, option, form)
  local key, content = text:match(pattern)
  if not key then value.refuse(option, "%q is not %s", text, form) end
  return key, content
end

local function some(list)
  return list and list[1] and list or nil
end

-- --to A --to B,C: one list; what is no list is left for the message to refuse
local function addresses(texts)
  local out = {}
  for _, text in ipairs(texts or {}) do
    local list = core.address.list(text, "bare literals")
    for _, a in ipairs(list or {}) do
      out[#out + 1] = { name = a.name, address = a.address }
    end
    if not list then out[#out + 1] = text end
  end
  return some(out)
end

local function inline_of(list)
  local out = {}
  for _, text in ipairs(list) do
    local cid, path = pair(text, "^([^=]+)=(.+)$", "--inline", "CID=FILE")
    if out[cid] then value.refuse("--inline", "%s is given twice", cid) end
    out[cid] = path
  end
  return core.next(out) and out
end

-- <https:…>, <mailto:…>
local function ways_out(content)
  local out = { https = false, mailto = false }
  local rest = content:gsub("<((%a+):[^<>]*)>%s*,?%s*", function(uri, scheme)
    scheme = scheme:lower()
    if out[scheme] ~= false then return end
    out[scheme] = uri
    return ""
  end)
  if rest ~= "" or content == "" then
    value.refuse("--header", "List-Unsubscribe is <https://...>, <mailto:...>")
  end
  return { https = out.https or nil, mailto = out.mailto or nil }
end

local function as_it_is(content) return content end
local function as_list(content) return addresses { content } end

-- fields that a message has keys for and the command no options
local keyed = {
  ["reply-to"] = { "reply_to", as_list }, sender = { "sender", as_it_is },
  ["message-id"] = { "message_id", as_it_is },
  ["in-reply-to"] = { "in_reply_to", as_it_is },
  references = { "references", as_it_is }, ["list-id"] = { "list_id", as_it_is },
  ["list-unsubscribe"] = { "list_unsubscribe", ways_out },
  ["list-unsubscribe-post"] = { "one_click", function(content)
    if content == "List-Unsubscribe=One-Click" then return true end
    value.refuse("--header", "List-Unsubscribe-Post is "
                 .. "List-Unsubscribe=One-Click")
  end },
}

-- the fields into m: under its keys, or as they are
local function put_headers(m, list)
  local out = {}
  for _, text in ipairs(list or {}) do
    local name, content = pair(text, "^([^:]+):%s*(.-)%s*$", "--header",
                               "'NAME: VALUE'")
    local to = keyed[name:lower()]
    if not to then
      out[#out + 1] = { name, content }
    elseif m[to[1]] ~= nil then
      value.refuse("--header", "%s is given twice", name)
    else
      m[to[1]] = to[2](content)
    end
  end
  if m.one_click then
    m.list_unsubscribe = m.list_unsubscribe or {}
    m.list_unsubscribe.one_click, m.one_click = true, nil
  end
  m.headers = some(out)
  return m
end

local own = { text = "--text", html = "--html-file", headers = "--header" }
for key in ("from to cc bcc subject attach inline"):gmatch "%a+" do
  own[key] = "--" .. key
end

-- what is wrong with a field, in the words of the command: the option that
-- gave it in its place, unless it is none's; set: the settings options gave,
-- where it is one
function options.said(o, why, field, set)
  local key = (field or ""):match "^[%w_]*"
  local dashed = key:gsub("_", "-")
  local option
  if set then
    option = set[key] and "--" .. dashed
  else
    option = key == "text" and o.text_file and "--text-file" or own[key]
             or keyed[dashed] and "--header " .. dashed
  end
  if not option or why:sub(1, #field) ~= field then return why end
  return option .. why:sub(#field + 1)
end

-- options.message: what is to be sent
function options.message(o)
  return put_headers({
    from = o.from, to = addresses(o.to), cc = addresses(o.cc),
    bcc = addresses(o.bcc), subject = o.subject,
    text = o.text or o.text_file and { path = o.text_file },
    html = o.html_file and { path = o.html_file },
    attach = some(o.attach), inline = inline_of(o.inline),
    auto = not o.no_auto and "generated",
  }, o.header)
end

-- a configured pin for all ("host"), or none, becomes the "*" of a table
local function routes(list, before)
  local out = {}
  if type(before) == "table" then
    for key, to in core.next, before do out[key] = to end
  else
    out["*"] = before or "mx"
  end
  for _, text in ipairs(list) do
    local domain, host = pair(text, "^([^=]+)=(.+)$", "--route",
                              "DOMAIN=HOST[:PORT]")
    out[domain] = host
  end
  return out
end

local function number(text)
  return tonumber(text) or text
end

-- options.settings: the configuration `base` as the options change it, and
-- which of its keys they set
function options.settings(o, base)
  local t, set = {}, {}
  for key, v in core.next, base do t[key] = v end
  local function put(key, v)
    if v ~= nil then t[key], set[key] = v, true end
  end
  for _, key in ipairs { "port", "tls", "ca_file", "hostname",
                         "allow_private", "ip", "rate", "connections",
                         "per_destination", "per_connection" } do
    put(key, o[key])
  end
  local function within(key, values)
    -- what is wrong stays, to be refused
    if type(base[key] or values) ~= "table" then return end
    for k, v in core.next, base[key] or {} do
      if values[k] == nil then values[k] = v end
    end
    put(key, values)
  end
  if some(o.dns) then within("dns", { servers = o.dns }) end
  if o.timeout then within("timeout", { total = number(o.timeout) }) end
  if some(o.route) then put("route", routes(o.route, base.route)) end
  if o.trace and o.trace[1] then put("trace", o.trace[1]) end
  return t, set
end

return options
