"""From start to end: refusal to start, validate mode, drains, log rotation, workers."""
import signal
import socket
import subprocess
import threading
import time


from bootstrap import bootstrap, cluster, listener, log_to, route, simple
from processes import free_port, wait_until


def test_validate_mode_says_ok_and_listens_on_nothing(weft, upstream):
    port, config = simple(upstream().port)
    proxy = weft(config, "--mode", "validate", wait=False)
    assert proxy.wait_exit() == 0 and "OK" in proxy.log


def test_a_field_that_is_not_implemented_is_refused_by_its_path(weft, upstream):
    _, config = simple(upstream().port)
    config["static_resources"]["listeners"][0]["freebind"] = True
    config["static_resources"]["clusters"][0]["no_such_field"] = 1
    proxy = weft(config, wait=False)
    assert proxy.wait_exit() != 0
    assert "static_resources.listeners[0].freebind" in proxy.log and "no_such_field" in proxy.log, proxy.log


def test_an_address_in_use_is_an_error_that_names_it(weft, upstream):
    port, config = simple(upstream().port)
    with socket.create_server(("127.0.0.1", port)):
        proxy = weft(config, wait=False)
        assert proxy.wait_exit() != 0
        assert f"127.0.0.1:{port}" in proxy.log, proxy.log


def test_a_second_proxy_on_one_address_is_an_error(weft, upstream):
    port, config = simple(upstream().port)
    weft(config)
    config["admin"]["address"]["socket_address"]["port_value"] = free_port()
    assert weft(config, wait=False).wait_exit() != 0


def test_exact_balance_gives_two_workers_two_of_four_connections_each(weft, upstream):
    server, port = upstream(), free_port()
    proxy = weft(bootstrap([listener(port, [route("/", "service")], listener_fields={"connection_balance_config": {"exact_balance": {}}})],
                           [cluster("service", server.port)]), "--concurrency", "2")
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
    try:
        def per_worker():
            stats = proxy.stats()
            return [stats.get(f"listener.127.0.0.1_{port}.worker_{i}.downstream_cx_active") for i in (0, 1)]
        wait_until(lambda: per_worker() == [2, 2], "two connections on each worker")
    finally:
        for connection in connections:
            connection.close()


def test_sigterm_lets_a_request_end_and_refuses_new_connections(weft, upstream, run):
    server = upstream()
    port, config = simple(server.port)
    proxy = weft(config)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(run("curl", "-sS", "-i", f"http://127.0.0.1:{port}/slow/1500").stdout))
    asking.start()
    wait_until(lambda: server.hits["/slow/1500"] == 1, "the request is at the upstream")
    proxy.signal(signal.SIGTERM)
    assert proxy.wait_exit() == 0
    asking.join()
    assert answers[0].startswith("HTTP/1.1 200") and "connection: close" in answers[0].lower(), answers
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_sigterm_sends_goaway_on_http2_and_the_stream_ends(weft, upstream, run):
    server = upstream()
    port, config = simple(server.port)
    proxy = weft(config)
    shown = []
    asking = threading.Thread(target=lambda: shown.append(run("nghttp", "-v", f"http://127.0.0.1:{port}/slow/1500").stdout))
    asking.start()
    wait_until(lambda: server.hits["/slow/1500"] == 1, "the request is at the upstream")
    proxy.signal(signal.SIGTERM)
    assert proxy.wait_exit() == 0
    asking.join()
    assert "recv GOAWAY" in shown[0] and ":status: 200" in shown[0], shown[0][-3000:]


def test_sigterm_ends_with_an_idle_connection_open(weft, upstream):
    port, config = simple(upstream().port)
    proxy = weft(config)
    with socket.create_connection(("127.0.0.1", port)):
        assert proxy.quit() == 0


def test_sighup_reopens_the_log_under_its_name(weft, upstream, run, tmp_path):
    path = tmp_path / "access.log"
    port, config = simple(upstream().port, access_log=[log_to(path, "%REQ(:PATH)%")])
    proxy = weft(config)
    run("curl", "-sS", "-o", "/dev/null", f"http://127.0.0.1:{port}/echo?first")
    wait_until(lambda: path.exists() and "first" in path.read_text(), "the first line is written")
    path.rename(tmp_path / "old.log")
    proxy.signal(signal.SIGHUP)
    wait_until(path.exists, "the log is made anew")
    run("curl", "-sS", "-o", "/dev/null", f"http://127.0.0.1:{port}/echo?second")
    wait_until(lambda: "second" in path.read_text(), "the second line is in the new file")
    assert "second" not in (tmp_path / "old.log").read_text()
    assert proxy.is_running()


def test_every_line_is_logged_by_the_end(weft, upstream, run, tmp_path):
    path = tmp_path / "access.log"
    port, config = simple(upstream().port, access_log=[log_to(path, "%REQ(:PATH)%")])
    proxy = weft(config, "--concurrency", "2")
    run("h2load", "-n", "500", "-c", "5", f"http://127.0.0.1:{port}/echo")
    assert proxy.quit() == 0
    assert len(path.read_text().splitlines()) == 500


def test_a_client_that_keeps_its_connection_is_not_cut_while_nothing_happens(weft, upstream):
    port, config = simple(upstream().port)
    weft(config)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(b"GET /status/204 HTTP/1.1\r\nhost: a\r\n\r\n")
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096)
            assert head.startswith(b"HTTP/1.1 204")
            time.sleep(0.3)


def test_running_out_of_descriptors_is_survived(upstream, weft, run):
    port, config = simple(upstream().port)
    proxy = weft(config)
    subprocess.run(["prlimit", "--pid", str(proxy.pid), "--nofile=60:60"], check=True)
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    time.sleep(0.3)
    for connection in connections:
        connection.close()
    wait_until(lambda: run("curl", "-sS", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{port}/echo").stdout == "200",
               "it serves again")
    assert proxy.is_running()
