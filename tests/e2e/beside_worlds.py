"""Configurations that Weft and Envoy are compared on, each with its requests: routing, headers, trust, resilience, faults."""
import functools
import pathlib
import ssl
import tempfile

import beside_cases as cases
from beside_cases import answer, get, one_listener
from beside_http2 import ask
from bootstrap import TLS_INSPECTOR, address, bootstrap, chain, cluster, downstream_tls, listener, route, upstream_tls, validation
from certificates import Authority

TYPE = "type.googleapis.com/envoy."


def to(match: dict, **action) -> dict:
    """A route to the upstream that says in a request header which route it was."""
    name = action.pop("name", "")
    return {"match": match, "name": name, "route": {"cluster": "service", **action}}


def direct(match: dict, status: int = 200, body: str = "", **fields) -> dict:
    return {"match": match, "direct_response": {"status": status, **({"body": {"inline_string": body}} if body else {})}, **fields}


def redirect(path: str, **fields) -> dict:
    return {"match": {"prefix": path}, "redirect": fields}


# ---- matching --------------------------------------------------------------------------------------------------------

HEADER_MATCHERS = {
    "exact": {"string_match": {"exact": "abc"}}, "prefix": {"string_match": {"prefix": "ab"}}, "suffix": {"string_match": {"suffix": "bc"}},
    "contains": {"string_match": {"contains": "b"}}, "regex": {"string_match": {"safe_regex": {"regex": "a.c"}}},
    "exact-case": {"string_match": {"exact": "ABC", "ignore_case": True}}, "prefix-case": {"string_match": {"prefix": "AB", "ignore_case": True}},
    "suffix-case": {"string_match": {"suffix": "BC", "ignore_case": True}}, "contains-case": {"string_match": {"contains": "B", "ignore_case": True}},
    "range": {"range_match": {"start": 1, "end": 10}}, "present": {"present_match": True}, "absent": {"present_match": False}, "any": {},
    "not-exact": {"string_match": {"exact": "abc"}, "invert_match": True}, "not-present": {"present_match": True, "invert_match": True},
    "not-absent": {"present_match": False, "invert_match": True},
    "not-range": {"range_match": {"start": 1, "end": 10}, "invert_match": True}, "not-any": {"invert_match": True},
    "missing-exact": {"string_match": {"exact": ""}, "treat_missing_header_as_empty": True},
    "missing-not": {"string_match": {"exact": "abc"}, "invert_match": True, "treat_missing_header_as_empty": True},
    "missing-regex": {"string_match": {"safe_regex": {"regex": "a?b?c?"}}, "treat_missing_header_as_empty": True},
    "missing-range": {"range_match": {"start": 0, "end": 10}, "treat_missing_header_as_empty": True},
    "missing-present": {"present_match": True, "treat_missing_header_as_empty": True},
    "old-exact": {"exact_match": "abc"}, "old-prefix": {"prefix_match": "ab"}, "old-suffix": {"suffix_match": "bc"},
    "old-contains": {"contains_match": "b"}, "old-regex": {"safe_regex_match": {"regex": "a.c"}},
}
HEADER_VALUES = {"none": (), "abc": ("x-h: abc",), "ABC": ("x-h: ABC",), "xbcx": ("x-h: xbcx",), "empty": ("x-h:",), "5": ("x-h: 5",),
    "10": ("x-h: 10",), "05": ("x-h: 05",), "5x": ("x-h: 5x",), "two": ("x-h: abc", "x-h: 5"), "abcd": ("x-h: abcd",)}
QUERY_MATCHERS = {
    "exact": {"string_match": {"exact": "abc"}}, "prefix": {"string_match": {"prefix": "ab"}},
    "regex": {"string_match": {"safe_regex": {"regex": "a.c"}}}, "case": {"string_match": {"exact": "ABC", "ignore_case": True}},
    "present": {"present_match": True}, "any": {},
}
QUERIES = ("", "?", "?q", "?q=", "?q=abc", "?q=ABC", "?x=1&q=abc", "?q=x&q=abc", "?q=abc&q=x", "?q=a%62c", "?Q=abc", "?q=abc#f", "?x?q=abc",
    "?%71=abc", "?q=abc=d", "?&&q=abc", "?q=a+c")

routes_of_headers = [direct({"prefix": f"/{name}/", "headers": [{"name": "X-H", **matcher}]}, 200, name) for name, matcher in HEADER_MATCHERS.items()]
routes_of_queries = [direct({"prefix": f"/q-{name}", "query_parameters": [{"name": "q", **matcher}]}, 200, name) for name,
    matcher in QUERY_MATCHERS.items()]
routes_of_paths = [
    direct({"path": "/exact"}, 200, "exact"), direct({"path": "/ExactCase", "case_sensitive": False}, 200, "exact-case"),
        direct({"prefix": "/pre/"}, 200, "prefix"),
    direct({"prefix": "/PreCase", "case_sensitive": False}, 200, "prefix-case"), direct({"path_separated_prefix": "/sep"}, 200, "separated"),
        direct({"path_separated_prefix": "/SepCase", "case_sensitive": False}, 200, "sep-case"),
    direct({"safe_regex": {"regex": "/re/[0-9]+"}}, 200, "regex"), direct({"prefix": "/grpc", "grpc": {}}, 200, "grpc"),
        direct({"prefix": "/never", "runtime_fraction": {"default_value": {"numerator": 0}}}, 200, "never"),
    direct({"prefix": "/always", "runtime_fraction": {"default_value": {"numerator": 100}}}, 200, "always"),
        direct({"prefix": "/method", "headers": [{"name": ":method", "string_match": {"exact": "POST"}}]}, 200, "post"),
    direct({"prefix": "/authority", "headers": [{"name": ":authority", "string_match": {"prefix": "x."}}]}, 200, "x"),
        direct({"prefix": "/scheme", "headers": [{"name": ":scheme", "string_match": {"exact": "http"}}]}, 200, "http"),
    direct({"prefix": "/path-header", "headers": [{"name": ":path", "string_match": {"contains": "?yes"}}]}, 200, "yes"),
        direct({"prefix": "/host-header", "headers": [{"name": "host", "string_match": {"exact": "test"}}]}, 200, "host"),
    direct({"prefix": "/tls", "tls_context": {"presented": True}}, 200, "presented"),
        direct({"prefix": "/no-tls", "tls_context": {"presented": False}}, 200, "not-presented"),
    direct({"connect_matcher": {}, "headers": [{"name": "x-c", "present_match": True}]}, 204), direct({"prefix": "/201"}, 201, "created"),
        direct({"prefix": "/204"}, 204), direct({"prefix": "/304"}, 304), direct({"prefix": "/404"}, 404), direct({"prefix": "/599"}, 599, "x"),
    direct({"prefix": "/204-body"}, 204, "x"), direct({"prefix": "/empty"}, 200),
        direct({"prefix": "/json"}, 200, "{}", response_headers_to_add=[{"header": {"key": "content-type", "value": "application/json"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]),
]
PATHS = ("/exact", "/exact/", "/exact?x", "/Exact", "/exactcase", "/EXACTCASE?x", "/pre", "/pre/", "/pre/x", "/precase/x", "/PRECASEx", "/sep",
    "/sep/", "/sep/x", "/sepx", "/sep?x", "/sepcase/x", "/re/1", "/re/12?x", "/re/", "/re/1x", "/grpc",
         "/never", "/always", "/method", "/authority", "/scheme", "/path-header", "/path-header?yes", "/host-header", "/tls", "/no-tls", "/201",
         "/204", "/304", "/404", "/599", "/204-body", "/empty", "/json", "/nowhere")

matching = (one_listener([*routes_of_headers, *routes_of_queries, *sorted(routes_of_paths, key=lambda one: -len(one["match"].get("prefix", "")))]), {
    **{f"header {matcher} {value}": get(f"/{matcher}/", *lines) for matcher in HEADER_MATCHERS for value, lines in HEADER_VALUES.items()},
    **{f"query {matcher} {query}": get(f"/q-{matcher}{query}") for matcher in QUERY_MATCHERS for query in QUERIES},
    **{f"path {path}": get(path) for path in PATHS},
    **{f"HEAD {path}": get(path, method="HEAD") for path in ("/201", "/204", "/exact", "/nowhere", "/599")},
    **{f"POST {path}": get(path, method="POST", body=b"hello") for path in ("/201", "/exact", "/nowhere", "/method", "/304")},
    "grpc": get("/grpc", "content-type: application/grpc"), "grpc+proto": get("/grpc", "content-type: application/grpc+proto"),
    "grpc-web": get("/grpc", "content-type: application/grpc-web"), "grpc-none": get("/grpcx", "content-type: application/grpc-json"),
    "grpc direct": get("/599", "content-type: application/grpc", method="POST"),
    "grpc nowhere": get("/nowhere", "content-type: application/grpc", method="POST"), "authority x": get("/authority", host="x.y"),
    "connect x-c": get("test:80", "x-c: 1", method="CONNECT"), "connect": get("test:80", method="CONNECT"),
})

# ---- virtual hosts ---------------------------------------------------------------------------------------------------

def hosts(ports, log_path):
    names = {"exact": ["a.test", "a.test:81"], "suffix": ["*.test", "*-x.test", "*.b.test"], "prefix": ["api.*", "api.v1.*"], "upper": ["UPPER.Test"],
        "port": ["p.test:*"], "tls": ["tls.test"], "external": ["ext.test"], "ipv6": ["[::1]", "[::1]:80"]}
    virtual = [{"name": name, "domains": domains, "routes": [direct({"prefix": "/"}, 200, name)],
        **({"require_tls": "ALL"} if name == "tls" else {"require_tls": "EXTERNAL_ONLY"} if name == "external" else {})} for name,
        domains in names.items()]
    out = one_listener([])(ports, log_path)
    manager = out["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    manager["route_config"]["virtual_hosts"] = virtual
    return out


virtual_hosts = (hosts, {name: get(host=name) for name in (
    "a.test", "a.test:81", "a.test:82", "A.TEST", "x.test", "y-x.test", "c.b.test", "b.test", "api.foo", "api.v1.foo", "api.", "api", "upper.test",
    "UPPER.TEST", "p.test", "p.test:80", "tls.test", "ext.test", "nowhere", "a.test.", "[::1]", "[::1]:80", "[::1]:81", ".test", "test")})
virtual_hosts[1]["tls https"] = get(host="tls.test", method="GET", *()) .replace(b"\r\n\r\n", b"\r\nx-forwarded-proto: https\r\n\r\n")
virtual_hosts[1]["tls path"] = get("/a?b", host="tls.test:80")

# ---- redirects and rewrites --------------------------------------------------------------------------------------------

REDIRECTS = {
    "host": {"host_redirect": "new.test"}, "host-port": {"host_redirect": "new.test", "port_redirect": 8443}, "port": {"port_redirect": 8443},
    "path": {"path_redirect": "/new"}, "path-query": {"path_redirect": "/new?x=1"}, "prefix": {"prefix_rewrite": "/other"},
    "regex": {"regex_rewrite": {"pattern": {"regex": "/re-(.*)/"}, "substitution": "/\\1-"}}, "https": {"https_redirect": True},
    "scheme": {"scheme_redirect": "ftp"}, "strip": {"path_redirect": "/s", "strip_query": True},
    "strip-prefix": {"prefix_rewrite": "/s", "strip_query": True},
    "302": {"path_redirect": "/n", "response_code": "FOUND"}, "303": {"path_redirect": "/n", "response_code": "SEE_OTHER"},
    "307": {"path_redirect": "/n", "response_code": "TEMPORARY_REDIRECT"}, "308": {"path_redirect": "/n", "response_code": "PERMANENT_REDIRECT"},
    "all": {"scheme_redirect": "https", "host_redirect": "h", "port_redirect": 443, "path_redirect": "/p"},
    "https-port": {"https_redirect": True, "port_redirect": 443}, "none": {},
    "http-80": {"scheme_redirect": "http", "port_redirect": 80},
}
REWRITES = {
    "prefix": (("prefix", "/w-prefix"), {"prefix_rewrite": "/new"}), "prefix-slash": (("prefix", "/w-slash/"), {"prefix_rewrite": "/"}),
    "exact": (("path", "/w-exact"), {"prefix_rewrite": "/e"}), "sep": (("path_separated_prefix", "/w-sep"), {"prefix_rewrite": "/s"}),
    "case": (("prefix", "/w-CASE"), {"prefix_rewrite": "/c"}), "regex": (("prefix", "/w-regex"),
    {"regex_rewrite": {"pattern": {"regex": "^/w-regex/([^/]+)(/.*)$"}, "substitution": "\\2/\\1"}}),
    "regex-all": (("prefix", "/w-all"), {"regex_rewrite": {"pattern": {"regex": "a"}, "substitution": "A"}}),
    "host": (("prefix", "/h-literal"), {"host_rewrite_literal": "literal.test"}),
    "host-append": (("prefix", "/h-append"), {"host_rewrite_literal": "literal.test", "append_x_forwarded_host": True}),
    "host-auto": (("prefix", "/h-auto"), {"auto_host_rewrite": True}),
    "host-header": (("prefix", "/h-header"), {"host_rewrite_header": "x-host"}),
    "host-path": (("prefix", "/h-path"), {"host_rewrite_path_regex": {"pattern": {"regex": "^/h-path/(.+)$"}, "substitution": "\\1"}}),
    "safe-regex": (("safe_regex", {"regex": "/r-.*"}), {"prefix_rewrite": "/r"}),
    "hash": (("prefix", "/x-hash"), {"prefix_rewrite": "/a?b=c"}), "idle": (("prefix", "/x-timeout"), {"timeout": "3s"}),
    "timeout-0": (("prefix", "/x-zero"), {"timeout": "0s"}),
}
rewriting = (one_listener(
    [{"match": {"prefix": f"/re-{name}/"}, "redirect": fields} for name, fields in REDIRECTS.items()] +
    [{"match": {kind: value, **({"case_sensitive": False} if name == "case" else {})}, "route": {"cluster": "service", **action}} for name,
        ((kind, value), action) in REWRITES.items()]), {
    **{f"redirect {name}": get(f"/re-{name}/x?y=z", host="test:8080") for name in REDIRECTS},
    **{f"redirect {name} https": get(f"/re-{name}/x?y=z", "x-forwarded-proto: https", host="test") for name in ("host", "https", "port", "path",
    "scheme")},
    **{f"redirect post {name}": get(f"/re-{name}/x", method="POST", body=b"hello") for name in ("host", "307")},
    "redirect ipv6": get("/re-port/x", host="[::1]:80"), "redirect host80": get("/re-https/x", host="test:80"),
    "redirect absolute": get("http://other/re-path/x"),
    **{f"rewrite {path}": get(path, "x-host: from-header") for path in ("/w-prefix", "/w-prefix/x?y", "/w-prefixed", "/w-slash/x", "/w-slash/",
    "/w-exact", "/w-exact?q=1", "/w-sep", "/w-sep/x", "/w-case/x", "/W-Case?y", "/w-regex/a/b?c", "/w-regex/a", "/w-all/a/a?a=a", "/h-literal",
    "/h-append", "/h-auto", "/h-header", "/h-path/some.host", "/h-path", "/r-x/y?z", "/x-hash/1?d", "/x-timeout", "/x-zero")},
    "rewrite no host header": get("/h-header"), "rewrite append twice": get("/h-append", "x-forwarded-host: before"),
})

# ---- header mutations ------------------------------------------------------------------------------------------------

def add(key: str, value: str, action: str = "APPEND_IF_EXISTS_OR_ADD", **fields) -> dict:
    return {"header": {"key": key, "value": value}, "append_action": action, **fields}


ACTIONS = ("APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS")
HEADER_OPERATORS = """PROTOCOL RESPONSE_CODE RESPONSE_FLAGS REQ(X-MISSING) REQ(X-A) REQ(X-MISSING?X-A) REQ(X-A):2 REQ(:PATH) UPSTREAM_CLUSTER UPSTREAM_HOST DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_PORT ROUTE_NAME REQUESTED_SERVER_NAME
 RESP(X-UP) RESPONSE_CODE_DETAILS DOWNSTREAM_TLS_VERSION UPSTREAM_REQUEST_ATTEMPT_COUNT BYTES_RECEIVED GRPC_STATUS START_TIME(%Y) VIRTUAL_CLUSTER_NAME PATH PATH(NQ) QUERY_PARAM(q) QUERY_PARAMS""".split()


def mutations(level: str) -> dict:
    every = [item for i, action in enumerate(ACTIONS) for item in (add(f"x-old-{i}", level, action), add(f"x-new-{level}-{i}", level, action))]
    return {"request_headers_to_add": [*every, add("x-all", level), add("x-over", level, "OVERWRITE_IF_EXISTS_OR_ADD"),
        add("x-absent", level, "ADD_IF_ABSENT")], "request_headers_to_remove": [f"x-drop-{level}"],
            "response_headers_to_add": [*every, add("x-all", level), add("x-over", level, "OVERWRITE_IF_EXISTS_OR_ADD"),
            add("x-absent", level, "ADD_IF_ABSENT")], "response_headers_to_remove": [f"x-drop-{level}"]}


def header_levels(most_specific: bool):
    def configure(ports, log_path):
        weighted = {"match": {"prefix": "/weighted"}, **mutations("route"),
            "route": {"weighted_clusters": {"clusters": [{"name": "service", "weight": 1, **mutations("weighted"), "host_rewrite_literal": "w.test"},
            {"name": "none", "weight": 0}]}}}
        operators = [add(f"x-op-{i}", f"%{name}%") for i, name in enumerate(HEADER_OPERATORS)] + [add("x-text", "a %% b"),
            add("x-mixed", "%REQ(X-A)%-%REQ(X-B)%."), add("x-keep", "%REQ(X-MISSING)%", keep_empty_value=True), add("x-empty", ""),
            add("x-empty-keep", "", keep_empty_value=True)]
        made = [weighted, {"match": {"prefix": "/operators"}, "name": "the-route", "request_headers_to_add": operators,
            "response_headers_to_add": operators, "route": {"cluster": "service"}},
                {"match": {"prefix": "/direct-operators"}, "name": "the-route", "response_headers_to_add": operators,
                    "direct_response": {"status": 200}},
                {"match": {"prefix": "/special"}, "route": {"cluster": "service"},
                    "request_headers_to_add": [add("user-agent", "mine", "OVERWRITE_IF_EXISTS_OR_ADD"), add("X-Upper", "Yes"),
                    add("x-forwarded-for", "9.9.9.9"), add("content-type", "x/y"), add("x-envoy-foo", "1"), add("cookie", "z=1"), add("via", "v"),
                    add("x-request-id", "zzz", "OVERWRITE_IF_EXISTS_OR_ADD"), add("te", "trailers"), add("connection", "x")],
                 "request_headers_to_remove": ["x-forwarded-proto", "cookie", "x-drop", "accept"],
                 "response_headers_to_remove": ["server", "date", "x-up", "content-type", "x-envoy-upstream-service-time"],
                 "response_headers_to_add": [add("server", "mine", "OVERWRITE_IF_EXISTS_OR_ADD"), add("set-cookie", "c=1"), add("location", "/x"),
                 add("X-Case", "v"), add("cache-control", "no-store")]},
                {"match": {"prefix": "/nowhere-cluster"}, "route": {"cluster_header": "x-cluster"}, **mutations("route")},
                    {"match": {"prefix": "/direct"}, "direct_response": {"status": 200, "body": {"inline_string": "d"}}, **mutations("route")},
                    {"match": {"prefix": "/redirect"}, "redirect": {"path_redirect": "/x"}, **mutations("route")},
                {"match": {"prefix": "/"}, "route": {"cluster": "service"}, **mutations("route")}]
        out = one_listener(made, clusters=lambda p: [cluster("none")], virtual_host=mutations("host"))(ports, log_path)
        table = out["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]
        table.update(mutations("table"), most_specific_header_mutations_wins=most_specific)
        return out
    return configure


old = [f"x-old-{i}: client" for i in range(4)] + ["x-over: client", "x-absent: client"] + [f"x-drop-{level}: 1" for level in ("route", "host",
    "table", "weighted")]
HEADER_CASES = {name: get(path, *old, "x-answer: mutations") for name,
    path in (("route", "/"), ("weighted", "/weighted"), ("direct", "/direct"), ("redirect", "/redirect"))}
HEADER_CASES["route bare"], HEADER_CASES["weighted bare"] = get("/"), get("/weighted")
cases.ANSWERS["mutations"] = cases.text("200 OK", b"", *old, "x-up: up")
mutating = (header_levels(False), {**HEADER_CASES, "operators": get("/operators?q=1&r=2", "x-a: aaa", "x-answer: mutations"),
    "operators bare": get("/operators"), "operators direct": get("/direct-operators", "x-a: aaa"),
    "special": get("/special", "user-agent: u", "cookie: a=b", "x-drop: 1", "x-drop: 2", "accept: a", "content-type: c/d", "x-answer: mutations"),
    "special bare": get("/special"),
                                    "cluster header": get("/nowhere-cluster", "x-cluster: service"), "cluster header none": get("/nowhere-cluster"),
                                    "cluster header unknown": get("/nowhere-cluster", "x-cluster: unknown"),
                                    "cluster header empty": get("/nowhere-cluster", "x-cluster:"),
                                    "no endpoints": get("/nowhere-cluster", "x-cluster: none")})
mutating_specific = (header_levels(True), HEADER_CASES)

# ---- trust: addresses, ids, schemes ----------------------------------------------------------------------------------

ADDRESS_CASES = {name: cases.REQUESTS[name] for name in cases.REQUESTS if name.startswith(("x", "trace-", "request-id", "via", "server-request",
    "upgrade", "http2-settings", "absolute", "connection-x")) or name in ("get", "host-port", "user-agent", "http-10", "http-10-no-host", "dots",
    "encoded-slash", "encoded-back", "backslash", "double-slash", "host-dot", "host-upper", "underscore", "fragment", "no-slash", "connect", "expect",
    "encoded-dots", "path-semicolon", "chunked-trailers", "headers-500", "head-70k", "good-bad", "bad-name", "garbage-text", "two-lengths", "no-host",
    "early-answer", "upper-name")}
ADDRESS_CASES["answer x-envoy"], ADDRESS_CASES["answer server"], ADDRESS_CASES["answer trailers"] = answer("x-envoy"), answer("server"), answer("chunked-trailers")
INTERNAL = {"internal_address_config": {"cidr_ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8},
    {"address_prefix": "10.0.0.0", "prefix_len": 8}]}}
TRUST = {
    "edge": {"use_remote_address": True}, "edge-internal": {"use_remote_address": True, **INTERNAL},
    "hops": {"use_remote_address": True, "xff_num_trusted_hops": 1}, "inner-hops": {"xff_num_trusted_hops": 1}, "inner-internal": INTERNAL,
    "skip": {"use_remote_address": True, "skip_xff_append": True},
    "ids": {"preserve_external_request_id": True, "always_set_request_id_in_response": True, "use_remote_address": True, "via": "weft",
    "server_name": "mine", "server_header_transformation": "APPEND_IF_ABSENT"},
    "no-ids": {"generate_request_id": False, "server_header_transformation": "PASS_THROUGH"},
    "normal": {"normalize_path": True, "merge_slashes": True, "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
    "strip_any_host_port": True, "strip_trailing_host_dot": True,
    "common_http_protocol_options": {"headers_with_underscores_action": "REJECT_REQUEST"}},
    "normal-2": {"normalize_path": True, "path_with_escaped_slashes_action": "REJECT_REQUEST", "strip_matching_host_port": True,
    "common_http_protocol_options": {"headers_with_underscores_action": "DROP_HEADER"}, "max_request_headers_kb": 80,
    "represent_ipv4_remote_address_as_ipv4_mapped_ipv6": True, "use_remote_address": True},
    "normal-3": {"path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD", "normalize_path": True,
    "scheme_header_transformation": {"scheme_to_overwrite": "https"}, "stream_error_on_invalid_http_message": True,
    "common_http_protocol_options": {"max_headers_count": 600}},
    "http1": {"http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "default.test", "enable_trailers": True,
    "header_key_format": {"proper_case_words": {}}, "override_stream_error_on_invalid_http_message": True}, "proxy_100_continue": True},
    "absolute": {"http_protocol_options": {"allow_absolute_url": False, "send_fully_qualified_url": True},
    "upgrade_configs": [{"upgrade_type": "websocket"}, {"upgrade_type": "CONNECT"}], "codec_type": "HTTP1"},
    "xfcc": {"forward_client_cert_details": "APPEND_FORWARD", "set_current_client_cert_details": {"subject": True, "uri": True}},
    "xfcc-always": {"forward_client_cert_details": "ALWAYS_FORWARD_ONLY"},
}
trust = {f"trust-{name}": (one_listener([route("/", "service")], **fields), ADDRESS_CASES) for name, fields in TRUST.items()}

# ---- retries, timeouts, breakers, ejection, faults ----------------------------------------------------------------------

QUICK = {"base_interval": "0.005s", "max_interval": "0.01s"}
RETRIES = {
    "5xx": {"retry_on": "5xx"}, "gateway": {"retry_on": "gateway-error"}, "reset": {"retry_on": "reset"},
    "before": {"retry_on": "reset-before-request"}, "connect": {"retry_on": "connect-failure"}, "refused": {"retry_on": "refused-stream"},
    "4xx": {"retry_on": "retriable-4xx"}, "codes": {"retry_on": "retriable-status-codes", "retriable_status_codes": [404, 503]},
    "headers": {"retry_on": "retriable-headers", "retriable_headers": [{"name": "x-again", "present_match": True}]},
    "overloaded": {"retry_on": "5xx,envoy-ratelimited"}, "grpc": {"retry_on": "cancelled,deadline-exceeded,internal,resource-exhausted,unavailable"},
    "three": {"retry_on": "5xx", "num_retries": 3}, "zero": {"retry_on": "5xx", "num_retries": 0},
    "per-try": {"retry_on": "5xx", "per_try_timeout": "0.1s"}, "request-headers": {"retry_on": "5xx", "retriable_request_headers": [{"name": "x-may",
    "present_match": True}]}, "http3": {"retry_on": "http3-post-connect-failure"}, "none": {},
    "limited": {"retry_on": "5xx", "rate_limited_retry_back_off": {"reset_headers": [{"name": "retry-after", "format": "SECONDS"}],
    "max_interval": "1s"}},
}
cases.ANSWERS.update({
    "409": cases.text("409 Conflict"), "502": cases.text("502 Bad"), "504": cases.text("504 Late"), "501": cases.text("501 No"),
    "429": cases.text("429 Many", b"", "x-envoy-ratelimited: true"), "503-limited": cases.text("503 Many", b"", "x-envoy-ratelimited: true",
    "retry-after: 0"), "again": cases.text("200 OK", b"", "x-again: 1"), "503-overloaded": cases.text("503 No", b"", "x-envoy-overloaded: true"),
    "grpc-4": cases.text("200 OK", b"", "content-type: application/grpc", "grpc-status: 4"), "late": [0.25, OK_LATE := cases.text("200 OK", b"late")],
    "late-once": {1: [0.25, OK_LATE], 2: cases.OK}, "reset-once": {1: ["reset"], 2: cases.OK}, "close-once": {1: ["close"], 2: cases.OK},
    "retry-after": cases.text("503 No", b"", "retry-after: 0"), "head-then-late": [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", 0.35, b"hello"],
})


def retry_routes(ports):
    made = [{"match": {"prefix": f"/{name}/"}, "route": {"cluster": "service", "retry_policy": {**policy,
        **({"retry_back_off": QUICK} if policy else {})}}} for name, policy in RETRIES.items()]
    policy = {"retry_on": "5xx,reset,connect-failure", "retry_back_off": QUICK, "num_retries": 2}
    return made + [to({"prefix": "/dead"}, cluster="dead", retry_policy=policy), to({"prefix": "/once-dead"}, cluster="dead"),
        to({"prefix": "/empty"}, cluster="empty"), to({"prefix": "/timeout"}, timeout="0.1s"),
        to({"prefix": "/timeout-retry"}, timeout="0.18s", retry_policy={**policy, "per_try_timeout": "0.1s"}),
                   to({"prefix": "/idle"}, idle_timeout="0.1s", timeout="0s"),
                       to({"prefix": "/duration"}, max_stream_duration={"max_stream_duration": "0.1s"}, timeout="0s"),
                       to({"prefix": "/per-try-idle"}, timeout="0s", retry_policy={"retry_on": "5xx", "per_try_idle_timeout": "0.1s",
                       "retry_back_off": QUICK}), to({"prefix": "/upstream-duration"}, cluster="short", timeout="0s"),
                   to({"prefix": "/grpc-timeout"}, max_stream_duration={"grpc_timeout_header_max": "0s"}, timeout="0s"),
                       to({"prefix": "/unmade"}, cluster="unmade"), to({"prefix": "/"})]


def with_clusters(ports):
    return [cluster("dead", ports.nobody), cluster("empty"), cluster("short", ports.upstream, typed_extension_protocol_options={
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {"@type": TYPE + "extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http_protocol_options": {}}, "common_http_protocol_options": {"max_stream_duration": "0.1s"}}})]


def retry_world(**manager):
    configured = one_listener(retry_routes, with_clusters, virtual_host={"include_request_attempt_count": True,
        "include_attempt_count_in_response": True}, **manager)

    def configure(ports, log_path):
        out = configured(ports, log_path)
        out["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["validate_clusters"] = False
        return out
    return configure


def on(path: str, name: str, *headers: str, **options) -> bytes:
    return get(path, f"x-answer: {name}", *headers, **options)


RETRY_CASES = {
    **{f"{policy} {name}": on(f"/{policy}/", name) for policy in ("5xx", "gateway", "reset", "before", "connect", "codes", "grpc", "4xx", "headers",
    "overloaded", "none") for name in ("500", "503", "close", "reset", "404", "409", "429", "again", "grpc-14", "grpc-4", "fail-once", "cut-head",
    "garbage", "cut-body", "close-once", "reset-once", "503-overloaded")},
    "three 503": on("/three/", "503"), "zero 503": on("/zero/", "503"), "per-try late": on("/per-try/", "late"),
    "per-try late-once": on("/per-try/", "late-once"), "limited": on("/limited/", "retry-after"),
    "request-headers no": on("/request-headers/", "503"), "request-headers yes": on("/request-headers/", "503", "x-may: 1"),
    "post 503": on("/5xx/", "fail-once", method="POST", body=b"hello"),
    "post reset": on("/5xx/", "reset-once", method="POST", body=b"hello"),
    "free retry": {"send": [get(), "response", answer("close-once"), "response"]},
    "chunked 503": {"send": b"POST /5xx/ HTTP/1.1\r\nhost: test\r\nx-answer: fail-once\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
    "501": on("/gateway/", "501"), "502": on("/gateway/", "502"), "504": on("/gateway/", "504"), "dead": get("/dead"), "once dead": get("/once-dead"),
    "dead post": get("/dead", method="POST", body=b"hello"), "empty": get("/empty"),
    "dead grpc": get("/once-dead", "content-type: application/grpc", method="POST"),
    "empty grpc": get("/empty", "content-type: application/grpc", method="POST"), "unmade": get("/unmade"),
    "timeout": on("/timeout", "late"), "timeout grpc": on("/timeout", "late", "content-type: application/grpc", method="POST"),
    "timeout body": on("/timeout", "slow-body"), "timeout retry": on("/timeout-retry", "late"), "idle": on("/idle", "late"),
    "idle request": {"send": [b"POST /idle HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhello"], "wait": 1},
    "idle body": on("/idle", "slow-body"), "duration": on("/duration", "late"), "duration body": on("/duration", "slow-body"),
    "per-try idle": on("/per-try-idle", "late"), "per-try idle body": on("/per-try-idle", "head-then-late"),
    "upstream duration": on("/upstream-duration", "late"), "grpc timeout": on("/grpc-timeout", "late", "grpc-timeout: 100m",
    "content-type: application/grpc", method="POST"), "grpc timeout http": on("/grpc-timeout", "late", "grpc-timeout: 100m"),
    "timeout post": {"send": [b"POST /timeout HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\nx-answer: late\r\n\r\nhello", 0.2, b"world"]},
    **{f"header {line}": on("/", "fail-once", *line.split("; ")) for line in ("x-envoy-retry-on: 5xx",
    "x-envoy-retry-on: gateway-error; x-envoy-max-retries: 2", "x-envoy-retry-on: retriable-status-codes; x-envoy-retriable-status-codes: 503,504",
    "x-envoy-retry-on: retriable-headers; x-envoy-retriable-header-names: content-length", "x-envoy-max-retries: 2", "x-envoy-retry-on: nonsense",
    "x-envoy-retry-on: 5xx; x-envoy-max-retries: zero", "x-envoy-retry-on: 5xx; x-envoy-max-retries: 0", "x-envoy-retry-grpc-on: unavailable",
    "x-envoy-hedge-on-per-try-timeout: true")},
    **{f"header {line}": on("/", "late", *line.split("; ")) for line in ("x-envoy-upstream-rq-timeout-ms: 100", "x-envoy-upstream-rq-timeout-ms: x",
    "x-envoy-upstream-rq-timeout-ms: 0", "x-envoy-upstream-rq-per-try-timeout-ms: 100",
    "x-envoy-upstream-rq-per-try-timeout-ms: 100; x-envoy-retry-on: 5xx",
    "x-envoy-upstream-rq-timeout-ms: 100; x-envoy-upstream-rq-per-try-timeout-ms: 200", "x-envoy-expected-rq-timeout-ms: 100",
    "x-envoy-upstream-alt-response: x", "x-envoy-upstream-rq-timeout-alt-response: 1", "x-envoy-upstream-stream-duration-ms: 100",
    "grpc-timeout: 100m")},
    "route beats header": on("/timeout", "late", "x-envoy-upstream-rq-timeout-ms: 1000"),
    "header retries route": on("/none/", "fail-once", "x-envoy-retry-on: 5xx"), "header more": on("/5xx/", "503", "x-envoy-max-retries: 3"),
}
HOSTILE_TIMES = {"request_timeout": "0.2s", "request_headers_timeout": "0.15s", "stream_idle_timeout": "0.3s",
    "common_http_protocol_options": {"idle_timeout": "0.2s", "max_requests_per_connection": 3}, "drain_timeout": "0.05s"}
TIME_CASES = {"slow head": {"send": [b"GET / HTTP/1.1\r\nhost: te"], "wait": 1}, "slow line": {"send": [b"GE"], "wait": 1},
    "slow body of an answered request": {"send": [b"POST / HTTP/1.1\r\nhost: test\r\nx-answer: early-slow\r\ncontent-length: 10\r\n\r\nhello"], "wait": 1},
    "slow body": {"send": [b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhello"], "wait": 1}, "silent": {"send": [], "wait": 0.6},
    "idle": {"send": [get(), "response", 0.5], "wait": 0.2}, "stream idle": {"send": answer("slow"), "wait": 1},
    "stream idle body": {"send": answer("slow-body"), "wait": 1},
              "four requests": {"send": [get(), "response", get(), "response", get(), "response"], "wait": 0.5},
              "slow chunked": {"send": [cases.raw(cases.CHUNKED + "5\nhel")], "wait": 1}}
BREAKERS = {"connections": {"max_connections": 1}, "pending": {"max_connections": 1, "max_pending_requests": 1}, "requests": {"max_requests": 1},
    "retries": {"max_retries": 0}, "no-pending": {"max_pending_requests": 0}, "no-connections": {"max_connections": 0},
    "no-requests": {"max_requests": 0}, "budget": {"retry_budget": {"budget_percent": {"value": 0.0}, "min_retry_concurrency": 0}},
    "tracked": {"max_requests": 2, "track_remaining": True}}
breakers = (one_listener(lambda ports: [to({"prefix": f"/{name}"}, cluster=name,
    retry_policy={"retry_on": "5xx", "retry_back_off": QUICK}) for name in BREAKERS] + [to({"prefix": "/"})],
                         lambda ports: [cluster(name, ports.upstream, circuit_breakers={"thresholds": [limits]}) for name,
                             limits in BREAKERS.items()]),
            {**{name: get(f"/{name}") for name in BREAKERS}, **{f"{name} 503": on(f"/{name}", "503") for name in BREAKERS},
                **{f"{name} grpc": get(f"/{name}", "content-type: application/grpc") for name in ("no-pending", "no-requests")}})


def ejecting(ports):
    return [cluster("ejected", ports.upstream, outlier_detection={"consecutive_5xx": 2, "base_ejection_time": "30s", "max_ejection_percent": 100,
        "enforcing_success_rate": 0}, common_lb_config={"healthy_panic_threshold": {"value": 0}}),
            cluster("panicking", ports.upstream, outlier_detection={"consecutive_5xx": 2, "max_ejection_percent": 100, "enforcing_success_rate": 0}),
            cluster("gateway", ports.upstream, outlier_detection={"consecutive_gateway_failure": 2, "enforcing_consecutive_gateway_failure": 100,
                "max_ejection_percent": 100, "enforcing_success_rate": 0}, common_lb_config={"healthy_panic_threshold": {"value": 0}}),
            cluster("split", ports.nobody, outlier_detection={"split_external_local_origin_errors": True, "consecutive_local_origin_failure": 2,
                "max_ejection_percent": 100, "enforcing_success_rate": 0, "enforcing_local_origin_success_rate": 0},
                common_lb_config={"healthy_panic_threshold": {"value": 0}}),
            cluster("defaults", ports.upstream, outlier_detection={})]


ejection = (one_listener(lambda ports: [to({"prefix": f"/{name}"}, cluster=name) for name in ("ejected", "panicking", "gateway", "split",
    "defaults")], ejecting), {
    f"{name} {i}": {"send": [on(f"/{name}", "503"), "response", 0.03]} for name in ("ejected", "panicking", "gateway", "split",
        "defaults") for i in range(4)})

FAULT = TYPE + "extensions.filters.http.fault.v3.HTTPFault"
ALWAYS = {"numerator": 100}
FAULTS = {
    "abort": {"abort": {"http_status": 418, "percentage": ALWAYS}}, "abort-grpc": {"abort": {"grpc_status": 8, "percentage": ALWAYS}},
    "delay": {"delay": {"fixed_delay": "0.05s", "percentage": ALWAYS}},
    "both": {"delay": {"fixed_delay": "0.05s", "percentage": ALWAYS}, "abort": {"http_status": 503, "percentage": ALWAYS}},
    "never": {"abort": {"http_status": 418, "percentage": {"numerator": 0}}},
    "by-header": {"abort": {"header_abort": {}, "percentage": ALWAYS}, "delay": {"header_delay": {}, "percentage": ALWAYS}},
    "matched": {"abort": {"http_status": 418, "percentage": ALWAYS}, "headers": [{"name": "x-fault", "present_match": True}]},
    "cluster": {"abort": {"http_status": 418, "percentage": ALWAYS}, "upstream_cluster": "other"},
    "nodes": {"abort": {"http_status": 418, "percentage": ALWAYS}, "downstream_nodes": ["n"]},
    "max": {"delay": {"fixed_delay": "0.05s", "percentage": ALWAYS}, "max_active_faults": 0},
    "rate": {"response_rate_limit": {"fixed_limit": {"limit_kbps": 100}, "percentage": ALWAYS}}, "default-percent": {"abort": {"http_status": 418}},
}
FAULT_HEADERS = ("x-envoy-fault-abort-request: 503", "x-envoy-fault-abort-request: 99", "x-envoy-fault-abort-request: x",
    "x-envoy-fault-abort-grpc-request: 5", "x-envoy-fault-delay-request: 50", "x-envoy-fault-delay-request: x",
    "x-envoy-fault-abort-request: 503; x-envoy-fault-abort-request-percentage: 0",
    "x-envoy-fault-abort-request: 503; x-envoy-fault-delay-request: 50",
    "x-envoy-fault-abort-request: 503; x-envoy-fault-abort-request-percentage: 100")


def fault_world(**manager):
    return one_listener([{"match": {"prefix": f"/{name}"}, "route": {"cluster": "service"},
        "typed_per_filter_config": {"envoy.filters.http.fault": {"@type": FAULT, **fields}}} for name,
        fields in sorted(FAULTS.items(), key=lambda item: -len(item[0]))] + [to({"prefix": "/"})],
                        filters=[{"name": "envoy.filters.http.fault", "typed_config": {"@type": FAULT}}], **manager)


FAULT_CASES = {**{name: get(f"/{name}") for name in FAULTS}, **{f"{name} grpc": get(f"/{name}", "content-type: application/grpc",
    method="POST") for name in ("abort", "abort-grpc", "both")}, "matched yes": get("/matched", "x-fault: 1"),
    "nodes yes": get("/nodes", "x-envoy-downstream-service-node: n"), "nodes no": get("/nodes", "x-envoy-downstream-service-node: m"),
    "post": get("/abort", method="POST", body=b"hello"),
               **{f"by-header {line}": get("/by-header", *line.split("; ")) for line in FAULT_HEADERS}, "head": get("/abort", method="HEAD")}
faults, faults_internal = (fault_world(), FAULT_CASES), (fault_world(**INTERNAL),
    {**{name: case for name, case in FAULT_CASES.items() if name.startswith("by-header")},
    **{f"xff {name}": case.replace(b"\r\n\r\n", b"\r\nx-forwarded-for: 10.0.0.1\r\n\r\n", 1) for name,
    case in FAULT_CASES.items() if name.startswith("by-header")}})
internal_retries = (retry_world(**INTERNAL), {name: case.replace(b"\r\nhost: test\r\n", b"\r\nhost: test\r\nx-forwarded-for: 10.0.0.1\r\n",
    1) for name, case in RETRY_CASES.items() if name.startswith(("header", "route beats"))})

# ---- HTTP/2 ----------------------------------------------------------------------------------------------------------

def http2_world(is_up: bool, **manager):
    def configure(ports, log_path):
        policy = {"retry_on": "refused-stream,reset", "retry_back_off": QUICK}
        return bootstrap([listener(ports.listener, [to({"prefix": "/retry"}, retry_policy=policy), to({"prefix": "/timeout"}, timeout="0.1s"),
            to({"prefix": "/dead"}, cluster="dead"), direct({"prefix": "/direct"}, 200, "d"),
            {"match": {"connect_matcher": {}}, "route": {"cluster": "service"}}, to({"prefix": "/"})],
                                   access_log=[cases.json_log(log_path)], delayed_close_timeout="0.03s", **manager)],
                                       [cluster("service", ports.upstream, http2=is_up), cluster("dead", ports.nobody, http2=is_up)])
    return configure


def h2(*requests, **fields) -> dict:
    return {"http2": list(requests), **fields}


H2_REQUESTS = {
    "get": h2(ask()), "post": h2(ask(method="POST", body=b"hello")), "head": h2(ask(method="HEAD")),
    "trailers": h2(ask(method="POST", body=b"hello", trailers=[("x-t", "1")])),
    "length": h2(ask("/", "content-length: 5", method="POST", body=b"hello")),
    "length-long": h2(ask("/", "content-length: 9", method="POST", body=b"hello")),
    "length-short": h2(ask("/", "content-length: 2", method="POST", body=b"hello")),
    "length-bad": h2(ask("/", "content-length: x", method="POST", body=b"hello")), "length-end": h2(ask("/", "content-length: 5", method="POST")),
    "no-method": h2(ask(without=[":method"])), "no-path": h2(ask(without=[":path"])), "no-scheme": h2(ask(without=[":scheme"])),
    "no-authority": h2(ask(without=[":authority"])), "host-only": h2(ask("/", "host: other", without=[":authority"])),
    "host-both": h2(ask("/", "host: other")), "host-same": h2(ask("/", "host: test")),
    "empty-path": h2(ask("")), "star": h2(ask("*", method="OPTIONS")), "relative": h2(ask("a")), "fragment": h2(ask("/a#b")),
    "absolute": h2(ask("http://other/x")), "scheme-https": h2(ask(scheme="https")), "scheme-odd": h2(ask(scheme="ftp")),
    "scheme-bad": h2(ask(scheme="h t")), "path-space": h2(ask("/a b")), "path-high": h2(ask("/\xe9")), "path-nul": h2(ask("/\0")),
    "method-lower": h2(ask(method="get")), "method-bad": h2(ask(method="G T")), "method-empty": h2(ask(method="")),
    "authority-empty": h2(ask(authority="")), "authority-user": h2(ask(authority="u@test")), "authority-space": h2(ask(authority="te st")),
    "authority-port": h2(ask(authority="test:99")), "authority-slash": h2(ask(authority="a/b")), "upper-name": h2(ask("/", "X-Upper: 1")),
    "connection": h2(ask("/", "connection: close")), "keep-alive": h2(ask("/", "keep-alive: 5")),
    "proxy-connection": h2(ask("/", "proxy-connection: x")), "coding": h2(ask("/", "transfer-encoding: chunked")),
    "upgrade": h2(ask("/", "upgrade: websocket")),
    "te": h2(ask("/", "te: trailers")), "te-gzip": h2(ask("/", "te: gzip")), "pseudo-unknown": h2(ask(extra=[(":x", "y")])),
    "pseudo-late": h2(ask("/", "x-a: b", ":method: GET", without=[":method"])), "pseudo-twice": h2(ask(extra=[(":path", "/b")])),
    "status": h2(ask(extra=[(":status", "200")])), "cookie": h2(ask("/", "cookie: a=b", "cookie: c=d")), "value-cr": h2(ask("/", "x-a: b\rc")),
    "value-lf": h2(ask("/", "x-a: b\nc")), "value-nul": h2(ask("/", "x-a: b\0c")), "value-space": h2(ask("/", extra=[("x-a", " b ")])),
    "value-high": h2(ask("/", "x-a: \xe9")), "name-space": h2(ask("/", "x a: b")), "name-empty": h2(ask(extra=[("", "b")])),
    "name-colon": h2(ask(extra=[("x:a", "b")])), "name-odd": h2(ask("/", "x!#$: b")), "name-bad": h2(ask("/", "x(a): b")),
    "expect": h2(ask("/", "expect: 100-continue", method="POST", body=b"hello")),
    "connect": h2(ask(method="CONNECT", without=[":scheme", ":path"], end=False), wait=0.3), "connect-path": h2(ask(method="CONNECT")),
    "connect-protocol": h2(ask(method="CONNECT", extra=[(":protocol", "websocket")], end=False), wait=0.3),
    "headers-100": h2(ask("/", *(f"x-{i}: a" for i in range(96)))), "headers-101": h2(ask("/", *(f"x-{i}: a" for i in range(101)))),
    "head-62k": h2(ask("/", *(f"x-{i}: " + "a" * 9000 for i in range(7)))),
    "trailer-pseudo": h2(ask(method="POST", body=b"x", trailers=[(":path", "/")])),
    "trailer-bad": h2(ask(method="POST", body=b"x", trailers=[("X-T", "1")])),
    "reset": h2(ask("/", "x-answer: late", method="POST", body=b"x", steps="reset"), wait=0.4),
    "open": h2(ask(method="POST", body=b"x", end=False), wait=0.3), "timeout": h2(ask("/timeout", "x-answer: late")),
    "timeout-grpc": h2(ask("/timeout", "x-answer: late", "content-type: application/grpc", method="POST")), "dead": h2(ask("/dead")),
    "dead-grpc": h2(ask("/dead", "content-type: application/grpc", method="POST")), "direct": h2(ask("/direct")),
    "direct-post": h2(ask("/direct", method="POST", body=b"hello")), "underscore": h2(ask("/", "x_a: b")),
    "xff": h2(ask("/", "x-forwarded-for: 1.2.3.4", "x-forwarded-proto: https")), "large": h2(ask(method="POST", body=b"x" * 16000)), "http1": get(),
    "http1-bad": get(host=""),
    "grpc-timeout": h2(ask("/", "grpc-timeout: 1S", "content-type: application/grpc", "te: trailers", method="POST")),
    "empty-value": h2(ask(extra=[("x-a", "")])), "data-early": h2(ask("/direct", method="POST", body=b"x", end=False), wait=0.3),
}
H2_ANSWERS = {**{name: h2(ask("/", f"x-answer: {name}"), wait=1) for name in cases.ANSWERS_H2},
    **{f"grpc {name}": h2(ask("/", f"x-answer: {name}", "content-type: application/grpc", "te: trailers", method="POST", body=b"\0\0\0\0\0"),
    wait=1) for name in ("grpc", "grpc-bad", "grpc-only", "reset", "reset-refused", "reset-cancel", "close", "503", "goaway", "404")},
              **{f"retry {name}": h2(ask("/retry", f"x-answer: {name}"), wait=1) for name in ("reset", "reset-refused", "goaway", "close",
              "reset-body")}, "head": h2(ask(method="HEAD"), wait=1), **{f"HEAD {name}": h2(ask("/", f"x-answer: {name}", method="HEAD"),
              wait=1) for name in ("length", "trailers", "empty")}}
H1_ANSWERS = {name: h2(ask("/", f"x-answer: {name}"), wait=1) for name in ("204", "304", "chunked-trailers", "until-close", "101", "garbage",
    "cut-body", "cut-head", "close", "reset", "103", "100", "set-cookies", "connection-other", "grpc-trailers", "grpc-ok", "http-10", "upper",
    "reset-body")}
http2 = {
    "h2-h1": (http2_world(False), {**H2_REQUESTS, **{f"answer {name}": case for name, case in H1_ANSWERS.items()}}),
    "h2-h2": (http2_world(True), {**H2_ANSWERS, **{name: H2_REQUESTS[name] for name in ("get", "post", "trailers", "head", "te", "cookie", "connect",
    "connect-protocol", "expect", "length", "host-both", "open", "reset", "dead", "timeout", "empty-value", "large")}}),
    "h1-h2": (http2_world(True), {**{name: get("/", f"x-answer: {name}") for name in cases.ANSWERS_H2},
    **{f"request {name}": cases.REQUESTS[name] for name in ("get", "post", "chunked-trailers", "head", "te", "connection-names", "cookies",
    "upgrade-unasked", "expect", "get-body", "post-no-length", "user-agent", "http-10", "host-upper", "options-star", "absolute", "high-value")}}),
    "h2-options": (http2_world(True, http2_protocol_options={"allow_connect": True, "override_stream_error_on_invalid_http_message": True,
    "max_concurrent_streams": 2}, upgrade_configs=[{"upgrade_type": "websocket"}, {"upgrade_type": "CONNECT"}], codec_type="HTTP2"),
    {name: H2_REQUESTS[name] for name in ("get", "connect", "connect-path", "connect-protocol", "upper-name", "connection", "value-lf", "name-space",
    "no-method", "length-short", "http1", "host-both", "te-gzip", "path-space", "headers-101", "pseudo-unknown", "scheme-bad")}),
}

# ---- TLS -------------------------------------------------------------------------------------------------------------

@functools.cache
def authority(name: str = "authority") -> Authority:
    return Authority(pathlib.Path(tempfile.mkdtemp(prefix="weft-beside-")), name)


def leaf(name: str = "server", **fields):
    return authority().issue(name, names=[f"{name}.test"], uris=[f"spiffe://example.org/{name}"], addresses=["127.0.0.1"], **fields)


def client_tls(issued=None, alpn=("http/1.1",), **fields):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    if issued:
        context.load_cert_chain(issued.certificate, issued.key)
    for name, value in fields.items():
        setattr(context, name, value)
    return context


def server_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf().certificate, leaf().key)
    return context


def tls_world(ports, log_path):
    policy = {"access_log": [cases.json_log(log_path)], "delayed_close_timeout": "0.03s", "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": {"subject": True, "uri": True, "dns": True}}
    upstreams = {"good": validation(authority(), dns="server.test"), "san": validation(authority(), dns="other.test"),
        "uri": validation(authority(), uri="spiffe://example.org/server"), "ca": validation(authority("other")), "none": {}}
    routes = [direct({"prefix": "/presented", "tls_context": {"presented": True}}, 200, "presented"),
        direct({"prefix": "/validated", "tls_context": {"validated": True}}, 200, "validated"), to({"prefix": "/plain"}, cluster="plain"),
        *(to({"prefix": f"/{name}"}, cluster=name) for name in upstreams), to({"prefix": "/"})]
    listeners = [
        listener(ports.listener, routes, name="tls", transport_socket=downstream_tls(leaf()), **policy),
            listener(ports.mtls, routes, name="mtls", transport_socket=downstream_tls(leaf(), peer=validation(authority())), **policy),
        listener(ports.spiffe, routes, name="spiffe", transport_socket=downstream_tls(leaf(), peer=validation(authority(),
            uri="spiffe://example.org/client")), **policy),
        {"name": "sni", "address": address(ports.sni), "listener_filters": [{"name": "inspector", "typed_config": {"@type": TLS_INSPECTOR}}],
            "filter_chains": [
            {**chain(routes, name="sni", transport_socket=downstream_tls(leaf(), alpn=["http/1.1"]), **policy),
                "filter_chain_match": {"server_names": ["a.test"]}},
            {**chain(routes, name="wild", transport_socket=downstream_tls(leaf()), **policy), "filter_chain_match": {"server_names": ["*.b.test"]}}]},
        {"name": "old", "address": address(ports.old), "filter_chains": [chain(routes, name="old", transport_socket=old_tls(), **policy)]}]
    return bootstrap(listeners, [cluster("service", ports.upstream), cluster("plain", ports.upstream, transport_socket=upstream_tls({})), *(
        cluster(name, ports.secure, transport_socket=upstream_tls(peer, sni="server.test")) for name, peer in upstreams.items())])


def old_tls() -> dict:
    out = downstream_tls(leaf(), alpn=[])
    out["typed_config"]["common_tls_context"]["tls_params"] = {"tls_maximum_protocol_version": "TLSv1_2"}
    return out


def tls_cases() -> dict:
    plain, ours = client_tls(), client_tls(leaf("client"))
    foreign, expired, server = client_tls(authority("other").issue("client", names=["client.test"])), client_tls(leaf("expired",
        is_expired=True)), client_tls(leaf("server"))
    newest = client_tls(minimum_version=ssl.TLSVersion.TLSv1_3)
    ask_tls = {"send": get(), "tls": plain}
    return {
        "tls": ask_tls, "sni": {**ask_tls, "sni": "server.test"}, "with certificate": {**ask_tls, "tls": ours},
        "no alpn": {**ask_tls, "tls": client_tls(alpn=[])} if False else {**ask_tls, "tls": client_tls(alpn=["foo"])},
        "h2 alpn": {"http2": [ask(scheme="https")], "tls": client_tls(alpn=["h2"])}, "plaintext": {"send": get(), "wait": 0.4},
        "garbage": {"send": b"\x16\x03\x01\x00\x05hello", "wait": 0.4},
        **{f"mtls {name}": {**ask_tls, "to": "mtls", "tls": context} for name,
        context in (("none", plain), ("ours", ours), ("foreign", foreign), ("expired", expired))},
        **{f"spiffe {name}": {**ask_tls, "to": "spiffe", "tls": context} for name,
        context in (("none", plain), ("ours", ours), ("server", server), ("foreign", foreign))},
        **{f"sni {name}": {**ask_tls, "to": "sni", "sni": name} for name in ("a.test", "x.b.test", "b.test", "other.test", "A.TEST")},
        "sni none": {**ask_tls, "to": "sni"}, "sni plaintext": {"send": get(), "to": "sni", "wait": 0.4}, "old": {**ask_tls, "to": "old"},
        "old newest": {**ask_tls, "to": "old", "tls": newest},
        **{f"upstream {name}": {**ask_tls, "send": get(f"/{name}")} for name in ("good", "san", "uri", "ca", "none", "plain")},
        **{f"{path} {name}": {**ask_tls, "send": get(f"/{path}"), "tls": context,
        "to": "mtls" if name == "mtls" else "listener"} for path in ("presented", "validated") for name,
        context in (("none", plain), ("ours", ours), ("mtls", ours))},
        "xfcc": {**ask_tls, "send": get("/", "x-forwarded-client-cert: Hash=1"), "to": "mtls", "tls": ours},
    }


METADATA_OPERATORS = [*(f"METADATA({kind}:{path})" for kind in ("ROUTE", "VIRTUAL_HOST", "CLUSTER", "UPSTREAM_HOST", "LISTENER", "LISTENER_FILTER_CHAIN",
    "DYNAMIC") for path in ("ns:text", "ns:number", "ns")), "METADATA(ROUTE)", "METADATA(ROUTE:)", "METADATA(ROUTE:other)", "METADATA(ROUTE:ns:absent)",
    *(f"METADATA(ROUTE:ns:{key})" for key in ("half", "yes", "null", "list", "object", "object:z", "object:a:deep", "text:deep", "quote", "big")),
    "METADATA(ROUTE:ns:text):2", "CLUSTER_METADATA(ns:text)", "UPSTREAM_METADATA(ns:number)", "CLUSTER_METADATA(ns)"]


def metadata(text: str) -> dict:
    keys = {"text": text, "number": 7, "half": 1.5, "yes": True, "null": None, "list": [1, "two", {"b": 1, "a": None}], "quote": 'a "b" \\ c',
        "object": {"z": 1, "a": {"deep": "down"}}, "big": 123456789012}
    return {"metadata": {"filter_metadata": {"ns": keys, "empty": {}}}}


def metadata_everywhere(ports, log_path):
    shown = [add(f"x-meta-{i}", f"%{name}%") for i, name in enumerate(METADATA_OPERATORS)]
    made = [{**route("/dead", "dead"), **metadata("dead route")}, route("/bare", "service"),
        {"match": {"prefix": "/direct"}, "direct_response": {"status": 200}, "response_headers_to_add": shown, **metadata("direct")},
        {**route("/", "service"), **metadata("route"), "request_headers_to_add": shown, "response_headers_to_add": shown}]
    out = one_listener(made, clusters=lambda p: [cluster("dead", p.dead)], virtual_host=metadata("host"), listener_fields=metadata("listener"))(ports, log_path)
    resources = out["static_resources"]
    chain = resources["listeners"][0]["filter_chains"][0]
    chain.update(metadata("chain"))
    for made in resources["clusters"]:
        made.update(metadata("cluster"))
        made["load_assignment"]["endpoints"][0]["lb_endpoints"][0].update(metadata("endpoint"))
    fields = chain["filters"][0]["typed_config"]["access_log"][0]["typed_config"]["log_format"]["json_format"]
    fields.update({name: f"%{name}%" for name in METADATA_OPERATORS}, mixed="%METADATA(ROUTE:ns:object)% %METADATA(ROUTE:ns:number)%")
    return out


WORLDS = {
    "metadata": (metadata_everywhere, {path: get(path) for path in ("/", "/bare", "/dead", "/direct")}),
    "everyday": (one_listener([route("/", "service")]), cases.REQUESTS),
    "answers": (one_listener([route("/", "service")]), {
        **{name: answer(name) for name in cases.ANSWERS}, **{f"HEAD {name}": answer(name, method="HEAD") for name in ("", "404", "204", "304",
        "chunked", "head-chunked", "head-length", "head-none", "large-head", "until-close")}}),
    "matching": matching, "hosts": virtual_hosts, "rewriting": rewriting, "mutating": mutating, "mutating-specific": mutating_specific, **trust,
    "retries": (retry_world(), RETRY_CASES), "retries-internal": internal_retries,
    "times": (one_listener([route("/", "service")], **HOSTILE_TIMES), TIME_CASES), "breakers": breakers, "ejection": ejection, "faults": faults,
    "faults-internal": faults_internal, **http2, "tls": (tls_world, tls_cases, server_tls),
}
