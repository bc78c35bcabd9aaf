"""mime.py b64|qp|email-b64|email-qp: Python's encoders, and the email package with them."""
import base64
import binascii
import email.message
import email.policy
import os
import sys
import time

with open(os.environ["B_IN"], "rb") as file:
    data = file.read()


def message(**how):
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m.set_content(**how)
    return m.as_bytes()


def email_b64():
    return message(obj=data, maintype="application", subtype="octet-stream")


def email_qp():
    return message(obj=data.decode(), cte="quoted-printable")


encode = {
    "b64": lambda: base64.encodebytes(data),
    "qp": lambda: binascii.b2a_qp(data, istext=True),
    "email-b64": email_b64,
    "email-qp": email_qp,
}[sys.argv[1]]
out, rounds = len(encode()), 0
start = time.process_time()
while True:
    encode()
    rounds += 1
    spent = time.process_time() - start
    if spent >= float(os.environ["B_SECS"]):
        break
print('{"bytes":%d,"out":%d,"secs":%.6f}' % (rounds * len(data), out, spent))
