"""What a hostile HTTP/2 upstream may answer, and what becomes of it: the other half of hostile_http2.py.

A case is (name, bytes, what the client gets, what becomes of the upstream's connection). In the bytes, SELF stands for the request's stream and
BELOW for the one before, which the server puts in; a list has the bytes of each attempt, and behind `Closed` bytes the server closes the connection.
The client gets a status of the proxy's own, the body of a 200, or CUT: a head that had gone on, then a reset.
"""
from hostile_http1 import CONTROLS, NOT_A_TOKEN
from hostile_http2 import data as data_of
from hostile_http2 import latin, number, priority, settings, window
from http2_frames import (
    ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY,
    HEADERS, INTERNAL_ERROR, NO_ERROR, PADDED, PING, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, block, frame, text)
from strict_server import Closed

SELF, BELOW = 0x5E1F5E1F, 0x5E1F5E1D
WHOLE = END_STREAM | END_HEADERS
CUT = "cut"
BAD_GATEWAY, UNAVAILABLE = 502, 503

LIVES = "lives"          # it goes on, and the sibling with it
MALFORMED = "malformed"  # it lives where the option spares it; Envoy's default ends it
FULL = "full"            # it goes on, but the next request needs another
ENDS = "ends"            # in order, by the upstream's doing: the sibling is served
BREAKS = "breaks"        # the upstream closes it on all
# Any other outcome: the code of the GOAWAY that the proxy ends it with.

OK = b"\x88"  # :status 200


def answer(*lines, end: bool = True, status: str = "200") -> bytes:
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), SELF, block((":status", status), *lines))


def lines_only(*lines, end: bool = True) -> bytes:
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), SELF, block(*lines))


def data(payload: bytes = b"", end: bool = True) -> bytes:
    return data_of(payload, end, SELF)


def reset(code: int) -> bytes:
    return frame(RST_STREAM, 0, SELF, number(code))


def named(group: str, client, connection, inputs) -> list:
    return [(f"{group} {oddity!r}"[:90], sent, client, connection) for oddity, sent in inputs]


def heads() -> list:
    bad = BAD_GATEWAY, MALFORMED
    out = named("status", *bad, [(value, answer(status=value)) for value in [
        "", "2", "20", "2000", "abc", "+20", " 200", "200 ", "-20", "2 0", "20\0", "200 OK", "2\xb20", "101"]])
    out += named("status", BAD_GATEWAY, LIVES, [(value, answer(status=value)) for value in ["000", "099", "600", "999"]])
    out += named("status line", *bad, [(lines, lines_only(*lines)) for lines in [
        [], [("x", "y")], [(":status", "200"), (":status", "200")], [(":status", "200"), (":status", "404")], [("x", "y"), (":status", "200")],
        [(":status", "200"), (":path", "/")], [(":status", "200"), (":method", "GET")], [(":status", "200"), (":odd", "x")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")], [(":Status", "200")], [(":status", "200"),
            (":authority", "a")]]])
    upper = [bytes([c]) for c in range(ord("A"), ord("Z") + 1)]
    out += named("byte in a name", *bad, [(byte, answer(("x" + latin(byte) + "y", "z"))) for byte in NOT_A_TOKEN + upper])
    out += named("byte in a value", *bad, [(byte, answer(("x", "y" + latin(byte) + "z"))) for byte in CONTROLS])
    out += named("field", *bad, [(line, answer(line)) for line in [
        ("", "y"), ("x", " y"), ("x", "y "), ("x", "\ty"), ("x", "y\r\nset-cookie: a=b"), ("x", "y\r\n\r\nHTTP/1.1 200 OK"), ("connection", "close"),
        ("keep-alive", "1"), ("proxy-connection", "x"), ("transfer-encoding", "chunked"), ("upgrade", "h2c"), ("te", "gzip")]])
    out += named("field", b"", LIVES, [(line, answer(line)) for line in [
        ("x", ""), ("x", "\x80\xff"), ("set-cookie", "a=b"), ("content-length", "0"), ("http2-settings", "x"), ("x", "y" * 5000)]])
    many = [(f"x{i}", "y") for i in range(101)]
    out += named("too much", BAD_GATEWAY, LIVES, [("fields", answer(*many)), ("bytes", whole_block(OK + block(*[("x", "y" * 10_000)] * 7)))])
    return out


def whole_block(raw: bytes) -> bytes:
    pieces = [raw[at:at + 16000] for at in range(0, len(raw), 16000)]
    return frame(HEADERS, END_STREAM, SELF, pieces[0]) + b"".join(
        frame(CONTINUATION, END_HEADERS if piece is pieces[-1] else 0, SELF, piece) for piece in pieces[1:])


def bodies() -> list:
    def promised(length: str, **options) -> bytes:
        return answer(("content-length", length), end=False, **options)

    out = named("length", BAD_GATEWAY, MALFORMED, [(value, promised(value) + data(b"hello")) for value in [
        "+5", "-5", "x", "", "5 5", "5,5", "5.0", "0x5", " 5", "99999999999999999999"]])
    out += named("length", BAD_GATEWAY, LIVES, [(value, promised(value) + data(b"hello")) for value in ["05"]])
    out += named("two lengths", BAD_GATEWAY, MALFORMED, [
        (pair, answer(*[("content-length", value) for value in pair], end=False) + data(b"hello")) for pair in [("5", "5"), ("5", "6"), ("", "5")]])
    out += named("5 bytes promised and", CUT, LIVES, [(name, promised("5") + sent) for name, sent in [
        ("none", data()), ("4", data(b"hell")), ("6", data(b"hello!")), ("5 and 1", data(b"hello", end=False) + data(b"!"))]])
    out += named("5 bytes promised and", BAD_GATEWAY, MALFORMED, [("the end", answer(("content-length", "5")))])
    out += named("5 bytes promised and", CUT, MALFORMED, [("trailers", promised("5") + lines_only(("x", "y")))])
    out += named("5 bytes promised and", b"hello", LIVES, [(name, promised("5") + sent) for name, sent in [
        ("5", data(b"hello")), ("pieces", data(b"he", end=False) + data(b"llo", end=False) + data())]])
    out += named("a body of a", CUT, LIVES, [(status, answer(status=status, end=False) + data(b"evil")) for status in ["204", "304"]])
    hello = answer(end=False) + data(b"hello", end=False)
    out += named("trailers", CUT, MALFORMED, [(lines, hello + lines_only(*lines)) for lines in [
        [(":status", "200")], [(":path", "/")], [("X", "y")], [("x y", "z")], [("x", "y\r\n")], [("connection", "close")], [("x", "y ")]]])
    out += named("trailers that do not end", CUT, MALFORMED, [("x", hello + lines_only(("x", "y"), end=False))])
    out += named("a second answer", CUT, MALFORMED, [("200", hello + answer(end=False))])
    out += named("trailers", b"hello", LIVES, [(lines, hello + lines_only(*lines)) for lines in [[], [("x", "y")], [("grpc-status", "0")]]])
    out += named("padding", b"hello", LIVES, [(pad, answer(end=False) + frame(DATA, END_STREAM | PADDED, SELF, bytes([pad]) + b"hello" + bytes(pad)))
                                              for pad in [0, 255]])
    return out


def interims() -> list:
    early = answer(("link", "</a>"), end=False, status="103")
    final = answer(end=False) + data(b"hello")
    return [
        ("an interim response that ends", answer(status="103"), BAD_GATEWAY, MALFORMED),
        ("DATA behind an interim response", early + data(b"x"), BAD_GATEWAY, LIVES),
        ("an interim response with a length", answer(("content-length", "5"), end=False, status="103") + final, BAD_GATEWAY, MALFORMED),
        ("100 unasked", answer(end=False, status="100") + final, b"hello", LIVES), ("interim responses", early * 5 + final, b"hello", LIVES),
        ("flood of interim responses", early * 2000 + final, BAD_GATEWAY, LIVES),
        ("101", answer(end=False, status="101") + final, BAD_GATEWAY, MALFORMED)]


def breaches() -> list:
    """Of the connection: whatever else is on it ends too."""
    out = named("before a head", BAD_GATEWAY, PROTOCOL_ERROR, [("DATA", data(b"evil"))])
    half = answer(end=False) + data(b"hello", end=False)
    for after, client, first, block_begin in [("no answer", BAD_GATEWAY, b"", OK), ("a head", CUT, half, block(("x", "y")))]:
        out += named(f"behind {after}", client, PROTOCOL_ERROR, [(name, first + sent) for name, sent in [
            ("DATA on 0", frame(DATA, 0, 0, b"x")), ("HEADERS on 0", frame(HEADERS, WHOLE, 0, OK)), ("SETTINGS on it", frame(SETTINGS, 0, SELF)),
            ("PING on it", frame(PING, 0, SELF, bytes(8))), ("HEADERS on an idle stream", frame(HEADERS, WHOLE, 0x7FFFFFF1, OK)),
            ("DATA on an idle stream", frame(DATA, 0, 0x7FFFFFF1, b"x")), ("HEADERS on an even stream", frame(HEADERS, WHOLE, 2, OK)),
            ("RST_STREAM on an idle stream", frame(RST_STREAM, 0, 0x7FFFFFF1, number(8))), ("a lone CONTINUATION", frame(CONTINUATION, 4, SELF, OK)),
            ("PUSH_PROMISE", frame(PUSH_PROMISE, END_HEADERS, SELF, number(2) + b"\x82\x86\x84\x01\x04test")),
            ("PUSH_PROMISE of an odd one", frame(PUSH_PROMISE, END_HEADERS, SELF, number(0x7FFFFFF1) + b"\x82\x86\x84\x01\x04test")),
            ("a block cut by a PING", frame(HEADERS, END_STREAM, SELF, OK) + frame(PING, 0, 0, bytes(8))),
            ("a block cut by another", frame(HEADERS, END_STREAM, SELF, OK) + frame(CONTINUATION, END_HEADERS, 0x7FFFFFF1, OK)),
            ("ENABLE_PUSH 1", settings((2, 1))), ("ENABLE_PUSH 2", settings((2, 2))), ("MAX_FRAME_SIZE 1", settings((5, 1))),
            ("MAX_FRAME_SIZE 2^24", settings((5, 2**24))), ("WINDOW_UPDATE 0", window(0, 0)), ("WINDOW_UPDATE 0 of it", window(SELF, 0)),
            ("padding above its frame", frame(DATA, PADDED, SELF, b"\x09x")), ("SETTINGS ACK unasked", frame(SETTINGS, ACK, 0) * 3),
            ("PRIORITY of itself", priority(SELF, SELF))]])
        out += named(f"behind {after}", client, FRAME_SIZE_ERROR, [(name, first + sent) for name, sent in [
            ("PING of 7", frame(PING, 0, 0, bytes(7))), ("SETTINGS of 5", frame(SETTINGS, 0, 0, bytes(5))),
            ("RST_STREAM of 3", frame(RST_STREAM, 0, SELF, bytes(3))),
            ("WINDOW_UPDATE of 3", frame(WINDOW_UPDATE, 0, 0, bytes(3))), ("GOAWAY of 7", frame(GOAWAY, 0, 0, bytes(7))),
            ("PRIORITY of 4", frame(PRIORITY, 0, SELF, bytes(4))), ("DATA of 16385", b"\x00\x40\x01\x00\x00" + number(SELF)),
            ("HTTP/1.1", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), ("zeros that promise", b"\xff\xff\xff" + bytes(6))]])
        out += named(f"behind {after}", client, FLOW_CONTROL_ERROR, [(name, first + sent) for name, sent in [
            ("a window of 2^31", window(0, 2**31 - 1)), ("INITIAL_WINDOW_SIZE 2^31", settings((4, 2**31)))]])
        out += named(f"behind {after}", client, COMPRESSION_ERROR, [(name, first + frame(HEADERS, WHOLE, SELF, block_begin + raw)) for name, raw in [
            ("index 0", b"\x80"), ("index 62", b"\xbe"), ("a long integer", b"\xff" * 12), ("a name without end", b"\0\x7f\x10ab"),
            ("a table size", b"\x20"), ("EOS", b"\0\x01a\x84\xff\xff\xff\xff"),
            ("a table size of 2^31", b"\x3f\xe1\xff\xff\xff\x07")]])
    return out


def ends() -> list:
    out = named("reset with", UNAVAILABLE, LIVES, [
        (code, reset(code)) for code in [NO_ERROR, INTERNAL_ERROR, CANCEL, REFUSED_STREAM, ENHANCE_YOUR_CALM, 0xDEAD]])
    out += named("reset with", BAD_GATEWAY, LIVES, [(PROTOCOL_ERROR, reset(PROTOCOL_ERROR))])
    hello = answer(end=False) + data(b"hello", end=False)
    out += named("half an answer, then reset with", CUT, LIVES, [
        (code, hello + reset(code)) for code in [NO_ERROR, PROTOCOL_ERROR, CANCEL, REFUSED_STREAM]])
    out.append(("a whole answer, then a reset", hello + data() + reset(NO_ERROR), b"hello", LIVES))
    whole = answer(end=False) + data(b"hello")
    out += named("behind a whole answer", b"hello", LIVES, [(name, whole + sent) for name, sent in [
        ("WINDOW_UPDATE", window(SELF, 1)), ("RST_STREAM", reset(CANCEL)), ("PRIORITY", priority(SELF, 0)), ("DATA", data(b"evil")),
        ("HEADERS", answer()), ("unknown", frame(0x42, 0, SELF, b"x"))]])
    return out


def closes() -> list:
    whole = answer(end=False) + data(b"hello")
    half = answer(end=False) + data(b"hello", end=False)
    out = named("closed behind", UNAVAILABLE, BREAKS, [(sent, Closed(sent)) for sent in [
        b"", b"\0", answer()[:9], answer()[:-1], frame(PING, 0, 0, bytes(8)), answer(status="103", end=False), frame(HEADERS, END_STREAM, SELF, OK),
        b"\x15\x03\x03\x00\x02\x02\x28"]])
    out += named("closed behind half an answer and", CUT, BREAKS, [
        (sent, Closed(half + sent)) for sent in [b"", b"\0\0\5", data(b"hello")[:-1], data()[:5]]])
    return [*out, ("closed behind nothing, once", [Closed(), whole], b"hello", BREAKS), ("closed behind the answer", Closed(whole), b"hello", BREAKS)]


def floods() -> list:
    hello = answer(end=False)
    cut = frame(HEADERS, END_STREAM, SELF, OK)
    out = [(f"flood of {name}", sent, client, ENHANCE_YOUR_CALM) for client, name, sent in [
        (BAD_GATEWAY, "PING", frame(PING, 0, 0, bytes(8)) * 5000), (BAD_GATEWAY, "SETTINGS", settings() * 5000),
        (BAD_GATEWAY, "entries in one SETTINGS", settings(*[(3, 100)] * 2000)), (CUT, "empty DATA", hello + data(end=False) * 100),
        (CUT, "DATA that is padding", hello + frame(DATA, PADDED, SELF, b"\x05" + bytes(5)) * 100),
        (BAD_GATEWAY, "empty CONTINUATION", cut + frame(CONTINUATION, 0, SELF) * 1000),
        (BAD_GATEWAY, "small CONTINUATION", cut + frame(CONTINUATION, 0, SELF, block(("x", "y"))) * 1000),
        (BAD_GATEWAY, "large CONTINUATION", cut + frame(CONTINUATION, 0, SELF, block(("x", "y" * 16000))) * 20),
        (BAD_GATEWAY, "PRIORITY", priority(1, 0) * 5000), (BAD_GATEWAY, "WINDOW_UPDATE", window(0, 1) * 5000)]]
    bomb = OK + b"\x40" + text(b"x") + text(b"y" * 3900) + b"\xbe" * 15_000
    out.append(("HPACK bomb", whole_block(bomb), BAD_GATEWAY, LIVES))
    return out


def goaways() -> list:
    def goaway(last: int, code: int) -> bytes:
        return frame(GOAWAY, 0, 0, number(last) + number(code))

    whole = answer(end=False) + data(b"hello")
    without = goaway(BELOW, NO_ERROR)
    return [
        ("GOAWAY, then the answer", goaway(SELF, NO_ERROR) + whole, b"hello", ENDS),
        ("GOAWAY with an error, then the answer", goaway(SELF, INTERNAL_ERROR) + whole, b"hello", ENDS),
        ("GOAWAY that leaves it out", [without, whole], b"hello", ENDS),
        ("GOAWAY that leaves it out, with an error", [goaway(BELOW, 11), whole], b"hello", ENDS),
        ("GOAWAY that leaves it out each time", without, UNAVAILABLE, ENDS),
        ("GOAWAY that leaves it out, then its answer", [without + whole, whole], b"hello", ENDS),
        ("SETTINGS that leave no stream", settings((3, 0)) + whole, b"hello", FULL),
        ("GOAWAY that grows", goaway(SELF, 0) + goaway(2**31 - 1, 0), BAD_GATEWAY, PROTOCOL_ERROR),
        ("GOAWAY for an even one", goaway(2, 0), BAD_GATEWAY, PROTOCOL_ERROR)]


ANSWERS = [*heads(), *bodies(), *interims(), *breaches(), *ends(), *closes(), *floods(), *goaways()]
