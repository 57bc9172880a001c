"""Programs under measurement: started on one core, ended by their own pid, and what they cost read from /proc."""
import os
import pathlib
import re
import socket
import subprocess
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
START_SECONDS_MAX = 60  # under valgrind a start takes long
STOP_SECONDS_MAX = 10
_given_ports: set[int] = set()


def free_port() -> int:
    """A loopback port nothing listens on, never given twice in one run."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given_ports:
            _given_ports.add(port)
            return port


class Program:
    """A child pinned to `core` (None: wherever), its output in a file."""

    def __init__(self, command, folder: pathlib.Path, core, wrapper=()):
        folder.mkdir(parents=True, exist_ok=True)
        self.name = pathlib.Path(str(command[0])).name
        self.output = folder / "output.log"
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with open(self.output, "ab") as out:
            self.child = subprocess.Popen([*pinned, *wrapper, *[str(word) for word in command]], cwd=folder, env=environment,
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    @property
    def pid(self) -> int:
        return self.child.pid

    def wait_listening(self, port: int):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        log = self.output.read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"{self.name} does not listen on {port}:\n{log}")

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def family(pid: int) -> list[int]:
    """The process and its descendants (nginx and nghttpx work in children)."""
    found, queue = [], [pid]
    while queue:
        process = queue.pop()
        found.append(process)
        for children in pathlib.Path(f"/proc/{process}/task").glob("*/children"):
            try:
                queue += [int(word) for word in children.read_text().split()]
            except OSError:
                pass  # a thread that ended meanwhile
    return found


def threads(pid: int) -> int:
    return sum(len(os.listdir(f"/proc/{process}/task")) for process in family(pid))


def cpu_microseconds(pids: list[int]) -> tuple[float, float, float]:
    """User, system and total time so far. The total is the scheduler's, in nanoseconds; the kernel's clock ticks (10 ms)
    only say how it divides, so a window of seconds is needed."""
    nanoseconds, user_ticks, system_ticks = 0, 0, 0
    for pid in pids:
        for process in family(pid):
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            user_ticks += int(fields[11])
            system_ticks += int(fields[12])
            for task in pathlib.Path(f"/proc/{process}/task").iterdir():
                nanoseconds += int((task / "schedstat").read_text().split()[0])
    return user_ticks / TICKS_PER_SECOND * 1e6, system_ticks / TICKS_PER_SECOND * 1e6, nanoseconds / 1e3


def cpu_between(before, after) -> tuple[float, float]:
    """User and system microseconds of a window between two cpu_microseconds()."""
    user, system, total = (late - early for early, late in zip(before, after))
    ticks = user + system
    if total <= 0:
        return user, system  # a kernel without scheduler statistics
    share = user / ticks if ticks else 0.5
    return total * share, total * (1 - share)


def rss_kilobytes(pids: list[int]) -> int:
    """Resident memory, summed over processes: what several of them share counts once for each."""
    total = 0
    for pid in pids:
        for process in family(pid):
            total += int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process}/status").read_text()).group(1))
    return total
