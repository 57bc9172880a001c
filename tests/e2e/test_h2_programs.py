"""HTTP/2 on both sides, by nghttp, h2load, curl and nginx."""
import json
import os
import re
import socket

import pytest

from bootstrap import bootstrap, cluster, listener, route, simple
from processes import free_port, wait_until


ORIGIN = """server {
  listen 127.0.0.1:PORT http2; root FOLDER; client_max_body_size 0;
  location /put/ { dav_methods PUT; create_full_put_path on; }
  location /trailers { add_trailer x-sum abc; return 200 "with trailers\n"; }
}"""


@pytest.fixture
def origin(nginx):
    """nginx speaking HTTP/2 without TLS; PUT /put/x stores a file and GET /put/x returns it."""
    return nginx(ORIGIN)


def test_many_streams_of_one_connection_share_it(weft, upstream, run):
    port, config = simple(upstream().port)
    proxy = weft(config)
    done = run("nghttp", "-n", *[f"http://127.0.0.1:{port}/echo?n={i}" for i in range(20)], "-s")
    assert len(re.findall(r"\s200\s", done.stdout)) == 20, done.stdout
    stats = proxy.stats()
    assert stats["http.ingress.downstream_cx_http2_total"] == 1 and stats["http.ingress.downstream_rq_http2_total"] == 20


def test_http2_to_http2_carries_large_bodies_both_ways(weft, origin, tmp_path, run):
    port, config = simple(origin.port, http2=True)
    weft(config)
    content = os.urandom(5_000_000)
    (tmp_path / "in").write_bytes(content)
    sent = run("curl", "-sS", "--http2-prior-knowledge", "-T", tmp_path / "in", f"http://127.0.0.1:{port}/put/x", "-w", "%{http_code}")
    assert sent.stdout.endswith("201"), sent
    run("curl", "-sS", "--http2-prior-knowledge", f"http://127.0.0.1:{port}/put/x", "-o", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content


def test_trailers_of_an_http2_upstream_arrive(weft, origin, run):
    port, config = simple(origin.port, http2=True)
    weft(config)
    done = run("nghttp", "-v", f"http://127.0.0.1:{port}/trailers")
    assert "x-sum: abc" in done.stdout and "with trailers" in done.stdout, done.stdout[-2000:]


def test_http1_clients_reach_an_http2_upstream_and_the_other_way(weft, origin, upstream, run):
    port, config = simple(origin.port, http2=True)
    weft(config)
    assert run("curl", "-sS", "--http1.1", f"http://127.0.0.1:{port}/trailers").stdout == "with trailers\n"
    port, config = simple(upstream().port)
    weft(config)
    seen = json.loads(run("curl", "-sS", "--http2-prior-knowledge", "-H", "cookie: a=1", "-H", "cookie: b=2", f"http://127.0.0.1:{port}/echo").stdout)
    assert seen["headers"]["host"] == f"127.0.0.1:{port}" and seen["headers"]["cookie"] == "a=1; b=2", seen


def test_h2load_loses_nothing(weft, nginx, run):
    origin = nginx("server { listen 127.0.0.1:PORT; location / { return 200 'hello\n'; } }")
    port, config = simple(origin.port)
    proxy = weft(config)
    done = run("h2load", "-n", "20000", "-c", "10", "-m", "20", f"http://127.0.0.1:{port}/")
    assert "20000 succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout, done.stdout
    assert proxy.stats()["http.ingress.downstream_rq_2xx"] == 20000


def test_the_stream_limit_of_the_listener_is_announced(weft, upstream, run):
    port, config = simple(upstream().port, http2_protocol_options={"max_concurrent_streams": 7})
    weft(config)
    done = run("nghttp", "-nv", f"http://127.0.0.1:{port}/echo")
    assert re.search(r"SETTINGS_MAX_CONCURRENT_STREAMS\(0x03\):7\b", done.stdout), done.stdout


def test_a_listener_of_http2_only_refuses_http1(weft, upstream, run):
    port, config = simple(upstream().port, codec_type="HTTP2")
    weft(config)
    assert run("curl", "-sS", "--http1.1", f"http://127.0.0.1:{port}/echo").returncode != 0
    assert run("curl", "-sS", "--http2-prior-knowledge", "-w", "%{http_version}", "-o", "/dev/null", f"http://127.0.0.1:{port}/echo").stdout == "2"


def test_a_stalled_stream_does_not_stall_its_siblings_over_a_pair(weft, upstream, run):
    """Two proxies with one HTTP/2 connection between them: one response is never read, another one flows."""
    server, inner, outer = upstream(), free_port(), free_port()
    weft(bootstrap([listener(inner, [route("/", "service")])], [cluster("service", server.port)]))
    front = weft(bootstrap([listener(outer, [route("/", "next")])], [cluster("next", inner, http2=True)]))
    with socket.create_connection(("127.0.0.1", outer), timeout=10) as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.sendall(b"GET /size/60000000 HTTP/1.1\r\nhost: a\r\n\r\n")
        wait_until(lambda: server.hits["/size/60000000"] == 1, "the large response has begun")
        for _ in range(3):
            done = run("curl", "-sS", "-m", "20", "-o", "/dev/null", "-w", "%{size_download}", f"http://127.0.0.1:{outer}/size/5000000")
            assert done.stdout == "5000000", done
        assert front.stats()["cluster.next.upstream_cx_active"] == 1
