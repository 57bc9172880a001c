#!/usr/bin/env python3
"""The HTTP service of the example mesh: asks `greeter` for a greeting, by gRPC through its sidecar.

usage: web.py NAME PORT EGRESS_PORT

  GET  /hello?name=Ada&delay_ms=3000   the greeting, and who called; delay_ms makes greeter slow
  POST /break, POST /mend              from now on answers 503, or no longer

It has no retries, no TLS and no deadlines of its own. It passes on the deadline it was given, as a good service does.
"""
import http.client
import http.server
import json
import struct
import sys
import urllib.parse

NAME, PORT, EGRESS_PORT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    number, shift = 0, 0
    while True:
        number |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return number, at


def greet(name: str, delay_ms: int, timeout_ms) -> tuple[int, str]:
    """Greeter.Greet of greeter.proto. The sidecar turns this HTTP/1.1 request into a gRPC call over HTTP/2."""
    text = name.encode()
    message = b"\x0a" + varint(len(text)) + text + b"\x10" + varint(delay_ms)
    headers = {"content-type": "application/grpc", "te": "trailers", "host": "greeter"}
    if timeout_ms:
        headers["grpc-timeout"] = f"{timeout_ms}m"
    connection = http.client.HTTPConnection("127.0.0.1", EGRESS_PORT, timeout=30)
    try:
        connection.request("POST", "/weft.examples.Greeter/Greet", struct.pack(">BI", 0, len(message)) + message, headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200 or len(body) < 5:
        return 503, f"greeter: HTTP {answer.status}, gRPC status {answer.headers.get('grpc-status')}"
    size, at = read_varint(body, 6)  # flag and length, then field 1
    return 200, body[at:at + size].decode()


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    is_broken = False

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(url.query))
        if Web.is_broken:
            return self.answer(503, {"error": "broken, as asked"})
        if url.path != "/hello":
            return self.answer(404, {"error": "try /hello?name=Ada"})
        try:
            status, text = greet(asked.get("name", "world"), int(asked.get("delay_ms", 0)),
                                 self.headers.get("x-envoy-expected-rq-timeout-ms"))
        except (OSError, http.client.HTTPException, ValueError) as failure:
            status, text = 503, f"greeter: {failure}"
        caller = self.headers.get("x-forwarded-client-cert", "nobody known")
        self.answer(status, {"greeting" if status == 200 else "error": text, "caller": caller})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        Web.is_broken = self.path == "/break"
        self.answer(200, {"broken": Web.is_broken})

    def answer(self, status: int, content: dict):
        body = json.dumps({"instance": NAME, **content}).encode() + b"\n"
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            print(f"{NAME}: the caller has gone", flush=True)
            self.close_connection = True

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a sidecar that closed its connection


Server(("127.0.0.1", PORT), Web).serve_forever()
