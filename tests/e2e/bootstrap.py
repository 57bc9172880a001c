"""Envoy v3 bootstraps as Python dicts, so that a test shows only what it is about."""
from processes import free_port

HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
DOWNSTREAM_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
UPSTREAM_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
TLS_INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
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


def router(**fields) -> dict:
    return {"name": "router", "typed_config": {"@type": ROUTER, **fields}}


def log_to(path, text: str) -> dict:
    """An access log of lines of this format."""
    return {"name": "file", "typed_config": {"@type": FILE_LOG, "path": str(path),
                                             "log_format": {"text_format_source": {"inline_string": text + "\n"}}}}


def chain(routes: list, *, filters: list = (), transport_socket: dict = None, name: str = "ingress", virtual_host: dict = None,
          router_options: dict = None, **manager) -> dict:
    """A filter chain with one HTTP connection manager and one virtual host; manager fields are added as they are."""
    hosts = [{"name": "all", "domains": ["*"], "routes": routes, **(virtual_host or {})}]
    typed = {
        "@type": HCM, "stat_prefix": name, "route_config": {"name": "routes", "virtual_hosts": hosts},
        "http_filters": [*filters, router(**(router_options or {}))], **manager}
    out = {"filters": [{"name": "http", "typed_config": typed}]}
    if transport_socket:
        out["transport_socket"] = transport_socket
    return out


def listener(port: int, routes: list, *, name: str = "ingress", listener_fields: dict = None, **of_chain) -> dict:
    """A listener with one chain(); listener_fields are added as they are."""
    return {"name": name, "address": address(port), "filter_chains": [chain(routes, name=name, **of_chain)], **(listener_fields or {})}


def certificate_files(issued) -> list[dict]:
    return [{"certificate_chain": {"filename": str(issued.certificate)}, "private_key": {"filename": str(issued.key)}}]


def validation(authority, *, uri: str = None, dns: str = None) -> dict:
    """A validation context: this authority, and where given exactly this subject alternative name."""
    out = {"trusted_ca": {"filename": str(authority.certificate)}}
    for kind, name in (("URI", uri), ("DNS", dns)):
        if name:
            out["match_typed_subject_alt_names"] = [{"san_type": kind, "matcher": {"exact": name}}]
    return out


def downstream_tls(issued, *, alpn=("h2", "http/1.1"), peer: dict = None, **fields) -> dict:
    """A listener's TLS; with `peer` (a validation()) a client certificate is required."""
    common = {"tls_certificates": certificate_files(issued), "alpn_protocols": list(alpn)}
    if peer:
        common["validation_context"] = peer
        fields["require_client_certificate"] = True
    return {"name": "tls", "typed_config": {"@type": DOWNSTREAM_TLS, "common_tls_context": common, **fields}}


def upstream_tls(peer: dict, *, issued=None, alpn=(), sni: str = "") -> dict:
    common = {"validation_context": peer, "alpn_protocols": list(alpn)}
    if issued:
        common["tls_certificates"] = certificate_files(issued)
    return {"name": "tls", "typed_config": {"@type": UPSTREAM_TLS, "common_tls_context": common, "sni": sni}}


def bootstrap(listeners: list, clusters: list, **fields) -> dict:
    return {"admin": {"address": address(free_port())},
            "static_resources": {"listeners": listeners, "clusters": clusters}, **fields}


def simple(upstream_port: int, http2: bool = False, **manager):
    """One listener in front of one endpoint. Returns (port, configuration)."""
    port = free_port()
    return port, bootstrap([listener(port, [route("/", "service")], **manager)],
                           [cluster("service", upstream_port, http2=http2)])
