"""A client of frames by hand that knows what its streams came to."""
import collections
import socket

import hpack
from http2_frames import DATA, END_STREAM, GOAWAY, HEADERS, RST_STREAM, Http2Client


class Watcher(Http2Client):
    """Takes note of what becomes of each stream, and of the connection."""

    def __init__(self, port: int, **options):
        self.decoder = hpack.Decoder()
        self.statuses, self.resets, self.bodies = {}, {}, collections.defaultdict(bytes)
        self.over, self.goaways, self.is_closed = set(), [], False
        super().__init__(port, **options)
        self.socket.settimeout(10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send_what_goes(self, sent: bytes):
        """The other end may have ended the connection by now."""
        try:
            self.send(sent)
        except ConnectionError:
            pass

    def note_frame(self):
        got = self.read_frame()
        if got is None:
            self.is_closed = True
            return
        kind, flags, stream, payload = got
        if kind == HEADERS:
            status = dict(self.decoder.decode(payload, raw=True)).get(b":status")
            if status:
                self.statuses[stream] = int(status)
        elif kind == DATA:
            self.bodies[stream] += payload
        elif kind == RST_STREAM:
            self.resets[stream] = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaways.append(int.from_bytes(payload[4:8], "big"))
        if kind == RST_STREAM or (kind in (HEADERS, DATA) and flags & END_STREAM):
            self.over.add(stream)

    def watch(self, *streams: int):
        """Until these are over, or the connection is; with no stream given, until the connection is. False when neither came in time."""
        try:
            while not self.is_closed and not (streams and self.over.issuperset(streams)):
                self.note_frame()
        except TimeoutError:
            return False
        return True
