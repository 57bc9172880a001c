"""A sidecar is paid for once per service: what it holds while idle is a promise."""
import http.client
import json
import resource
import socket
import time

import pytest

from bootstrap import simple

RSS_IDLE_KILOBYTES_MAX = 15 * 1024
CONNECTIONS = 1500
# 1 KiB of objects, and what malloc adds to the five of them. (Measured: 993 to 1,027 bytes with that.)
IDLE_CONNECTION_BYTES_MAX = 1024 + 5 * 16
REST_SECONDS = 5


def test_an_idle_proxy_with_two_workers_stays_within_15_megabytes(weft, upstream):
    _, config = simple(upstream().port)
    proxy = weft(config, "--concurrency", "2")
    time.sleep(5)
    assert proxy.rss_kilobytes() <= RSS_IDLE_KILOBYTES_MAX


@pytest.fixture
def many_files():
    """As many descriptors as two ends of the connections need, for this process and the proxy it starts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * CONNECTIONS + 200
    if before[1] != resource.RLIM_INFINITY and before[1] < needed:
        pytest.skip(f"this needs {needed} descriptors and may have {before[1]}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def allocated(proxy) -> int:
    return int(json.loads(proxy.admin("/memory")[1])["allocated"])


def ask(connection: socket.socket) -> socket.socket:
    """One request and its whole answer."""
    connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    response = http.client.HTTPResponse(connection)
    response.begin()
    assert response.status == 200
    response.read()
    return connection


def test_an_idle_connection_holds_at_most_one_kilobyte(weft, upstream, many_files):
    port, config = simple(upstream().port)
    proxy = weft(config, "--concurrency", "1")
    # What the first connections bring along (pools, tables that double) is not theirs.
    first = [ask(socket.create_connection(("127.0.0.1", port))) for _ in range(CONNECTIONS // 3)]
    time.sleep(REST_SECONDS + 1.5)
    before = allocated(proxy)
    more = [ask(socket.create_connection(("127.0.0.1", port))) for _ in range(CONNECTIONS)]
    time.sleep(REST_SECONDS + 1.5)
    each = (allocated(proxy) - before) / len(more)
    for rested in (first[0], more[0]):
        ask(rested)
    assert each <= IDLE_CONNECTION_BYTES_MAX, f"{each:.0f} bytes a connection"
