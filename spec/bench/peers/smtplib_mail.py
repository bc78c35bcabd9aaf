"""B_N messages B_MSG to 127.0.0.1:B_PORT with smtplib; B_TLS=1: STARTTLS,
unverified; B_REUSE=1: a new connection each; B_ATTACH: a file attached."""
import os
import smtplib
import ssl
from email.message import EmailMessage

env = os.environ.get


def connect():
    s = smtplib.SMTP("127.0.0.1", int(env("B_PORT")), "client.example.org")
    if env("B_TLS") == "1":
        c = ssl.create_default_context()
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
        s.starttls(context=c)
    return s


def text():
    if not env("B_ATTACH"):
        with open(env("B_MSG"), "rb") as f:
            return f.read()
    m = EmailMessage()
    m.set_content("See the file.")
    with open(env("B_ATTACH"), "rb") as f:
        m.add_attachment(f.read(), maintype="application", subtype="octet-stream", filename="report")
    return m.as_bytes()


message, s = text(), None
for _ in range(int(env("B_N", "1"))):
    s = s or connect()
    s.sendmail("sender@example.org", ["rcpt@example.com"], message)
    if env("B_REUSE") == "1":
        s.quit()
        s = None
if s:
    s.quit()
