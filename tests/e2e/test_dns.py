"""STRICT_DNS against name servers of our own: each cluster asks its own, and follows what they say."""
import socketserver
import struct
import threading

import pytest

from bootstrap import bootstrap, listener, route
from processes import free_port, wait_until


class NameServer:
    """Answers questions for A records from a table of names; everything else does not exist."""

    def __init__(self, table: dict):
        self.table = table
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                packet, socket = self.request
                socket.sendto(outer.answer(packet), self.client_address)

        self.server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> dict:
        return {"socket_address": {"address": "127.0.0.1", "port_value": self.server.server_address[1]}}

    def answer(self, packet: bytes) -> bytes:
        end, labels = 12, []
        while packet[end]:
            labels.append(packet[end + 1:end + 1 + packet[end]].decode())
            end += 1 + packet[end]
        question = packet[12:end + 5]
        kind, = struct.unpack("!H", packet[end + 1:end + 3])
        found = self.table.get(".".join(labels)) if kind == 1 else None
        code = 0 if ".".join(labels) in self.table else 3
        head = packet[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, 1 if found else 0, 0, 0)
        record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes(map(int, found.split("."))) if found else b""
        return head + question + record

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def name_server():
    started = []

    def start(**table):
        started.append(NameServer({name.replace("_", "."): address for name, address in table.items()}))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def named(cluster_name: str, host: str, port: int, server: NameServer, **fields) -> dict:
    endpoint = {"address": {"socket_address": {"address": host, "port_value": port}}}
    return {"name": cluster_name, "type": "STRICT_DNS", "dns_lookup_family": "V4_ONLY", "dns_refresh_rate": "0.2s",
            "dns_resolution_config": {"resolvers": [server.address]},
            "load_assignment": {"cluster_name": cluster_name, "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]}, **fields}


def test_each_cluster_asks_its_own_name_server(weft, upstream, name_server, run):
    one, two = name_server(a_test="127.0.0.1"), name_server(b_test="127.0.0.1")
    port, service = free_port(), upstream().port
    weft(bootstrap([listener(port, [route("/a", "a"), route("/b", "b"), route("/c", "c")])],
                   [named("a", "a.test", service, one), named("b", "b.test", service, two), named("c", "b.test", service, one)]))
    codes = [run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{port}/{path}").stdout for path in "abc"]
    assert codes == ["200", "200", "503"], "the last one's name server does not know the name"


def test_a_cluster_follows_its_name(weft, upstream, name_server, run):
    server = name_server(a_test="127.0.0.1")
    port = free_port()
    proxy = weft(bootstrap([listener(port, [route("/", "a")])], [named("a", "a.test", upstream().port, server)]))

    def code() -> str:
        return run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{port}/").stdout
    assert code() == "200"
    del server.table["a.test"]
    wait_until(lambda: code() == "503", "the name is gone")
    assert proxy.stats()["cluster.a.membership_total"] == 0
    server.table["a.test"] = "127.0.0.1"
    wait_until(lambda: code() == "200", "the name is back")
    assert proxy.stats()["cluster.a.update_failure"] == 0
