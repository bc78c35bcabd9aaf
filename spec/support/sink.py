"""An MX that takes everything and keeps nothing, and answers all it has read
in one write; its EHLO keywords stand in SERVER_DIR/keywords, one a line.
What is counted against it is the client's doing alone.
"""
import os, re, socket, threading

FOLDER = os.environ["SERVER_DIR"]
with open(FOLDER + "/keywords") as f:
    KEYWORDS = f.read().split("\n")[:-1]
CHUNK = re.compile(rb"BDAT (\d+)( LAST)?$", re.I)


class Session:
    def __init__(self, sock):
        self.sock, self.out, self.left, self.body = sock, [], 0, False

    def say(self, text):
        self.out.append(text.encode() + b"\r\n")

    def ehlo(self):
        lines = ["mx1.example.test"] + KEYWORDS
        for line in lines[:-1]:
            self.say("250-" + line)
        self.say("250 " + lines[-1])

    def command(self, line):
        chunk = CHUNK.match(line)
        if chunk:
            self.left = int(chunk.group(1))
            return self.say("250 2.0.0 taken")
        verb = line[:4].upper()
        if verb == b"EHLO":
            return self.ehlo()
        self.body = verb == b"DATA"
        self.say("354 go on" if self.body else "221 bye" if verb == b"QUIT" else "250 ok")

    def line(self, line):
        if not self.body:
            self.command(line)
        elif line == b".":
            self.body = False
            self.say("250 2.0.0 taken")

    def run(self):
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(b"220 mx1.example.test ESMTP\r\n")
        data = b""
        while True:
            got = self.sock.recv(1 << 20)
            if not got:
                return
            data += got
            while True:
                if self.left:
                    n = min(self.left, len(data))
                    self.left, data = self.left - n, data[n:]
                end = data.find(b"\r\n")
                if self.left or end < 0:
                    break
                line, data = data[:end], data[end + 2:]
                self.line(line)
            if self.out:
                self.sock.sendall(b"".join(self.out))
                self.out = []


def serve(sock):
    try:
        Session(sock).run()
    except OSError:
        pass
    sock.close()


listener = socket.create_server(("127.0.0.1", int(os.environ["SERVER_PORT"])))
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
