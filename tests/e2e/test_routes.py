"""Routing, header and resilience examples on the whole program: examples/envoy/{routing,redirect,headers,resilience,fault}.yaml."""
import http.client
import json
import re
import time

import pytest
from processes import ROOT, free_port


class Proxy:
    """Weft with an example whose ports are replaced by free ones, and a client for it."""

    def __init__(self, weft, name: str, listen: int, **ports: int):
        text = (ROOT / "examples/envoy" / f"{name}.yaml").read_text()
        self.port = free_port()
        replaced = {9901: free_port(), listen: self.port, **{int(old[1:]): new for old, new in ports.items()}}
        text = re.sub(r"port_value: (\d+)", lambda m: f"port_value: {replaced.get(int(m.group(1)), m.group(1))}", text)
        self.weft = weft(text)

    def get(self, path: str, headers=(), host: str = "api.example.com", method: str = "GET", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("host", host)
            for name, value in dict(headers).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def echo(self, path: str, headers=(), **options) -> dict:
        status, _, body = self.get(path, headers, **options)
        assert status == 200, (status, body)
        return json.loads(body)


def stat(proxy: Proxy, name: str) -> int:
    _, text = proxy.weft.admin(f"/stats?filter=^{re.escape(name)}$")[:2]
    found = re.search(r": (\d+)", text if isinstance(text, str) else text.decode())
    return int(found.group(1)) if found else 0


@pytest.fixture
def routing(weft, upstream):
    return Proxy(weft, "routing", 10000, p8081=upstream("one").port, p8082=upstream("two").port)


def test_routes_match_by_path_header_and_query(routing):
    assert routing.get("/health")[2] == "ok\n"
    assert routing.get("/health;v=1")[2] == "ok\n", "path parameters are ignored"
    assert routing.echo("/v1/users")["path"] == "/api/users"
    assert routing.echo("/users/7/x?q=1")["path"] == "/people/7/x?q=1"
    assert routing.echo("/v1x", host="x.api.example.com:8443")["path"] == "/v1x", "the port is no part of the host"
    by_header = {"x-version": "2", "x-region": "eu-west", "x-suffix": "1", "x-count": "99", "x-trace": "", "x-pattern": "abc"}
    assert routing.echo("/echo", by_header)["instance"] == "two"
    assert routing.echo("/echo", {**by_header, "x-count": "100"})["instance"] == "one"
    by_query = routing.echo("/echo?debug&version=2")
    assert by_query["instance"] == "two"
    assert by_query["headers"]["host"] == "v2.internal"
    assert by_query["headers"]["x-forwarded-host"] == "api.example.com"


def test_hosts_are_rewritten_from_path_and_header(routing):
    # The canary route comes first for one request in twenty.
    def until_not_canary(path, headers=()):
        for _ in range(50):
            seen = routing.echo(path, headers)
            if seen["headers"]["host"] not in ("v1.internal", "api.example.com"):
                return seen["headers"]["host"]
        raise AssertionError("always the canary")
    assert until_not_canary("/host/inner.example/x") == "inner.example"
    assert until_not_canary("/via-header", {"x-host": "by-header.example"}) == "by-header.example"


def test_a_cluster_header_that_names_none_is_answered(routing):
    statuses = {routing.get("/tenant/x", {"x-cluster": "none"})[0] for _ in range(30)}
    assert 404 in statuses


def test_other_hosts_get_the_last_virtual_host(routing):
    status, headers, body = routing.get("/", host="elsewhere.example")
    assert (status, body) == (404, "")


def test_redirects_say_where_to(weft):
    proxy = Proxy(weft, "redirect", 10080)
    cases = {
        ("old.example.com", "/x?y=1"): (308, "https://www.example.com:10443/x?y=1"),
        ("a.example", "/moved?x=1"): (302, "http://a.example/new"),
        ("a.example:8080", "/v1/x?y"): (307, "http://a.example:8080/v2/x?y"),
        ("a.example", "/users/ann/photos?x"): (303, "https://a.example/people/ann?x"),
    }
    for (host, path), expected in cases.items():
        status, headers, _ = proxy.get(path, host=host)
        assert (status, headers.get("location")) == expected
    assert proxy.get("/version")[2] == "1.0\n"
    assert proxy.get("/else")[0] == 404


def test_headers_change_at_all_levels(weft, upstream):
    proxy = Proxy(weft, "headers", 10000, p8080=upstream().port)
    status, headers, body = proxy.get("/echo", {
        "x-secret": "1", "x-old": "1", "x-route-old": "1", "x-split-old": "1", "x-host": "forged", "x-internal": "1",
        "x-envoy-max-retries": "9", "x-forwarded-for": "203.0.113.9", "via": "1.1 before"})
    seen = json.loads(body)["headers"]
    for name in ("x-secret", "x-old", "x-route-old", "x-split-old", "x-internal", "x-envoy-max-retries"):
        assert name not in seen
    assert seen["x-client"] == "203.0.113.9", "one trusted hop"
    assert seen["x-host"] == "api.example.com"
    assert (seen["x-route"], seen["x-split"]) == ("all", "a")
    assert seen["via"] == "1.1 before, 1.1 weft"
    assert headers["x-served-by"] == "weft"
    assert headers["x-request-id"] == seen["x-request-id"]
    assert headers["server"].startswith("upstream"), "APPEND_IF_ABSENT keeps the upstream's"
    assert re.fullmatch(r"127\.0\.0\.1:\d+", headers["x-upstream"])


@pytest.fixture
def resilience(weft, upstream):
    first, other = upstream("one"), upstream("two")
    proxy = Proxy(weft, "resilience", 10000, p8080=first.port, p8081=free_port(), p8082=other.port)
    return proxy


def test_failures_are_retried_and_counted(resilience):
    assert resilience.get("/echo")[1]["x-envoy-attempt-count"] == "1"
    retries = stat(resilience, "cluster.service.upstream_rq_retry")
    status, _, _ = resilience.get("/reset")
    assert status == 503
    assert stat(resilience, "cluster.service.upstream_rq_retry") == retries + 2, "num_retries of the virtual host"
    assert stat(resilience, "cluster.service.upstream_rq_retry_limit_exceeded") == 1


def test_a_timeout_of_an_internal_caller_is_kept(resilience):
    begin = time.monotonic()
    status, _, body = resilience.get("/stall", {"x-envoy-upstream-rq-timeout-ms": "300", "x-forwarded-for": "127.0.0.1"})
    assert (status, body) == (504, "upstream request timeout")
    assert time.monotonic() - begin < 5


def test_malformed_control_headers_are_refused(resilience):
    status, _, body = resilience.get("/", {"x-envoy-max-retries": "many", "x-forwarded-for": "127.0.0.1"})
    assert status == 400
    assert "x-envoy-max-retries" in body


def test_breakers_and_ejections_are_published(resilience):
    _, text = resilience.weft.admin("/stats?filter=cluster.service")[:2]
    text = text if isinstance(text, str) else text.decode()
    for name in ("circuit_breakers.default.remaining_rq: 200", "circuit_breakers.high.cx_open: 0", "outlier_detection.ejections_active: 0"):
        assert f"cluster.service.{name}" in text


@pytest.fixture
def fault(weft, upstream):
    return Proxy(weft, "fault", 10000, p8080=upstream().port)


def test_faults_by_header_abort_delay_and_slow_down(fault):
    status, _, body = fault.get("/by-header", {"x-envoy-fault-abort-request": "418"})
    assert (status, body) == (418, "fault filter abort")
    begin = time.monotonic()
    assert fault.get("/by-header", {"x-envoy-fault-delay-request": "400"})[0] == 200
    assert time.monotonic() - begin >= 0.4
    assert stat(fault, "http.ingress.fault.aborts_injected") == 1
    assert stat(fault, "http.ingress.fault.delays_injected") == 1
    assert stat(fault, "http.ingress.fault.active_faults") == 0


def test_requests_that_ask_for_no_fault_get_none(fault):
    begin = time.monotonic()
    for _ in range(20):
        assert fault.get("/echo")[0] == 200
    assert stat(fault, "http.ingress.fault.delays_injected") == 0
