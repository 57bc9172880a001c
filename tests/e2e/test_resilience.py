"""Retries, breakers, ejection, timeouts and deadlines, seen from outside."""
import socket
import threading

import pytest

from bootstrap import bootstrap, cluster, listener, log_to, route
from processes import free_port, wait_until

TRUSTED = {"use_remote_address": True, "internal_address_config": {"cidr_ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]}}


@pytest.fixture
def proxied(weft, upstream):
    """A proxy in front of `servers` upstreams; returns (curl-able port, servers, proxy)."""
    def start(action: dict = None, servers: int = 1, cluster_fields: dict = None, **manager):
        origins = [upstream(f"s{i}") for i in range(servers)]
        port = free_port()
        proxy = weft(bootstrap([listener(port, [route("/", "service", **(action or {}))], **manager)],
                               [cluster("service", *[origin.port for origin in origins], **(cluster_fields or {}))]))
        return port, origins, proxy
    return start


@pytest.fixture
def status_of(run):
    """The status, and the headers by name, of one request with curl."""
    def fetch(port, path, *options):
        done = run("curl", "-sS", "-m", "30", "-D", "-", "-o", "/dev/null", *options, f"http://127.0.0.1:{port}{path}")
        head = [line for line in done.stdout.split("\r\n\r\n") if line.strip()][-1].split("\r\n")
        return int(head[0].split()[1]), {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head[1:] if ":" in line}
    return fetch


# ---- retries ---------------------------------------------------------------------------------------------------

def test_5xx_is_retried_until_it_succeeds_and_counted(proxied, status_of):
    port, (server,), proxy = proxied({"retry_policy": {"retry_on": "5xx", "num_retries": 3}})
    assert status_of(port, "/fail-first/2/503")[0] == 200
    assert server.hits["/fail-first/2/503"] == 3
    stats = proxy.stats()
    assert stats["cluster.service.upstream_rq_retry"] == 2 and stats["cluster.service.upstream_rq_retry_success"] == 1


def test_without_a_policy_nothing_is_retried(proxied, status_of):
    port, (server,), _ = proxied()
    assert status_of(port, "/fail-first/2/503")[0] == 503
    assert server.hits["/fail-first/2/503"] == 1


def test_retries_end_at_their_number(proxied, status_of):
    port, (server,), proxy = proxied({"retry_policy": {"retry_on": "5xx", "num_retries": 2}})
    assert status_of(port, "/status/503")[0] == 503
    assert server.hits["/status/503"] == 3
    assert proxy.stats()["cluster.service.upstream_rq_retry_limit_exceeded"] == 1


def test_only_the_statuses_that_are_named_are_retried(proxied, status_of):
    port, (server,), _ = proxied({"retry_policy": {"retry_on": "retriable-status-codes", "retriable_status_codes": [418], "num_retries": 1}})
    assert status_of(port, "/fail-first/1/418")[0] == 200
    assert status_of(port, "/fail-first/1/503")[0] == 503


def test_the_body_is_sent_again_with_a_retry(proxied, status_of):
    port, (server,), _ = proxied({"retry_policy": {"retry_on": "5xx", "num_retries": 1}})
    assert status_of(port, "/fail-first/1/500", "-d", "b" * 10000)[0] == 200
    assert [body for _, _, _, body in server.requests] == [b"b" * 10000] * 2


def test_a_reset_is_retried_where_the_policy_says_so(proxied, status_of):
    port, (server,), proxy = proxied({"retry_policy": {"retry_on": "reset", "num_retries": 1}})
    assert status_of(port, "/reset", "-d", "x")[0] == 503
    assert server.hits["/reset"] == 2


def test_an_instance_that_is_down_is_passed_over(weft, upstream, status_of):
    alive, port = upstream(), free_port()
    weft(bootstrap([listener(port, [route("/", "service", retry_policy={"retry_on": "connect-failure", "num_retries": 3})])],
                   [cluster("service", free_port(), alive.port)]))
    assert [status_of(port, "/echo")[0] for _ in range(6)] == [200] * 6


def test_a_request_header_of_a_trusted_client_asks_for_retries(proxied, status_of):
    port, (server,), _ = proxied(**TRUSTED)
    assert status_of(port, "/fail-first/1/503", "-H", "x-envoy-retry-on: 5xx", "-H", "x-envoy-max-retries: 1")[0] == 200


# ---- breakers and ejection -------------------------------------------------------------------------------------

def test_requests_above_the_breaker_fail_at_once_and_say_why(proxied, status_of, run):
    port, (server,), proxy = proxied(cluster_fields={"circuit_breakers": {"thresholds": [{"max_connections": 1, "max_pending_requests": 1}]}})
    waiting = [threading.Thread(target=status_of, args=(port, "/slow/3000")) for _ in range(2)]
    waiting[0].start()
    wait_until(lambda: server.hits["/slow/3000"] == 1, "the first request holds the connection")
    waiting[1].start()
    wait_until(lambda: proxy.stats()["cluster.service.upstream_rq_pending_active"] == 1, "the second one waits")
    status, headers = status_of(port, "/echo")
    assert status == 503 and headers["x-envoy-overloaded"] == "true"
    assert proxy.stats()["cluster.service.upstream_rq_pending_overflow"] == 1
    for thread in waiting:
        thread.join()
    assert status_of(port, "/echo")[0] == 200


def test_an_instance_is_ejected_after_consecutive_5xx_and_comes_back(proxied, run, weft):
    port, (one, two), proxy = proxied(servers=2, cluster_fields={
        "outlier_detection": {"consecutive_5xx": 3, "interval": "0.5s", "base_ejection_time": "2s", "max_ejection_percent": 50}})
    # Only s0 fails: /fail-first fails by instance, and s1 is asked other paths first.
    two.hits["/fail-first/3/503"] = 3

    def ask(path):
        done = run("curl", "-sS", "-D", "-", f"http://127.0.0.1:{port}{path}", "-o", "/dev/null")
        return "x-instance: s0" in done.stdout.lower()

    for _ in range(12):
        ask("/fail-first/3/503")
    wait_until(lambda: proxy.stats()["cluster.service.outlier_detection.ejections_active"] == 1, "s0 is ejected")
    assert not any(ask("/echo") for _ in range(6))
    wait_until(lambda: proxy.stats()["cluster.service.outlier_detection.ejections_active"] == 0, "its time is over")
    wait_until(lambda: ask("/echo"), "s0 is asked again")
    assert proxy.stats()["cluster.service.outlier_detection.ejections_enforced_consecutive_5xx"] == 1


def test_the_instance_whose_success_rate_is_much_lower_is_ejected_by_all_workers(weft, upstream, run):
    origins = [upstream(f"s{i}") for i in range(4)]
    path = "/fail-first/1000000/503"
    for good in origins[1:]:
        good.hits[path] = 1000000
    port = free_port()
    proxy = weft(bootstrap([listener(port, [route("/", "service")])], [cluster("service", *[origin.port for origin in origins], outlier_detection={
        "interval": "0.5s", "base_ejection_time": "100s", "max_ejection_percent": 25, "enforcing_consecutive_5xx": 0,
        "success_rate_minimum_hosts": 4, "success_rate_request_volume": 5, "success_rate_stdev_factor": 1000})]), "--concurrency", "2")

    def ask() -> str:
        """Forty requests on each of three connections; what was answered."""
        url = f"http://127.0.0.1:{port}{path}"
        return "".join(run("curl", "-sS", "-w", "%{http_code} ", *["-o/dev/null", url] * 40).stdout for _ in range(3))

    ejected = "cluster.service.outlier_detection.ejections_enforced_success_rate"
    wait_until(lambda: ask() and proxy.stats()[ejected] == 1, "s0 is ejected")
    assert "503" not in ask()
    assert proxy.stats()["cluster.service.outlier_detection.ejections_enforced_total"] == 1


# ---- timeouts and deadlines ------------------------------------------------------------------------------------

def test_a_route_timeout_is_504_and_ends_the_upstream_request(proxied, status_of):
    port, (server,), proxy = proxied({"timeout": "0.3s"})
    assert status_of(port, "/stall")[0] == 504
    wait_until(lambda: server.aborted == 1, "the upstream's connection is closed")
    assert proxy.stats()["cluster.service.upstream_rq_timeout"] == 1


def test_a_try_has_its_own_timeout_and_is_retried(proxied, status_of):
    port, (server,), proxy = proxied({"timeout": "20s", "retry_policy": {"retry_on": "5xx", "num_retries": 1, "per_try_timeout": "0.3s"}})
    assert status_of(port, "/stall")[0] == 504
    assert server.hits["/stall"] == 2
    assert proxy.stats()["cluster.service.upstream_rq_per_try_timeout"] == 2


def test_a_connection_that_does_not_come_is_503(weft, status_of):
    port = free_port()
    proxy = weft(bootstrap([listener(port, [route("/", "service")])], [cluster("service", free_port())]))
    assert status_of(port, "/")[0] == 503
    assert proxy.stats()["cluster.service.upstream_cx_connect_fail"] >= 1


def test_a_deadline_shortens_and_each_try_is_told_what_is_left(proxied, status_of, run):
    port, (server,), _ = proxied({"timeout": "10s"}, router_options={"respect_expected_rq_timeout": True}, **TRUSTED)
    assert status_of(port, "/stall", "-H", "x-envoy-expected-rq-timeout-ms: 300")[0] == 504
    status_of(port, "/echo", "-H", "x-envoy-expected-rq-timeout-ms: 5000")
    told = [{name.lower(): value for name, value in headers.items()}.get("x-envoy-expected-rq-timeout-ms") for _, _, headers, _ in server.requests]
    assert int(told[0]) <= 300 and int(told[1]) <= 5000, told


def test_a_deadline_of_an_untrusted_client_counts_for_nothing(proxied, status_of):
    port, (server,), _ = proxied({"timeout": "10s"}, router_options={"respect_expected_rq_timeout": True})
    assert status_of(port, "/slow/700", "-H", "x-envoy-expected-rq-timeout-ms: 100")[0] == 200


def test_a_request_that_does_not_come_is_408(proxied):
    port, _, _ = proxied(request_headers_timeout="0.5s")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")


def test_an_idle_stream_is_ended(proxied, status_of):
    port, _, _ = proxied(stream_idle_timeout="0.5s")
    assert status_of(port, "/stall")[0] in (408, 504)


def test_an_idle_connection_is_closed(proxied):
    port, _, _ = proxied(common_http_protocol_options={"idle_timeout": "0.5s"}, drain_timeout="0.2s")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        assert connection.recv(4096) == b""


def test_flags_and_details_of_failures_are_in_the_access_log(weft, upstream, status_of, tmp_path):
    server, port, path = upstream(), free_port(), tmp_path / "access.log"
    routes = [route("/short/", "service", timeout="0.2s", prefix_rewrite="/"), route("/nobody", "nobody"), route("/", "service")]
    proxy = weft(bootstrap([listener(port, routes, access_log=[log_to(path, "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%")])],
                           [cluster("service", server.port), cluster("nobody", free_port())]))
    for target in ("/echo", "/short/stall", "/nobody", "/reset"):
        status_of(port, target)
    proxy.quit()  # which flushes the log
    lines = dict(line.split(" ", 1) for line in path.read_text().splitlines())
    # Envoy's log shows the path as it was rewritten.
    assert lines["/echo"] == "200 - via_upstream", lines
    assert lines.get("/short/stall", lines.get("/stall")) == "504 UT response_timeout", lines
    assert lines["/nobody"].startswith("503 UF upstream_reset_before_response_started{remote_connection_failure"), lines
    assert lines["/reset"].startswith("503 UC upstream_reset_before_response_started{connection_termination"), lines
