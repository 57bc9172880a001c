"""An upstream that takes HTTP/1.1 only as RFC 9112 spells it, and remembers what it got: what a proxy lets through shows here."""
import re

from threaded_server import ThreadedServer

STRICT_HEAD = re.compile(
    rb"(?P<method>[!#$%&'*+\-.^_`|~0-9A-Za-z]+) (?P<target>/[!\"$-~]*|\*|[a-z0-9.\[\]:-]+) HTTP/1\.1\r\n"
    rb"(?P<fields>(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: (?:[!-~\x80-\xff](?:[ \t-~\x80-\xff]*[!-~\x80-\xff])?)?\r\n)*)\r\n")
STRICT_CHUNK = re.compile(rb"([0-9a-f]{1,16})\r\n", re.I)


class Closed(bytes):
    """An answer after which the server ends the connection."""


class Received:
    """Reads requests as the strictest server would. `complete` are (target, body); anything else is `malformed`."""

    def __init__(self):
        self.complete: list[tuple] = []
        self.malformed: list[bytes] = []

    def parse(self, data: bytes) -> bytes:
        """Takes complete requests off the front; returns the rest, which may be the beginning of one."""
        while data:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:
                return data
            head = STRICT_HEAD.fullmatch(data[:end])
            fields = [line.lower().split(b": ", 1) for line in head["fields"].split(b"\r\n")[:-1]] if head else []
            lengths = [value for name, value in fields if name == b"content-length"]
            codings = [value for name, value in fields if name == b"transfer-encoding"]
            hosts = [value for name, value in fields if name == b"host"]
            if not head or len(lengths) + len(codings) > 1 or codings not in ([], [b"chunked"]) or len(hosts) != 1:
                self.malformed.append(data)
                return b""
            body, rest = self.body(data[end:], lengths, codings)
            if body is None:
                return data
            self.complete.append((head["target"], body))
            data = rest
        return b""

    def body(self, data: bytes, lengths: list, codings: list):
        if not codings:
            length = int(lengths[0]) if lengths else 0
            return (data[:length], data[length:]) if len(data) >= length else (None, data)
        body = b""
        while chunk := STRICT_CHUNK.match(data):
            size, start = int(chunk[1], 16), chunk.end()
            if len(data) < start + size + 2:
                return None, data
            if data[start + size:start + size + 2] != b"\r\n":
                break
            body, data = body + data[start:start + size], data[start + size + 2:]
            if size == 0:
                return body, data
        if data and not re.match(rb"[0-9a-fA-F]+\r?$", data):
            self.malformed.append(data)
        return None, data


class StrictServer(ThreadedServer):
    """Answers every complete request with `200 ok`; a path in `answers` gets those bytes instead."""

    def __init__(self, answers=()):
        self.received = Received()
        self.answers = dict(answers)
        super().__init__()

    def serve(self, connection):
        connection.settimeout(30)
        data, known = b"", 0
        with connection:
            try:
                while piece := connection.recv(65536):
                    mine = Received()
                    data = mine.parse(data + piece)
                    self.received.malformed += mine.malformed
                    for target, body in mine.complete:
                        self.received.complete.append((target, body))
                        sent = self.answers.get(target, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                        connection.sendall(sent)
                        if isinstance(sent, Closed):
                            return
            except OSError:
                pass

    def take(self) -> Received:
        taken, self.received = self.received, Received()
        return taken
