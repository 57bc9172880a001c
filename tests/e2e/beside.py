"""Weft and Envoy side by side: one configuration, the same bytes, and what each of them did with them.

A `World` runs one of the two with its own recording upstream. `World.run(case)` plays a case and returns what could be seen of it: responses,
what became of the connection, what the upstream received, the log line, and the statistics that moved. What differs between any two runs (ids,
dates, ports, times) is replaced by words, so that two observations can be compared as they are.
"""
import json
import os
import re
import socket
import ssl
import struct
import threading
import time
import urllib.error
import urllib.request

import beside_http2
import h2.exceptions
from processes import ROOT, Process, Weft, free_port, wait_until
from threaded_server import ThreadedServer

ENVOY = os.environ.get("ENVOY_BINARY", str(ROOT / "build/venv/bin/envoy"))
QUIET_SECONDS = 0.04       # a connection that said nothing for so long says nothing more
ANSWER_SECONDS_MAX = 3.0   # nothing in the cases takes longer


class RecordingUpstream(ThreadedServer):
    """Answers each request with the bytes that its header x-answer names in `answers`, and keeps what it received.

    An answer is bytes; a list of bytes and of seconds to wait; or either ending with CLOSE or RESET. A dict gives the answer of the nth attempt.
    """
    CLOSE, RESET = "close", "reset"

    def __init__(self, answers: dict, answers_h2: dict, tls=None):
        self.answers, self.answers_h2, self.tls = answers, answers_h2, tls
        self.lock = threading.Lock()
        self.seen: list[dict] = []
        super().__init__()

    def serve(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            reader = connection.makefile("rb")
            if reader.peek(3)[:3] == b"PRI":
                return beside_http2.serve(connection, reader.peek(), self.record, self.answers_h2)
            while self.serve_one(connection, reader):
                pass
        except (OSError, ValueError, h2.exceptions.ProtocolError):
            pass
        finally:
            connection.close()

    def serve_one(self, connection, reader) -> bool:
        line = reader.readline()
        if not line:
            return False
        lines = read_lines(reader)
        headers = [tuple(part.strip() for part in text.split(":", 1)) for text in lines]
        entry = {"line": line.decode("latin-1").rstrip("\r\n"), "headers": headers}
        self.record(entry)
        by_name = {name.lower(): value for name, value in headers}
        name = by_name.get("x-answer", "")
        with self.lock:
            attempt = sum(1 for other in self.seen if dict(other["headers"]).get("x-answer", "") == name)
        answer = self.answers[name]
        if line.startswith(b"HEAD ") and isinstance(answer, bytes) and not name.startswith("head-"):
            answer = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        if isinstance(answer, dict):
            answer = answer.get(attempt, answer[max(answer)])
        parts = answer if isinstance(answer, list) else [answer]
        if parts[:1] != ["at once"]:
            entry["body"], entry["trailers"] = read_body(connection, reader, by_name)
        return play(connection, parts)

    def record(self, entry: dict):
        with self.lock:
            self.seen.append(entry)

    def take(self) -> list[dict]:
        with self.lock:
            seen, self.seen = self.seen, []
        return seen


def play(connection, parts) -> bool:
    for part in parts:
        if part == RecordingUpstream.CLOSE:
            connection.shutdown(socket.SHUT_WR)
            return False
        if part == RecordingUpstream.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if isinstance(part, (int, float)):
            time.sleep(part)
        elif isinstance(part, bytes):
            connection.sendall(part)
    return True


def read_lines(reader) -> list[str]:
    lines = []
    while (line := reader.readline()) not in (b"\r\n", b"\n", b""):
        lines.append(line.decode("latin-1").rstrip("\r\n"))
    return lines


def read_body(connection, reader, headers: dict):
    """Body and trailers of a request; what asks for a 100 gets one."""
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int(reader.readline().split(b";")[0] or b"0", 16):
            body += reader.read(size)
            reader.readline()
        return body.decode("latin-1"), read_lines(reader)
    return reader.read(int(headers.get("content-length", 0))).decode("latin-1"), []


class Envoy(Process):
    """`envoy -c <config>`, with the little of Weft's interface that a world needs."""
    admin = Weft.admin
    stats = Weft.stats

    def __init__(self, config: dict, folder, options=()):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bootstrap.json").write_text(json.dumps(config, indent=1))
        self.admin_port = config["admin"]["address"]["socket_address"]["port_value"]
        super().__init__([ENVOY, "-c", folder / "bootstrap.json", "--concurrency", "1", "--disable-hot-restart", "--log-level",
                          os.environ.get("ENVOY_LOG", "error"), *options], folder, cwd=folder)

    def wait_ready(self):
        def ready():
            assert self.is_running(), f"envoy ended with {self.child.returncode}:\n{self.log}"
            return self.admin("/ready", check=False)[0] == 200
        wait_until(ready, "envoy answers /ready")


class Ports:
    """Free ports by name: ports.listener is the same number each time it is asked for."""

    def __getattr__(self, name: str) -> int:
        self.__dict__[name] = free_port()
        return self.__dict__[name]


class World:
    """One proxy, one upstream, one log."""

    def __init__(self, kind: str, folder, configure, answers: tuple, weft_binary=None, tls=None):
        self.kind = kind
        folder.mkdir(parents=True, exist_ok=True)
        self.upstream = RecordingUpstream(*answers)
        self.ports = Ports()
        self.ports.upstream = self.upstream.port
        self.secure = RecordingUpstream(*answers, tls() if tls else None)
        self.ports.secure = self.secure.port
        self.log_path = folder / "access.log"
        self.log_path.touch()
        self.log_offset = 0
        config = configure(self.ports, self.log_path)
        options = ("--file-flush-interval-msec", "10")
        self.process = Envoy(config, folder, options) if kind == "envoy" else Weft(weft_binary, config, folder, options)
        self.port_names = {str(port): f"${name}" for name, port in vars(self.ports).items()}
        self.process.wait_ready()

    def stop(self):
        self.process.stop()
        self.upstream.close()
        self.secure.close()

    def counters(self) -> dict[str, int]:
        pairs = (line.rsplit(": ", 1) for line in self.process.admin("/stats?type=Counters")[1].splitlines())
        return {name: int(value) for name, value in pairs if not UNCOMPARED.match(name)}

    def run(self, case) -> dict:
        """Plays a case: {"send": bytes or steps, ...}; see Conversation."""
        before = self.counters()
        self.upstream.take(), self.secure.take()
        try:
            talk = Conversation(self.ports, case)
            responses, end = talk.play()
            talk.close()
        except (ssl.SSLError, ConnectionError):
            responses, end = [], "refused"
        after = self.settle()
        out = {"responses": responses, "end": end, "upstream": self.upstream.take() + self.secure.take(), "log": self.new_log_lines(before, after),
               "stats": {self.without_ports(name): after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}}
        return self.normalised(out)

    def settle(self):
        """The counters once nothing is under way any more."""
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            active = self.process.admin("/stats?type=Gauges&filter=stream_(rq|cx)_active")[1].splitlines()
            if not any(re.match(r"(http\.(?!admin).*downstream_(rq|cx)|cluster.*upstream_rq)_active: [1-9]", line) for line in active):
                break
            time.sleep(0.005)
        return self.counters()

    def new_log_lines(self, before: dict, after: dict) -> list:
        expected = sum(after[name] - before.get(name, 0) for name in after if re.fullmatch(r"http\.(?!admin).*downstream_rq_total", name))
        deadline = time.monotonic() + 0.5
        while True:
            data = self.log_path.read_bytes()[self.log_offset:]
            lines = data.decode(errors="replace").splitlines()
            if len(lines) >= expected and data[-1:] in (b"\n", b"") or time.monotonic() > deadline:
                self.log_offset += len(data)
                return [json.loads(line) if line.startswith("{") else line for line in lines]
            time.sleep(0.003)

    def normalised(self, value, key=""):
        if isinstance(value, dict):
            return {name: self.normalised(item, name) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            is_header = len(value) == 2 and all(isinstance(part, str) for part in value)
            if is_header and VARYING_HEADER.match(": ".join(value)):
                return [value[0], "..."]
            return [self.normalised(item, key) for item in value]
        if isinstance(value, str):
            value = self.without_ports(value)
            for pattern, word in WORDS:
                value = pattern.sub(word, value)
        return value


    def without_ports(self, text: str) -> str:
        return re.sub(r"(127\.0\.0\.1[:_])(\d+)", lambda found: found[1] + self.port_names.get(found[2], found[2]), text)


# Statistics that count something else, or at another moment, in each of the two: of threads and files, of the admin port, of bytes (dates and
# durations have lengths), and of who closed a connection first where both are about to.
UNCOMPARED = re.compile(r"filesystem\.|.*main_thread|server\.|http\.admin|listener\.admin|runtime\.|.*worker_\d|.*_bytes_total|.*nghttp2_|"
                        r".*http2\.goaway_sent|.*downstream_cx_(destroy_(local|remote)|delayed_close_timeout)|cluster_manager\.|listener_manager\.")
WORDS = [(re.compile(pattern), word) for pattern, word in (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "DATE"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"127\.0\.0\.1:\d{4,5}$", "127.0.0.1:PORT"),
)]


# Durations, the time that is left of 15 s, and a port as a header's value.
VARYING_HEADER = re.compile(r"(?i)x-envoy-upstream-service-time: |x-envoy-expected-rq-timeout-ms: 1[45]\d{3}$|x-op-\d+: \d{5}$")


class Conversation:
    """One connection of a client. Steps: bytes are sent, numbers are seconds to wait, "response" waits for one, "half" ends the sending side,
    "reset" resets; without a "response" among the steps, everything that comes until the connection is quiet is read at the end."""

    def __init__(self, ports, case: dict):
        self.case = case
        port = getattr(ports, case.get("to", "listener"))
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if "tls" in case:
            self.socket = case["tls"].wrap_socket(self.socket, server_hostname=case.get("sni"))
        self.data, self.end = b"", "open"

    def play(self):
        if "http2" in self.case:
            return beside_http2.converse(self.socket, self.case["http2"], self.case.get("wait", ANSWER_SECONDS_MAX), QUIET_SECONDS)
        steps = self.case["send"]
        methods = [match.decode("latin-1") for match in re.findall(rb"(?m)^([A-Z]+) \S+ HTTP/1\.[01]\r?$", b"".join(
            step for step in ([steps] if isinstance(steps, bytes) else steps) if isinstance(step, bytes)))]
        expected = 0
        try:
            for step in [steps] if isinstance(steps, bytes) else steps:
                if isinstance(step, bytes):
                    self.socket.sendall(step)
                elif isinstance(step, (int, float)):
                    time.sleep(step)
                elif step == "response":
                    expected += 1
                    self.read_until(lambda: len(parse(self.data, methods)[0]) >= expected)
                elif step == "half":
                    self.socket.shutdown(socket.SHUT_WR)
                elif step == "reset":
                    self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.socket.close()
                    return parse(self.data, methods)[0], "we reset"
            self.read_until(lambda: len(parse(self.data, methods)[0]) >= self.case.get("answers", max(1, len(methods))))
            is_closing = re.search(rb"(?i)\r\nconnection: close\r\n", self.data)
            self.read_until(lambda: False, 1.5 if is_closing else QUIET_SECONDS)
        except (ConnectionResetError, BrokenPipeError):
            self.end = "reset"
        responses, rest = parse(self.data, methods)
        if rest:
            head, _, body = rest.decode("latin-1").partition("\r\n\r\n")
            line, *headers = head.split("\r\n")
            responses.append({"line": line, "headers": sorted(header.split(": ", 1) for header in headers), "body": body, "is_whole": False})
        return responses, self.end

    def read_until(self, is_done, seconds=ANSWER_SECONDS_MAX):
        deadline = time.monotonic() + self.case.get("wait", seconds)
        while self.end == "open" and not is_done():
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                more = self.socket.recv(65536)
            except (TimeoutError, socket.timeout):
                return
            except ConnectionResetError:
                self.end = "reset"
                return
            if not more:
                self.end = "closed"
            self.data += more

    def close(self):
        self.socket.close()


def parse(data: bytes, methods: list[str]):
    """Whole responses at the front of `data`, as far as they can be told apart, and the rest."""
    out = []
    while True:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found or not head.startswith(b"HTTP/1."):
            return out, data
        lines = head.decode("latin-1").split("\r\n")
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        by_name = {name.lower(): value for name, value in headers}
        status = int(lines[0].split()[1])
        is_final = status >= 200
        method = methods[min(sum(1 for one in out if one["is_final"]), len(methods) - 1)] if methods else "GET"
        body, trailers = b"", []
        if is_final and method != "HEAD" and status not in (204, 304) and not (method == "CONNECT" and status < 300):
            if "chunked" in by_name.get("transfer-encoding", ""):
                taken = take_chunks(rest)
                if taken is None:
                    return out, data
                body, trailers, rest = taken
            elif "content-length" in by_name:
                size = int(by_name["content-length"])
                if len(rest) < size:
                    return out, data
                body, rest = rest[:size], rest[size:]
        out.append({"line": lines[0], "headers": sorted(headers),
                    "body": body.decode("latin-1"), "trailers": trailers, "is_final": is_final})
        data = rest


def take_chunks(data: bytes):
    body = b""
    while True:
        line, found, data = data.partition(b"\r\n")
        if not found:
            return None
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        if len(data) < size + 2:
            return None
        body, data = body + data[:size], data[size + 2:]
    trailers = []
    while True:
        line, found, data = data.partition(b"\r\n")
        if not found:
            return None
        if not line:
            return body, trailers, data
        trailers.append(line.decode("latin-1"))


def differences(first, second, path="") -> list[str]:
    """Where two observations differ, one line each."""
    if isinstance(first, dict) and isinstance(second, dict):
        return [line for name in sorted({*first, *second}) for line in differences(first.get(name), second.get(name), f"{path}.{name}".strip("."))]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second) and not path.endswith(("headers", "trailers")):
        return [line for i, pair in enumerate(zip(first, second)) for line in differences(*pair, f"{path}[{i}]")]
    if path.endswith("headers") and isinstance(first, list) and isinstance(second, list):
        mine, other = [tuple(pair) for pair in first], [tuple(pair) for pair in second]
        lines = [f"{path}: only weft {pair}" for pair in mine if pair not in other]
        lines += [f"{path}: only envoy {pair}" for pair in other if pair not in mine]
        return lines or ([] if sorted(mine) == sorted(other) else [f"{path}: weft {mine} envoy {other}"])
    return [] if first == second else [f"{path}: weft {first!r} envoy {second!r}"]
