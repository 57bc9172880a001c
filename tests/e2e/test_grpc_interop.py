"""The interoperability suite of gRPC, by grpc-go's own client and server: h2c, TLS, and a pair of proxies with mTLS between."""
import shutil

import pytest

from bootstrap import bootstrap, cluster, downstream_tls, listener, route, upstream_tls, validation
from processes import ROOT, Process, free_port

CASES = ["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream", "timeout_on_sleeping_server",
         "cancel_after_begin", "cancel_after_first_response", "status_code_and_message", "special_status_message", "custom_metadata",
         "unimplemented_method", "unimplemented_service"]
REPORTS_LOAD = '-service_config_json={"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}'
# 272 kB up and 314 kB down a call: parallel uploads must not stall each other, and a new channel for each call must be cheap.
SOAK = ["-soak_per_iteration_max_acceptable_latency_ms=20000", "-soak_overall_timeout_seconds=50"]
RUNS = [*([case] for case in CASES), ["orca_per_rpc", REPORTS_LOAD], ["orca_oob", REPORTS_LOAD],
        ["rpc_soak", *SOAK, "-soak_iterations=40", "-soak_num_threads=8"], ["channel_soak", *SOAK, "-soak_iterations=20", "-soak_num_threads=4"]]


def program(name: str):
    path = ROOT / "build/tools" / name
    if not shutil.which(str(path)):
        pytest.skip("grpc-go's interoperability programs are not installed: ./dev setup test")
    return path


@pytest.fixture
def server(tmp_path):
    port = free_port()
    process = Process([program("grpc_interop_server"), "-port", port], tmp_path / "server")
    process.wait_listening(port)
    yield port
    process.stop()


def world(kind: str, behind: int, authority) -> tuple:
    """Configurations, from the server outwards, and the port clients call."""
    def proxy(to: int, secured=None, to_secured=None) -> tuple:
        port = free_port()
        options = {"transport_socket": secured} if secured else {}
        extra = {"transport_socket": to_secured} if to_secured else {}
        return port, bootstrap([listener(port, [route("/", "service", timeout="0s")], **options)], [cluster("service", to, http2=True, **extra)])

    local = authority.issue("local", names=["localhost"])
    if kind != "pair":
        port, config = proxy(behind, secured=downstream_tls(local) if kind == "tls" else None)
        return [config], port
    inner, outer = "spiffe://mesh/inner", "spiffe://mesh/outer"
    inner_port, inner_config = proxy(behind, secured=downstream_tls(authority.issue("inner", uris=[inner]), peer=validation(authority, uri=outer)))
    port, outer_config = proxy(inner_port, secured=downstream_tls(local), to_secured=upstream_tls(
        validation(authority, uri=inner), issued=authority.issue("outer", uris=[outer]), alpn=["h2"]))
    return [inner_config, outer_config], port


@pytest.mark.parametrize("kind", ["h2c", "tls", "pair"])
def test_grpc_go_interoperates(weft, run, authority, server, kind):
    configs, port = world(kind, server, authority)
    proxies = [weft(config) for config in configs]
    secured = [] if kind == "h2c" else ["-use_tls", "-use_test_ca", f"-ca_file={authority.certificate}"]
    for case, *options in RUNS:
        done = run(program("grpc_interop_client"), "-server_host", "localhost", "-server_port", port, *secured, f"-test_case={case}", *options)
        assert done.returncode == 0, f"{case}: {done.stderr[-2000:]}"
    for proxy in proxies:
        assert proxy.stats()["http.ingress.downstream_rq_total"] > len(CASES)
