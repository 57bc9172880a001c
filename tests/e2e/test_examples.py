"""Every bootstrap of examples/envoy runs, with its ports moved to free ones, and does what its first line says."""
import json
import re

import pytest
from processes import ROOT, free_port, grpc_call, wait_until

FOLDER = ROOT / "examples/envoy"


class Example:
    """The text of an example with other ports and whole paths; `ports` tells the new port of each old one."""

    def __init__(self, name: str, ports: dict[int, int]):
        self.ports = dict(ports)
        self.text = re.sub(r"(port_value\W+)(\d+)", self._moved, (FOLDER / name).read_text())
        self.text = self.text.replace("examples/envoy/", f"{FOLDER}/")

    def _moved(self, match) -> str:
        old = int(match.group(2))
        if old not in self.ports:
            self.ports[old] = free_port()
        return match.group(1) + str(self.ports[old])


@pytest.fixture
def example(weft):
    def start(name: str, ports: dict[int, int] | None = None, **replaced: str):
        made = Example(name, ports or {})
        for old, new in replaced.items():
            assert old in made.text
            made.text = made.text.replace(old, new)
        weft(made.text if name.endswith(".yaml") else json.loads(made.text))
        return made.ports
    return start


@pytest.mark.parametrize("name, options", [
    ("http1.yaml", []), ("http1.json", []), ("resilience.yaml", []), ("strict-dns.yaml", []), ("headers.yaml", []),
    ("access-log.yaml", []), ("upgrade.yaml", []), ("fault.yaml", [])])
def test_a_request_goes_through(example, upstream, run, name, options):
    ports = example(name, {8080: upstream().port})
    url = f"http://127.0.0.1:{ports[10000]}/echo"
    wait_until(lambda: run("curl", "-sS", url, *options).stdout.startswith("{"), f"{name} answers")


def test_h2_speaks_http2_on_both_sides(example, grpc_server):
    ports = example("h2.yaml", {8080: grpc_server().port})
    answer = grpc_call(ports[10000], "unary", text="hello")
    assert answer["code"] == 0 and answer["replies"][0]["text"] == "hello", answer


def test_grpc_passes(example, grpc_server):
    ports = example("grpc.yaml", {50051: grpc_server().port})
    answer = grpc_call(ports[10000], "unary", text="hello")
    assert answer["code"] == 0 and answer["replies"][0]["text"] == "hello", answer


def test_tls_ends_at_the_proxy(example, upstream, run):
    ports = example("tls.yaml", {8080: upstream().port})
    done = run("curl", "-sS", "-w", "\n%{http_version}", "--cacert", FOLDER / "certificates/ca.pem", "--resolve",
               f"www.example.com:{ports[10443]}:127.0.0.1", f"https://www.example.com:{ports[10443]}/echo")
    assert done.stdout.splitlines()[-1] == "2" and done.stdout.startswith("{"), done


def test_a_pair_of_sidecars_speaks_mutual_tls_and_the_service_learns_who_called(example, upstream, run):
    inside = example("mtls-ingress.yaml", {8080: upstream().port})
    outside = example("mtls-egress.yaml", {15443: inside[15443]})
    done = run("curl", "-sS", f"http://127.0.0.1:{outside[15001]}/echo")
    headers = json.loads(done.stdout)["headers"]
    assert "URI=spiffe://example.org/ns/default/sa/client" in headers["x-forwarded-client-cert"], headers
    refused = run("curl", "-sS", "-k", f"https://127.0.0.1:{inside[15443]}/echo")
    assert refused.returncode != 0, refused


def test_the_site_is_chosen_by_sni(example, upstream, run):
    ports = example("sni.yaml", {8080: upstream("www").port, 8081: upstream("api").port})
    for host, instance in (("www.example.com", "www"), ("api.example.com", "api")):
        done = run("curl", "-sS", "--cacert", FOLDER / "certificates/ca.pem", "--resolve", f"{host}:{ports[10443]}:127.0.0.1",
                   f"https://{host}:{ports[10443]}/echo")
        assert json.loads(done.stdout)["instance"] == instance, done
    plain = run("curl", "-sS", f"http://127.0.0.1:{ports[10443]}/echo")
    assert json.loads(plain.stdout)["instance"] == "www", plain


def test_the_routing_zoo_routes(example, upstream, run):
    ports = example("routing.yaml", {8081: upstream("v1").port, 8082: upstream("v2").port})

    def get(path, *headers, host="api.example.com"):
        options = [word for header in (f"host: {host}", *headers) for word in ("-H", header)]
        return run("curl", "-sS", *options, f"http://127.0.0.1:{ports[10000]}{path}").stdout
    assert get("/health") == "ok\n"
    assert json.loads(get("/v1/echo"))["path"] == "/api/echo"
    assert json.loads(get("/users/7/orders"))["path"] == "/people/7/orders"
    by_header = get("/echo", "x-version: 2", "x-region: eu-west", "x-suffix: stable", "x-count: 5", "x-trace: 1", "x-pattern: abc")
    assert json.loads(by_header)["instance"] == "v2", by_header
    by_query = json.loads(get("/echo?version=2&debug"))
    assert (by_query["instance"], by_query["headers"]["host"]) == ("v2", "v2.internal")
    assert get("/echo", host="elsewhere.org") == ""


def test_redirects_and_answers_are_made_here(example, run):
    ports = example("redirect.yaml")

    def head(path, host="a.example.com"):
        return run("curl", "-sS", "-i", "-H", f"host: {host}", f"http://127.0.0.1:{ports[10080]}{path}").stdout.lower()
    assert "location: https://www.example.com:" in head("/x", "old.example.com")
    assert "location: http://a.example.com/new\r\n" in head("/moved?x=1")
    assert "location: http://a.example.com/v2/things\r\n" in head("/v1/things")
    assert "location: https://a.example.com/people/7\r\n" in head("/users/7/x")
    assert head("/version").endswith("\r\n\r\n1.0\n")


def test_old_spellings_run(example, run):
    ports = example("old-spellings.yaml")
    done = run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{ports[10000]}/")
    assert done.stdout == "404", done  # no request has all of the headers that the route asks for
