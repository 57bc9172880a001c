"""Requests that no honest client sends, made systematically, and what RFC 9110 and RFC 9112 want done with each.

A case is (name, bytes, outcome). An outcome is `REFUSED` or another set of statuses, after which the connection must end, or
the body that the upstream must have received.
"""
from strict_server import Closed

TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
REFUSED = frozenset({400})
NOT_A_TOKEN = [bytes([c]) for c in range(256) if c not in TOKEN]
CONTROLS = [bytes([c]) for c in [*range(32), 127] if c not in b"\t"]
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
# None of these is the length of b"hello", in any version of HTTP.
BAD_LENGTHS = [
    b"+5", b"-5", b"-0", b"5 5", b"5,5", b"5, 6", b"5,", b",5", b"0x5", b"5x", b"x", b"05", b"005", b"5.0", b"5e0", b"", b" ", b"\t", b"5;",
    b"'5'", b'"5"', b"5\x0b", b"\x0c5", b"5\xa0", b"\xef\xbc\x95", b"\xd9\xa5", b"1_0", b"5_", b"0b101", b"0o5", b"5\r", b"5\0", b"\x005",
    b"5\n", b"9223372036854775808", b"18446744073709551616", b"18446744073709551621", b"99999999999999999999999999", b"9" * 400, b"infinity",
    b"(5)"]
# Hosts, and what is none.
BAD_HOSTS = [
    b"a,b", b"a, b", b"a b", b"u@a", b"u:p@a", b"a:b", b"a:80:80", b"a:-1", b"a:+80", b"a:65536", b"a:99999999999", b"a:8 0", b"a/", b"/a",
    b"a/b", b"a?b", b"a#b", b"a\\b", b"http://a", b"//a", b"[", b"]", b"[]", b"[::1", b"::1", b"[::1]x", b"[::1]:x", b"[::g]",
    b"[fe80::1%25eth0]", b"[fe80::1%eth0]", b"a%00", b"a%0d%0ab", b"a\0", b"\0a", b"a\x01", b"a\x7f", b"a\xff", b"\xc3\xa4", b"a\tb",
    b"a\x0bb", b"a\rb", b"<a>", b"a\"", b"a'b c", b"{a}", b"a|b", b"a^b", b"a`b", b"a;b", b"a(b)", b"a=b", b"a&b", b":80", b":", b"@", b",",
    b"", b" ", b"a:80@b", b"a@b:80", b"[::1]@a", b"a[::1]"]
GOOD_HOSTS = [
    b"a", b"a.b", b"A.B", b"a:80", b"127.0.0.1", b"127.0.0.1:8080", b"[::1]", b"[::1]:80", b"a-b_c.d", b"1", b"a.", b"xn--bcher-kva.example"]


def head(*lines: bytes, start: bytes = b"POST / HTTP/1.1", host: bytes = b"host: test") -> bytes:
    return b"\r\n".join([start, *([host] if host else []), *lines, b"", b""])


def chunked(body: bytes, *lines: bytes) -> bytes:
    return head(b"transfer-encoding: chunked", *lines) + body


def named(group: str, outcome, inputs) -> list:
    """Cases whose name is the group and what is odd about each: inputs are (oddity, bytes)."""
    return [(f"{group} {oddity!r}"[:90], sent, outcome) for oddity, sent in inputs]


def lengths() -> list:
    out = named("length", REFUSED, [(value, head(b"content-length: " + value) + b"hello") for value in BAD_LENGTHS])
    out += named("length", b"hello", [(value, head(b"Content-Length:" + value) + b"hello") for value in [b"5", b" 5", b"5 ", b"\t5\t ", b"  5"]])
    pairs = [(b"5", b"5"), (b"5", b"6"), (b"6", b"5"), (b"", b"5"), (b"5", b""), (b"0", b"5"), (b"5", b"0"), (b"5", b"+5"), (b"5", b"x")]
    out += named("two lengths", REFUSED, [(pair, head(b"content-length: " + pair[0], b"content-length: " + pair[1]) + b"hello") for pair in pairs])
    names = [
        b"content-length ", b"content-length\t", b" content-length", b"content length", b"content-length\x0b", b"content-length\xa0",
        b"content-length\0", b"\xa0content-length", b"content\r\n-length", b"content-\rlength", b"content-length:"]
    return out + named("length's name", REFUSED, [(name, head(name + b": 5") + b"hello") for name in names])


def codings() -> list:
    unclear = [
        b",chunked", b"chunked,", b"chunked, chunked", b"chunked,chunked", b"chunked, gzip", b"chunked, identity", b"chunked;", b"chunked;q=1",
        b"chunked\x0b", b"\x0bchunked", b"chunked\x0c", b"chunked\xa0", b"\xa0chunked", b"\xffchunked", b"chunked\0", b"\0chunked", b"chunked\r",
        b"\rchunked", b"chunked\x08", b"'chunked'", b'"chunked"', b"chunked chunked", b"chun ked", b"chun\tked", b"chunked\x1f", b"gzip chunked",
        b"", b" ", b",", b", ,", b"gzip,,chunked", b"(chunked)", b"chunked(x)", b"chunked=1", b"\xef\xbb\xbfchunked", b"chunked\x7f"]
    unknown = [
        b"blegh", b"gzip", b"gzip, chunked", b"identity", b"identity, chunked", b"chunk", b"chunkedx", b"xchunked", b"x-chunked", b"chunke",
        b"deflate", b"compress", b"cow", b"-chunked", b"chunked-", b"chunked.", b"trailers", b"CHUNKEDD", b"chun%6bed"]
    either = frozenset({400, 501})
    out = named("coding", either, [(value, head(b"transfer-encoding: " + value) + CHUNKS) for value in unclear + unknown])
    out += named("coding and length", either, [
        (value, head(b"content-length: 5", b"transfer-encoding: " + value) + CHUNKS) for value in unclear + unknown + [b"chunked", b"Chunked"]])
    out += named("coding", b"hello", [(value, head(b"Transfer-Encoding:" + value) + CHUNKS) for value in [
        b"chunked", b" Chunked", b" CHUNKED", b"\tchunked \t", b"  chunked"]])
    out += named("length after coding", REFUSED, [(value, head(b"transfer-encoding: chunked", b"content-length: " + value) + CHUNKS) for value in [
        b"5", b"0", b"", b"x", b"15"]])
    out += named("two codings", either, [(pair, head(b"transfer-encoding: " + pair[0], b"transfer-encoding: " + pair[1]) + CHUNKS) for pair in [
        (b"chunked", b"chunked"), (b"chunked", b"identity"), (b"identity", b"chunked"), (b"gzip", b"chunked"), (b"", b"chunked"),
        (b"chunked", b"")]])
    names = [
        b"transfer-encoding ", b"transfer-encoding\t", b" transfer-encoding", b"transfer encoding", b"transfer-encoding\x0b",
        b"transfer-encoding\xa0", b"transfer-encoding\0", b"\xfftransfer-encoding", b"transfer-\r\n encoding", b"transfer-\rencoding",
        b"x: y\ntransfer-encoding", b"x: y\rtransfer-encoding", b"x:\r\n transfer-encoding", b"x: y\r\n\ttransfer-encoding",
        b"x\r\ntransfer-encoding", b"(transfer-encoding)"]
    out += named("coding's name", REFUSED, [(name, head(name + b": chunked") + CHUNKS) for name in names])
    # A name with an underscore is another header to RFC 9110. To CGI and its heirs it is the same one.
    return out + [("coding's name with an underscore", head(b"transfer_encoding: chunked", b"content-length: 5") + b"hello", b"hello")]


def chunks() -> list:
    bad_sizes = [
        b"", b" ", b" 5", b"\t5", b"+5", b"-5", b"-0", b"0x5", b"5h", b"g", b"0_5", b"5 ", b"5\t", b"5 5", b"5,", b"5\x0b", b"5\0", b"\x005",
        b"5\xa0", b"10000000000000000", b"8000000000000000", b"ffffffffffffffff", b"00000000000000005", b"5\r", b"5\r\r", b"\r5", b"\n5",
        b"5\r;a", b"5;a\rb", b"5;a\0b", b"5;a\x0bb", b"5;a\nb", b"5;\n", b'5;a="\r"', b'5;a="\n"', b"5;a\x7f", b"\xef\xbc\x95", b"five", b"5:",
        b"5=a"]
    out = named("chunk size", REFUSED, [(size, chunked(size + b"\r\nhello\r\n0\r\n\r\n")) for size in bad_sizes])
    good_sizes = [b"5", b"05", b"0005", b"5;", b"5;a", b"5;a=b", b'5;a="b c"', b"5 ;a", b"5\t; a = b", b"5;a;b;c=d", b"5;\x80"]
    out += named("chunk size", b"hello", [(size, chunked(size + b"\r\nhello\r\n0\r\n\r\n")) for size in good_sizes])
    out += named("chunk size line's end", REFUSED, [(end, chunked(b"5" + end + b"hello\r\n0\r\n\r\n")) for end in [
        b"\n", b"\r", b"\r\r\n", b"\n\r", b"\x0b\r\n"]])
    out += named("chunk's end", REFUSED, [(end, chunked(b"5\r\nhello" + end + b"0\r\n\r\n")) for end in [
        b"", b"\n", b"\r", b"\r\r\n", b"\n\r\n", b" \r\n", b"X\r\n", b"\rX", b"XX", b"\0\r\n", b"\r\n\r\n", b"\r\n\n"]])
    out += named("last chunk", REFUSED, [(last, chunked(b"5\r\nhello\r\n" + last)) for last in [
        b"0\n\r\n", b"0\n\n", b"0\r\r\n\r\n", b"0\r\n\n", b"0\r\n\rX", b"0\r\nX\r\n\r\n", b"0\r\n X: y\r\n\r\n", b"-0\r\n\r\n", b"0x0\r\n\r\n",
        b"+0\r\n\r\n", b"0 \r\n\r\n", b"0_\r\n\r\n", b"00000000000000000\r\n\r\n", b"0;\r\r\n\r\n"]])
    out += named("last chunk", b"hello", [(last, chunked(b"5\r\nhello\r\n" + last)) for last in [b"0\r\n\r\n", b"000\r\n\r\n", b"0;a=b\r\n\r\n"]])
    out += named("trailer", REFUSED, [(line, chunked(b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n")) for line in [
        b"x : y", b": y", b"x", b" x: y", b"x: y\0", b"x: y\r z", b"x: y\n z", b"x: a\r\n b", b"x\xff: y", b"x(: y", b"x: y\x7f"]])
    out += named("trailer", b"hello", [(line, chunked(b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n")) for line in [
        b"x: y", b"host: evil", b"content-length: 50", b"transfer-encoding: chunked", b"authorization: x", b"connection: close, x", b"te: x",
        b"upgrade: h2c"]])
    long_extensions = b"".join(b"1;" + b"x" * 4000 + b"\r\nh\r\n" for _ in range(50))
    out.append(("many long chunk extensions", chunked(long_extensions + b"0\r\n\r\n"), REFUSED | {413}))
    out.append(("a chunk extension of 1 MB", chunked(b"1;" + b"x" * 1_000_000 + b"\r\nh\r\n0\r\n\r\n"), REFUSED | {413}))
    out.append(("5000 chunks of one byte", chunked(b"1\r\nh\r\n" * 5000 + b"0\r\n\r\n"), b"h" * 5000))
    out.append(("trailers of 100 kB", chunked(b"0\r\n" + b"x: " + b"y" * 100_000 + b"\r\n\r\n"), REFUSED | {431}))
    return out


def hosts() -> list:
    get = b"GET / HTTP/1.1"
    out = named("host", REFUSED, [(value, head(host=b"host: " + value, start=get)) for value in BAD_HOSTS])
    out += named("host", b"", [(value, head(host=b"Host:" + value, start=get)) for value in [*GOOD_HOSTS, b" a ", b"\ta"]])
    two = [(b"a", b"a"), (b"a", b"b"), (b"", b"a"), (b"a", b""), (b"test", b"evil")]
    out += named("two hosts", REFUSED, [(pair, head(b"host: " + pair[1], host=b"host: " + pair[0], start=b"GET / HTTP/1.1")) for pair in two])
    out += named("host's name", REFUSED, [(name, head(host=name + b": test", start=b"GET / HTTP/1.1")) for name in [
        b"host ", b" host", b"host\t", b"hos t", b"host\0", b"x\r\n host", b"\xa0host"]])
    out.append(("no host", head(host=b"", start=b"GET / HTTP/1.1"), REFUSED))
    out.append(("no host but an absolute target", head(host=b"", start=b"GET http://test/ HTTP/1.1"), REFUSED))
    out.append(("two hosts under an absolute target", head(b"host: evil", start=b"GET http://test/ HTTP/1.1"), REFUSED))
    out.append(("a bad host under an absolute target", head(host=b"host: a b", start=b"GET http://test/ HTTP/1.1"), REFUSED))
    return out


def start_lines() -> list:
    methods = [b"G" + byte for byte in NOT_A_TOKEN if byte not in b" "] + [b"", b" GET", b"\tGET", b"GET\t", b"G" * 9000, b"GET?", b"G=", b"(GET)"]
    out = named("method", frozenset({400, 431, 501}), [(method, head(start=method + b" / HTTP/1.1")) for method in methods])
    targets = [
        b"", b"!", b"admin", b"*/x", b"*", b"#a", b"/#a", b"/a#b", b"/a b", b"/\t", b"?a", b"//\xff", b"http:", b"http:/", b"http://",
        b"http:///", b"http://u@test/", b"http://a b/", b"http://[::1/", b"http://a:b/", b"http://a:99999/", b"http://a,b/", b"ftp://a/",
        b"file:///etc/passwd", b"javascript:x", b"ws://a/", b"a:80", b"test:80", b"test", b"http//a", b":/", b"\\", b"..", b"./a", b"%2f",
        b"http://a#b", b"http://a/#b", b"https:/a", b"urn:x"]
    targets += [b"/a" + byte for byte in CONTROLS] + [b"/\x80", b"/\xff", b"/\xc3\xa4", b"/\xa0", b"/\t"]
    out += named("target", REFUSED, [(target, head(start=b"GET " + target + b" HTTP/1.1")) for target in targets])
    out += named("target", b"", [(target, head(start=b"GET " + target + b" HTTP/1.1")) for target in [
        b"/", b"//", b"/a?b", b"/a?b?c", b"/%20", b"/a;b", b"/'\"<>\\^`{|}", b"http://test/", b"http://test", b"http://test?a", b"HTTP://TEST/",
        b"https://other/a"]])
    versions = [
        b"HTTP/1.2", b"HTTP/1.32", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1.01", b"HTTP/2.0", b"HTTP/2", b"HTTP/3.0", b"HTTP/0.9", b"HTTP/1",
        b"HTTP/1.", b"HTTP/.1", b"HTTP/", b"HTTP/1.1.1", b"http/1.1", b"Http/1.1", b"HTTPS/1.1", b"HTTP/4294967295.255", b"HTTP/-1.1",
        b"HTTP/1.-1", b"HTTP/+1.1", b"HTTP/1,1", b"HTTP 1.1", b"HTTP\\1.1", b"HTTP/a.b", b"HTTP/1.1x", b"XHTTP/1.1", b"ICAP/1.0", b"RTSP/1.0",
        b"", b"HTTP/1.1 ", b"HTTP/1.1\t", b"HTTP/1.1\0", b"HTTP/1.1 x", b"\xa0HTTP/1.1", b"HTTP/\xb9.\xb9"]
    out += named("version", frozenset({400, 505}), [(version, head(start=b"GET / " + version)) for version in versions])
    lines = [
        b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET /\tHTTP/1.1", b"GET\x0b/ HTTP/1.1", b"GET\r/ HTTP/1.1",
        b"GET /\rHTTP/1.1", b"GET\n/ HTTP/1.1", b"GET\xa0/ HTTP/1.1", b" GET / HTTP/1.1", b"GET /", b"GET", b"/ HTTP/1.1", b"HTTP/1.1",
        b"HTTP/1.1 200 OK", b"GET / HTTP/1.1\r", b"GET / HTTP/1.1, GET / HTTP/1.1", b"\x16\x03\x01\x02", b"\0", b"\xff\xfe\xfd", b"<xml/>", b"{}",
        b"host: test"]
    out += named("request line", frozenset({400, 505}), [(line, head(start=line)) for line in lines])
    out += named("before a request", b"", [(b"\r\n", b"\r\n" + head(start=b"GET / HTTP/1.1"))])
    out += named("before a request", REFUSED, [(odd, odd + head(start=b"GET / HTTP/1.1")) for odd in [
        b"\n", b"\r", b"\0", b" \r\n", b"\r\n ", b"\xef\xbb\xbf"]])
    return out


def fields() -> list:
    get = b"GET / HTTP/1.1"
    bytes_in_name = [byte for byte in NOT_A_TOKEN if byte not in b":"]
    out = named("byte in a name", REFUSED, [(byte, head(b"x" + byte + b"y: z", start=get)) for byte in bytes_in_name])
    out += named("byte ends a name", REFUSED, [(byte, head(b"x" + byte + b": z", start=get)) for byte in CONTROLS + [
        b" ", b"\t", b"\xa0", b"\x85", b"\xff"]])
    out += named("byte in a value", REFUSED, [(byte, head(b"x: y" + byte + b"z", start=get)) for byte in CONTROLS])
    out += named("byte begins a value", REFUSED, [(byte, head(b"x: " + byte, start=get)) for byte in CONTROLS])
    out += named("field line", REFUSED, [(line, head(line, b"y: z", start=get)) for line in [
        b": x", b":", b"x", b"x y", b" x: y", b"\tx: y", b"x y: z", b"\x00", b"GET / HTTP/1.1", b"\rx: y", b"x: y\rz: a", b"x: y\nz: a",
        b"x: y\n\nz: a", b"x: y\n\r\nz"]])
    out += named("fold", REFUSED, [(fold, head(b"x: y" + fold + b"z", b"a: b", start=get)) for fold in [
        b"\r\n ", b"\r\n\t", b"\n ", b"\r ", b"\r\n  ", b"\r\n \r\n "]])
    out += named("fold first", REFUSED, [(fold, get + b"\r\n" + fold + b"x: y\r\nhost: test\r\n\r\n") for fold in [b" ", b"\t", b"  "]])
    whole = head(b"a: b", start=get)
    ends = [
        (whole.replace(b"\r\n", b"\n"), "all"), (whole.replace(b"\r\n", b"\r"), "all CR"), (whole.replace(b"1.1\r\n", b"1.1\n"), "request line"),
        (whole.replace(b"test\r\n", b"test\n"), "field"), (whole[:-2] + b"\n", "last"), (whole[:-4] + b"\n\r\n", "before the last"),
        (whole[:-4] + b"\n\n", "both last"), (whole[:-2] + b"\rX", "CR X"), (whole.replace(b"test\r\n", b"test\r\r\n"), "CR CR LF")]
    out += [(f"line end: {name}", sent, REFUSED) for sent, name in ends]
    out += named("value", b"", [(value, head(b"x:" + value, start=get)) for value in [
        b"", b" ", b" \t", b"y", b" y\tz", b" \x80\xff", b" a:b", b'"', b" (", b"\\", b" y" * 500]])
    out += named("name", b"", [(name, head(name + b": y", start=get)) for name in [
        b"x", b"X-" + b"y" * 300, b"!#$%&'*+-.^_`|~", b"0", b"x_y", b"-", b"."]])
    out.append(("101 fields", head(*[b"x: y"] * 101, start=get), frozenset({431})))
    out.append(("a head of 70 kB", head(b"x: " + b"y" * 70_000, start=get), frozenset({431})))
    out.append(("a target of 70 kB", head(start=b"GET /" + b"y" * 70_000 + b" HTTP/1.1"), frozenset({431, 414})))
    out.append(("a name of 70 kB", head(b"x" * 70_000 + b": y", start=get), frozenset({431})))
    return out


def connections() -> list:
    get = b"GET / HTTP/1.1"
    nominated = [b"host", b"content-length", b"transfer-encoding", b"x y", b"a;b", b"(", b"\"close\"", b"close x", b"\x80", b"x=y"]
    out = named("connection", REFUSED, [(value, head(b"connection: " + value, start=get)) for value in nominated])
    out += named("connection", b"", [(value, head(b"connection: " + value, start=get)) for value in [
        b"", b",", b"keep-alive", b"x", b"keep-alive, x", b"te", b"upgrade", b", ,x"]])
    out += named("te", b"", [(value, head(b"te: " + value, b"connection: te", start=get)) for value in [
        b"trailers", b"gzip", b"chunked", b"trailers, gzip;q=0", b""]])
    out += named("upgrade that nothing here knows", b"", [(value, head(b"upgrade: " + value, start=get)) for value in [
        b"h2c", b"foo", b"websocket", b"HTTP/2.0", b""]])
    out += named("connection: upgrade", frozenset({403}), [
        (value, head(b"connection: upgrade", b"upgrade: " + value, b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==", start=get))
        for value in [b"foo", b"websocket", b"a, b"]])
    out += named("h2c", b"", [
        (value, head(b"connection: upgrade, http2-settings", b"upgrade: " + value, b"http2-settings: AAMAAABkAARAAAAAAAIAAAAA", start=get))
        for value in [b"h2c", b"H2C"]])
    out += named("connect", REFUSED, [(target, head(start=b"CONNECT " + target + b" HTTP/1.1")) for target in [
        b"/", b"test", b"http://test:80", b"http://test:80/", b"test:", b"test:0", b"test:65536", b"test:x", b"*", b":80", b"u@test:80",
        b"test:80/", b"[::1:80", b"test:80,test:81", b"test:80?x"]])
    out += named("connect with a body", REFUSED, [
        (line, head(line, start=b"CONNECT test:80 HTTP/1.1") + CHUNKS) for line in [b"content-length: 5", b"transfer-encoding: chunked"]])
    out.append(("connect without a route", head(start=b"CONNECT test:80 HTTP/1.1"), frozenset({403, 404})))
    out += named("HTTP/1.0", frozenset({400, 426}), [
        (line, head(line, start=b"POST / HTTP/1.0") + CHUNKS) for line in [b"transfer-encoding: chunked", b"x: y", b"connection: keep-alive"]])
    out += named("expect", b"hello", [
        (value, head(b"expect: " + value, b"content-length: 5") + b"hello") for value in [b"100-continue", b"100-Continue"]])
    return out


CASES = [*lengths(), *codings(), *chunks(), *hosts(), *start_lines(), *fields(), *connections()]


# ---- what an upstream may answer -------------------------------------------------------------------------------------
# A case is (name, bytes, outcome): a status of the proxy's own; the body the client must get; or CUT, when the head had gone on
# before the breach. `Closed` bytes are followed by the end of the upstream's connection.

BAD_GATEWAY, CUT = 502, "cut"


def reply(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK", body: bytes = b"") -> bytes:
    return b"\r\n".join([start, *lines, b"", b""]) + body


def framed_replies() -> list:
    out = named("length", BAD_GATEWAY, [(value, reply(b"content-length: " + value, body=b"hello")) for value in [
        b"+5", b"-5", b"5 5", b"5, 6", b"0x5", b"x", b"5.0", b"", b"5\x0b", b"5\xa0", b"5\0", b"9223372036854775808", b"18446744073709551621",
        b"9" * 400]])
    out += named("two lengths", BAD_GATEWAY, [(pair, reply(b"content-length: " + pair[0], b"content-length: " + pair[1], body=b"hello")) for pair in [
        (b"5", b"6"), (b"6", b"5"), (b"", b"5"), (b"0", b"5"), (b"5", b"x")]])
    out += named("coding", BAD_GATEWAY, [(value, reply(b"transfer-encoding: " + value, body=CHUNKS)) for value in [
        b"chunked, chunked", b"chunked, gzip", b",chunked", b"chunked\x0b", b"\xffchunked", b"chunked\0", b"blegh", b"gzip, chunked", b"identity",
        b"", b"'chunked'"]])
    out.append(("two codings", reply(b"transfer-encoding: chunked", b"transfer-encoding: chunked", body=CHUNKS), BAD_GATEWAY))
    out.append(("a coding and a length", reply(b"transfer-encoding: chunked", b"content-length: 5", body=CHUNKS), BAD_GATEWAY))
    out += named("chunk", CUT, [(framing, reply(b"transfer-encoding: chunked", body=b"5\r\nhello\r\n" + framing)) for framing in [
        b"x\r\n", b"\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"0x1\r\nh\r\n", b"-1\r\n",
        b"ffffffffffffffffff\r\n", b"5\r\r;a\r\n", b"0\r\nx : y\r\n\r\n", b"0\r\nx: y\0\r\n\r\n", b"0\r\nx\r\n\r\n"]])
    out += named("cut", CUT, [(body, Closed(reply(*lines, body=body))) for lines, body in [
        ([b"content-length: 9"], b"hello"), ([b"transfer-encoding: chunked"], b"5\r\nhello\r\n"), ([b"transfer-encoding: chunked"], b"5\r\nhel"),
        ([b"transfer-encoding: chunked"], b"5\r\nhello\r\n0\r\n")]])
    evil = reply(b"content-length: 4", body=b"evil")
    out += named("more than its length", b"hello", [
        (more, reply(b"content-length: 5", body=b"hello" + more)) for more in [evil, b"x", b"\r\n", b"\0", b"HTTP/1.1 200"]])
    out += named("more than its chunks", b"hello", [
        (more, reply(b"transfer-encoding: chunked", body=CHUNKS + more)) for more in [evil, b"x", b"0\r\n\r\n"]])
    out += named("a body where none may be", b"", [
        (start, reply(b"content-length: 4", start=b"HTTP/1.1 " + start, body=evil)) for start in [b"204 No Content", b"304 Not Modified"]])
    out.append(("until the end", Closed(reply(body=b"hello")), b"hello"))
    out.append(("until the end, HTTP/1.0", Closed(reply(start=b"HTTP/1.0 200 OK", body=b"hello")), b"hello"))
    out.append(("chunks", reply(b"Transfer-Encoding:  Chunked ", body=CHUNKS), b"hello"))
    return out


def replies_by_syntax() -> list:
    ok = b"content-length: 0"
    out = named("status line", BAD_GATEWAY, [(start, reply(ok, start=start)) for start in [
        b"HTTP/1.1", b"HTTP/1.1 ", b"HTTP/1.1 x", b"HTTP/1.1 20", b"HTTP/1.1 2000 OK", b"HTTP/1.1 099 X", b"HTTP/1.1 000 X", b"HTTP/1.1 +20 X",
        b"HTTP/1.1 2 0 X", b"HTTP/1.1\t200 OK", b"HTTP/1.1  200 OK", b"HTTP/2.0 200 OK", b"HTTP/2 200", b"HTTP/1.2 200 OK", b"HTTP/0.9 200 OK",
        b"http/1.1 200 OK", b"HTTPS/1.1 200 OK", b"ICY 200 OK", b" HTTP/1.1 200 OK", b"HTTP/1.1 200\tOK", b"HTTP/1.1 200 O\0K",
        b"HTTP/1.1 200 O\rK", b"HTTP/1.1 200 O\nK", b"HTTP/1.1 200OK", b"200 OK", b"<html>", b"GET / HTTP/1.1", b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 -200 OK", b"HTTP/1.1 200.0 OK", b"HTTP/1.1 2\xb20 OK"]])
    out += named("status line", b"", [(start, reply(ok, start=start)) for start in [
        b"HTTP/1.1 200 ", b"HTTP/1.1 200 A B", b"HTTP/1.1 200 \x80", b"HTTP/1.0 200 OK", b"HTTP/1.1 299 X", b"HTTP/1.1 599 X"]])
    out += named("field line", BAD_GATEWAY, [(line, reply(line, ok)) for line in [
        b"x : y", b"x\t: y", b": y", b"x", b" x: y", b"x y: z", b"x(: y", b"x\xff: y", b"x: y\0", b"x: y\rz", b"x: y\nz: a", b"x: y\x7f",
        b"x: y\x1b", b"x: y\r\n z", b"x: y\r\n\tz", b"x\0: y"]])
    out += named("byte in a name", BAD_GATEWAY, [(byte, reply(b"x" + byte + b"y: z", ok)) for byte in NOT_A_TOKEN if byte not in b":"])
    out += named("byte in a value", BAD_GATEWAY, [(byte, reply(b"x: y" + byte + b"z", ok)) for byte in CONTROLS])
    whole = reply(b"x: y", ok)
    out += named("line ends", BAD_GATEWAY, [
        (sent, sent)
        for sent in [
            whole.replace(b"\r\n", b"\n"), whole.replace(b"y\r\n", b"y\n"), whole.replace(b"OK\r\n", b"OK\n"), whole[:-2] + b"\n", whole[:-4] + b"\n\n", whole.replace(b"y\r\n", b"y\r\r\n")]])
    out += named("too much", BAD_GATEWAY, [(what, sent) for what, sent in [
        ("fields", reply(*[b"x: y"] * 101, ok)), ("head", reply(b"x: " + b"y" * 1_000_000, ok)),
        ("reason", reply(ok, start=b"HTTP/1.1 200 " + b"y" * 1_000_000)), ("name", reply(b"x" * 1_000_000 + b": y", ok))]])
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    out += [
        ("a flood of interim responses", interim * 2000 + reply(ok), BAD_GATEWAY), ("interim responses", interim * 5 + reply(ok), b""),
        ("an interim response that is broken", b"HTTP/1.1 103 X\r\nx : y\r\n\r\n" + reply(ok), BAD_GATEWAY),
        ("100 unasked", b"HTTP/1.1 100 Continue\r\n\r\n" + reply(ok), b"")]
    out += named("an unasked switch of protocols", BAD_GATEWAY, [(lines, reply(*lines, start=b"HTTP/1.1 101 Switching Protocols")) for lines in [
        [], [b"upgrade: websocket", b"connection: upgrade"], [b"upgrade: h2c", b"connection: upgrade"]]])
    out += named("cut in its head", BAD_GATEWAY, [(sent, Closed(sent)) for sent in [
        b"H", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r"]])
    out.append(("an end instead of an answer", Closed(), 503))
    return out


REPLIES = [*framed_replies(), *replies_by_syntax()]

# ---- bytes that come before an upgrade was decided ---------------------------------------------------------------------

WEBSOCKET = [b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-version: 13", b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="]
# What the upstream answers to an upgrade with early bytes: (name, bytes, the statuses the client may get).
REFUSED_UPGRADES = [
    ("200", reply(b"content-length: 2", body=b"no"), [200]), ("200 until its end", Closed(reply(body=b"no")), [200]),
    ("403", reply(b"content-length: 0", start=b"HTTP/1.1 403 Forbidden"), [403]), ("204", reply(start=b"HTTP/1.1 204 No Content"), [204]),
    ("chunks", reply(b"transfer-encoding: chunked", body=CHUNKS), [200]),
    ("101 without upgrade", reply(start=b"HTTP/1.1 101 Switching Protocols"), [502]), ("the end", Closed(), [503])]
