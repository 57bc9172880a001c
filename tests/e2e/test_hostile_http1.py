"""Hostile HTTP/1.1 from both sides. Every request is followed by an honest one on the same connection, so that whatever shifts a message's end shows."""
import re
import socket

import pytest

from bootstrap import simple
from hostile_http1 import CASES, CUT, REFUSED_UPGRADES, REPLIES, WEBSOCKET, Closed, head
from strict_server import Received

NEXT = b"GET /next HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")


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
