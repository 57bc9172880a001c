"""HTTP/1.1 on both sides, by curl, wrk, nginx, HAProxy and raw sockets."""
import base64
import hashlib
import json
import os
import re
import socket
import threading

import pytest

from bootstrap import bootstrap, cluster, listener, route, simple
from processes import free_port, wait_until


def exchange(port: int, request: bytes, until=None) -> bytes:
    """Sends bytes as they are and reads until the end, or until these bytes came."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        out = b""
        while until is None or until not in out:
            piece = connection.recv(65536)
            if not piece:
                break
            out += piece
        return out


@pytest.fixture
def echo(weft, upstream):
    """A proxy in front of one scriptable server: (port, server, proxy)."""
    server = upstream()
    port, config = simple(server.port)
    return port, server, weft(config)


def test_a_large_body_goes_both_ways_unchanged(weft, nginx, tmp_path, run):
    origin = nginx("server { listen 127.0.0.1:PORT; root FOLDER; client_max_body_size 0; location /put/ { dav_methods PUT; create_full_put_path on; } }")
    port, config = simple(origin.port)
    weft(config)
    content = os.urandom(20 * 1024 * 1024)
    (tmp_path / "in").write_bytes(content)
    sent = run("curl", "-sS", "-T", tmp_path / "in", "-H", "expect:", f"http://127.0.0.1:{port}/put/file", "-w", "%{http_code}")
    assert sent.stdout.endswith("201"), sent
    run("curl", "-sS", f"http://127.0.0.1:{port}/put/file", "-o", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content


def test_a_chunked_upload_reaches_the_upstream_whole(echo, run):
    port, _, _ = echo
    done = run("curl", "-sS", "-H", "transfer-encoding: chunked", "-d", "a" * 5000, f"http://127.0.0.1:{port}/echo")
    seen = json.loads(done.stdout)
    assert seen["body"] == "a" * 5000
    assert seen["headers"].get("transfer-encoding") == "chunked" and "content-length" not in seen["headers"]


def test_expect_100_continue_is_answered_before_the_body(echo, run):
    port, _, _ = echo
    done = run("curl", "-sS", "-i", "-H", "expect: 100-continue", "--expect100-timeout", "20", "-d", "b" * 3000, f"http://127.0.0.1:{port}/echo")
    assert done.stdout.startswith("HTTP/1.1 100 Continue\r\n"), done.stdout[:200]
    assert json.loads(done.stdout.split("\r\n\r\n", 2)[2])["body"] == "b" * 3000


def test_trailers_pass_where_they_are_enabled(weft, upstream):
    port, config = simple(upstream().port, http_protocol_options={"enable_trailers": True})
    config["static_resources"]["clusters"][0]["typed_extension_protocol_options"] = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http_protocol_options": {"enable_trailers": True}}}}
    weft(config)
    answer = exchange(port, b"GET /chunked/3 HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: close\r\n\r\n")
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"transfer-encoding: chunked" in head.lower()
    assert body.lower().endswith(b"0\r\nx-trailer: yes\r\n\r\n"), body


def test_trailers_are_dropped_where_they_are_not(echo):
    port, _, _ = echo
    answer = exchange(port, b"GET /chunked/3 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert answer.endswith(b"0\r\n\r\n") and b"chunk 2" in answer


def test_head_and_bodiless_statuses_carry_no_body(echo, run):
    port, _, _ = echo
    head = run("curl", "-sS", "-I", f"http://127.0.0.1:{port}/size/1234").stdout
    assert "content-length: 1234" in head.lower()
    for status in (204, 304):
        answer = exchange(port, f"GET /status/{status} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
        assert answer.startswith(f"HTTP/1.1 {status}".encode()) and answer.endswith(b"\r\n\r\n"), answer


def test_pipelined_requests_are_answered_in_order(echo):
    port, _, _ = echo
    requests = b"".join(b"GET /echo?n=%d HTTP/1.1\r\nhost: a\r\n%s\r\n" % (i, b"connection: close\r\n" if i == 9 else b"") for i in range(10))
    answers = exchange(port, requests)
    assert re.findall(rb'"path": "/echo\?n=(\d)"', answers) == [b"%d" % i for i in range(10)], answers


def test_one_connection_serves_many_requests(echo, run):
    port, _, proxy = echo
    urls = [f"http://127.0.0.1:{port}/echo?n={i}" for i in range(20)]
    done = run("curl", "-sS", "-o", "/dev/null", "-w", "%{num_connects} %{http_code}\n", *sum(([url] if i == 0 else ["-o", "/dev/null", url] for i, url in enumerate(urls)), []))
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["1"] + ["0"] * 19, done
    stats = proxy.stats()
    assert stats["http.ingress.downstream_cx_total"] == 1 and stats["http.ingress.downstream_rq_total"] == 20
    assert stats["cluster.service.upstream_cx_total"] == 1


def test_http_1_0_is_refused_unless_it_is_accepted(weft, upstream):
    port, config = simple(upstream().port)
    weft(config)
    assert exchange(port, b"GET /echo HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 426")
    port, config = simple(upstream().port, http_protocol_options={"accept_http_10": True, "default_host_for_http_10": "old.example"})
    weft(config)
    answer = exchange(port, b"GET /chunked/2 HTTP/1.0\r\n\r\n")
    assert b"200 OK" in answer.split(b"\r\n")[0] and b"transfer-encoding" not in answer.lower() and answer.endswith(b"chunk 1\n"), answer


@pytest.mark.parametrize("request_text", [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    b"GET / HTTP/1.1\r\nhost : a\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
], ids=["no host", "two hosts", "both lengths", "two lengths", "space before colon", "NUL in a value", "bad chunk size"])
def test_what_is_ambiguous_is_refused_and_the_connection_closed(echo, request_text):
    port, server, _ = echo
    answer = exchange(port, request_text)
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert not [path for _, path, _, _ in server.requests if path == "/smuggled"]


def test_a_head_above_60_kilobytes_is_answered_431(echo):
    port, _, _ = echo
    assert exchange(port, b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 70000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431")


def test_what_belongs_to_one_connection_goes_no_further(echo):
    port, _, _ = echo
    answer = exchange(port, b"GET /echo HTTP/1.1\r\nhost: a\r\nconnection: close, x-hop\r\nx-hop: 1\r\nkeep-alive: 3\r\nproxy-connection: close\r\nx-end: 2\r\n\r\n")
    seen = json.loads(answer.split(b"\r\n\r\n", 1)[1])["headers"]
    assert seen["x-end"] == "2" and not {"x-hop", "keep-alive", "proxy-connection"} & set(seen), seen


def test_an_upstream_cut_in_its_body_cuts_the_response(echo):
    port, _, _ = echo
    answer = exchange(port, b"GET /cut/1000 HTTP/1.1\r\nhost: a\r\n\r\n")
    assert b"content-length: 1000" in answer.lower() and len(answer.split(b"\r\n\r\n", 1)[1]) < 1000


def test_an_upstream_that_resets_is_503(echo, run):
    port, _, _ = echo
    done = run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-d", "x", f"http://127.0.0.1:{port}/reset")
    assert done.stdout == "503"


def test_a_client_that_goes_away_ends_the_upstream_request(echo):
    port, server, proxy = echo
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(b"GET /stall HTTP/1.1\r\nhost: a\r\n\r\n")
    wait_until(lambda: server.hits["/stall"] == 1, "the request is at the upstream")
    connection.close()
    wait_until(lambda: server.aborted == 1, "the upstream's connection is closed")
    wait_until(lambda: proxy.stats()["cluster.service.upstream_rq_active"] == 0, "no request is active")


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_wrk_through_to_real_servers_loses_nothing(weft, nginx, haproxy, run, kind):
    if kind == "nginx":
        origin = nginx("server { listen 127.0.0.1:PORT; keepalive_requests 100; location / { return 200 'hello\n'; } }")
    else:
        origin = haproxy("frontend f\n  bind 127.0.0.1:PORT\n  http-request return status 200 content-type text/plain string hello\n")
    port, config = simple(origin.port)
    proxy = weft(config)
    done = run("wrk", "-t", "2", "-c", "50", "-d", "3s", f"http://127.0.0.1:{port}/")
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    stats = proxy.stats()
    assert stats["http.ingress.downstream_rq_2xx"] >= requests > 100
    assert stats.get("http.ingress.downstream_rq_5xx", 0) == 0


class WebSocketServer:
    """Accepts one WebSocket and echoes its text frames (RFC 6455), on the standard library."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.head = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        connection, _ = self.socket.accept()
        with connection:
            while b"\r\n\r\n" not in self.head:
                self.head += connection.recv(4096)
            key = re.search(rb"(?i)sec-websocket-key: (\S+)", self.head).group(1)
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                               b"sec-websocket-accept: " + accept_value(key) + b"\r\n\r\n")
            while (text := read_frame(connection)) is not None:
                connection.sendall(b"\x81" + frame_length(len(text)) + text)


def accept_value(key: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def frame_length(size: int) -> bytes:
    return bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")


def read_exactly(connection, size: int):
    out = b""
    while len(out) < size:
        piece = connection.recv(size - len(out))
        if not piece:
            return None
        out += piece
    return out


def read_frame(connection):
    """The payload of one frame, unmasked; None at the end."""
    head = read_exactly(connection, 2)
    if head is None:
        return None
    size = head[1] & 0x7F
    if size == 126:
        size = int.from_bytes(read_exactly(connection, 2), "big")
    mask = read_exactly(connection, 4) if head[1] & 0x80 else b"\0\0\0\0"
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(read_exactly(connection, size)))


def websocket_request(key: bytes) -> bytes:
    return (b"GET /chat HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
            b"sec-websocket-key: " + key + b"\r\n\r\n")


def test_a_websocket_passes_and_echoes(weft):
    origin = WebSocketServer()
    port, config = simple(origin.port, upgrade_configs=[{"upgrade_type": "websocket"}])
    weft(config)
    key = base64.b64encode(os.urandom(16))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(websocket_request(key))
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        assert head.startswith(b"HTTP/1.1 101") and accept_value(key) in head, head
        for text in (b"hello", b"x" * 5000):
            mask = os.urandom(4)
            size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
            connection.sendall(b"\x81" + size + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(text)))
            assert read_frame(connection) == text


def test_an_upgrade_that_is_not_configured_is_refused(echo):
    port, _, _ = echo
    assert exchange(port, websocket_request(b"AAAAAAAAAAAAAAAAAAAAAA=="), until=b"\r\n\r\n").startswith(b"HTTP/1.1 403")


def test_connect_opens_a_tunnel(weft, upstream, run):
    server, port = upstream(), free_port()
    tunnel = {"match": {"connect_matcher": {}},
              "route": {"cluster": "service", "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]}}
    weft(bootstrap([listener(port, [tunnel, route("/", "service")], upgrade_configs=[{"upgrade_type": "CONNECT"}])],
                   [cluster("service", server.port)]))
    done = run("curl", "-sS", "-p", "-x", f"http://127.0.0.1:{port}", f"http://127.0.0.1:{server.port}/echo")
    assert json.loads(done.stdout)["path"] == "/echo", done
