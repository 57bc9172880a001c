"""Hostile HTTP/2 from both sides. Every odd request is followed by an honest one: on the same connection where that must survive, and on a new one."""
import re
import socket

import pytest
from bootstrap import simple
from hostile_http2 import BEGINNINGS, BEYOND, IGNORED, LEAVES, MALFORMED, ODD, REFUSED, REQUESTS, Answers, Ends, Resets, head
from http2_frames import GOAWAY, HEADERS, NO_ERROR, PROTOCOL_ERROR
from http2_watcher import Watcher
from processes import wait_until

NEXT = 20_001  # the stream of the honest request behind an odd one
HONEST = {b"/before", b"/next", b"/new"}
PIECES_MAX = 400


def converse(port: int, sent, outcome, is_torn: bool) -> Watcher:
    client = Watcher(port)
    parts = sent if isinstance(sent, list) else [sent]
    for part in parts[:-1]:
        client.send(part)
        client.watch(ODD)
        client.over.clear(), client.statuses.clear()
    last = parts[-1] + head(stream=NEXT, path="/next")
    step = max(1, len(last) // PIECES_MAX) if is_torn else len(last)
    for at in range(0, len(last), step):
        client.send_what_goes(last[at:at + step])
    awaited = [] if isinstance(outcome, Ends) or outcome == LEAVES else [NEXT] if outcome == IGNORED else [NEXT, ODD]
    client.in_time = client.watch(*awaited)
    client.close()
    return client


def in_world(outcome, is_lenient: bool):
    if outcome == MALFORMED:
        return Resets({PROTOCOL_ERROR}) if is_lenient else Ends({PROTOCOL_ERROR})
    return outcome


def fault_of(outcome, seen: Watcher, received, is_lenient: bool) -> str:
    """What is wrong; empty when nothing is."""
    outcome = in_world(outcome, is_lenient)
    if outcome == REFUSED:
        outcome = Answers({400}) if ODD in seen.statuses else in_world(MALFORMED, is_lenient)
    odd = [body for target, body in received.complete if target not in HONEST]
    targets = [target for target, _ in received.complete]
    is_alive = not seen.is_closed and not seen.goaways and seen.statuses.get(NEXT) == 200 and targets.count(b"/next") == 1
    if isinstance(outcome, bytes):
        is_right = is_alive and seen.statuses.get(ODD) == 200 and odd == [outcome]
    elif isinstance(outcome, Answers):
        is_right = is_alive and seen.statuses.get(ODD) in outcome.statuses and not odd
    elif isinstance(outcome, Resets):
        is_right = is_alive and seen.resets.get(ODD) in outcome.codes and not odd
    elif isinstance(outcome, Ends):
        is_right = seen.is_closed and seen.goaways and seen.goaways[-1] in outcome.codes and not odd and b"/next" not in targets
    elif outcome == BEYOND:
        is_right = is_alive and seen.resets.get(ODD) in (PROTOCOL_ERROR, NO_ERROR) and odd in ([], [b""], [b"hello"])
    elif outcome == LEAVES:
        is_right = seen.is_closed and not seen.goaways and not odd
    else:
        is_right = is_alive and ODD not in seen.statuses and not odd
    if is_right and seen.in_time and not received.malformed and targets.count(b"/new") == 1:
        return ""
    return (f"wanted {str(outcome)[:80]}: statuses {seen.statuses}, resets {seen.resets}, goaways {seen.goaways}, closed {seen.is_closed}, in time "
            f"{seen.in_time}, upstream {str(received.complete)[:200]} {str(received.malformed)[:200]}")


def honest(port: int):
    """One request on a connection of its own, which must be served whatever went before."""
    client = Watcher(port)
    client.send(head(path="/new"))
    client.watch(ODD)
    client.close()
    assert client.statuses == {ODD: 200}, (client.statuses, client.bodies[ODD])


# name: is a breach of the messaging rules one of its stream only; do bytes come one by one; is the upstream another Weft over HTTP/2
WORLDS = {"default": (False, False, False), "lenient": (True, False, False), "torn": (True, True, False), "pair": (True, False, True)}


@pytest.mark.parametrize("world", WORLDS)
def test_hostile_requests(weft, recording, world):
    is_lenient, is_torn, is_pair = WORLDS[world]
    server = recording()
    behind, proxies = server.port, []
    if is_pair:
        behind, inner = simple(behind)
        proxies.append(weft(inner))
    port, config = simple(behind, http2=is_pair, http2_protocol_options={"override_stream_error_on_invalid_http_message": is_lenient})
    proxies.insert(0, weft(config))
    bystander = Watcher(port)
    wrong = []
    for name, sent, outcome in REQUESTS:
        seen = converse(port, sent, in_world(outcome, is_lenient), is_torn)
        honest(port)
        if fault := fault_of(outcome, seen, server.take(), is_lenient):
            wrong.append(f"{name}: {fault}")
    assert not wrong, f"{len(wrong)} of {len(REQUESTS)}:\n" + "\n".join(wrong)
    bystander.send(head())
    assert bystander.watch(ODD) and bystander.statuses == {ODD: 200}
    bystander.close()
    for proxy in proxies:
        wait_until(lambda: not leaks(proxy), f"{leaks(proxy)} are 0")
    if is_pair:
        assert proxies[1].stats()["http.ingress.downstream_cx_protocol_error"] == 0


def leaks(proxy) -> dict:
    """Gauges that say that a request is still somewhere."""
    names = ["http.ingress.downstream_rq_active", "cluster.service.upstream_rq_active",
             "cluster.service.upstream_rq_pending_active", "http2.streams_active", "http2.pending_send_bytes"]
    stats = proxy.stats()
    return {name: stats[name] for name in names if stats.get(name)}


def all_that_comes(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(sent)
        out = b""
        while piece := client.recv(65536):
            out += piece
        return out


def goaways_of(data: bytes) -> list:
    """Codes of the GOAWAY frames; None among them where a request was answered."""
    out = []
    while len(data) >= 9:
        size, kind = int.from_bytes(data[:3], "big"), data[3]
        if kind in (GOAWAY, HEADERS):
            out.append(int.from_bytes(data[13:17], "big") if kind == GOAWAY else None)
        data = data[9 + size:]
    return out


@pytest.mark.parametrize("codec", ["HTTP2", "AUTO"])
def test_hostile_beginnings(weft, recording, codec):
    server = recording()
    port, config = simple(server.port, codec_type=codec)
    weft(config)
    for name, sent, statuses in BEGINNINGS:
        answer = all_that_comes(port, sent)
        if codec == "AUTO" and statuses:
            found = re.match(rb"HTTP/1.1 (\d{3}) ", answer)
            assert found and int(found[1]) in statuses, (name, answer)
        else:
            assert goaways_of(answer) == [PROTOCOL_ERROR], (name, answer)
        received = server.take()
        assert not received.malformed and len(received.complete) == (codec == "AUTO" and statuses == {200}), name
    honest(port)
    assert server.take().complete == [(b"/new", b"")]
