"""Read messages as another program does: argv[1] holds them one behind the
other, each after a line with its length.  Every value goes out as a line
"key hex", a message ends with the line "end"."""
import sys
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses


def out(key, value):
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    print(key, value.hex())


def mailboxes(message, plain, name):
    """The names by the older reader: the newer one puts a space between two
    encoded words of a name (python/cpython#92081)."""
    if name not in message:
        return
    addresses = message[name].addresses
    raw = plain[name].replace("\r\n", "")
    for address, (named, spec) in zip(addresses, getaddresses([raw])):
        if spec != address.addr_spec:
            out("defect", spec)
        decoded = str(make_header(decode_header(named)))
        out(name.lower(), decoded + "\0" + address.addr_spec)


def leaf(part):
    kind = part.get_content_type()
    name = part.get_filename()
    data = part.get_payload(decode=True)
    if part["Content-ID"]:
        out("inline", part["Content-ID"] + "\0" + kind + "\0" + name)
        out("octets", data)
    elif part.get_content_disposition() == "attachment":
        out("attachment", kind + "\0" + name)
        out("octets", data)
    else:
        out(kind, data)


def defects(part):
    for d in part.defects:
        out("defect", repr(d))
    for name, value in part.items():
        for d in value.defects:
            # known and meant: encoded words in the name= of a Content-Type
            if name.lower() != "content-type":
                out("defect", name + ": " + repr(d))


def read(octets):
    message = message_from_bytes(octets, policy=policy.default)
    plain = message_from_bytes(octets, policy=policy.compat32)
    out("subject", message["Subject"])
    for name in ("From", "To", "Cc"):
        mailboxes(message, plain, name)
    out("note", message["X-Note"])
    out("date", message["Date"].datetime.isoformat())
    for part in message.walk():
        defects(part)
        if not part.is_multipart():
            leaf(part)
    print("end")


with open(sys.argv[1], "rb") as bundle:
    while True:
        line = bundle.readline()
        if not line:
            break
        read(bundle.read(int(line)))
