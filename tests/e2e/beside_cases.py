"""What is played to Weft and to Envoy: configurations (functions of ports and of the log's path), upstream answers, and requests."""
from bootstrap import FILE_LOG, bootstrap, cluster, listener, route

OPERATORS = """PROTOCOL UPSTREAM_PROTOCOL RESPONSE_CODE RESPONSE_CODE_DETAILS RESPONSE_FLAGS RESPONSE_FLAGS_LONG GRPC_STATUS BYTES_RECEIVED BYTES_SENT
 UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_HOST UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_TRANSPORT_FAILURE_REASON
 DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_ADDRESS ROUTE_NAME
 FILTER_CHAIN_NAME REQUESTED_SERVER_NAME ACCESS_LOG_TYPE CONNECTION_TERMINATION_DETAILS
 DOWNSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_HOST_NAME PATH QUERY_PARAMS
 REQ(:METHOD) REQ(:PATH) REQ(:AUTHORITY) REQ(:SCHEME) REQ(X-ENVOY-ORIGINAL-PATH) REQ(X-FORWARDED-FOR) REQ(X-FORWARDED-PROTO) REQ(X-REQUEST-ID)
 RESP(CONTENT-TYPE) RESP(SERVER) TRAILER(X-TRAILER)""".split()


def json_log(path) -> dict:
    fields = {name: f"%{name}%" for name in OPERATORS}
    return {"name": "file", "typed_config": {"@type": FILE_LOG, "path": str(path), "log_format": {"json_format": fields}}}


def text(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A response with a length."""
    return "".join([f"HTTP/1.1 {status}\r\n", *(header + "\r\n" for header in headers)]).encode() + b"content-length: %d\r\n\r\n" % len(body) + body


def get(path: str = "/", *headers: str, method: str = "GET", host: str = "test", version: str = "HTTP/1.1", body: bytes = b"") -> bytes:
    lines = [f"{method} {path} {version}", *([f"host: {host}"] if host else []), *headers]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


def answer(name: str, *headers: str, **options) -> bytes:
    return get("/", f"x-answer: {name}", *headers, **options)


def one_listener(routes, clusters=(), virtual_host=None, listener_fields=None, **manager):
    """A world with one listener: routes(ports) gives the routes; a cluster `service` with the upstream is always there."""
    def configure(ports, log_path):
        made = routes(ports) if callable(routes) else routes
        return bootstrap(
            [listener(ports.listener, made, virtual_host=virtual_host, listener_fields=listener_fields, **{
                "access_log": [json_log(log_path)], "delayed_close_timeout": "0.03s", **manager})],
            # Each request on a connection of its own: when a pool notices that an idle connection has gone is a matter of moments.
            [cluster("service", ports.upstream, max_requests_per_connection=1), *(clusters(ports) if callable(clusters) else clusters)])
    return configure


OK = text("200 OK", b"hello\n", "content-type: text/plain")
ANSWERS = {
    "": OK,
    "404": text("404 Not Found", b"no\n"), "500": text("500 Oops", b"oops\n"), "503": text("503 Unavailable", b"later\n"),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n", "304": b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n",
    "304-length": b"HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n",
    "204-length": b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello",
    "204-zero": b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
    "205": b"HTTP/1.1 205 Reset\r\ncontent-length: 0\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked-trailers": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-trailer: yes\r\n\r\n",
    "chunked-extension": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;c\r\n\r\n",
    "until-close": [b"HTTP/1.1 200 OK\r\n\r\nhello", "close"],
    "http-10": [b"HTTP/1.0 200 OK\r\n\r\nhello", "close"],
    "http-10-length": b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "http-10-keep": b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nhello",
    "connection-close": [text("200 OK", b"bye\n", "connection: close"), "close"],
    "connection-other": text("200 OK", b"x", "connection: x-hop", "x-hop: 1", "keep-alive: timeout=5", "proxy-connection: keep-alive"),
    "100": b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "102": b"HTTP/1.1 102 Processing\r\n\r\n" + OK,
    "103": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK,
    "100-storm": b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + OK, "103-storm": b"HTTP/1.1 103 Hints\r\n\r\n" * 50 + OK,
    "101": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "odd-reason": b"HTTP/1.1 200 A long, (odd) reason!\r\ncontent-length: 0\r\n\r\n",
    "no-reason": b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", "no-reason-space": b"HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n",
    "status-999": text("999 What"), "status-600": text("600 What"), "status-99": text("99 What"), "status-1000": text("1000 What"),
    "status-0": text("000 What"),
    "status-letters": text("2x0 What"), "status-299": text("299 Odd"),
    "garbage": [b"hello there\r\n\r\n", "close"], "http-09": [b"<html>hello</html>", "close"],
    "bad-version": text("200 OK").replace(b"HTTP/1.1", b"HTTP/1.2"), "version-2": text("200 OK").replace(b"HTTP/1.1", b"HTTP/2.0"),
    "bad-protocol": text("200 OK").replace(b"HTTP/1.1", b"ICY/1.0"),
    "length-and-chunked": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "same-lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
    "bad-length": b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello", "minus-length": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
    "bad-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "gzip-coding": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhello", "close"],
    "gzip-chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "cut-head": [b"HTTP/1.1 200 OK\r\ncontent-", "close"], "cut-body": [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", 0.02, "close"],
    "cut-chunked": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel", 0.02, "close"],
    "close": ["close"], "reset": ["reset"], "reset-body": [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", 0.05, "reset"],
    "colon": b"HTTP/1.1 200 OK\r\nno colon here\r\ncontent-length: 0\r\n\r\n",
    "space-name": b"HTTP/1.1 200 OK\r\nx a: b\r\ncontent-length: 0\r\n\r\n",
    "space-colon": b"HTTP/1.1 200 OK\r\nx-a : b\r\ncontent-length: 0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: 0\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nx-a: b\0c\r\ncontent-length: 0\r\n\r\n", "bare-lf": b"HTTP/1.1 200 OK\nx-a: b\ncontent-length: 0\n\n",
    "bytes-above": b"HTTP/1.1 200 OK\r\nx-a: \xe9\xff\r\ncontent-length: 0\r\n\r\n",
    "tab": b"HTTP/1.1 200 OK\r\nx-a: b\tc\r\ncontent-length: 0\r\n\r\n",
    "leading-crlf": b"\r\n" + OK, "extra": text("200 OK", b"hello") + b"more",
    "large-head": b"HTTP/1.1 200 OK\r\nx-a: " + b"a" * 70000 + b"\r\ncontent-length: 0\r\n\r\n",
    "large-head-90": b"HTTP/1.1 200 OK\r\nx-a: " + b"a" * 90000 + b"\r\ncontent-length: 0\r\n\r\n",
    "headers-100": text("200 OK", b"", *(f"x-{i}: {i}" for i in range(99))), "headers-101": text("200 OK", b"", *(f"x-{i}: {i}" for i in range(100))),
    "headers-102": text("200 OK", b"", *(f"x-{i}: {i}" for i in range(101))),
    "set-cookies": text("200 OK", b"", "set-cookie: a=b", "set-cookie: c=d"),
    "server": text("200 OK", b"", "server: apache", "date: Mon, 01 Jan 2024 00:00:00 GMT", "via: 1.1 x"),
    "x-envoy": text("200 OK", b"", "x-envoy-upstream-service-time: 99999", "x-envoy-overloaded: true", "x-envoy-immediate-health-check-fail: true",
    "x-request-id: mine", "x-envoy-foo: 1"),
    "upper": text("200 OK", b"", "X-Upper: Value", "Content-Type: TEXT/plain"), "empty-value": text("200 OK", b"", "x-empty:", "x-blank:   "),
    "grpc-ok": text("200 OK", b"", "content-type: application/grpc", "grpc-status: 0"),
    "grpc-14": text("200 OK", b"", "content-type: application/grpc", "grpc-status: 14", "grpc-message: sorry"),
    "grpc-trailers": b"HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\ngrpc-status: 13\r\n\r\n",
    
    "early": ["at once", text("200 OK", b"early")], "early-413": ["at once", text("413 Too Large", b"", "connection: close"), "close"],
    "early-slow": ["at once", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", 0.25, b"world"],
    "slow": [0.4, OK], "slow-body": [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", 0.4, b"world"],
    "canary": text("200 OK", b"", "x-envoy-upstream-canary: true"), "degraded": text("200 OK", b"", "x-envoy-degraded: 1"),
    "trailers-no-te": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-trailer\r\n\r\n0\r\nx-trailer: yes\r\ncontent-length: 3\r\n\r\n",
    "head-chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "head-length": b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n",
    "head-none": b"HTTP/1.1 200 OK\r\n\r\n",
    "fail-once": {1: text("503 Unavailable", b"later\n"), 2: OK},
}

# ---- requests: syntax, framing, connections --------------------------------------------------------------------------

H = "host: test\r\n"


def raw(text_of_request: str) -> bytes:
    """\\n stands for the end of a line; bytes above 127 as latin-1."""
    return text_of_request.replace("\n", "\r\n").encode("latin-1")


CHUNKED = "POST / HTTP/1.1\nhost: test\ntransfer-encoding: chunked\n\n"
REQUESTS = {
    "get": get(), "get-query": get("/a/b?c=d&e"), "head": get(method="HEAD"), "options": get(method="OPTIONS"), "trace": get(method="TRACE"),
    "put": get(method="PUT", body=b"hello"),
    "delete": get(method="DELETE"), "patch": get(method="PATCH", body=b"x"), "custom-method": get(method="PURGE"), "odd-method": get(method="X-Y"),
    "lower-method": raw("get / HTTP/1.1\nhost: test\n\n"),
    "bad-method": raw("G@T / HTTP/1.1\nhost: test\n\n"), "bad-method-2": raw("G(T / HTTP/1.1\nhost: test\n\n"), "long-method": get(method="A" * 100),
    "webdav": get(method="PROPFIND"),
    "post": get(method="POST", body=b"hello"), "post-empty": get("/", "content-length: 0", method="POST"), "post-no-length": get(method="POST"),
    "get-body": get(body=b"hello"), "get-length-0": get("/", "content-length: 0"),
    "close": get("/", "connection: close"), "keep-alive": get("/", "connection: keep-alive"), "two": get("/1") + get("/2"),
    "pipelined-5": b"".join(get(f"/{i}") for i in range(5)),
    "pipelined-close": get("/1", "connection: close") + get("/2"), "post-get": get("/1", method="POST", body=b"abc") + get("/2"),
    "sequence": {"send": [get("/1"), "response", get("/2"), "response"]},
    "http-10": get(version="HTTP/1.0"), "http-10-no-host": get(version="HTTP/1.0", host=""), "http-09": {"send": b"GET /\r\n"},
    "http-12": get(version="HTTP/1.2"), "http-20": get(version="HTTP/2.0"),
    "http-30": get(version="HTTP/3.0"), "http-11-lower": get(version="http/1.1"), "http-version-long": get(version="HTTP/1.10"),
    "http-version-bad": get(version="HTTP/x.y"), "no-version": raw("GET / \nhost: test\n\n"),
    "preface": {"send": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "wait": 0.2},
    "no-host": get(host=""), "empty-host": raw("GET / HTTP/1.1\nhost:\n\n"), "two-hosts": get("/", "host: other"),
    "same-hosts": get("/", "host: test"), "host-port": get(host="test:80"),
    "host-bad-port": get(host="test:x"), "host-port-99999": get(host="test:99999"), "host-space": get(host="te st"), "host-slash": get(host="a/b"),
    "host-at": get(host="a@b"), "host-upper": get(host="TEST.Example"), "host-ipv6": get(host="[::1]:80"),
    "host-under": get(host="a_b"), "host-percent": get(host="a%20b"), "host-comma": get(host="a,b"), "host-question": get(host="a?b"),
    "host-hash": get(host="a#b"), "host-bracket": get(host="[::1"), "host-dot": get(host="test."), "host-colon": get(host=":80"),
    "host-userinfo": get(host="user:pass@test"), "host-tab": raw("GET / HTTP/1.1\nhost: te\tst\n\n"),
    "host-high": raw("GET / HTTP/1.1\nhost: t\xe9st\n\n"), "host-quote": get(host='a"b'), "host-back": get(host="a\\b"), "host-star": get(host="*"),
    "absolute": get("http://other/x?y=z"), "absolute-https": get("https://other/x"), "absolute-port": get("http://other:81/x"),
    "absolute-no-path": get("http://other"), "absolute-query": get("http://other?x"), "absolute-upper": get("HTTP://Other/X"),
    "absolute-user": get("http://u:p@other/x"), "absolute-ftp": get("ftp://other/x"), "absolute-no-host": raw("GET http://other/x HTTP/1.1\n\n"),
    "absolute-empty": get("http:///x"),
    "options-star": get("*", method="OPTIONS"), "get-star": get("*"), "no-slash": get("a"), "empty-path": raw("GET  HTTP/1.1\nhost: test\n\n"),
    "query-only": get("?a"), "fragment": get("/a#b"), "fragment-query": get("/a?b#c"), "double-slash": get("//a//b"),
    "dots": get("/a/../b/./c"), "encoded-dots": get("/a/%2e%2e/b"), "encoded-slash": get("/a%2Fb"), "encoded-back": get("/a%5Cb"),
    "backslash": get("/a\\b"), "encoded-null": get("/a%00b"), "bad-escape": get("/a%zz"), "path-space": raw("GET /a b HTTP/1.1\nhost: test\n\n"),
    "path-tab": raw("GET /a\tb HTTP/1.1\nhost: test\n\n"), "path-high": raw("GET /\xe9 HTTP/1.1\nhost: test\n\n"),
    "path-nul": raw("GET /a\0b HTTP/1.1\nhost: test\n\n"), "path-ctl": raw("GET /a\x01b HTTP/1.1\nhost: test\n\n"),
    "path-del": raw("GET /a\x7fb HTTP/1.1\nhost: test\n\n"), "path-odd": get("/a|b{c}^`<>\"'"),
    "path-semicolon": get("/a;b=c/d"), "path-long": get("/" + "a" * 8000), "path-60k": get("/" + "a" * 61000), "path-70k": get("/" + "a" * 70000),
    "two-spaces": raw("GET  / HTTP/1.1\nhost: test\n\n"), "tab-line": raw("GET\t/\tHTTP/1.1\nhost: test\n\n"),
    "space-first": raw(" GET / HTTP/1.1\nhost: test\n\n"), "space-last": raw("GET / HTTP/1.1 \nhost: test\n\n"),
    "crlf-first": raw("\nGET / HTTP/1.1\nhost: test\n\n"), "crlf-first-3": raw("\n\n\nGET / HTTP/1.1\nhost: test\n\n"),
    "lf-first": b"\nGET / HTTP/1.1\r\nhost: test\r\n\r\n",
    "bare-lf": b"GET / HTTP/1.1\nhost: test\n\n", "bare-lf-line": b"GET / HTTP/1.1\nhost: test\r\n\r\n",
    "bare-lf-header": b"GET / HTTP/1.1\r\nhost: test\nx-a: b\r\n\r\n", "bare-cr": b"GET / HTTP/1.1\rhost: test\r\n\r\n",
    "bare-cr-value": b"GET / HTTP/1.1\r\nhost: test\r\nx-a: b\rc\r\n\r\n", "lf-end": b"GET / HTTP/1.1\r\nhost: test\r\n\n",
    "no-colon": get("/", "nonsense"), "space-name": get("/", "x a: b"), "space-colon": get("/", "x-a : b"), "tab-colon": get("/", "x-a\t: b"),
    "empty-name": get("/", ": b"), "folded": get("/", "x-a: b", " c"), "folded-tab": get("/", "x-a: b", "\tc"),
    "folded-first": raw("GET / HTTP/1.1\n x: y\nhost: test\n\n"),
    "nul-value": get("/", "x-a: b\0c"), "ctl-value": get("/", "x-a: b\x01c"), "del-value": get("/", "x-a: b\x7fc"),
    "tab-value": get("/", "x-a: b\tc"), "high-value": get("/", "x-a: \xe9\xff"), "nul-name": get("/", "x\0a: b"), "high-name": get("/", "x\xe9: b"),
    "odd-name": get("/", "x!#$%&'*+-.^_`|~1: b"), "bad-name": get("/", "x(a): b"),
    "empty-value": get("/", "x-a:", "x-b:   "), "trailing-space": get("/", "x-a:   b   "), "no-space": get("/", "x-a:b"),
    "upper-name": get("/", "X-ABC: Value"), "underscore": get("/", "x_a: b"), "repeated": get("/", "x-a: 1", "X-A: 2"),
    "pseudo": get("/", ":path: /b"), "quotes": get("/", 'x-a: "b, c"'),
    "headers-99": get("/", *(f"x-{i}: {i}" for i in range(99))), "headers-100": get("/", *(f"x-{i}: {i}" for i in range(100))),
    "headers-101": get("/", *(f"x-{i}: {i}" for i in range(101))), "headers-500": get("/", *(f"x-{i}: {i}" for i in range(500))),
    "head-59k": get("/", "x-a: " + "a" * 59000), "head-62k": get("/", "x-a: " + "a" * 62000), "head-70k": get("/", "x-a: " + "a" * 70000),
    "name-long": get("/", "x" * 300 + ": b"),
    "length-and-chunked": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 5\ntransfer-encoding: chunked\n\n5\nhello\n0\n\n"),
    "chunked-and-length": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: chunked\ncontent-length: 5\n\n5\nhello\n0\n\n"),
    "two-lengths": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 5\ncontent-length: 6\n\nhello!"),
    "same-lengths": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 5\ncontent-length: 5\n\nhello"),
    "list-lengths": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 5, 5\n\nhello"),
    "length-plus": raw("POST / HTTP/1.1\nhost: test\ncontent-length: +5\n\nhello"),
    "length-minus": raw("POST / HTTP/1.1\nhost: test\ncontent-length: -5\n\nhello"),
    "length-hex": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 0x5\n\nhello"),
    "length-empty": raw("POST / HTTP/1.1\nhost: test\ncontent-length:\n\nhello"),
    "length-space": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 5 5\n\nhello"),
    "length-zeros": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 005\n\nhello"),
    "length-huge": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 99999999999999999999\n\nhello"),
    "length-letters": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 5a\n\nhello"),
    "chunked": raw(CHUNKED + "5\nhello\n0\n\n"), "chunked-upper": raw("POST / HTTP/1.1\nhost: test\nTransfer-Encoding: CHUNKED\n\n5\nhello\n0\n\n"),
    "chunked-trailers": raw(CHUNKED + "5\nhello\n0\nx-t: 1\n\n"), "chunked-bad-trailer": raw(CHUNKED + "5\nhello\n0\nx t: 1\n\n"),
    "chunked-trailer-length": raw(CHUNKED + "5\nhello\n0\ncontent-length: 1\nx-t: 2\n\n"),
    "chunked-extension": raw(CHUNKED + "5;a=b\nhello\n0;c\n\n"), "chunked-quoted": raw(CHUNKED + "5;a=\"b;c\"\nhello\n0\n\n"),
    "chunk-upper": raw(CHUNKED + "A\nhellohello\n0\n\n"), "chunk-zeros": raw(CHUNKED + "0005\nhello\n000\n\n"),
    "chunk-bad": raw(CHUNKED + "zz\nhello\n0\n\n"), "chunk-minus": raw(CHUNKED + "-5\nhello\n0\n\n"),
    "chunk-hex": raw(CHUNKED + "0x5\nhello\n0\n\n"), "chunk-plus": raw(CHUNKED + "+5\nhello\n0\n\n"),
    "chunk-huge": raw(CHUNKED + "fffffffffffffffff\nhello\n0\n\n"), "chunk-space": raw(CHUNKED + "5 \nhello\n0\n\n"),
    "chunk-space-first": raw(CHUNKED + " 5\nhello\n0\n\n"), "chunk-empty": raw(CHUNKED + "\nhello\n0\n\n"),
    "chunk-short": raw(CHUNKED + "3\nhello\n0\n\n"),
    "chunk-lf": CHUNKED.replace("\n", "\r\n").encode() + b"5\nhello\r\n0\r\n\r\n",
    "chunk-lf-data": CHUNKED.replace("\n", "\r\n").encode() + b"5\r\nhello\n0\r\n\r\n",
    "chunk-lf-end": CHUNKED.replace("\n", "\r\n").encode() + b"5\r\nhello\r\n0\n\n", "chunk-nul": raw(CHUNKED + "5;a\0b\nhello\n0\n\n"),
    "coding-gzip": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: gzip\n\nhello"),
    "coding-gzip-chunked": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: gzip, chunked\n\n5\nhello\n0\n\n"),
    "coding-chunked-gzip": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: chunked, gzip\n\n5\nhello\n0\n\n"),
    "coding-identity": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: identity\ncontent-length: 5\n\nhello"),
    "coding-identity-alone": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: identity\n\n"),
    "coding-empty": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding:\n\n"),
    "coding-twice": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: chunked\ntransfer-encoding: chunked\n\n5\nhello\n0\n\n"),
    "coding-list": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: chunked, chunked\n\n5\nhello\n0\n\n"),
    "coding-x": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: xchunked\n\n5\nhello\n0\n\n"),
    "coding-quote": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: \"chunked\"\n\n5\nhello\n0\n\n"),
    "coding-vt": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding: \x0bchunked\n\n5\nhello\n0\n\n"),
    "coding-space": raw("POST / HTTP/1.1\nhost: test\ntransfer-encoding : chunked\n\n5\nhello\n0\n\n"),
    "coding-underscore": raw("POST / HTTP/1.1\nhost: test\ntransfer_encoding: chunked\ncontent-length: 5\n\nhello"),
    "coding-10": raw("POST / HTTP/1.0\nhost: test\ntransfer-encoding: chunked\n\n5\nhello\n0\n\n"),
    "get-chunked": raw("GET / HTTP/1.1\nhost: test\ntransfer-encoding: chunked\n\n0\n\n"),
    "cl-te-smuggle": raw("POST / HTTP/1.1\nhost: test\ncontent-length: 44\ntransfer-encoding: chunked\n\n0\n\nGET /admin HTTP/1.1\nhost: test\n\n"),
    "expect": get("/", "expect: 100-continue", method="POST", body=b"hello"),
    "expect-wait": {"send": [raw("POST / HTTP/1.1\nhost: test\nexpect: 100-continue\ncontent-length: 5\n\n"), 0.05, b"hello"]},
    "expect-other": get("/", "expect: something", method="POST", body=b"hello"), "expect-get": get("/", "expect: 100-continue"),
    "expect-upper": get("/", "Expect: 100-Continue", method="POST", body=b"hello"),
    "expect-404": {"send": [raw("POST /status HTTP/1.1\nhost: test\nx-answer: early-413\nexpect: 100-continue\ncontent-length: 5\n\n"), 0.1]},
    "connection-names": get("/", "connection: x-hop, keep-alive", "x-hop: 1", "x-stay: 2", "keep-alive: 5", "proxy-connection: keep-alive"),
    "connection-te": get("/", "connection: te", "te: trailers"), "te": get("/", "te: trailers, gzip"), "te-gzip": get("/", "te: gzip"),
    "connection-host": get("/", "connection: host"), "connection-path": get("/", "connection: :path"),
    "connection-close-upper": get("/", "Connection: CLOSE"),
    "connection-xff": get("/", "connection: x-forwarded-for", "x-forwarded-for: 1.2.3.4"),
    "connection-length": get("/", "connection: content-length", method="POST", body=b"hello"), "proxy-close": get("/", "proxy-connection: close"),
    "connection-both": get("/", "connection: close, keep-alive"), "connection-many": get("/", "connection: keep-alive", "connection: x-hop",
    "x-hop: 1"), "trailer": get("/", "trailer: x-t"), "http2-settings": get("/", "connection: upgrade, http2-settings", "upgrade: h2c",
    "http2-settings: AAMAAABkAAQAAP__"),
    "upgrade-unasked": get("/", "connection: upgrade", "upgrade: websocket"),
    "upgrade-101": answer("101", "connection: upgrade", "upgrade: websocket"), "upgrade-only": get("/", "upgrade: websocket"),
    "connect": raw("CONNECT test:80 HTTP/1.1\nhost: test:80\n\n"), "connect-path": raw("CONNECT / HTTP/1.1\nhost: test\n\n"),
    "connect-no-port": raw("CONNECT test HTTP/1.1\nhost: test\n\n"),
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "garbage-text": b"hello\r\n\r\n", "nothing": {"send": ["half"], "wait": 0.2},
    "half-line": {"send": [b"GET / HT", "half"], "wait": 0.2}, "half-head": {"send": [b"GET / HTTP/1.1\r\nhost: te", "half"], "wait": 0.2},
    "half-body": {"send": [b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhello", 0.05, "half"], "wait": 0.3},
    "half-after": {"send": [get(), 0.3, "half"]}, "reset-body": {"send": [b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhello", 0.05,
    "reset"]}, "reset-waiting": {"send": [answer("slow"), 0.1, "reset"]}, "close-waiting": {"send": [answer("slow"), 0.1], "wait": 0.05},
    "reset-response": {"send": [answer("slow-body"), 0.15, "reset"]}, "reset-idle": {"send": [get(), "response", "reset"]},
    "good-bad": get("/1") + b"nonsense\r\n\r\n", "crlf-between": get("/1") + b"\r\n" + get("/2"),
    "extra-body": get("/1", method="POST", body=b"abc") + b"\r\n" + get("/2"),
    "early-answer": {"send": [b"POST / HTTP/1.1\r\nhost: test\r\nx-answer: early\r\ncontent-length: 10\r\n\r\nhello", 0.1, b"world"]},
    "early-close": {"send": [b"POST / HTTP/1.1\r\nhost: test\r\nx-answer: early-413\r\ncontent-length: 10\r\n\r\nhello", 0.1]},
    "large-body": get(method="POST", body=b"x" * 300000),
    "x-envoy": get("/", "x-envoy-upstream-rq-timeout-ms: 50", "x-envoy-retry-on: 5xx", "x-envoy-max-retries: 3", "x-envoy-original-path: /z",
    "x-envoy-decorator-operation: o", "x-envoy-internal: true", "x-envoy-external-address: 9.9.9.9", "x-envoy-expected-rq-timeout-ms: 5",
    "x-envoy-downstream-service-cluster: c", "x-envoy-attempt-count: 7", "x-envoy-ip-tags: t", "x-envoy-force-trace: 1", "x-envoy-foo: 1"),
    "xff": get("/", "x-forwarded-for: 1.2.3.4"), "xff-list": get("/", "x-forwarded-for: 1.2.3.4, 10.0.0.1"),
    "xff-internal": get("/", "x-forwarded-for: 10.0.0.1"), "xff-bad": get("/", "x-forwarded-for: unknown"),
    "xff-two": get("/", "x-forwarded-for: 1.2.3.4", "x-forwarded-for: 5.6.7.8"), "xff-ipv6": get("/", "x-forwarded-for: 2001:db8::1"),
    "xff-port": get("/", "x-forwarded-for: 1.2.3.4:80"), "xff-empty": get("/", "x-forwarded-for:"),
    "xfp": get("/", "x-forwarded-proto: https"), "xfp-odd": get("/", "x-forwarded-proto: ftp"), "xfp-upper": get("/", "x-forwarded-proto: HTTPS"),
    "x-forwarded-host": get("/", "x-forwarded-host: h", "x-forwarded-port: 1"), "request-id": get("/", "x-request-id: mine"),
    "request-id-uuid": get("/", "x-request-id: 12345678-1234-4234-9234-123456789abc"),
    "trace-headers": get("/", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x-b3-traceid: 1", "x-client-trace-id: abc"),
    "xfcc": get("/", "x-forwarded-client-cert: Hash=1"), "user-agent": get("/", "user-agent: curl/8", "referer: /a", "cookie: a=b; c=d",
    "accept: */*"), "cookies": get("/", "cookie: a=b", "cookie: c=d"), "via": get("/", "via: 1.1 other"),
    "max-forwards": get("/", "max-forwards: 0", method="OPTIONS"), "server-request": get("/", "server: x", "date: y"),
    "early-data": get("/", "early-data: 1"), "range": get("/", "range: bytes=0-1", "if-none-match: x"),
    "grpc-request": get("/", "content-type: application/grpc", method="POST", body=b"\0\0\0\0\0"),
}

# ---- HTTP/2 ----------------------------------------------------------------------------------------------------------

ANSWERS_H2 = {
    "": [("head", [":status: 200", "content-type: text/plain"], False), ("data", b"hello\n", True)],
    "empty": [("head", [":status: 204"], True)], "404": [("head", [":status: 404"], True)], "503": [("head", [":status: 503"], True)],
    "length": [("head", [":status: 200", "content-length: 5"], False), ("data", b"hello", True)],
    "length-long": [("head", [":status: 200", "content-length: 9"], False), ("data", b"hello", True)],
    "length-short": [("head", [":status: 200", "content-length: 2"], False), ("data", b"hello", True)],
    "trailers": [("head", [":status: 200"], False), ("data", b"hello", False), ("trailers", ["x-trailer: yes"])],
    "grpc": [("head", [":status: 200", "content-type: application/grpc"], False), ("data", b"\0\0\0\0\0", False), ("trailers", ["grpc-status: 0"])],
    "grpc-bad": [("head", [":status: 200", "content-type: application/grpc"], False), ("trailers", ["grpc-status: 13", "grpc-message: oops"])],
    "grpc-only": [("head", [":status: 200", "content-type: application/grpc", "grpc-status: 14"], True)],
    "grpc-503": [("head", [":status: 503"], True)],
    "100": [("head", [":status: 100"], False), ("head", [":status: 200"], True)],
    "103": [("head", [":status: 103", "link: x"], False), ("head", [":status: 200"], True)], "101": [("head", [":status: 101"], True)],
    "no-status": [("head", ["x-a: b"], True)], "bad-status": [("head", [":status: abc"], True)],
    "two-status": [("head", [":status: 200", ":status: 201"], True)],
    "upper": [("head", [":status: 200", "X-Upper: b"], True)], "connection": [("head", [":status: 200", "connection: close"], True)],
    "coding": [("head", [":status: 200", "transfer-encoding: chunked"], True)], "pseudo": [("head", [":status: 200", ":path: /"], True)],
    "bad-value": [("head", [":status: 200", "x-a: b\nc"], True)], "bad-name": [("head", [":status: 200", "x a: b"], True)],
    "reset": [("reset", 2)], "reset-none": [("reset", 0)], "reset-refused": [("reset", 7)], "reset-cancel": [("reset", 8)],
    "reset-protocol": [("reset", 1)], "reset-calm": [("reset", 11)], "reset-body": [("head", [":status: 200"], False), ("data", b"hel", False), 0.05,
    ("reset", 2)], "reset-after": [("head", [":status: 200"], True), ("reset", 0)],
    "goaway": [("goaway", 0)], "goaway-error": [("goaway", 2)], "close": ["close"],
    "close-body": [("head", [":status: 200"], False), ("data", b"hel", False), 0.05, "close"],
    "garbage": [("raw", b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")], "large-frame": [("raw", b"\xff\xff\xff\0\0\0\0\0\1")],
    "late": [0.3, ("head", [":status: 200"], True)], "cookies": [("head", [":status: 200", "set-cookie: a=b", "set-cookie: c=d"], True)],
    "large-head": [("head", [":status: 200", *(f"x-{i}: " + "a" * 900 for i in range(80))], True)],
    "many": [("head", [":status: 200", *(f"x-{i}: a" for i in range(101))], True)],
}
