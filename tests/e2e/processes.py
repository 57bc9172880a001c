"""Programs the end-to-end tests start: weft, nginx, HAProxy and the gRPC server. Each is ended by its own pid."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 20
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


def wait_until(condition, what: str, seconds: float = START_SECONDS_MAX):
    """Polls until condition() is true and returns its value; what it waits for is in the failure."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A child with its output in a file."""

    def __init__(self, command, folder: pathlib.Path, **options):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.output = folder / "output.log"
        with open(self.output, "wb") as out:
            self.child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=subprocess.STDOUT, **options)

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def is_running(self) -> bool:
        return self.child.poll() is None

    def wait_listening(self, port: int):
        def ready():
            assert self.is_running(), f"{self.child.args[0]} ended with {self.child.returncode}:\n{self.log}"
            return is_listening(port)
        wait_until(ready, f"{self.child.args[0]} listens on {port}")

    def wait_exit(self, seconds: float = STOP_SECONDS_MAX) -> int:
        return self.child.wait(seconds)

    def signal(self, number: int):
        self.child.send_signal(number)

    def stop(self) -> int:
        """Asks, and after a while insists."""
        if self.is_running():
            self.child.terminate()
            try:
                self.child.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode


class Weft(Process):
    """`weft proxy -c <config>`; the admin address comes from the configuration."""

    def __init__(self, binary, config, folder: pathlib.Path, options=()):
        folder.mkdir(parents=True, exist_ok=True)
        is_text = isinstance(config, str)
        self.path = folder / ("bootstrap.yaml" if is_text else "bootstrap.json")
        self.path.write_text(config if is_text else json.dumps(config, indent=1))
        found = re.search(r"admin\W.*?port_value\W+(\d+)", self.path.read_text(), re.S)
        self.admin_port = int(found.group(1)) if found else 0
        options = list(options)
        if "--concurrency" not in options:
            options += ["--concurrency", "1"]
        super().__init__([binary, "proxy", "-c", self.path, *options], folder, cwd=folder)

    def wait_ready(self):
        def ready():
            assert self.is_running(), f"weft ended with {self.child.returncode}:\n{self.log}"
            return self.admin("/ready", check=False)[0] == 200
        wait_until(ready, "weft answers /ready")

    def admin(self, path: str, method: str = "GET", check: bool = True):
        """Status and body of an admin request; with check, anything but 200 fails the test."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin_port}{path}", method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as response:
                status, body = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read().decode()
        except OSError:
            status, body = 0, ""
        assert status == 200 or not check, f"{path}: {status} {body}"
        return status, body

    def stats(self) -> dict[str, int]:
        """Counters and gauges by name."""
        pairs = (line.rsplit(": ", 1) for line in self.admin("/stats")[1].splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}

    def rss_kilobytes(self) -> int:
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def quit(self) -> int:
        """SIGTERM, then the exit status after the drain."""
        self.signal(signal.SIGTERM)
        return self.wait_exit()


class Nginx(Process):
    """nginx with the given `server` blocks; PORT in them is a free port, FOLDER an empty folder of its own."""

    def __init__(self, folder: pathlib.Path, servers: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        paths = "".join(f"{name}_temp_path {folder}/{name};" for name in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; {user} pid {folder}/pid; error_log stderr;\n"
            f"events {{ }}\nhttp {{ access_log off; {paths}\n{servers}\n}}\n"
            .replace("PORT", str(self.port)).replace("FOLDER", str(folder)))
        super().__init__(["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"], folder)
        self.wait_listening(self.port)


class Haproxy(Process):
    """HAProxy with the given sections after its defaults; PORT in them is a free port."""

    def __init__(self, folder: pathlib.Path, sections: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        (folder / "haproxy.cfg").write_text(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n"
            + sections.replace("PORT", str(self.port)))
        super().__init__(["/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"], folder)
        self.wait_listening(self.port)


GRPC_PEER = ROOT / "build/grpc_peer/grpc_peer"


class GrpcServer(Process):
    """The gRPC C++ echo server of tests/e2e/grpc."""

    def __init__(self, folder: pathlib.Path, instance: str = "one"):
        assert GRPC_PEER.exists(), f"{GRPC_PEER} is missing: run ./dev test"
        super().__init__([GRPC_PEER, "server", "127.0.0.1:0", "--instance", instance], folder)
        self.port = int(wait_until(lambda: re.search(r"listening (\d+)", self.log), "the gRPC server listens").group(1))


def grpc_call(port: int, method: str, **options) -> dict:
    """One call by the gRPC C++ client; options are those of tests/e2e/grpc/main.cc, underscores for dashes."""
    command = [str(GRPC_PEER), "client", f"127.0.0.1:{port}", method]
    for name, value in options.items():
        command += ["--" + name.replace("_", "-"), str(value)]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=True, env=environment)
    return json.loads(done.stdout)
