"""HTTP/2 by hand: frames as bytes, and a client that only writes and parses them. For what well-behaved clients never send."""
import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR = range(7)
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(7, 12)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def integer(value: int, prefix_bits: int, first: int = 0) -> bytes:
    """HPACK's integers (RFC 7541 section 5.1) below the bits of `first`."""
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([first | value])
    out, value = bytes([first | limit]), value - limit
    while value >= 128:
        out, value = out + bytes([0x80 | value & 0x7F]), value >> 7
    return out + bytes([value])


def text(raw: bytes) -> bytes:
    return integer(len(raw), 7) + raw


def block(*lines) -> bytes:
    """HPACK literals without indexing, of any length."""
    return b"".join(b"\0" + text(name.encode("latin-1")) + text(value.encode("latin-1")) for name, value in lines)


def request(stream: int, path: str = "/echo", method: str = "GET", *more, end: bool = True) -> bytes:
    lines = block((":method", method), (":scheme", "http"), (":authority", "test"), (":path", path), *more)
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, lines)


class Http2Client:
    """One connection. `read_frame` gives (type, flags, stream, payload), or None at the connection's end."""

    def __init__(self, port: int, settings: bytes = b""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.buffer = b""
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def send(self, data: bytes):
        self.socket.sendall(data)

    def read_frame(self):
        try:
            head = self.read(9)
            payload = self.read(int.from_bytes(head[:3], "big"))
        except (EOFError, ConnectionError):
            return None
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        if kind == SETTINGS and not flags:
            self.send(frame(SETTINGS, 1, 0))
        return kind, flags, stream & 0x7FFFFFFF, payload

    def read(self, count: int) -> bytes:
        while len(self.buffer) < count:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def read_until(self, kind: int, stream: int = 0):
        """The payload of the next such frame."""
        while True:
            got = self.read_frame()
            assert got is not None, f"the connection ended before frame type {kind}"
            if got[0] == kind and got[2] == stream:
                return got[3]

    def read_body(self, stream: int) -> int:
        """Bytes of a response's body, its windows kept open."""
        total = 0
        while True:
            got = self.read_frame()
            assert got is not None, f"the connection ended after {total} bytes"
            kind, flags, at, payload = got
            if kind == DATA and payload:
                opened = struct.pack(">I", len(payload))
                self.send(frame(WINDOW_UPDATE, 0, 0, opened) + frame(WINDOW_UPDATE, 0, at, opened))
            if at != stream:
                continue
            assert kind != RST_STREAM, f"reset {int.from_bytes(payload, 'big')} after {total} bytes"
            total += len(payload) if kind == DATA else 0
            if flags & END_STREAM and kind in (DATA, HEADERS):
                return total

    def close(self):
        self.socket.close()
