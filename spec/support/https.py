"""An HTTPS server as servers.https starts it; options in SERVER_DIR/options.json:

sites         {name: {"cert":, "key":, "status":, "type":, "body":, "head": more
              fields, "raw": all that is said instead}}; chosen by SNI, and a
              name that is not there gets no certificate

Pages are read again from options.json with each request, so that they may
change.  Writes requests.jsonl: {"site":, "path":}.
"""
import http.server, json, os, ssl

FOLDER = os.environ["SERVER_DIR"]


def sites():
    with open(FOLDER + "/options.json") as f:
        return json.load(f)["sites"]


def context(site):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if site:
        c.load_cert_chain(site["cert"], site["key"])
    return c


def choose(connection, name, _):
    connection.site = name
    connection.context = context(sites().get(name))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = getattr(self.connection, "site", None)
        site = sites().get(name, {})
        with open(FOLDER + "/requests.jsonl", "a") as out:
            out.write(json.dumps({"site": name, "host": self.headers["Host"], "path": self.path}) + "\n")
        if "raw" in site:
            self.wfile.write(site["raw"].encode("latin-1"))
            return
        body = site.get("body", "").encode()
        self.send_response(site.get("status", 200))
        self.send_header("Content-Type", site.get("type", "text/plain"))
        self.send_header("Content-Length", str(len(body)))
        for field, value in site.get("head", {}).items():
            self.send_header(field, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):  # a client that does not like the certificate
        pass

    def get_request(self):
        connection, address = super().get_request()
        outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        outer.sni_callback = choose
        wrapped = outer.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return wrapped, address


Server(("127.0.0.1", int(os.environ["SERVER_PORT"])), Handler).serve_forever()
