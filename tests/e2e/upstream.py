"""An HTTP/1.1 server that does what the path says, and counts what it saw.

  /echo...             200, JSON: instance, method, path, headers, body
  /status/503          that status
  /fail-first/2/503    that status for the first two requests of this very path, then 200
  /slow/250            answers after 250 ms
  /stall               never answers, until the connection is closed
  /size/100000         a body of that many bytes
  /chunked/3           three chunks and a trailer x-trailer: yes
  /close               closes without an answer
  /reset               resets the connection (RST)
  /cut/1000            announces 1000 bytes, sends half, closes
"""
import collections
import http.server
import json
import socket
import struct
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version, sys_version = "upstream", ""

    def do_GET(self):
        upstream = self.server.upstream
        body = self.read_body()
        with upstream.lock:
            upstream.requests.append((self.command, self.path, dict(self.headers.items()), body))
            upstream.hits[self.path] += 1
            hits = upstream.hits[self.path]
        words = self.path.split("?")[0].strip("/").split("/")
        action = getattr(self, "on_" + words[0].replace("-", "_"), self.on_echo)
        action(words[1:], body, hits)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET

    def read_body(self) -> bytes:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                if size == 0:
                    while self.rfile.readline().strip():
                        pass
                    return body
                self.rfile.readline()
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, status: int, body: bytes, kind: str = "text/plain"):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("x-instance", self.server.upstream.name)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def on_echo(self, words, body, hits):
        shown = {"instance": self.server.upstream.name, "method": self.command, "path": self.path,
                 "headers": {name.lower(): value for name, value in self.headers.items()},
                 "body": body.decode(errors="replace")}
        self.answer(200, json.dumps(shown).encode(), "application/json")

    def on_status(self, words, body, hits):
        self.answer(int(words[0]), b"" if words[0] in ("204", "304") else b"as asked\n")

    def on_fail_first(self, words, body, hits):
        self.answer(int(words[1]) if hits <= int(words[0]) else 200, b"attempt %d\n" % hits)

    def on_slow(self, words, body, hits):
        self.server.upstream.stopping.wait(int(words[0]) / 1000)
        self.answer(200, b"slow\n")

    def on_stall(self, words, body, hits):
        self.connection.settimeout(60)
        try:
            self.connection.recv(1)
        except OSError:
            pass
        with self.server.upstream.lock:
            self.server.upstream.aborted += 1
        self.close_connection = True

    def on_size(self, words, body, hits):
        self.answer(200, b"x" * int(words[0]))

    def on_chunked(self, words, body, hits):
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.send_header("trailer", "x-trailer")
        self.end_headers()
        for i in range(int(words[0])):
            self.wfile.write(b"8\r\nchunk %d\n\r\n" % (i % 10))
            self.wfile.flush()
        self.wfile.write(b"0\r\nx-trailer: yes\r\n\r\n")

    def on_close(self, words, body, hits):
        self.close_connection = True

    def on_reset(self, words, body, hits):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def on_cut(self, words, body, hits):
        self.send_response(200)
        self.send_header("content-length", words[0])
        self.end_headers()
        self.wfile.write(b"x" * (int(words[0]) // 2))
        self.close_connection = True

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # the peer went away in the middle, which is what some tests are about


class Upstream:
    def __init__(self, name: str, port: int = 0):
        self.name = name
        self.lock = threading.Lock()
        self.requests: list[tuple] = []  # (method, path, headers, body)
        self.hits: collections.Counter = collections.Counter()
        self.aborted = 0  # stalled requests whose connection ended
        self.stopping = threading.Event()
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.upstream = self
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
