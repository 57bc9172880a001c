"""Envoy v3 bootstraps as Python dicts, so that a test shows only what it is about."""
from processes import free_port

HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def address(port: int) -> dict:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def cluster(name: str, *ports: int, http2: bool = False, **fields) -> dict:
    """A STATIC cluster of loopback endpoints; fields are added to it as they are."""
    out = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(port)}} for port in ports]}],
        },
    }
    if http2:
        out["typed_extension_protocol_options"] = {PROTOCOL_OPTIONS: {
            "@type": f"type.googleapis.com/{PROTOCOL_OPTIONS}",
            "explicit_http_config": {"http2_protocol_options": {}}}}
    return {**out, **fields}


def route(prefix: str, cluster_name: str, **action) -> dict:
    return {"match": {"prefix": prefix}, "route": {"cluster": cluster_name, **action}}


def listener(port: int, routes: list, *, filters: list = (), transport_socket: dict = None, name: str = "ingress",
             virtual_host: dict = None, **manager) -> dict:
    """A listener with one HTTP connection manager and one virtual host; manager fields are added as they are."""
    hosts = [{"name": "all", "domains": ["*"], "routes": routes, **(virtual_host or {})}]
    typed = {
        "@type": HCM, "stat_prefix": name, "route_config": {"name": "routes", "virtual_hosts": hosts},
        "http_filters": [*filters, {"name": "router", "typed_config": {"@type": ROUTER}}], **manager}
    chain = {"filters": [{"name": "http", "typed_config": typed}]}
    if transport_socket:
        chain["transport_socket"] = transport_socket
    return {"name": name, "address": address(port), "filter_chains": [chain]}


def bootstrap(listeners: list, clusters: list, **fields) -> dict:
    return {"admin": {"address": address(free_port())},
            "static_resources": {"listeners": listeners, "clusters": clusters}, **fields}


def simple(upstream_port: int, http2: bool = False, **manager):
    """One listener in front of one endpoint. Returns (port, configuration)."""
    port = free_port()
    return port, bootstrap([listener(port, [route("/", "service")], **manager)],
                           [cluster("service", upstream_port, http2=http2)])
