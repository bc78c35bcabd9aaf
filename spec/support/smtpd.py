"""aiosmtpd as servers.aiosmtpd starts it; options in SERVER_DIR/options.json:

hostname      in the greeting
tls           offer STARTTLS with `certificate` = {cert, key}
at_once       TLS before the greeting instead of STARTTLS
tls_most      the newest version spoken, such as "TLSv1_1"
extensions    EHLO keywords besides its own, such as "PIPELINING"
size          limit of a message, announced by SIZE
smtputf8      false: not offered
lmtp          LMTP: a reply for each recipient, "." of replies by address
auth          {"user": …, "password": …}: who may send; without: AUTH fails
mechanisms    of AUTH, those offered ("PLAIN", "LOGIN")
replies       {"connect"|"ehlo"|"helo"|"starttls"|"mail"|"rcpt"|"data"|"."|
              "rset"|"quit": reply}; for mail, rcpt and "." also {address: reply}.
              "" closes the connection without a word
times         only so many of these replies in all, then the usual ones
delay         seconds before each reply; delays = {command: seconds} for some

Writes messages.jsonl and N.eml (the octets as they came), commands.jsonl.
"""
import asyncio, json, os, re, ssl, sys, warnings
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, AuthResult

FOLDER = os.environ["SERVER_DIR"]
with open(FOLDER + "/options.json") as f:
    OPTIONS = json.load(f)
Base = LMTP if OPTIONS.get("lmtp") else SMTP
VERBS = ("EHLO", "HELO", "LHLO", "AUTH", "STARTTLS", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY")
counts = {"session": 0, "message": 0, "reply": 0}


def record(name, value):
    with open(FOLDER + "/" + name, "a") as out:
        out.write(json.dumps(value) + "\n")


def count(what):
    counts[what] += 1
    return counts[what]


def canned(verb, addresses=()):
    """the reply the options want here instead of the usual one, or None"""
    reply = OPTIONS.get("replies", {}).get(verb)
    if isinstance(reply, dict):
        reply = next((reply[a] for a in addresses if a in reply), None)
    if reply is None or counts["reply"] >= OPTIONS.get("times", 1 << 30):
        return None
    count("reply")
    return reply


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        words = OPTIONS.get("extensions", [])
        return responses[:-1] + ["250-" + w for w in words] + responses[-1:]

    async def handle_DATA(self, server, session, envelope):
        server.verb = "."
        if OPTIONS.get("lmtp"):
            return self.for_each(server, session, envelope)
        reply = canned(".", [envelope.mail_from] + envelope.rcpt_tos)
        if reply is not None:
            return reply or server.hang_up()
        return self.keep(server, session, envelope)

    def for_each(self, server, session, envelope):
        """one reply a recipient (RFC 2033 4.2)"""
        said = [canned(".", [r]) for r in envelope.rcpt_tos]
        queued = self.keep(server, session, envelope)
        return "\r\n".join(s or queued for s in said)

    def keep(self, server, session, envelope):
        number = count("message")
        name = "%d.eml" % number
        with open(FOLDER + "/" + name, "wb") as out:
            out.write(envelope.original_content)
        record("messages.jsonl", {
            "session": server.number, "file": name, "ehlo": session.host_name,
            "sender": envelope.mail_from, "mail_args": envelope.mail_options,
            "recipients": envelope.rcpt_tos, "rcpt_args": server.rcpt_args,
            "tls": session.ssl["ssl_object"].version() if session.ssl else False,
            "user": getattr(session, "auth_data", None) or False,
        })
        return "250 2.0.0 queued as %d" % number


class Server(Base):
    verb = "connect"

    def __init__(self, *args, **keys):
        super().__init__(*args, **keys)
        self.number = count("session")
        self.rcpt_args = []

    def hang_up(self):
        self.transport.close()
        return ""

    async def push(self, status):
        verb, greeting = self.verb, self.verb == "connect"
        if greeting:
            self.verb = ""
            reply = canned("connect")
            status = status if reply is None else reply
        if status == "" or self.transport is None:
            return self.hang_up() if self.transport else None
        if status[3:4] != "-":
            await asyncio.sleep(OPTIONS.get("delays", {}).get(verb, OPTIONS.get("delay", 0)))
        await super().push(status)
        if status[:3] in ("421", "554") and (greeting or status[:3] == "421"):
            self.hang_up()


def command(verb):
    usual = getattr(Base, "smtp_" + verb, None)

    async def method(self, arg):
        line = verb if arg is None else verb + " " + arg
        record("commands.jsonl", {"session": self.number, "line": line})
        self.verb = verb.lower()
        if verb == "MAIL":
            self.rcpt_args = []
        reply = canned(self.verb, re.findall(r"<([^>]*)>", line))
        if reply is not None:
            return await self.push(reply)
        before = len(self.envelope.rcpt_tos) if self.envelope else 0
        await usual(self, arg)
        if verb == "RCPT" and len(self.envelope.rcpt_tos) > before:
            self.rcpt_args.append(self.envelope.rcpt_options[:])
            self.envelope.rcpt_options.clear()

    for name, value in vars(usual).items():  # the syntax HELP tells
        setattr(method, name, value)
    return method


for word in VERBS if OPTIONS.get("lmtp") else (v for v in VERBS if v != "LHLO"):
    setattr(Server, "smtp_" + word, command(word))


def authenticate(server, session, envelope, mechanism, data):
    known = OPTIONS.get("auth")
    if known and data.login == known["user"].encode() and data.password == known["password"].encode():
        return AuthResult(success=True, auth_data=mechanism + " " + known["user"])
    return AuthResult(success=False, handled=False)


def tls_context():
    context = None
    if OPTIONS["tls"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(OPTIONS["certificate"]["cert"], OPTIONS["certificate"]["key"])
        if "tls_most" in OPTIONS:
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = getattr(ssl.TLSVersion, OPTIONS["tls_most"])
    return context


def factory():
    at_once = OPTIONS.get("at_once", False)
    return Server(
        Handler(), hostname=OPTIONS["hostname"], tls_context=None if at_once else tls_context(),
        enable_SMTPUTF8=OPTIONS.get("smtputf8", True), data_size_limit=OPTIONS.get("size", 1 << 26),
        authenticator=authenticate, auth_required="auth" in OPTIONS, auth_require_tls=not at_once, auth_exclude_mechanism=[
            m for m in ("PLAIN", "LOGIN") if m not in OPTIONS.get("mechanisms", ("PLAIN", "LOGIN"))])


async def main():
    port = int(os.environ["SERVER_PORT"])
    server = await asyncio.get_running_loop().create_server(
        factory, "127.0.0.1", port, backlog=512, ssl=tls_context() if OPTIONS.get("at_once") else None)
    await server.serve_forever()


asyncio.run(main())
