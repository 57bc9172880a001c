"""The least that must hold: a request goes through, whole, by real programs on both sides."""
import json

from bootstrap import simple
from processes import grpc_call


def test_a_request_reaches_the_upstream_and_its_answer_comes_back(weft, upstream, run):
    port, config = simple(upstream().port)
    weft(config)
    done = run("curl", "-sS", "-i", "-d", "some body", f"http://127.0.0.1:{port}/echo?x=1")
    head, body = done.stdout.split("\r\n\r\n", 1)
    assert head.startswith("HTTP/1.1 200"), done
    seen = json.loads(body)
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/echo?x=1", "some body")
    assert seen["headers"]["host"] == f"127.0.0.1:{port}"


def test_nginx_answers_through_the_proxy_over_http2(weft, nginx, run):
    origin = nginx("server { listen 127.0.0.1:PORT; location / { return 200 'from nginx\n'; } }")
    port, config = simple(origin.port)
    weft(config)
    done = run("curl", "-sS", "--http2-prior-knowledge", "-w", "%{http_version}", f"http://127.0.0.1:{port}/")
    assert done.stdout == "from nginx\n2", done


def test_haproxy_answers_through_the_proxy(weft, haproxy, run):
    origin = haproxy("frontend f\n  bind 127.0.0.1:PORT\n  http-request return status 200 content-type text/plain string haproxy\n")
    port, config = simple(origin.port)
    weft(config)
    assert run("curl", "-sS", f"http://127.0.0.1:{port}/").stdout == "haproxy"


def test_grpc_passes_with_trailers(weft, grpc_server):
    port, config = simple(grpc_server("one").port, http2=True)
    weft(config)
    answer = grpc_call(port, "unary", text="hello")
    assert answer["code"] == 0, answer
    assert answer["replies"][0]["text"] == "hello"
    assert answer["trailing"]["x-trailer"] == "yes"


def test_sigterm_ends_the_program_with_success(weft, upstream):
    _, config = simple(upstream().port)
    assert weft(config).quit() == 0
