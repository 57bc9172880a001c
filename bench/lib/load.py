"""The generators: one run of wrk (HTTP/1.1) or h2load (HTTP/2), as requests and seconds."""
import dataclasses
import re
import subprocess

GENERATOR_CORE = 0


@dataclasses.dataclass(frozen=True)
class Run:
    requests: int
    seconds: float
    errors: int


@dataclasses.dataclass(frozen=True)
class Load:
    """What a scenario asks of its generator."""
    http2: bool
    connections: int
    streams: int = 1
    scheme: str = "http"

    def url(self, port: int) -> str:
        return f"{self.scheme}://127.0.0.1:{port}/"

    def for_seconds(self, port: int, seconds: float) -> Run:
        if self.http2:
            return h2load(self, port, ["-D", f"{max(1, round(seconds))}s"])
        return wrk(self, port, max(1, round(seconds)))

    def for_requests(self, port: int, requests: int) -> Run:
        """An exact number of requests, for counting rounds; h2load speaks both versions."""
        return h2load(self, port, ["-n", str(requests)] + ([] if self.http2 else ["--h1"]))


def run(command: list[str]) -> str:
    done = subprocess.run(["taskset", "-c", str(GENERATOR_CORE), *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-2000:]}")
    return done.stdout


def number(pattern: str, text: str, otherwise=None) -> float:
    found = re.search(pattern, text)
    if not found and otherwise is None:
        raise RuntimeError(f"no {pattern} in:\n{text[-2000:]}")
    return float(found.group(1)) if found else otherwise


def wrk(load: Load, port: int, seconds: int) -> Run:
    text = run(["wrk", "-t", "1", "-c", str(load.connections), "-d", f"{seconds}s", "--timeout", "10s", load.url(port)])
    errors = number(r"Non-2xx or 3xx responses: (\d+)", text, 0)
    found = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors += sum(int(word) for word in found.groups()) if found else 0
    return Run(int(number(r"(\d+) requests in", text)), float(seconds), int(errors))


def h2load(load: Load, port: int, amount: list[str]) -> Run:
    text = run(["h2load", "-t", "1", "-c", str(load.connections), "-m", str(load.streams), *amount, load.url(port)])
    seconds = number(r"finished in ([\d.]+)s", text, 0) or number(r"finished in ([\d.]+)ms", text) / 1e3
    done = number(r"(\d+) done", text)
    bad = sum(number(rf"(\d+) {kind}xx", text) for kind in (3, 4, 5)) + number(r"(\d+) errored", text) + number(r"(\d+) timeout", text)
    if not load.http2 and number(r"(\d+) 2xx", text) == 0:
        # h2load counts no HTTP/1.1 answer whose status line has an empty reason, such as HAProxy's of an HTTP/2 answer.
        return Run(int(done - bad), seconds, int(bad))
    good = number(r"(\d+) 2xx", text)
    return Run(int(good), seconds, int(max(bad, done - good)))
