"""HTTP/2 through the whole program: real clients, a pair of proxies, and clients that misbehave."""
import re
import shutil
import struct

import pytest
from bootstrap import bootstrap, cluster, downstream_tls, listener, route, simple
from http2_frames import (CONTINUATION, DATA, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, PING, PROTOCOL_ERROR, RST_STREAM,
                          SETTINGS, STREAM_CLOSED, Http2Client, block, frame, request)
from processes import ROOT, free_port, grpc_call


@pytest.fixture
def connect():
    clients = []

    def start(port, **options):
        clients.append(Http2Client(port, **options))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


def pair(weft, upstream_port: int) -> int:
    """Two proxies with HTTP/2 between them; the port of the first."""
    inner_port, inner = simple(upstream_port)
    weft(inner)
    outer_port, outer = simple(inner_port, http2=True)
    weft(outer)
    return outer_port


def code_of(payload: bytes) -> int:
    return int.from_bytes(payload[-4:], "big")


@pytest.mark.parametrize("is_pair", [False, True], ids=["one", "pair"])
def test_h2load_loses_nothing(weft, nginx, run, is_pair):
    origin = nginx("server { listen 127.0.0.1:PORT; keepalive_requests 1000000; location / { return 200 'from nginx\n'; } }")
    if is_pair:
        port = pair(weft, origin.port)
    else:
        port, config = simple(origin.port)
        weft(config)
    done = run("h2load", "-n", "5000", "-c", "5", "-m", "20", f"http://127.0.0.1:{port}/")
    assert "5000 succeeded, 0 failed, 0 errored" in done.stdout, done.stdout
    assert "5000 2xx" in done.stdout


def test_large_bodies_pass_both_ways(weft, upstream, run, tmp_path):
    port = pair(weft, upstream().port)
    sent = tmp_path / "body"
    sent.write_bytes(b"u" * 3_000_000)
    done = run("nghttp", "-d", sent, f"http://127.0.0.1:{port}/echo")
    assert done.stdout.count("u" * 1000) >= 3000, done.stderr
    down = run("nghttp", "-n", "--stat", f"http://127.0.0.1:{port}/size/5000000")
    assert re.search(r"\b200\s+4M\b", down.stdout), down.stdout


def test_grpc_of_every_kind_passes_a_pair(weft, grpc_server):
    inner_port, inner = simple(grpc_server("one").port, http2=True)
    inner_proxy = weft(inner)
    port, outer = simple(inner_port, http2=True)
    weft(outer)
    for kind, replies in [("unary", 1), ("client-stream", 1), ("server-stream", 5), ("bidi", 5)]:
        answer = grpc_call(port, kind, text="hello", count=5)
        assert (answer["code"], len(answer["replies"]), answer["trailing"]["x-trailer"]) == (0, replies, "yes"), answer
    assert grpc_call(port, "unary", size=3_000_000)["replies"][0]["bytes"] == 3_000_000
    failed = grpc_call(port, "unary", fail_code=5)
    assert (failed["code"], failed["message"], failed["replies"]) == (5, "as asked", [])
    assert grpc_call(port, "server-stream", count=100_000, cancel_after=3)["code"] == 1
    assert inner_proxy.stats()["cluster.service.http2.trailers"] >= 5


def test_a_stalled_stream_does_not_stall_its_sibling(weft, upstream, connect):
    """The client opens no window for one response; the other flows, through two proxies that share one connection."""
    client = connect(pair(weft, upstream().port), settings=struct.pack(">HI", 4, 0))  # INITIAL_WINDOW_SIZE 0
    client.send(frame(8, 0, 0, struct.pack(">I", 50_000_000)))
    client.send(request(1, "/size/8000000"))
    client.read_until(HEADERS, 1)
    client.send(request(3, "/size/2000000") + frame(8, 0, 3, struct.pack(">I", 4_000_000)))
    assert client.read_body(3) == 2_000_000
    client.send(frame(8, 0, 1, struct.pack(">I", 16_000_000)))
    assert client.read_body(1) == 8_000_000


def test_a_malformed_request_ends_its_connection_and_is_never_forwarded(weft, upstream, connect):
    origin = upstream()
    port, config = simple(origin.port)
    weft(config)
    for line in [("X-Upper", "1"), ("x", "a\r\nb: c"), ("x", " a"), ("connection", "close"), ("transfer-encoding", "chunked"), ("te", "gzip"),
                 ("content-length", "5")]:
        client = connect(port)
        client.send(request(1, "/echo", "GET", line))
        assert code_of(client.read_until(GOAWAY)[:8]) == PROTOCOL_ERROR, line
        while client.read_frame():
            pass
    assert origin.requests == []


def test_a_malformed_request_spares_its_siblings_where_configured(weft, upstream, connect):
    port, config = simple(upstream().port, http2_protocol_options={"override_stream_error_on_invalid_http_message": True})
    weft(config)
    client = connect(port)
    client.send(request(1, "/echo", "GET", ("connection", "close")))
    assert code_of(client.read_until(RST_STREAM, 1)) == PROTOCOL_ERROR
    client.send(request(3, "/size/1000"))
    assert client.read_body(3) == 1000


def test_too_many_headers_are_answered_with_431(weft, upstream, connect):
    origin = upstream()
    port, config = simple(origin.port)
    weft(config)
    client = connect(port)
    client.send(request(1, "/echo", "GET", *[(f"x-{i}", "1") for i in range(110)]))
    head = client.read_until(HEADERS, 1)
    assert b"431" in head or len(head) < 10, head
    client.send(request(3, "/size/1000"))
    assert client.read_body(3) == 1000
    assert [path for _, path, *_ in origin.requests] == ["/size/1000"]


def test_rapid_reset_ends_the_connection_and_no_other(weft, upstream, connect):
    port, config = simple(upstream().port)
    process = weft(config)
    other, client = connect(port), connect(port)
    other.send(request(1, "/slow/500"))
    try:
        for stream in range(1, 2000, 2):
            client.send(request(stream, "/stall") + frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
    except ConnectionError:
        pass
    assert code_of(client.read_until(GOAWAY)[:8]) == ENHANCE_YOUR_CALM
    assert other.read_body(1) == len("slow\n")
    stats = process.stats()
    assert stats["http.ingress.downstream_rq_too_many_premature_resets"] == 1
    assert stats["http2.rx_reset"] >= 250
    assert stats["http2.goaway_sent"] == 1


@pytest.mark.parametrize("flood", ["ping", "settings", "empty_data", "continuation"])
def test_floods_end_the_connection(weft, upstream, connect, flood):
    port, config = simple(upstream().port)
    weft(config)
    client = connect(port)
    one = {"ping": frame(PING, 0, 0, b"12345678"), "settings": frame(SETTINGS, 0, 0), "empty_data": frame(DATA, 0, 1),
           "continuation": frame(CONTINUATION, 0, 1, b"")}[flood]
    if flood == "empty_data":
        client.send(request(1, "/echo", "POST", end=False))
    if flood == "continuation":
        client.send(frame(HEADERS, END_STREAM, 1, block((":method", "GET"))))
    try:
        for _ in range(200):
            client.send(one * 200)  # and nothing is read
    except (ConnectionError, TimeoutError):
        pass
    while client.read_frame() is not None:
        pass


def test_frames_on_a_stream_the_client_ended_are_a_breach(weft, upstream, connect):
    port, config = simple(upstream().port)
    weft(config)
    client = connect(port)
    client.send(request(1, "/size/10"))
    assert client.read_body(1) == 10
    client.send(frame(DATA, 0, 1, b"late"))
    assert code_of(client.read_until(GOAWAY)[:8]) == STREAM_CLOSED


def test_http1_text_on_an_http2_port_is_refused(weft, upstream, run):
    port, config = simple(upstream().port, codec_type="HTTP2")
    weft(config)
    done = run("curl", "-sS", "--http1.1", f"http://127.0.0.1:{port}/")
    assert done.returncode != 0


def test_sigterm_sends_a_notice_then_goaway_and_finishes(weft, upstream, connect):
    port, config = simple(upstream().port)
    process = weft(config)
    client = connect(port)
    client.send(request(1, "/slow/700"))
    client.send(frame(PING, 0, 0, b"12345678"))
    client.read_until(PING)
    process.signal(15)
    assert client.read_until(GOAWAY)[:4] == b"\x7f\xff\xff\xff"
    assert client.read_body(1) == len("slow\n")
    assert process.wait_exit() == 0


def test_an_answer_to_half_a_request_leaves_the_connection_alone(weft, upstream, connect):
    port = free_port()
    weft(bootstrap([listener(port, [{"match": {"prefix": "/direct"}, "direct_response": {"status": 404}}, route("/", "service")])],
                   [cluster("service", upstream().port)]))
    client = connect(port)
    client.send(request(1, "/direct", "POST", end=False))
    kinds = []
    while not kinds or kinds[-1] != RST_STREAM:
        kinds.append(client.read_frame()[0])
    assert HEADERS in kinds and GOAWAY not in kinds, kinds
    client.send(request(3, "/echo"))
    assert client.read_body(3) > 0


@pytest.mark.parametrize("hop", ["http1", "http2"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["h2c", "tls"])
def test_h2spec(weft, upstream, run, authority, is_tls, hop):
    """Strict, in front of either protocol (a second proxy is the HTTP/2 upstream). From the Go proxy: summerwind/h2spec v2.2.1."""
    program = shutil.which("h2spec") or ROOT / "build/tools/h2spec"
    if not shutil.which(str(program)):
        pytest.skip("h2spec is not installed: ./dev setup test")
    behind = upstream().port
    if hop == "http2":
        inner_port, inner = simple(behind, codec_type="HTTP2")
        weft(inner)
        behind = inner_port
    secured = {"transport_socket": downstream_tls(authority.issue("h2spec", addresses=["127.0.0.1"]), alpn=["h2"])} if is_tls else {}
    port, config = simple(behind, http2=hop == "http2", codec_type="HTTP2", **secured)
    weft(config)
    done = run(program, "-S", *(["-t", "-k"] if is_tls else []), "-h", "127.0.0.1", "-p", port, "-P", "/size/1000", "-o", "2")
    counted = re.search(r"^(\d+) tests, (\d+) passed, 0 skipped, 0 failed", done.stdout, re.M)
    assert counted and counted[1] == counted[2] and int(counted[1]) >= 146, "\n".join(done.stdout.splitlines()[-80:])
