"""HTTP/2 that no honest peer sends, made systematically, and what RFC 9113 and RFC 7541 want done with each.

A case is (name, bytes, outcome). The bytes follow the client's preface and SETTINGS; a list of bytes waits in between until every stream begun is
over. The odd request is on `ODD` with the path /, unless paths are what is odd; what is honest before it asks for /before.
"""
import collections
import struct

from hostile_http1 import BAD_HOSTS, BAD_LENGTHS, CONTROLS, GOOD_HOSTS, NOT_A_TOKEN
from http2_frames import (
    ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY,
    HAS_PRIORITY, HEADERS, INTERNAL_ERROR, NO_ERROR, PADDED, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS,
    STREAM_CLOSED, WINDOW_UPDATE, block, frame, integer, text)

ODD = 1
WHOLE = END_STREAM | END_HEADERS
WINDOW_MAX = 2**31 - 1

Ends = collections.namedtuple("Ends", "codes")       # GOAWAY with one of these, then the end
Resets = collections.namedtuple("Resets", "codes")   # RST_STREAM on ODD; the connection goes on
Answers = collections.namedtuple("Answers", "statuses")  # the proxy's own response; the connection goes on
REFUSED = "refused"      # 400 or malformed: whoever looks first
MALFORMED = "malformed"  # RFC 9113 section 8.1.1: a stream error, which Envoy's default makes one of the connection
IGNORED = "ignored"      # nothing comes of it
LEAVES = "leaves"        # what was asked is served, then the connection ends
BEYOND = "beyond"        # a whole message, which the upstream may have, then more: of that nothing passes, and the connection goes on
# Any other outcome: the body that the upstream must have received with the odd request.

BREACH = Ends({PROTOCOL_ERROR})
BAD_SIZE = Ends({FRAME_SIZE_ERROR})
BAD_BLOCK = Ends({COMPRESSION_ERROR})
CLOSED = Ends({STREAM_CLOSED})
FLOOD = Ends({ENHANCE_YOUR_CALM})
BAD_REQUEST = Answers({400})

# :method GET, :scheme http, :path / from the static table, :authority test; and the same with the path /before.
GET = b"\x82\x86\x84\x01\x04test"
GET_BEFORE = b"\x82\x86\x04\x07/before\x01\x04test"


def number(value: int) -> bytes:
    return struct.pack(">I", value)


def pseudo(**fields) -> list:
    lines = {"method": "GET", "scheme": "http", "authority": "test", "path": "/", **fields}
    return [(f":{name}", value) for name, value in lines.items() if value is not None]


def head(*lines, stream: int = ODD, end: bool = True, **fields) -> bytes:
    """A request's HEADERS; pseudo-headers by keyword, None leaves one out."""
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(*pseudo(**fields), *lines))


def head_of(*lines) -> bytes:
    """Nothing but these lines."""
    return frame(HEADERS, WHOLE, ODD, block(*lines))


def before(stream: int = ODD) -> bytes:
    return head(stream=stream, path="/before")


def post(*lines, **fields) -> bytes:
    return head(*lines, end=False, method="POST", **fields)


def data(payload: bytes = b"", end: bool = True, stream: int = ODD) -> bytes:
    return frame(DATA, END_STREAM if end else 0, stream, payload)


def trailers(*lines, end: bool = True) -> bytes:
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), ODD, block(*lines))


def reset(stream: int = ODD, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream, number(code))


def window(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, number(increment))


def settings(*pairs) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def priority(stream: int, on: int, weight: int = 16) -> bytes:
    return frame(PRIORITY, 0, stream, number(on) + bytes([weight]))


def latin(raw: bytes) -> str:
    return raw.decode("latin-1")


def named(group: str, outcome, inputs) -> list:
    """Cases whose name is the group and what is odd about each: inputs are (oddity, bytes)."""
    return [(f"{group} {oddity!r}"[:90], sent, outcome) for oddity, sent in inputs]


def fields() -> list:
    upper = [bytes([c]) for c in range(ord("A"), ord("Z") + 1)]
    out = named("byte in a name", MALFORMED, [(byte, head(("x" + latin(byte) + "y", "z"))) for byte in NOT_A_TOKEN + upper])
    out += named("name", MALFORMED, [(name, head((name, "z"))) for name in ["", " ", "x ", " x", "x:", "X", "x\r\ny", "Content-Length", "Host"]])
    out += named("name", b"", [(name, head((name, "z"))) for name in ["x", "x" * 300, "!#$%&'*+-.^_`|~", "0", "x_y", "-", "."]])
    out += named("byte in a value", MALFORMED, [(byte, head(("x", "y" + latin(byte) + "z"))) for byte in CONTROLS])
    out += named("byte begins a value", MALFORMED, [(byte, head(("x", latin(byte) + "z"))) for byte in CONTROLS + [b" ", b"\t"]])
    out += named("byte ends a value", MALFORMED, [(byte, head(("x", "z" + latin(byte)))) for byte in CONTROLS + [b" ", b"\t"]])
    out += named("value", MALFORMED, [(value, head(("x", value))) for value in [
        " ", "\t", "y\r\nhost: evil", "y\r\n\r\nGET /evil HTTP/1.1\r\nhost: a\r\n\r\n", "y\r\n z", "y\nz: a", "y\rz: a"]])
    out += named("value", b"", [(value, head(("x", value))) for value in ["", "y z", "y\tz", "\x80\xff", "a:b", '"', "(", "\\", "y" * 500]])
    level = [("connection", ["close", "keep-alive", "x", "te", "upgrade", ""]), ("keep-alive", ["timeout=5", ""]),
             ("proxy-connection", ["close", "keep-alive", ""]), ("transfer-encoding", ["chunked", "identity", "gzip", "blegh", ""]),
             ("upgrade", ["h2c", "websocket", "foo", ""]), ("te", ["gzip", "chunked", "trailers, gzip", "gzip, trailers", "x", "", "trailers;q=1"])]
    for name, values in level:
        out += named(name, MALFORMED, [(value, head((name, value))) for value in values])
        out += named(f"{name} before a body", MALFORMED, [(value, post((name, value)) + data(b"hello")) for value in values[:2]])
    out += named("te", b"", [(value, head(("te", value))) for value in ["trailers"]])
    out += named("hop by hop of HTTP/1.1", b"", [(line, head(line)) for line in [
        ("http2-settings", "AAMAAABkAAQAAP__"), ("trailer", "x"), ("expect", "x"), ("proxy-authorization", "x")]])
    out += named("cookies", b"", [(lines, head(*lines)) for lines in [
        [("cookie", "a=b")], [("cookie", "a=b"), ("cookie", "c=d")], [("cookie", "")], [("cookie", ""), ("cookie", "")]]])
    return out


def requests() -> list:
    """Pseudo-headers (section 8.3)."""
    all_of = pseudo()
    out = named("without", MALFORMED, [(names, head(**{name: None for name in names})) for names in [
        ["method"], ["scheme"], ["path"], ["method", "path"], ["scheme", "path"], ["method", "scheme", "path"]]])
    out += named("without", MALFORMED, [("authority and host", head(authority=None))])
    out += named("empty", MALFORMED, [(name, head(**{name: ""})) for name in ["method", "scheme", "path"]])
    out += named("twice", MALFORMED, [(line, head(line)) for line in all_of] + [
        ((name, "other"), head((name, "other"))) for name, _ in all_of])
    out += named("twice at once", MALFORMED, [(line, head_of(line, *all_of)) for line in all_of])
    out += named("after a field", MALFORMED, [(line, head_of(*[other for other in all_of if other != line], ("x", "y"), line)) for line in all_of])
    out += named("unknown", MALFORMED, [(name, head((name, "x"))) for name in [
        ":odd", ":status", ":protocol", ":host", ":", "::path", ":Path", ":pat", ":paths", ":path ", " :path", ":connection"]])
    out += named("status in a request", MALFORMED, [(value, head((":status", value))) for value in ["200", "", "x"]])
    out += named("order", b"", [(order, head_of(*order)) for order in [all_of[::-1], all_of[1:] + all_of[:1], all_of[2:] + all_of[:2]]])
    out.append(("no line at all", head_of(), MALFORMED))
    out.append(("only fields", head_of(("host", "test"), ("x", "y")), MALFORMED))
    out += named("byte in a method", MALFORMED, [(byte, head(method="G" + latin(byte))) for byte in NOT_A_TOKEN])
    out += named("method", MALFORMED, [(method, head(method=method)) for method in [
        " GET", "GET ", "GET / HTTP/1.1", "GET\r\nx: y", "GET /x HTTP/1.1\r\nhost: a\r\n\r\n"]])
    out += named("method", b"", [(method, head(method=method)) for method in ["GET", "get", "PRI", "M-SEARCH", "!#$%&'*+-.^_`|~", "DELETE",
        "OPTIONS"]])
    out += named("scheme", MALFORMED, [(scheme, head(scheme=scheme)) for scheme in [
        "http://x/?", "http://", "http:", "ht tp", "1http", "-http", "http ", " http", "http\r\nx: y", "http\0", "ht/tp", "\xff", "http,https"]])
    out += named("scheme", b"", [(scheme, head(scheme=scheme)) for scheme in ["http", "https", "HTTP"]])
    return out


def targets() -> list:
    bad = ["a", "admin", "?a", "#a", "http://test/", "//\x7f", "..", "%2f", "*", "\\", "/a b", "/ HTTP/1.1\r\nx: y", " /", "/ ", "/\t"]
    out = named("path", MALFORMED, [(path, head(path=path)) for path in bad])
    out += named("byte in a path", MALFORMED, [(byte, head(path="/a" + latin(byte) + "b")) for byte in CONTROLS + [b" ", b"\t"]])
    out += named("path", BAD_REQUEST, [(path, head(path=path)) for path in ["/a#b", "/#", "/?#", "/\x80", "/\xff", "/\xc3\xa4"]])
    out += named("path", b"", [(path, head(path=path)) for path in [
        "/", "//", "/a?b", "/a?b?c", "/%20", "/a;b", "/'\"<>\\^`{|}", "/" + "y" * 5000]])
    out.append(("OPTIONS *, for which there is no route", head(method="OPTIONS", path="*"), Answers({404})))
    out += named("* for", MALFORMED, [(method, head(method=method, path="*")) for method in ["GET", "POST", "HEAD", "DELETE", "PUT", "options"]])
    for outcome, values in [(REFUSED, BAD_HOSTS), (b"", GOOD_HOSTS)]:
        out += named("authority", outcome, [(value, head(authority=latin(value))) for value in values])
        out += named("host", outcome, [(value, head(("host", latin(value)), authority=None)) for value in values])
    out += named("host beside an authority", MALFORMED, [(value, head(("host", value))) for value in ["a b", "", "a\r\nb", "a/b"]])
    out += named("host beside an authority, which wins", b"", [(value, head(("host", value))) for value in ["test", "evil", "a,b"]])
    out += named("two hosts", MALFORMED, [(pair, head(*[("host", value) for value in pair], authority=None)) for pair in [
        ("a", "a"), ("a", "b"), ("", "a"), ("a", "")]])
    out += named("two hosts beside an authority", MALFORMED, [("a", head(("host", "a"), ("host", "a")))])
    return out


def connects() -> list:
    def connect(*lines, end=False, **given):
        return head(*lines, end=end, **{"method": "CONNECT", "scheme": None, "path": None, "authority": "test:80", **given})

    out = named("connect with", MALFORMED, [(given, connect(**given)) for given in [
        {"path": "/"}, {"scheme": "http"}, {"path": "/", "scheme": "http"}, {"authority": None}, {"path": ""}]])
    out += named("connect to", REFUSED, [(target, connect(authority=target)) for target in [
        "test", "test:", "test:0", "test:65536", "test:x", ":80", "u@test:80", "test:80/", "http://test:80", "/", "*", "[::1:80", "test:80,test:81",
        ""]])
    out += named("connect for a protocol that was not offered", MALFORMED, [(value, connect((":protocol", value), scheme="http",
        path="/")) for value in [
        "websocket", "connect-udp", ""]])
    out += named("a protocol without connect", MALFORMED, [("GET", head((":protocol", "websocket"))), ("POST", post((":protocol", "websocket")))])
    out.append(("connect without a route", connect(), Answers({403, 404})))
    return out


def lengths() -> list:
    """Section 8.1.1: a length that is none, or not that of the DATA."""
    out = named("length", REFUSED, [(value, post(("content-length", latin(value))) + data(b"hello")) for value in BAD_LENGTHS])
    out += named("length of no body", MALFORMED, [(value, head(("content-length", value))) for value in ["1", "5", "-1", "x", "", "0x0", "0, 0"]])
    out += named("length of no body", b"", [("0", head(("content-length", "0")))])
    pairs = [("5", "5"), ("5", "6"), ("6", "5"), ("", "5"), ("5", ""), ("0", "5"), ("5", "0"), ("5", "x")]
    out += named("two lengths", MALFORMED, [
        (pair, post(*[("content-length", value) for value in pair]) + data(b"hello")) for pair in pairs])
    five = post(("content-length", "5"))
    x = ("x", "y")
    # What DATA shows to be false ends its stream alone, in Envoy too.
    out += named("5 bytes promised and", Resets({PROTOCOL_ERROR}), [(name, five + sent) for name, sent in [
        ("none", data()), ("4", data(b"hell")), ("2 and 2", data(b"he", end=False) + data(b"ll")), ("4 padded to 9", frame(DATA, END_STREAM | PADDED, ODD, b"\x04hell" + bytes(4)))]])
    out += named("5 bytes promised and", BEYOND, [(name, five + sent) for name, sent in [
        ("6", data(b"hello!")), ("6 and trailers", data(b"hello!", end=False) + trailers(x)),
        ("6 that do not end", data(b"hello!", end=False)), ("5 and 1", data(b"hello", end=False) + data(b"!")),
        ("a second request", data(b"helloGET /evil HTTP/1.1\r\nhost: a\r\n\r\n"))]])
    out += named("5 bytes promised and", MALFORMED, [
        ("trailers", five + trailers(x)), ("4 and trailers", five + data(b"hell", end=False) + trailers(x))])
    out += named("5 bytes and", b"hello", [(name, five + sent) for name, sent in [
        ("5", data(b"hello")), ("2 and 3", data(b"he", end=False) + data(b"llo")), ("an empty end", data(b"hello", end=False) + data()),
        ("trailers", data(b"hello", end=False) + trailers(x)), ("padding", frame(DATA, END_STREAM | PADDED, ODD, b"\x04hello" + bytes(4))),
        ("bytes each", b"".join(data(bytes([c]), end=False) for c in b"hell") + data(b"o"))]])
    out += named("0 bytes and", BEYOND, [(name, post(("content-length", "0")) + sent) for name, sent in [
        ("5", data(b"hello")), ("1", data(b"h")), ("1 and trailers", data(b"h", end=False) + trailers(x))]])
    out += named("0 bytes and", b"", [("none", post(("content-length", "0")) + data()), ("trailers", post(("content-length", "0")) + trailers(x))])
    out += named("length of", MALFORMED, [
        (method, head(("content-length", "5"), method=method)) for method in ["HEAD", "GET", "DELETE", "OPTIONS"]])
    return out


def ends_of_messages() -> list:
    hello = post() + data(b"hello", end=False)
    out = named("trailers", MALFORMED, [(lines, hello + trailers(*lines)) for lines in [
        [(":path", "/evil")], [(":method", "GET")], [(":status", "200")], [(":authority", "a")], [(":odd", "a")], [("x", "y"), (":path", "/")],
        [("X", "y")], [("", "y")], [("x y", "z")], [("x:", "z")], [("x", "y\r\nz: a")], [("x", "y\0")], [("x", " y")], [("x", "y ")],
        [("connection", "close")], [("transfer-encoding", "chunked")], [("keep-alive", "1")], [("proxy-connection", "x")], [("upgrade", "h2c")],
        [("te", "gzip")], [("content-length", "50")]]])
    out += named("trailers that do not end", MALFORMED, [(lines, hello + trailers(*lines, end=False)) for lines in [[], [("x", "y")], [
        (":path", "/")]]])
    out += named("trailers that do not end, and more", MALFORMED, [("data", hello + trailers(("x", "y"), end=False) + data(b"!"))])
    out += named("trailers", b"hello", [(lines, hello + trailers(*lines)) for lines in [
        [], [("x", "y")], [("host", "evil")], [("te", "trailers")], [("trailer", "x")], [("authorization", "x")],
        [("cookie", "a=b"), ("cookie", "c=d")], [("expect", "100-continue")]]])
    out.append(("trailers and no body", post() + trailers(("x", "y")), b""))
    out += named("a second head", MALFORMED, [("that does not end", post() + post()), ("that ends", post() + head())])
    whole = post(path="/before") + data(b"hello", end=False) + trailers(("x", "y"))
    out += named("after trailers", CLOSED, [("data", whole + data(b"!")), ("trailers", whole + trailers(("x", "y")))])
    return out


def frame_sizes() -> list:
    def sized(kind, size, stream=ODD, flags=0):
        return frame(kind, flags, stream, bytes(size))

    open_stream = post()
    out = named("PING of", BAD_SIZE, [(size, sized(PING, size, 0)) for size in [0, 1, 7, 9, 16, 100]])
    out += named("PING ACK of", BAD_SIZE, [(size, sized(PING, size, 0, ACK)) for size in [0, 7, 9]])
    out += named("SETTINGS of", BAD_SIZE, [(size, sized(SETTINGS, size, 0)) for size in [1, 5, 7, 13]])
    out += named("SETTINGS ACK of", BAD_SIZE, [(size, sized(SETTINGS, size, 0, ACK)) for size in [1, 6, 12]])
    out += named("RST_STREAM of", BAD_SIZE, [(size, open_stream + sized(RST_STREAM, size)) for size in [0, 1, 3, 5, 8]])
    out += named("PRIORITY of", BAD_SIZE, [(size, open_stream + sized(PRIORITY, size)) for size in [0, 1, 4, 6, 10]])
    out += named("PRIORITY on an idle stream of", BAD_SIZE, [(size, sized(PRIORITY, size)) for size in [0, 4, 6]])
    out += named("WINDOW_UPDATE of", BAD_SIZE, [(size, open_stream + sized(WINDOW_UPDATE, size)) for size in [0, 1, 3, 5, 8]])
    out += named("WINDOW_UPDATE of the connection of", BAD_SIZE, [(size, sized(WINDOW_UPDATE, size, 0)) for size in [0, 3, 5]])
    out += named("GOAWAY of", BAD_SIZE, [(size, sized(GOAWAY, size, 0)) for size in [0, 1, 4, 7]])
    out += named("HEADERS with priority of", BAD_SIZE, [(size, sized(HEADERS, size, ODD, WHOLE | HAS_PRIORITY)) for size in [0, 1, 4]])
    out += named("HEADERS with padding of", BREACH, [(0, sized(HEADERS, 0, ODD, WHOLE | PADDED))])
    out += named("DATA with padding of", BREACH, [(0, open_stream + sized(DATA, 0, ODD, PADDED))])
    for size in [16385, 20000, 2**24 - 1]:
        for name, kind, stream, first in [
                ("DATA", DATA, ODD, open_stream), ("HEADERS", HEADERS, ODD, b""), ("SETTINGS", SETTINGS, 0, b""), ("PING", PING, 0, b""),
                ("GOAWAY", GOAWAY, 0, b""), ("WINDOW_UPDATE", WINDOW_UPDATE, 0, b""), ("unknown", 0x42, 0, b""), ("PRIORITY", PRIORITY, ODD, b"")]:
            # The head alone is enough: none of the payload comes.
            out += named(f"{name} of", BAD_SIZE, [(size, first + struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, 0, stream))])
    out += named("DATA of", bytes(16384), [(16384, open_stream + data(bytes(16384)))])
    return out


def paddings() -> list:
    open_stream = post()
    out = named("DATA padding", BREACH, [((pad, size), open_stream + frame(DATA, PADDED, ODD, bytes([pad]) + bytes(size))) for pad, size in [
        (1, 0), (5, 4), (255, 0), (255, 254), (10, 5)]])
    out += named("HEADERS padding", BREACH, [((pad, size), frame(HEADERS, WHOLE | PADDED, ODD, bytes([pad]) + bytes(size))) for pad, size in [
        (1, 0), (5, 4), (255, 10)]])
    out += named("HEADERS padding over priority", BREACH, [(pad, frame(
        HEADERS, WHOLE | PADDED | HAS_PRIORITY, ODD, bytes([pad]) + number(0) + b"\x10" + bytes(3))) for pad in [4, 9, 255]])
    out += named("DATA padding", b"hello", [
        (pad, open_stream + frame(DATA, END_STREAM | PADDED, ODD, bytes([pad]) + b"hello" + bytes(pad))) for pad in [0, 1, 100, 255]])
    out += named("DATA padding that is not zero", b"hello", [(b"evil", open_stream + frame(DATA, END_STREAM | PADDED, ODD, b"\x04helloevil"))])
    out += named("HEADERS padding", b"", [(pad, frame(HEADERS, WHOLE | PADDED, ODD, bytes([pad]) + GET + bytes(pad))) for pad in [0, 1, 255]])
    out += named("HEADERS with priority", b"", [
        ((on, weight), frame(HEADERS, WHOLE | HAS_PRIORITY, ODD, number(on) + bytes([weight]) + GET))
        for on, weight in [(0, 0), (0, 255), (3, 16), (2**31, 1), (2**31 + 7, 1)]])
    both = b"\x03" + number(0) + b"\x10" + GET + bytes(3)
    out.append(("HEADERS with padding and priority", frame(HEADERS, WHOLE | PADDED | HAS_PRIORITY, ODD, both), b""))
    out += named("flags that mean nothing", b"", [(flags, frame(HEADERS, WHOLE | flags, ODD, GET)) for flags in [2, 0x10, 0x40, 0x80, 0xD2]])
    out += named("flags that mean nothing to DATA", b"hello", [
        (flags, open_stream + frame(DATA, END_STREAM | flags, ODD, b"hello")) for flags in [2, 4, 0x10, 0x20, 0x40, 0x80, 0xF6]])
    reserved = 2**31 | ODD
    out.append(("the reserved bit", frame(HEADERS, END_HEADERS, reserved, block(*pseudo(method="POST"))) + data(b"hello", stream=reserved), b"hello"))
    return out


def stream_states() -> list:
    """Sections 5.1 and 6: which frame may come on which stream."""
    on_zero = [("DATA", data(b"x", stream=0)), ("HEADERS", head(stream=0)), ("PRIORITY", priority(0, 1)), ("RST_STREAM", reset(0)),
               ("CONTINUATION", frame(CONTINUATION, END_HEADERS, 0, GET)), ("PUSH_PROMISE", frame(PUSH_PROMISE, END_HEADERS, 0, number(2) + GET))]
    out = named("on stream 0", BREACH, on_zero)
    not_zero = [("SETTINGS", SETTINGS, b""), ("PING", PING, bytes(8)), ("GOAWAY", GOAWAY, bytes(8)), ("SETTINGS ACK", SETTINGS, b"")]
    for stream in [1, 2, 2**31 - 1]:
        out += named(f"on stream {stream}", BREACH, [
            (name, frame(kind, ACK if "ACK" in name else 0, stream, payload)) for name, kind, payload in not_zero])
    out += named("HEADERS on stream", BREACH, [(stream, head(stream=stream)) for stream in [2, 4, 100, 2**31 - 2]])
    out += named("DATA on an even stream", BREACH, [(stream, data(b"x", stream=stream)) for stream in [2, 100]])
    idle = [("DATA", data(b"x", stream=7)), ("empty DATA", data(stream=7)), ("RST_STREAM", reset(7)), ("WINDOW_UPDATE", window(7, 1)),
            ("CONTINUATION", frame(CONTINUATION, END_HEADERS, 7, GET)), ("RST_STREAM on an even one", reset(8)),
            ("WINDOW_UPDATE on an even one", window(8, 1))]
    out += named("on an idle stream", BREACH, idle)
    out += named("on an idle stream", IGNORED, [("PRIORITY", priority(7, 0)), ("PRIORITY on an even one", priority(8, 0)),
        ("unknown", frame(0x42, 0, 7, b"x"))])
    # 1 was passed over when 3 opened (section 5.1.1).
    passed = before(3)
    out += named("on a stream that was passed over", BREACH, [("HEADERS", passed + head()), ("DATA", passed + data(b"x"))])
    ended = before()
    out += named("behind END_STREAM", CLOSED, [
        ("DATA", ended + data(b"x")), ("empty DATA", ended + data()), ("HEADERS", ended + head()), ("trailers", ended + trailers(("x", "y"))),
        ("DATA that does not end", ended + data(b"x", end=False))])
    out += named("behind END_STREAM and the answer", CLOSED, [
        ("DATA", [ended, data(b"x")]), ("empty DATA", [ended, data()]), ("HEADERS", [ended, head()]), ("trailers", [ended, trailers(("x", "y"))])])
    spared = [("RST_STREAM", reset()), ("WINDOW_UPDATE", window(ODD, 1)), ("PRIORITY", priority(ODD, 0)), ("unknown", frame(0x42, 0, ODD, b"x"))]
    out += named("behind END_STREAM and the answer", IGNORED, [(name, [ended, sent]) for name, sent in spared])
    own = post() + reset()
    out += named("behind its own RST_STREAM", CLOSED, [
        ("DATA", own + data(b"x")), ("HEADERS", own + head()), ("trailers", own + trailers(("x", "y")))])
    out += named("behind its own RST_STREAM", IGNORED, [(name, own + sent) for name, sent in spared])
    out.append(("CONTINUATION behind a whole head", post() + frame(CONTINUATION, END_HEADERS, ODD, block(("x", "y"))), BREACH))
    out.append(("CONTINUATION behind END_STREAM", ended + frame(CONTINUATION, END_HEADERS, ODD, block(("x", "y"))), BREACH))
    return out


def blocks() -> list:
    """Section 6.10: what a header block may be cut into, and that nothing may come between."""
    cut = frame(HEADERS, END_STREAM, ODD, GET)
    more = frame(CONTINUATION, END_HEADERS, ODD, block(("x", "y")))
    between = [
        ("DATA", data(b"x")), ("HEADERS", head()), ("HEADERS of another", head(stream=3)), ("PRIORITY", priority(ODD, 0)), ("RST_STREAM", reset()),
        ("SETTINGS", settings()), ("SETTINGS ACK", frame(SETTINGS, ACK, 0)), ("PING", frame(PING, 0, 0, bytes(8))),
        ("GOAWAY", frame(GOAWAY, 0, 0, bytes(8))),
        ("WINDOW_UPDATE", window(0, 1)), ("WINDOW_UPDATE of it", window(ODD, 1)), ("unknown", frame(0x42, 0, 0, b"x")),
        ("unknown of it", frame(0x42, 0, ODD, b"x")),
        ("CONTINUATION of another", frame(CONTINUATION, END_HEADERS, 3, block(("x", "y")))),
        ("CONTINUATION of 0", frame(CONTINUATION, END_HEADERS, 0, block(("x", "y")))),
        ("PUSH_PROMISE", frame(PUSH_PROMISE, END_HEADERS, ODD, number(2) + GET)), ("HTTP/1.1", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")]
    out = named("inside a block", BREACH, [(name, cut + sent + more) for name, sent in between])
    half = cut + frame(CONTINUATION, 0, ODD, block(("x", "y")))
    out += named("behind half a block", BREACH, [(name, half + sent + more) for name, sent in between[:4]])
    out += named("a CONTINUATION of nothing", BREACH, [
        ((stream, flags), frame(CONTINUATION, flags, stream, GET)) for stream, flags in [(1, 4), (1, 0), (3, 4), (2, 4)]])
    out += named("block cut at", b"", [
        (at, frame(HEADERS, END_STREAM, ODD, GET[:at]) + frame(CONTINUATION, END_HEADERS, ODD, GET[at:])) for at in range(len(GET) + 1)])
    pieces = [GET[i:i + 2] for i in range(0, len(GET), 2)]
    out.append(("a block of 5 pieces", frame(HEADERS, END_STREAM, ODD, pieces[0]) + b"".join(
        frame(CONTINUATION, END_HEADERS if piece is pieces[-1] else 0, ODD, piece) for piece in pieces[1:]), b""))
    out.append(("padding and CONTINUATION", frame(HEADERS, END_STREAM | PADDED, ODD, b"\x05" + GET + bytes(5)) + more, b""))
    out.append(("END_STREAM on a CONTINUATION means nothing",
                frame(HEADERS, 0, ODD, GET) + frame(CONTINUATION, WHOLE, ODD, block(("x", "y"))) + data(b"hello"), b"hello"))
    return out


def compression() -> list:
    """RFC 7541: a block that cannot be decoded ends the connection, for its table is lost."""
    def whole(raw: bytes) -> bytes:
        return frame(HEADERS, WHOLE, ODD, raw)

    far = 2**35
    broken = {
        "index 0": b"\x80", "index 62 of an empty table": b"\xbe", "index 127": b"\xff\x00", "index 2^31": integer(2**31, 7, 0x80),
        "index of many bytes": b"\xff" + b"\xff" * 12 + b"\x7f", "index padded with zeros": b"\xff" + b"\x80" * 40 + b"\x00",
        "index that does not end": b"\xff\x80", "index without its rest": b"\xff",
        "name index 62": integer(62, 4) + text(b"x"), "name index 62, indexed": integer(62, 6, 0x40) + text(b"x"),
        "name index 62, never indexed": integer(62, 4, 0x10) + text(b"x"), "name index 2^35": integer(far, 4) + text(b"x"),
        "name longer than the block": b"\0\x7f\x10ab", "value longer than the block": b"\0\x01a\x7f\x10b",
        "name of 2^35": b"\0" + integer(far, 7) + b"ab", "value of 2^35": b"\0\x01a" + integer(far, 7) + b"b",
        "a name and no value": b"\0\x01a", "a literal and nothing": b"\0", "a literal cut in its index": b"\x0f",
        "Huffman padded with zeros": b"\0\x01a\x81\x18", "Huffman padded with a byte": b"\0\x01a\x82\x1f\xff",
        "Huffman with EOS": b"\0\x01a\x84\xff\xff\xff\xff", "Huffman EOS in a name": b"\0\x84\xff\xff\xff\xff\x01a",
        "Huffman cut in a symbol": b"\0\x01a\x81\xfe", "a table size behind a line": integer(100, 5, 0x20)}
    sizes = {
        "table of 4097": integer(4097, 5, 0x20), "table of 2^31": integer(2**31, 5, 0x20), "table of 2^35": integer(far, 5, 0x20),
        "a size without its rest": b"\x3f", "a size that does not end": b"\x3f\x80\x80"}
    out = [(f"block {name}", whole(GET + raw), BAD_BLOCK) for name, raw in broken.items()]
    out += [(f"block {name}, in trailers", post() + frame(HEADERS, WHOLE, ODD, b"\0\x01x\x01y" + raw), BAD_BLOCK) for name, raw in broken.items()]
    out += [(f"block {name}", whole(raw + GET), BAD_BLOCK) for name, raw in sizes.items()]
    out.append(("a table size between lines", whole(GET[:2] + b"\x20" + GET[2:]), BAD_BLOCK))
    entry = b"\x40" + text(b"x") + text(b"y")
    large = b"\x40" + text(b"z" * 2000) + text(b"z" * 3000)  # larger than the table, which it empties
    filled = frame(HEADERS, WHOLE, ODD, GET_BEFORE + entry)
    out += named("an entry that is gone", BAD_BLOCK, [(name, filled + frame(HEADERS, WHOLE, 3, raw + b"\xbe")) for name, raw in [
        ("size 0", b"\x20" + GET), ("size 33", b"\x3f\x02" + GET), ("a line larger than the table", GET + large)]])
    good = {
        "one size": b"\x20" + GET, "two sizes": b"\x20\x3f\xe1\x1f" + GET, "the largest size": b"\x3f\xe1\x1f" + GET,
        "three sizes": b"\x20\x21\x22" + GET, "indexed": GET + entry, "indexed and used": GET + entry + b"\xbe",
        "never indexed": GET + b"\x10" + text(b"x") + text(b"y"), "Huffman": GET + b"\0\x01x\x81\x1f",
        "an empty Huffman value": GET + b"\0\x01x\x80", "a line larger than the table": GET + large,
        "an index in many bytes": GET + b"\x0f\x80\x80\x80\x00" + text(b"y")}
    out += [(f"block {name}", whole(raw), b"") for name, raw in good.items()]
    out.append(("block of nothing but a size", whole(b"\x20"), MALFORMED))
    out.append(("a broken block on a stream that was reset", post() + reset() + frame(HEADERS, WHOLE, ODD, b"\x80"), CLOSED))
    return out


def limits() -> list:
    """Of a head: 60 KiB and 100 fields, decoded."""
    def long_head(raw: bytes, stream=ODD):
        pieces = [raw[at:at + 16000] for at in range(0, len(raw), 16000)]
        return frame(HEADERS, END_STREAM | (END_HEADERS if len(pieces) == 1 else 0), stream, pieces[0]) + b"".join(
            frame(CONTINUATION, END_HEADERS if piece is pieces[-1] else 0, stream, piece) for piece in pieces[1:])

    too_large = Answers({431})
    out = named("fields", too_large, [(count, head(*[(f"x{i}", "y") for i in range(count)])) for count in [101, 150]])
    out += named("fields", b"", [(count, head(*[(f"x{i}", "y") for i in range(count)])) for count in [90]])
    for outcome, size in [(too_large, 62_000), (BAD_BLOCK, 70_000)]:  # nghttp2 reads no string above 64 KiB
        out += named("head of", outcome, [(size, long_head(GET + block(("x", "y" * size))))])
        out += named("path of", outcome, [(size, long_head(block(*pseudo(path="/" + "y" * size))))])
        out += named("name of", outcome, [(size, long_head(GET + block(("x" * size, "y"))))])
    out.append(("head of 5 strings of 30 kB", long_head(GET + block(("x", "y" * 30_000)) * 5), Resets({INTERNAL_ERROR})))
    # What enters HPACK's table once is then a byte each (CVE-2026-47774, CVE-2026-73550): counted decoded.
    for outcome, what, name, value in [
            (Resets({INTERNAL_ERROR}), "cookies", b"\x60", b"c" * 3900), (Resets({INTERNAL_ERROR}), "empty cookies", b"\x60", b""),
            (Resets({INTERNAL_ERROR}), "a field", b"\x40\x01x", b"y" * 3900), (Resets({INTERNAL_ERROR}), "an empty field", b"\x40\x01x", b""),
            (MALFORMED, "hosts", b"\x66", b"h" * 3900)]:
        out.append((f"HPACK bomb of {what}", long_head(GET + name + text(value) + b"\xbe" * 15_000), outcome))
    hello = post() + data(b"hello", end=False)
    out += named("trailers of", Resets({ENHANCE_YOUR_CALM}), [
        ("70 kB", hello + long_head(block(*[("x", "y" * 10_000)] * 7))), ("101 fields", hello + trailers(*[(f"x{i}", "y") for i in range(101)]))])
    return out


def settings_and_windows() -> list:
    out = named("ENABLE_PUSH", BREACH, [(value, settings((2, value))) for value in [2, 255, 2**31, 2**32 - 1]])
    out += named("INITIAL_WINDOW_SIZE", Ends({FLOW_CONTROL_ERROR}), [(value, settings((4, value))) for value in [2**31, 2**32 - 1]])
    out += named("MAX_FRAME_SIZE", BREACH, [(value, settings((5, value))) for value in [0, 1, 16383, 2**24, 2**32 - 1]])
    out += named("ENABLE_CONNECT_PROTOCOL", BREACH, [(value, settings((8, value))) for value in [2, 2**31]])
    out += named("ENABLE_CONNECT_PROTOCOL, of which clients have nothing to say", IGNORED, [("1, then 0", settings((8, 1)) + settings((8, 0)))])
    out += named("NO_RFC7540_PRIORITIES not in the first SETTINGS", BREACH, [(1, settings((9, 1)))])
    out += named("SETTINGS", b"", [(pairs, settings(*pairs) + head()) for pairs in [
        [(1, 0)], [(1, 2**32 - 1)], [(2, 0)], [(2, 1)], [(3, 0)], [(3, 2**32 - 1)], [(4, 0), (4, 65535)], [(4, 2**31 - 1)], [(5, 16384)],
        [(5, 2**24 - 1)], [(6, 0), (6, 65536)], [(6, 2**32 - 1)], [(0, 1)], [(7, 1)], [(0xFFFF, 2**32 - 1)], [(0x0A0A, 5)],
        [(4, 1), (4, 65535), (1, 0), (1, 4096)]]])
    out += named("SETTINGS ACK that nobody awaits", BREACH, [("one more", frame(SETTINGS, ACK, 0) * 3)])
    out += named("WINDOW_UPDATE of the connection by", BREACH, [(0, window(0, 0)), (2**31, window(0, 2**31))])
    out += named("WINDOW_UPDATE of the connection by", Ends({FLOW_CONTROL_ERROR}), [
        (WINDOW_MAX, window(0, WINDOW_MAX)), (WINDOW_MAX - 65534, window(0, WINDOW_MAX - 65534)), ("half and half", window(0, 2**30) * 2)])
    out += named("WINDOW_UPDATE of the connection by", IGNORED, [(WINDOW_MAX - 65535, window(0, WINDOW_MAX - 65535)), (1, window(0, 1))])
    out += named("WINDOW_UPDATE by", BREACH, [(0, post() + window(ODD, 0)), (2**31, post() + window(ODD, 2**31))])
    out += named("WINDOW_UPDATE by", Resets({FLOW_CONTROL_ERROR}), [
        (WINDOW_MAX, post() + window(ODD, WINDOW_MAX)), (WINDOW_MAX - 65534, post() + window(ODD, WINDOW_MAX - 65534)),
        ("half and half", post() + window(ODD, 2**30) * 2)])
    out += named("WINDOW_UPDATE by", b"hello", [(WINDOW_MAX - 65535, post() + window(ODD, WINDOW_MAX - 65535) + data(b"hello"))])
    overflow = post() + window(ODD, WINDOW_MAX - 65535) + settings((4, 65536))
    out.append(("INITIAL_WINDOW_SIZE overflows a stream's window", overflow, Resets({FLOW_CONTROL_ERROR})))
    return out


def others() -> list:
    out = named("PRIORITY of itself", BREACH, [(name, sent) for name, sent in [
        ("idle", priority(ODD, ODD)), ("exclusive", priority(ODD, 2**31 | ODD)), ("open", post() + priority(ODD, ODD))]])
    out += named("HEADERS that depend on themselves", BREACH, [
        (on, frame(HEADERS, WHOLE | HAS_PRIORITY, ODD, number(on) + b"\x10" + GET)) for on in [ODD, 2**31 | ODD]])
    out += named("PUSH_PROMISE of a client", BREACH, [(name, sent) for name, sent in [
        ("open", post() + frame(PUSH_PROMISE, END_HEADERS, ODD, number(2) + GET)), ("idle", frame(PUSH_PROMISE, END_HEADERS, ODD, number(2) + GET)),
        ("of an odd one", post() + frame(PUSH_PROMISE, END_HEADERS, ODD, number(3) + GET))]])
    out.append(("an empty PUSH_PROMISE of a client", post() + frame(PUSH_PROMISE, END_HEADERS, ODD), BAD_SIZE))
    out += named("GOAWAY of a client for streams that were never pushed", BREACH, [
        (last, frame(GOAWAY, 0, 0, number(last) + number(0))) for last in [1, 2**31 - 1]])
    out += named("GOAWAY of a client", LEAVES, [((last, code), frame(GOAWAY, 0, 0, number(last) + number(code) + debug)) for last, code, debug in [
        (0, 0, b""), (0, 1, b"reasons"), (0, 0xFFFFFFFF, bytes(1000)), (2**31, 0, b""), (2, 0, b"")]])
    out += named("PING", IGNORED, [((flags, payload), frame(PING, flags, 0, payload)) for flags, payload in [
        (0, bytes(8)), (ACK, bytes(8)), (0xFE, b"12345678"), (ACK, b"weftkeep"), (ACK, b"weftdrn1")]])
    out += named("unknown type", IGNORED, [((kind, stream, size), frame(kind, 0xFF, stream, b"x" * size)) for kind, stream, size in [
        (0x0A, 0, 10), (0x0B, 0, 5), (0x0C, 0, 0), (0x10, 0, 9), (0x42, 0, 0), (0x42, 0, 16384), (0xFF, 0, 8), (0x42, 2, 3), (0x0A, 1, 4)]])
    out += named("unknown type on an open stream", b"hello", [
        (kind, post() + frame(kind, END_STREAM, ODD, b"evil") + data(b"hello")) for kind in [0x0A, 0x0C, 0x10, 0x42, 0xFF]])
    out += named("RST_STREAM with code", IGNORED, [(code, post() + reset(code=code)) for code in [0, 1, 8, 0xDEAD, 2**32 - 1]])
    return out


def floods() -> list:
    """What costs the peer little and us more (CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316, CVE-2024-30255, CVE-2025-8671)."""
    def each(of_stream, streams=range(1, 4000, 2)) -> bytes:
        return b"".join(of_stream(stream) for stream in streams)

    def get(stream: int, *lines) -> bytes:
        return head(*lines, stream=stream, path="/before")

    def upload(stream: int, *lines) -> bytes:
        return post(*lines, stream=stream, path="/before")

    cut = frame(HEADERS, END_STREAM, ODD, GET)
    unread = [("PING", frame(PING, 0, 0, bytes(8))), ("SETTINGS", settings()), ("SETTINGS with entries", settings((3, 100), (4, 65535)))]
    out = [(f"flood of {name}", one * 40_000, FLOOD) for name, one in unread]
    out += [(f"flood of {name}", sent, FLOOD) for name, sent in [
        ("entries in one SETTINGS", settings(*[(3, 100)] * 2000)),
        ("empty DATA", post() + data(end=False) * 100), ("DATA that is padding", post() + frame(DATA, PADDED, ODD, b"\x05" + bytes(5)) * 100),
        ("empty CONTINUATION", cut + frame(CONTINUATION, 0, ODD) * 1000),
        ("small CONTINUATION", cut + each(lambda i: frame(CONTINUATION, 0, ODD, block((f"x{i}", "y"))))),
        ("large CONTINUATION", cut + frame(CONTINUATION, 0, ODD, block(("x", "y" * 16000))) * 100),
        ("CONTINUATION of table sizes", frame(HEADERS, END_STREAM, ODD, b"\x20" * 10) + frame(CONTINUATION, 0, ODD, b"\x20" * 1000) * 100),
        ("PRIORITY", priority(ODD, 0) * 10_000), ("PRIORITY on many streams", each(lambda s: priority(s, 0, s % 256), range(1, 20_000))),
        ("PRIORITY that goes round", (priority(1, 3) + priority(3, 1)) * 5000),
        ("WINDOW_UPDATE", window(0, 1) * 10_000), ("WINDOW_UPDATE on a stream", post() + window(ODD, 1) * 10_000)]]
    out += [(f"rapid reset of {name}", each(one), FLOOD) for name, one in [
        ("requests", lambda s: get(s) + reset(s)), ("uploads", lambda s: upload(s) + reset(s)),
        ("requests, without reason", lambda s: get(s) + reset(s, NO_ERROR)),
        ("uploads behind DATA", lambda s: upload(s) + data(b"x", False, s) + reset(s))]]
    # Where the breach is one of the connection, the first is the last.
    out += [(f"flood of {name}", each(one), Ends({ENHANCE_YOUR_CALM, PROTOCOL_ERROR})) for name, one in [
        ("empty HEADERS", lambda s: frame(HEADERS, END_HEADERS, s)),
        ("resets made by WINDOW_UPDATE 0", lambda s: upload(s) + window(s, 0)),
        ("resets made by a window too large", lambda s: upload(s) + window(s, WINDOW_MAX)),
        ("resets made by a connection header", lambda s: get(s, ("connection", "x"))),
        ("resets made by a length that is none", lambda s: get(s, ("content-length", "5"))),
        ("resets made by more than a length", lambda s: upload(s, ("content-length", "1")) + data(b"xx", stream=s)),
        ("resets made by trailers that do not end", lambda s: upload(s) + frame(HEADERS, END_HEADERS, s, block(("x", "y")))),
        ("resets made by a dependency on itself", lambda s: frame(HEADERS, WHOLE | HAS_PRIORITY, s, number(s) + b"\x10" + GET_BEFORE))]]
    return out


REQUESTS = [
    *fields(), *requests(), *targets(), *connects(), *lengths(), *ends_of_messages(), *frame_sizes(), *paddings(), *stream_states(), *blocks(),
    *compression(), *limits(), *settings_and_windows(), *others(), *floods()]

# ---- what a connection may begin with --------------------------------------------------------------------------------------------------------
# (name, bytes, statuses): a PROTOCOL_ERROR where nothing but HTTP/2 is spoken, and one of the statuses where HTTP/1.1 is too. None: it is HTTP/2 in both.

_REST = settings() + head()
BEGINNINGS = [
    ("HTTP/1.1", b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", {200}),
    ("an upgrade to h2c", b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n", {200}),
    ("PRI in lower case", PREFACE.lower() + _REST, {400, 505}),
    ("PRI of HTTP/1.1", PREFACE.replace(b"2.0", b"1.1") + _REST, {400}),
    ("PRI of HTTP/2.1", PREFACE.replace(b"2.0", b"2.1") + _REST, None),
    ("PRI of /", PREFACE.replace(b"*", b"/") + _REST, {400, 505}),
    ("PRI with LF", PREFACE.replace(b"\r\n", b"\n") + _REST, None),
    ("PRI behind CRLF", b"\r\n" + PREFACE + _REST, {400, 505}),
    ("a frame", _REST, {400}),
    ("a ClientHello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), {400}),
    ("zeros", bytes(100), {400}),
    ("PRI without SM", PREFACE[:18] + _REST, None),
    ("PRI with another SM", PREFACE.replace(b"SM", b"XX") + _REST, None),
    ("PRI twice", PREFACE * 2 + _REST, None),
    ("HEADERS before SETTINGS", PREFACE + head() + settings(), None),
    ("PING before SETTINGS", PREFACE + frame(PING, 0, 0, bytes(8)) + _REST, None),
    ("SETTINGS ACK before SETTINGS", PREFACE + frame(SETTINGS, ACK, 0) + _REST, None),
    ("an unknown frame before SETTINGS", PREFACE + frame(0x42, 0, 0) + _REST, None),
    ("HTTP/1.1 behind the preface", PREFACE + b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", None)]
