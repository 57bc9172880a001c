"""A hostile HTTP/2 upstream. What it answers to one request must not reach another: not the sibling that shares its connection, not the next."""
import socket
import struct

import hpack
import pytest
from bootstrap import PROTOCOL_OPTIONS, bootstrap, cluster, listener, route
from hostile_http2 import number
from hostile_http2_answers import ANSWERS, BELOW, BREAKS, CUT, ENDS, FULL, LIVES, MALFORMED, SELF
from http2_frames import (
    DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, NO_ERROR, PREFACE, PROTOCOL_ERROR, SETTINGS, block, frame, request)
from http2_watcher import Watcher
from processes import free_port, wait_until
from strict_server import Closed
from threaded_server import ThreadedServer

OK = block((":status", "200"))
SIBLING = b"honest"


class HostileUpstream(ThreadedServer):
    """Serves /sibling in two halves, /<n> with the nth of `answers` and then, where the connection should live, the sibling's second half, and
    anything else honestly."""

    def __init__(self, answers: list):
        self.answers = answers
        self.lives: set[int] = set()
        self.ended = 0  # connections
        self.goaways: list[int] = []  # that the proxy sent, in order
        super().__init__()

    def serve(self, connection):
        decoder, sibling = hpack.Decoder(), None
        connection.settimeout(60)
        try:
            with connection, connection.makefile("rb") as reader:
                assert reader.read(len(PREFACE)) == PREFACE
                connection.sendall(frame(SETTINGS, 0, 0))
                while head := reader.read(9):
                    size, kind, flags, stream = int.from_bytes(head[:3], "big"), *struct.unpack(">BBI", head[3:])
                    payload = reader.read(size)
                    if kind == SETTINGS and not flags:
                        connection.sendall(frame(SETTINGS, 1, 0))
                    elif kind == GOAWAY:
                        self.goaways.append(int.from_bytes(payload[4:8], "big"))
                    elif kind == HEADERS:
                        path = dict(decoder.decode(payload))[":path"][1:]
                        if path == "sibling":
                            sibling = stream
                            connection.sendall(frame(HEADERS, END_HEADERS, stream, OK))
                        elif path.isdigit():
                            sent = self.answer_to(int(path))
                            connection.sendall(sent.replace(number(SELF), number(stream)).replace(number(BELOW), number(max(0, stream - 2))))
                            if isinstance(sent, Closed):
                                return
                            if sibling and int(path) in self.lives:
                                connection.sendall(frame(DATA, END_STREAM, sibling, SIBLING))
                        else:
                            connection.sendall(frame(HEADERS, END_HEADERS, stream, OK) + frame(DATA, END_STREAM, stream, SIBLING))
        except (OSError, ValueError):
            pass
        finally:
            self.ended += 1

    def answer_to(self, n: int) -> bytes:
        if isinstance(self.answers[n], list):
            return self.answers[n].pop(0)
        return self.answers[n]


@pytest.fixture
def hostile():
    server = HostileUpstream([list(sent) if isinstance(sent, list) else sent for _, sent, *_ in ANSWERS])
    yield server
    server.close()


def got(client: Watcher, stream: int):
    """A status that is not 200, the whole body of a 200, or CUT."""
    if stream in client.resets and stream in client.statuses:
        return CUT
    status = client.statuses.get(stream)
    return client.bodies[stream] if status == 200 else status


@pytest.mark.parametrize("is_lenient", [False, True], ids=["default", "lenient"])
def test_hostile_answers(weft, hostile, is_lenient):
    port, http2 = free_port(), {"override_stream_error_on_invalid_http_message": is_lenient}
    service = cluster("service", hostile.port)
    service["typed_extension_protocol_options"] = {PROTOCOL_OPTIONS: {
        "@type": f"type.googleapis.com/{PROTOCOL_OPTIONS}", "explicit_http_config": {"http2_protocol_options": http2}}}
    proxy = weft(bootstrap([listener(port, [route("/", "service")])], [service]))
    fates = [fate if fate != MALFORMED else LIVES if is_lenient else PROTOCOL_ERROR for *_, fate in ANSWERS]
    hostile.lives = {i for i, fate in enumerate(fates) if fate in (LIVES, FULL, ENDS)}
    client, wrong = Watcher(port), []
    for i, ((name, _, odd, _), fate) in enumerate(zip(ANSWERS, fates)):
        stream = 6 * i + 1
        client.send(request(stream, "/sibling"))
        wait_for_head(client, stream)
        connections, ended, goaways = len(hostile.connections), hostile.ended, len(hostile.goaways)
        client.send(request(stream + 2, f"/{i}"))
        in_time = client.watch(stream, stream + 2)
        client.send(request(stream + 4, "/next"))
        in_time &= client.watch(stream + 4)
        if fate not in (LIVES, FULL):
            wait_until(lambda: hostile.ended > ended, f"{name}: the connection ends")
        is_ended = len(hostile.connections) > connections
        sent = hostile.goaways[goaways:]
        sibling = SIBLING if i in hostile.lives else CUT
        is_right = got(client, stream + 2) == odd and got(client, stream) == sibling and is_ended == (fate != LIVES)
        # A GOAWAY is lost where the rest of a flood reaches a socket that is closed.
        is_lost = fate == ENHANCE_YOUR_CALM and not sent
        is_right &= is_lost or set(sent) == {LIVES: set(), FULL: set(), BREAKS: set(), ENDS: {NO_ERROR}}.get(fate, {fate})
        is_right &= got(client, stream + 4) == SIBLING and in_time
        if not is_right:
            wrong.append(f"{name}: wanted {odd!r} and {fate!r}: odd {got(client, stream + 2)!r} resets {client.resets.get(stream + 2)}, sibling "
                         f"{got(client, stream)!r}, next {got(client, stream + 4)!r}, goaways {sent}, ended {is_ended}, in time {in_time}")
        if client.is_closed:
            wrong.append(f"{name}: the client's connection ended")
            break
    assert not wrong, f"{len(wrong)} of {len(ANSWERS)}:\n" + "\n".join(wrong)
    client.close()
    gauges = ["http.ingress.downstream_rq_active", "cluster.service.upstream_rq_active", "cluster.service.upstream_rq_pending_active"]
    wait_until(lambda: not any(proxy.stats()[name] for name in gauges), "no request is left")


def wait_for_head(client: Watcher, stream: int):
    while stream not in client.statuses and not client.is_closed:
        client.note_frame()
