"""`./dev up`: the mesh starts, each of the three commands that it prints shows what it says, and nothing between the proxies is plain."""
import os
import re
import signal
import socket
import ssl
import subprocess

import pytest

from processes import ROOT, Process, free_port, is_listening, wait_until

PORTS = 40  # up uses that many from its first one


def free_port_range() -> int:
    """The first of PORTS ports in a row that nothing listens on, below the system's ephemeral ones."""
    for _ in range(50):
        first = 20000 + free_port() % 250 * PORTS
        if not any(is_listening(port) for port in range(first, first + PORTS)):
            return first
    raise AssertionError("no free range of ports")


class Up(Process):
    def __init__(self, binary, folder):
        self.first_port = free_port_range()
        super().__init__([ROOT / "examples/mesh/up", "--first-port", self.first_port, "--folder", folder / "mesh", "--weft", binary],
                         folder, cwd=ROOT)
        wait_until(lambda: "Ctrl-C ends it" in self.log or not self.is_running(), "the mesh is up", 60)
        assert self.is_running(), self.log

    def port(self, number: int) -> int:
        return number - 18000 + self.first_port

    def printed_command(self, number: int) -> str:
        """The command under "number." in what it printed."""
        return re.search(rf"^{number}\. .*?^    (examples\S+ .*?)$", self.log, re.M | re.S).group(1)

    def try_command(self, number: int) -> list[str]:
        done = subprocess.run(["bash", "-c", self.printed_command(number)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=60, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        return done.stdout.splitlines()


@pytest.fixture
def up(weft_binary, tmp_path):
    mesh = Up(weft_binary, tmp_path / "up")
    yield mesh
    mesh.stop()


def test_the_call_shows_a_greeting_and_who_called(up):
    lines = up.try_command(1)
    assert lines[0].startswith("200 after"), lines
    assert '"Hello, Ada!"' in lines[0] and "URI=spiffe://weft.example/gateway" in lines[0], lines


def test_the_broken_instance_is_taken_out_after_five_failures(up):
    lines = up.try_command(2)
    answers = [line for line in lines if " from " in line and " after " in line]
    broken = [line for line in answers if line.startswith("503")]
    assert len(answers) == 30 and 1 <= len(broken) <= 5, lines
    assert all(line.startswith("200") and line.endswith("web-1") for line in answers[-15:]), lines
    assert lines[-1].endswith("cluster.web.outlier_detection.ejections_active: 1"), lines


def test_the_slow_instance_is_cut_by_the_deadline_and_its_call_is_cancelled(up):
    lines = up.try_command(3)
    status, milliseconds = re.match(r"(\d+) after (\d+) ms", lines[0]).groups()
    assert status == "504" and 300 <= int(milliseconds) < 3000, lines
    assert lines[-1] == "greeter: the call was cancelled", lines


def test_between_the_proxies_plaintext_and_strangers_are_refused(up):
    for number in (18011, 18021, 18031):
        with socket.create_connection(("127.0.0.1", up.port(number)), timeout=10) as plain:
            plain.sendall(b"GET /hello HTTP/1.1\r\nhost: web\r\n\r\n")
            answer = receive(plain)
            assert b"HTTP/" not in answer, f"port {number} answered plain text: {answer[:80]}"
        context = ssl.create_default_context(cafile=up.folder / "mesh/ca.crt")
        context.check_hostname = False
        context.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", up.port(number)), timeout=10) as stranger:
            # In TLS 1.3 the client's side is done before the server asks for its certificate: the refusal is the first thing it reads.
            with context.wrap_socket(stranger) as encrypted:
                with pytest.raises(ssl.SSLError):
                    assert encrypted.recv(4096) == b"", "a client without a certificate was served"
                    raise ssl.SSLError("closed without a word")


def receive(connection) -> bytes:
    out = b""
    try:
        while piece := connection.recv(4096):
            out += piece
    except OSError:
        pass
    return out


def test_ctrl_c_ends_it_and_everything_it_started(up):
    ports = [up.port(number) for number in (18000, 18011, 18012, 18021, 18022, 18031, 18032)]
    assert all(is_listening(port) for port in ports)
    up.signal(signal.SIGINT)
    assert up.wait_exit() == 0, up.log
    assert not any(is_listening(port) for port in ports)
    assert up.log.endswith("up: ended\n") and "killed" not in up.log, up.log
