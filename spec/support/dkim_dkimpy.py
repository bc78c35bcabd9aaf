"""dkim_dkimpy RECORDS MESSAGE…: what dkimpy says of each message's signatures.

RECORDS has lines "name text", the TXT records there are. One line a message:
"pass" or "fail" for each signature, from the top.
"""
import sys

import dkim

records = dict(line.rstrip("\n").split(" ", 1) for line in open(sys.argv[1]))


def txt(name, timeout=5):
    return records.get(name.decode().rstrip("."), "").encode() or None


for path in sys.argv[2:]:
    with open(path, "rb") as file:
        message = file.read()
    said = []
    head = message.split(b"\r\n\r\n")[0].lower()
    for i in range((b"\r\n" + head).count(b"\r\ndkim-signature:")):
        try:
            ok = dkim.DKIM(message).verify(idx=i, dnsfunc=txt)
        except dkim.DKIMException:
            ok = False
        said.append("pass" if ok else "fail")
    print(" ".join(said))
