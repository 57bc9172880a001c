"""Fixtures of the end-to-end tests: weft itself, and the real programs around it.

A test asks for what it needs by name; everything listens on free loopback ports and is ended by its own pid.
"""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from certificates import Authority  # noqa: E402
from processes import ROOT, GrpcServer, Haproxy, Nginx, Weft  # noqa: E402
from strict_server import StrictServer  # noqa: E402
from upstream import Upstream  # noqa: E402


@pytest.fixture(scope="session")
def weft_binary():
    """The program under test: WEFT_BINARY, else the release build."""
    path = pathlib.Path(os.environ.get("WEFT_BINARY", ROOT / "build/release/weft"))
    assert path.exists(), f"{path} is missing: run ./dev build release"
    return path


@pytest.fixture
def weft(weft_binary, tmp_path):
    """Starts `weft proxy` with a configuration (dict, or YAML text) and waits until it is ready: weft(config)."""
    started = []

    def start(config, *options, wait=True):
        process = Weft(weft_binary, config, tmp_path / f"weft-{len(started)}", options)
        started.append(process)
        if wait:
            process.wait_ready()
        return process

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def upstream():
    """Starts scriptable HTTP/1.1 servers (see upstream.py): upstream(), upstream("two")."""
    started = []

    def start(name="one"):
        started.append(Upstream(name))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def recording():
    """Starts servers that take nothing but strict HTTP/1.1 and remember it (see strict_server.py): recording(), recording({target: answer})."""
    started = []

    def start(answers=()):
        started.append(StrictServer(answers))
        return started[-1]

    yield start
    for server in started:
        server.close()


def stopping(factory):
    """A fixture that hands out processes and stops each of them at the end."""
    def fixture(tmp_path):
        started = []

        def start(*arguments, **named):
            started.append(factory(tmp_path / f"{factory.__name__.lower()}-{len(started)}", *arguments, **named))
            return started[-1]

        yield start
        for process in started:
            process.stop()
    return pytest.fixture(fixture)


nginx = stopping(Nginx)
haproxy = stopping(Haproxy)
grpc_server = stopping(GrpcServer)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority made for this run: authority.issue("name", uris=[...], names=[...])."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def run():
    """Runs a program to its end and returns the completed process, output as text; every program has 60 seconds."""
    def run_program(*command, **options):
        assert shutil.which(str(command[0])), f"{command[0]} is missing: run ./dev setup test"
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **options)
        # Not text=True: that would turn the \r\n of a head into \n.
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return done
    return run_program
