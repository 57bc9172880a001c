"""Busy but honest HTTP/2 clients, of every kind that the abuse limits might take for an attack; in front of one proxy, and of a pair.

A pair shows more: the first proxy is the honest client of the second, on one connection for all.
"""
import re
import struct
import time

import pytest
from bootstrap import simple
from hostile_http2 import data, head, number, post, priority, reset, settings, window
from http2_frames import ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, SETTINGS, WINDOW_UPDATE, block, frame
from http2_watcher import Watcher
from processes import grpc_call

STREAMS_AT_ONCE = 50
LIMITS = re.compile(r".*(_flood|premature_resets|protocol_error|messaging_error|refused_errors)$")


class Busy(Watcher):
    """Opens its windows after each frame of DATA, as chatty clients do, and keeps to those it is given."""

    def __init__(self, port: int):
        self.initial, self.given, self.received = 65535, {0: 65535}, {}
        super().__init__(port)

    def read_frame(self):
        got = super().read_frame()
        if got is None:
            return None
        kind, flags, stream, payload = got
        if kind == DATA and payload:
            self.received[stream] = self.received.get(stream, 0) + len(payload)
            self.send(window(0, len(payload)) + (b"" if flags & END_STREAM else window(stream, len(payload))))
            return kind, flags, stream, b""
        if kind == SETTINGS and not flags & ACK:
            self.initial = dict(struct.iter_unpack(">HI", payload)).get(4, self.initial)
        elif kind == WINDOW_UPDATE:
            self.given[stream] = self.given.get(stream, self.initial) + int.from_bytes(payload, "big")
        return got

    def read_settings(self):
        while self.initial == 65535:
            self.note_frame()

    def upload(self, stream: int, payload: bytes, piece: int):
        """As windows allow; frames of at most `piece` bytes, and an empty one at the end, as gRPC does."""
        self.given.setdefault(stream, self.initial)
        at = 0
        while at < len(payload):
            size = min(piece, len(payload) - at, self.given[stream], self.given[0])
            if size <= 0:
                self.note_frame()
                continue
            self.send(data(payload[at:at + size], end=False, stream=stream))
            self.given[stream] -= size
            self.given[0] -= size
            at += size
        self.send(data(stream=stream))

    def ask(self, requests: list):
        """Sends these (stream, bytes), STREAMS_AT_ONCE at a time, and waits for the end of each."""
        for at in range(0, len(requests), STREAMS_AT_ONCE):
            batch = requests[at:at + STREAMS_AT_ONCE]
            self.send(b"".join(sent for _, sent in batch))
            assert self.watch(*[stream for stream, _ in batch])

    def expect_served(self, *streams: int):
        assert not self.goaways and not self.is_closed
        wrong = {stream: (self.statuses.get(stream), self.resets.get(stream)) for stream in streams if self.statuses.get(stream) != 200}
        assert not wrong, wrong


def limits_met(proxy) -> dict:
    stats = proxy.stats()
    assert len([name for name in stats if LIMITS.match(name)]) >= 8
    return {name: value for name, value in stats.items() if LIMITS.match(name) and value}


@pytest.fixture(params=["one", "pair"])
def busy(request, weft, upstream):
    """A client of an idle proxy. At the end no limit may have been met by any proxy."""
    server = upstream()
    port, config = simple(server.port)
    proxies = [weft(config)]
    if request.param == "pair":
        port, config = simple(port, http2=True)
        proxies.append(weft(config))
    client = Busy(port)
    client.read_settings()
    client.upstream = server
    yield client
    assert not client.goaways
    client.close()
    for proxy in proxies:
        assert limits_met(proxy) == {}


def odd(count: int) -> range:
    return range(1, 2 * count, 2)


def get(stream: int, path: str = "/size/10", *lines) -> bytes:
    return head(*lines, stream=stream, path=path)


def test_thousands_of_requests(busy):
    busy.ask([(stream, get(stream)) for stream in odd(3000)])
    busy.expect_served(*odd(3000))


def test_deadlines_cancel_two_of_five_requests_at_once(busy):
    requests = [(stream, get(stream, "/stall") + reset(stream) if stream // 2 % 5 < 2 else get(stream)) for stream in odd(1500)]
    for at in range(0, len(requests), STREAMS_AT_ONCE):
        batch = requests[at:at + STREAMS_AT_ONCE]
        busy.send(b"".join(sent for _, sent in batch))
        assert busy.watch(*[stream for stream, sent in batch if sent == get(stream)])
    busy.expect_served(*[stream for stream, sent in requests if sent == get(stream)])


def test_deadlines_cancel_every_request_after_a_second(busy):
    for round_number in range(3):
        streams = range(1 + 600 * round_number, 1 + 600 * (round_number + 1), 2)
        busy.send(b"".join(get(stream, "/stall") for stream in streams))
        time.sleep(1.1)
        busy.send(b"".join(reset(stream) for stream in streams))
    busy.ask([(9001, get(9001))])
    busy.expect_served(9001)


def test_downloads_are_left_once_they_have_begun(busy):
    for stream in odd(700):
        busy.send(get(stream, "/size/100000"))
        while stream not in busy.statuses:
            busy.note_frame()
        busy.send(reset(stream))
    busy.ask([(9001, get(9001))])
    busy.expect_served(9001)


def test_uploads_are_left_in_the_middle_when_they_have_lasted(busy):
    streams = odd(400)
    busy.send(b"".join(post(stream=stream, path="/echo") + data(b"x" * 100, end=False, stream=stream) for stream in streams))
    time.sleep(1.1)
    busy.send(b"".join(reset(stream) for stream in streams))
    busy.ask([(9001, get(9001))])
    busy.expect_served(9001)


def test_messages_of_a_few_bytes_each(busy):
    busy.send(post(stream=1, path="/size/10"))
    busy.upload(1, b"x" * 100_000, 5)
    assert busy.watch(1)
    busy.expect_served(1)
    assert len(busy.upstream.requests[0][3]) == 100_000


def test_calls_that_half_close_with_an_empty_frame(busy):
    busy.ask([(stream, post(stream=stream) + data(b"\0\0\0\0\0", end=False, stream=stream) + data(stream=stream)) for stream in odd(1000)])
    busy.expect_served(*odd(1000))


def test_calls_with_trailers(busy):
    ends = {stream: frame(HEADERS, END_HEADERS | END_STREAM, stream, block(("x-sum", "1"))) for stream in odd(1000)}
    busy.ask([(stream, post(stream=stream) + data(b"hello", end=False, stream=stream) + ends[stream]) for stream in odd(1000)])
    busy.expect_served(*odd(1000))


def test_pings_at_the_rate_of_keepalive_and_of_bandwidth_probes(busy):
    for i in range(2000):
        busy.send(frame(PING, 0, 0, number(0) + number(i)))
        busy.read_until(PING)
    for i in range(100):
        busy.send(frame(PING, 0, 0, bytes(8)) * 20 + get(2 * i + 1))
        assert busy.watch(2 * i + 1)
    busy.expect_served(*odd(100))


def test_settings_that_change_with_the_bandwidth(busy):
    for i in range(300):
        busy.send(settings((4, 65535 + 1000 * i)) + get(2 * i + 1))
        assert busy.watch(2 * i + 1)
    busy.expect_served(*odd(300))


def test_priorities_as_old_browsers_send_them(busy):
    groups = b"".join(priority(stream, 0, 200) for stream in [3, 5, 7, 9, 11])
    requests = [(stream, get(stream) + priority(stream, 11) + priority(stream, 3, 32)) for stream in range(13, 2013, 2)]
    busy.send(groups)
    busy.ask(requests)
    busy.expect_served(*[stream for stream, _ in requests])


def test_heads_of_forty_kilobytes(busy):
    lines = b"".join(block((f"x-{i}", "y" * 1000)) for i in range(40))
    for stream in odd(150):
        whole = head(stream=stream, path="/size/10")[9:] + lines
        pieces = [whole[at:at + 16000] for at in range(0, len(whole), 16000)]
        busy.send(frame(HEADERS, END_STREAM, stream, pieces[0]) + frame(CONTINUATION, 0, stream, pieces[1]) + frame(
            CONTINUATION, END_HEADERS, stream, pieces[2]))
        assert busy.watch(stream)
    busy.expect_served(*odd(150))


def test_a_large_download_with_its_windows_opened_frame_by_frame(busy):
    busy.ask([(1, get(1, "/size/30000000")), (3, get(3, "/size/3000000"))])
    busy.expect_served(1, 3)
    assert busy.received == {1: 30_000_000, 3: 3_000_000}


def test_a_large_upload_in_the_windows_given(busy):
    payload = b"u" * 50_000_000
    busy.send(post(("content-length", str(len(payload))), stream=1, path="/size/10"))
    busy.upload(1, payload, 16384)
    assert busy.watch(1)
    busy.expect_served(1)
    assert len(busy.upstream.requests[0][3]) == len(payload)


def test_windows_opened_wide_at_every_request(busy):
    requests = [(stream, get(stream, "/size/1000") + window(stream, 1_000_000)) for stream in odd(1000)]
    busy.send(window(0, 2**30))
    busy.ask(requests)
    busy.expect_served(*odd(1000))


def test_windows_of_a_slow_reader(busy):
    """A few bytes at a time, of each of which an update tells: as many updates as frames."""
    busy.send(settings((4, 1000)) + get(1, "/size/300000"))
    assert busy.watch(1)
    busy.expect_served(1)
    assert busy.received[1] == 300_000


def test_h2load_with_bodies_both_ways(weft, upstream, run, tmp_path):
    port, config = simple(upstream().port)
    proxy = weft(config)
    (tmp_path / "body").write_bytes(b"b" * 100_000)
    done = run("h2load", "-n", "300", "-c", "3", "-m", "30", "-d", tmp_path / "body", f"http://127.0.0.1:{port}/size/100000")
    assert "300 succeeded, 0 failed, 0 errored" in done.stdout, done.stdout
    assert limits_met(proxy) == {}


def test_grpc_calls_that_are_cancelled(weft, grpc_server):
    port, config = simple(grpc_server("one").port, http2=True)
    proxy = weft(config)
    for _ in range(5):
        assert grpc_call(port, "server-stream", count=100_000, cancel_after=3)["code"] == 1
        assert grpc_call(port, "unary")["code"] == 0
    assert limits_met(proxy) == {}
