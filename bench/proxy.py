#!/usr/bin/env python3
"""What a request costs in each proxy, side by side. Run it as `./dev bench proxy`; docs/benchmarks.md says how to read it.

usage: proxy.py [--quick] [--rounds N] [--seconds S] [--scenario NAME]... [--peer NAME]... [--no-counts] [--out FOLDER]
"""
import argparse
import datetime
import pathlib
import platform
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from lib import counting, peers, report  # noqa: E402
from lib.load import Load  # noqa: E402
from lib.process import Program, cpu_between, cpu_microseconds, free_port, rss_kilobytes, threads  # noqa: E402
from certificates import Authority  # noqa: E402  (of tests/e2e, as lib/peers.py says)

PROXY_CORE, SERVICE_CORE = 1, 0
WARM_SECONDS = 1
RSS_WORKERS, RSS_WAIT_SECONDS = 2, 5

SCENARIOS = {
    "h1": ("HTTP/1.1 keep-alive, 1 KB", Load(http2=False, connections=32)),
    "h2": ("HTTP/2 in, 1 KB", Load(http2=True, connections=4, streams=16)),
    "tls": ("TLS 1.3 in, HTTP/1.1 keep-alive, 1 KB", Load(http2=False, connections=32, scheme="https")),
    "pair": ("a pair of sidecars, HTTP/2 + mTLS between them, 1 KB", Load(http2=False, connections=32)),
}


class Bench:
    def __init__(self, options, folder: pathlib.Path):
        self.options, self.folder = options, folder
        authority = Authority(folder / "certificates", "weft bench authority")
        self.authority = authority.certificate
        names = {"names": [peers.SERVER_NAME], "addresses": ["127.0.0.1"]}
        self.server = authority.issue("server", uris=["spiffe://bench/server"], **names)
        self.client = authority.issue("client", uris=["spiffe://bench/client"])
        self.backend_port = free_port()
        self.started = 0
        self.notes: list[str] = []
        self.peers = []
        self.versions = {}
        for peer in peers.ALL:
            if options.peer and peer.name.lower() not in options.peer:
                continue
            version = peer.version()
            if version is None:
                self.note(f"{peer.name} is not here: left out")
            else:
                self.peers.append(peer)
                self.versions[peer.name] = version

    def note(self, text: str):
        if text not in self.notes:
            self.notes.append(text)
            print(f"note: {text}", flush=True)

    def start_service(self) -> Program:
        """The service behind every proxy: nginx answering 1 KB from memory."""
        task = peers.Task("h1", self.folder / "service", 0, 0, self.server, self.client, self.authority)
        command = peers.nginx_command(task, "service.conf", f"""
server {{ listen 127.0.0.1:{self.backend_port}; {peers.FOREVER} default_type text/plain;
  location / {{ return 200 "{'x' * 1024}"; }} }}""")
        service = Program(command, self.folder / "service", SERVICE_CORE)
        service.wait_listening(self.backend_port)
        return service

    def start(self, peer, kind: str, workers: int = 1, core=PROXY_CORE, wrapper=()):
        """The programs of one peer, listening; the first one last, so that the pair's inner one is there before it."""
        self.started += 1
        task = peers.Task(kind, self.folder / f"{self.started}-{peer.name}", free_port(), self.backend_port,
                          self.server, self.client, self.authority, workers)
        commands = peer.commands(task)
        programs = []
        try:
            for i, command in reversed(list(enumerate(commands))):
                programs.insert(0, Program(command, task.folder / f"program-{i}", core, wrapper))
                programs[0].wait_listening(task.between if i else task.port)
        except RuntimeError:
            stop_all(programs)
            raise
        return task, programs

    def timed_round(self, peer, kind: str) -> dict:
        load = SCENARIOS[kind][1]
        task, programs = self.start(peer, kind)
        try:
            load.for_seconds(task.port, WARM_SECONDS)
            pids = [program.pid for program in programs]
            before = cpu_microseconds(pids)
            run = load.for_seconds(task.port, self.options.seconds)
            user, system = cpu_between(before, cpu_microseconds(pids))
            if run.errors:
                self.note(f"{peer.name}, {kind}: {run.errors} of {run.requests + run.errors} requests failed")
            return {"requests_per_second": run.requests / run.seconds, "user": user / run.requests,
                    "system": system / run.requests, "total": (user + system) / run.requests, "requests": run.requests,
                    "threads": sum(threads(pid) for pid in pids)}
        finally:
            stop_all(programs)

    def counted(self, peer, kind: str) -> dict:
        """What strace and callgrind count hardly varies, so one round of each is enough."""
        load, out = SCENARIOS[kind][1], {}
        for name, wrapper, count in (("system_calls", (), counting.system_calls_per_request),
                                     ("instructions", counting.CALLGRIND, counting.instructions_per_request)):
            if not shutil.which("valgrind" if wrapper else "strace"):
                continue
            try:
                task, programs = self.start(peer, kind, wrapper=wrapper)
            except RuntimeError as failure:
                self.note(f"{peer.name}, {kind}: no {name}: {str(failure).splitlines()[0]}")
                continue
            try:
                load.for_requests(task.port, 500)
                out[name] = count(programs, lambda requests: load.for_requests(task.port, requests).requests)
            except (RuntimeError, OSError, ZeroDivisionError) as failure:
                self.note(f"{peer.name}, {kind}: no {name}: {str(failure).splitlines()[0]}")
            finally:
                stop_all(programs)
        return out

    def memory(self, peer) -> dict:
        """Resident memory with two workers, one listener and one cluster, before any request."""
        _, programs = self.start(peer, "h1", workers=RSS_WORKERS, core=None)
        try:
            time.sleep(RSS_WAIT_SECONDS)
            pids = [program.pid for program in programs]
            return {"rss_kilobytes": rss_kilobytes(pids), "workers": RSS_WORKERS, "threads": sum(threads(pid) for pid in pids)}
        finally:
            stop_all(programs)

    def scenario(self, kind: str) -> dict:
        """Rounds alternate between the peers, so that a slow minute of the machine falls on all of them."""
        taking_part = [peer for peer in self.peers if kind in peer.kinds]
        rounds = {peer.name: [] for peer in taking_part}
        for i in range(self.options.rounds):
            for peer in taking_part:
                try:
                    measured = self.timed_round(peer, kind)
                except RuntimeError as failure:
                    self.note(f"{peer.name}, {kind}, round {i + 1}: {failure}")
                    continue
                rounds[peer.name].append(measured)
                print(f"{kind} round {i + 1} {peer.name}: {measured['requests_per_second']:.0f} req/s, "
                      f"{measured['user']:.1f} + {measured['system']:.1f} µs", flush=True)
        out = {}
        for peer in taking_part:
            if rounds[peer.name]:
                out[peer.name] = {**summary(rounds[peer.name]), "workers": 2 if kind == "pair" else 1, "rounds": rounds[peer.name]}
                if not self.options.no_counts:
                    out[peer.name].update(self.counted(peer, kind))
        return out

    def run(self) -> dict:
        service = self.start_service()
        try:
            results = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
                       "command": " ".join(["./dev bench proxy", *sys.argv[1:]]), "machine": machine(),
                       "versions": self.versions, "rounds": self.options.rounds, "seconds": self.options.seconds, "scenarios": {}}
            for kind in self.options.scenario or SCENARIOS:
                results["scenarios"][kind] = {"title": SCENARIOS[kind][0], "load": describe(SCENARIOS[kind][1]),
                                              "peers": self.scenario(kind)}
            results["memory"] = {peer.name: self.memory(peer) for peer in self.peers if peer.name != "floor"}
            results["notes"] = self.notes
            return results
        finally:
            service.stop()


def stop_all(programs):
    for program in programs:
        program.stop()


def summary(rounds: list[dict]) -> dict:
    """Median and minimum of each figure; for requests/s the best is the maximum."""
    out = {"threads": rounds[0]["threads"]}
    for name in ("requests_per_second", "user", "system", "total"):
        values = [measured[name] for measured in rounds]
        out[name] = {"median": statistics.median(values), "best": (max if name == "requests_per_second" else min)(values)}
    return out


def describe(load: Load) -> str:
    generator = "h2load" if load.http2 else "wrk"
    return f"{generator}, {load.connections} connections" + (f" × {load.streams} streams" if load.http2 else "")


def machine() -> str:
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    cores = pathlib.Path("/proc/cpuinfo").read_text().count("processor\t")
    return f"{model}, {cores} cores, Linux {platform.release().split('-')[0]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, for development")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS))
    parser.add_argument("--peer", action="append", type=str.lower, choices=[peer.name.lower() for peer in peers.ALL])
    parser.add_argument("--no-counts", action="store_true", help="without the rounds of strace and callgrind")
    parser.add_argument("--out", type=pathlib.Path, help="default: bench/results, or build/bench with --quick")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    out = options.out or peers.ROOT / ("build/bench" if options.quick else "bench/results")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-bench-"))
    try:
        results = Bench(options, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    written = report.write(results, out)
    print("\n" + written.read_text() + f"\nwritten to {written} and .json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
