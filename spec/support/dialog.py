"""The server's side of dialogues, on a socket: SERVER_DIR/dialog.json has
{certificate, dialogs: [[step…]…]}, one dialogue for each connection in turn
and the last for all further ones. A step (octets in hexadecimal):

{"say": OCTETS}                one segment
{"hear": [OCTETS | ""…]}       lines the client must say; "": any line
{"do": "TLS"|"EOF"|"RST"|"TIMEOUT"}

sessions/N tells what each connection was: {heard, complaint, tls}.
"""
import json, os, socket, ssl, struct, threading, time

FOLDER = os.environ["SERVER_DIR"]


class Left(Exception):
    """the client is not where the dialogue is"""


class Session:
    def __init__(self, sock, steps, context):
        self.sock, self.steps, self.context = sock, steps, context
        self.heard, self.tls = b"", None

    def receive(self, n):
        data = self.sock.recv(n)
        if not data:
            raise Left("the client closed")
        self.heard += data
        return data

    def hear(self, lines):
        for line in map(bytes.fromhex, lines):
            got = b""
            while len(got) < len(line) if line else not got.endswith(b"\r\n"):
                # a line is read octet by octet: what follows is another's
                got += self.receive(len(line) - len(got) if line else 1)
                if line and not line.startswith(got):
                    raise Left("%r, not %r" % (got, line))

    def say(self, octets):
        time.sleep(0.01)  # so that segments stay apart
        self.sock.sendall(bytes.fromhex(octets))

    def do(self, what):
        if what == "TLS":
            self.sock = self.context.wrap_socket(self.sock, server_side=True)
            self.tls = self.sock.version()
        elif what == "RST":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise EOFError
        elif what == "EOF":
            self.end_tls()
            raise EOFError
        else:
            self.wait()
            raise EOFError

    def end_tls(self):
        """close_notify; the client's answer to it is not awaited for long"""
        if self.tls:
            self.sock.settimeout(0.5)
            try:
                self.sock = self.sock.unwrap()
            except OSError:
                pass

    def wait(self):
        """until the client closes; nothing more is to come from it"""
        rest = self.sock.recv(4096)
        if rest:
            self.heard += rest
            raise Left("%r besides" % rest)

    def play(self):
        try:
            for step in self.steps:
                (verb, argument), = step.items()
                getattr(self, verb)(argument)
            self.wait()
        except EOFError:
            pass
        except (OSError, Left) as e:
            return str(e)
        finally:
            self.sock.close()


def serve(number, session):
    complaint = session.play()
    report = {"heard": session.heard.hex(), "complaint": complaint, "tls": session.tls}
    with open(FOLDER + "/report.%d" % number, "w") as f:
        json.dump(report, f)
    os.rename(f.name, FOLDER + "/sessions/%04d" % number)


def main():
    with open(FOLDER + "/dialog.json") as f:
        options = json.load(f)
    context = None
    if options.get("certificate"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["certificate"]["cert"], options["certificate"]["key"])
    os.mkdir(FOLDER + "/sessions")
    listener = socket.create_server(("127.0.0.1", int(os.environ["SERVER_PORT"])))
    number = 0
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        steps = options["dialogs"][min(number, len(options["dialogs"]) - 1)]
        number += 1
        threading.Thread(target=serve, args=(number, Session(sock, steps, context)), daemon=True).start()


main()
