"""Hostile HTTP/1.1 from both sides. Every request is followed by an honest one on the same connection, so that whatever shifts a message's end shows."""
import re
import socket
import threading

import pytest

from bootstrap import simple
from hostile_http1 import CASES, CUT, REFUSED_UPGRADES, REPLIES, STRICT_CHUNK, STRICT_HEAD, WEBSOCKET, Closed, head

NEXT = b"GET /next HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")


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


class RecordingServer:
    """Answers every complete request with `200 ok`; a path in `answers` gets those bytes instead."""

    def __init__(self, answers=()):
        self.received = Received()
        self.answers = dict(answers)
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

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

    def close(self):
        self.socket.close()


@pytest.fixture
def recording():
    started = []

    def start(answers=()):
        started.append(RecordingServer(answers))
        return started[-1]

    yield start
    for server in started:
        server.close()


def converse(port: int, sent: bytes, seconds: float = 10) -> bytes:
    """All that comes back until the proxy ends the connection; None when it does not."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        out = b""
        try:
            connection.sendall(sent)
            while piece := connection.recv(65536):
                out += piece
        except ConnectionError:
            pass
        except TimeoutError:
            return None
        return out


def final_statuses(answer: bytes) -> list:
    return [int(status) for status in STATUS.findall(answer) if status >= b"200"]


def judge(sent: bytes, outcome, answer, received: Received) -> str:
    """What is wrong; empty when nothing is."""
    if answer is None:
        return "the connection stayed open"
    if received.malformed:
        return f"the upstream received {received.malformed[0][:200]!r}"
    statuses = final_statuses(answer)
    bodies = [(target == b"/next", body) for target, body in received.complete]
    if isinstance(outcome, bytes):
        if statuses != [200, 200] or bodies != [(False, outcome), (True, b"")]:
            return f"statuses {statuses}, upstream {received.complete}, wanted 200 with the body {outcome[:50]!r}, then 200"
    elif len(statuses) != 1 or statuses[0] not in outcome or bodies:
        return f"statuses {statuses}, upstream {received.complete}, wanted one of {sorted(outcome)} and the end"
    return ""


@pytest.mark.parametrize("world", ["plain", "trailers", "pair"])
def test_hostile_requests(weft, recording, world):
    server = recording()
    behind = server.port
    if world == "pair":
        behind, inner = simple(behind)
        weft(inner)
    port, config = simple(behind, http2=world == "pair", http_protocol_options={"enable_trailers": world == "trailers"})
    proxy = weft(config)
    wrong = []
    for name, sent, outcome in CASES:
        answer = converse(port, sent + NEXT)
        if fault := judge(sent, outcome, answer, server.take()):
            wrong.append(f"{name}: {fault}")
    assert not wrong, f"{len(wrong)} of {len(CASES)}:\n" + "\n".join(wrong)
    assert proxy.is_running()


def bodies_of(answer: bytes) -> list:
    """(status, body) of each final response with a length or chunks; None in a body's place when the response is incomplete."""
    out = []
    while answer:
        head, _, rest = answer.partition(b"\r\n\r\n")
        status = int(STATUS.match(head + b"\r\n")[1])
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        if b"transfer-encoding: chunked" in head.lower():
            body, answer = Received().body(rest, [], [b"chunked"])
        elif length and status != 304:
            size = int(length[1])
            body, answer = (rest[:size], rest[size:]) if len(rest) >= size else (None, b"")
        else:
            body, answer = b"", rest
        if status >= 200:
            out.append((status, body))
        if body is None:
            break
    return out


def test_hostile_responses(weft, recording):
    """An honest request follows each on the same client connection: no byte of the hostile response may answer it."""
    server = recording({b"/%d" % i: sent for i, (_, sent, _) in enumerate(REPLIES)})
    port, config = simple(server.port)
    proxy = weft(config)
    wrong = []
    for i, (name, _, outcome) in enumerate(REPLIES):
        answer = converse(port, b"GET /%d HTTP/1.1\r\nhost: test\r\n\r\n" % i + NEXT)
        got = bodies_of(answer) if answer is not None else "the connection stayed open"
        if outcome == CUT:
            is_right = got == [(200, None)]
        elif isinstance(outcome, bytes):
            is_right = len(got) == 2 and got[0][0] < 600 and got[0][1] == outcome and got[1] == (200, b"ok")
        else:
            is_right = [status for status, _ in got] == [outcome, 200] and got[1][1] == b"ok"
        if not is_right:
            wrong.append(f"{name}: {got}, wanted {outcome!r}")
    assert not wrong, f"{len(wrong)} of {len(REPLIES)}:\n" + "\n".join(wrong)
    assert proxy.stats()["cluster.service.upstream_cx_active"] <= 1


def test_bytes_sent_before_an_upgrade_was_refused_go_nowhere(weft, recording):
    """Neither to the upstream, whose connection would take them for a request, nor into this proxy's own parser."""
    server = recording({b"/%d" % i: sent for i, (_, sent, _) in enumerate(REFUSED_UPGRADES)})
    port, config = simple(server.port, upgrade_configs=[{"upgrade_type": "websocket"}])
    weft(config)
    early = b"GET /smuggled HTTP/1.1\r\nhost: test\r\n\r\n"
    for i, (name, _, statuses) in enumerate(REFUSED_UPGRADES):
        answer = converse(port, head(*WEBSOCKET, start=b"GET /%d HTTP/1.1" % i) + early)
        assert answer is not None and final_statuses(answer) == statuses, (name, answer)
    for line in WEBSOCKET[3:]:
        lacking = [other for other in WEBSOCKET if other != line]
        assert final_statuses(converse(port, head(*lacking, start=b"GET / HTTP/1.1") + early)) == [400], line
    received = server.take()
    assert received.malformed == [] and [target for target, _ in received.complete] == [b"/%d" % i for i in range(len(REFUSED_UPGRADES))]
