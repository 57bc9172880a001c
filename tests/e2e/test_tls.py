"""TLS on both sides, by openssl s_client, curl and nginx: versions, ALPN, SNI, mutual TLS, who is refused, XFCC."""
import json
import subprocess

import pytest

from bootstrap import (PROTOCOL_OPTIONS, TLS_INSPECTOR, address, bootstrap, chain, cluster, downstream_tls, listener, log_to, route, simple, upstream_tls,
                       validation)
from certificates import Authority
from processes import free_port

NAME = "service.example"


@pytest.fixture
def server_certificate(authority):
    return authority.issue("server", names=[NAME], addresses=["127.0.0.1"])


@pytest.fixture
def s_client(run):
    """`openssl s_client` with its input closed at once; stdout and stderr together."""
    def start(port, *options):
        done = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options, stdin=subprocess.DEVNULL)
        return done.stdout + done.stderr
    return start


@pytest.fixture
def fetch(run, authority):
    """curl over TLS with the test authority; the upstream's JSON, or None where curl failed."""
    def get(port, *options, path="/echo"):
        done = run("curl", "-sS", "--cacert", authority.certificate, "--resolve", f"{NAME}:{port}:127.0.0.1", *options, f"https://{NAME}:{port}{path}")
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout.startswith("{") else None
    return get


def test_tls_1_3_and_1_2_are_spoken_and_older_versions_are_not(weft, upstream, server_certificate, authority, s_client):
    port, config = simple(upstream().port, transport_socket=downstream_tls(server_certificate))
    weft(config)
    ca = ("-CAfile", authority.certificate)
    assert "Protocol version: TLSv1.3" in s_client(port, *ca, "-brief", "-tls1_3")
    verified = s_client(port, *ca, "-brief", "-tls1_2")
    assert "Protocol version: TLSv1.2" in verified and "Verification: OK" in verified, verified
    assert "Protocol version" not in s_client(port, *ca, "-brief", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


def test_tls_versions_follow_the_configuration(weft, upstream, server_certificate, s_client):
    tls = downstream_tls(server_certificate)
    tls["typed_config"]["common_tls_context"]["tls_params"] = {"tls_minimum_protocol_version": "TLSv1_3"}
    port, config = simple(upstream().port, transport_socket=tls)
    weft(config)
    assert "Protocol version" not in s_client(port, "-brief", "-tls1_2")
    assert "Protocol version: TLSv1.3" in s_client(port, "-brief")


@pytest.mark.parametrize("offered, chosen, version", [("h2,http/1.1", "h2", "--http2"), ("http/1.1", "http/1.1", "--http1.1")])
def test_alpn_chooses_the_codec(weft, upstream, server_certificate, s_client, run, authority, offered, chosen, version):
    port, config = simple(upstream().port, transport_socket=downstream_tls(server_certificate))
    weft(config)
    assert f"ALPN protocol: {chosen}" in s_client(port, "-alpn", offered)
    done = run("curl", "-sS", version, "--cacert", authority.certificate, "-o", "/dev/null", "-w", "%{http_code} %{http_version}", f"https://127.0.0.1:{port}/echo")
    assert done.stdout == ("200 2" if chosen == "h2" else "200 1.1"), done


def test_a_session_is_resumed_by_its_ticket_on_any_worker(weft, upstream, server_certificate, s_client, tmp_path):
    port, config = simple(upstream().port, transport_socket=downstream_tls(server_certificate))
    weft(config, "--concurrency", "2")
    session = tmp_path / "session"
    request = b"GET /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"

    def connect(*options):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof", *options], input=request,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return done.stdout.decode(errors="replace")

    assert "New, TLSv1.3" in connect("-sess_out", str(session))
    for _ in range(6):
        assert "Reused, TLSv1.3" in connect("-sess_in", str(session))


def test_chains_are_chosen_by_server_name(weft, upstream, authority, s_client):
    one, two = upstream("one"), upstream("two")
    port = free_port()
    chains = [chain([route("/", "one")], transport_socket=downstream_tls(authority.issue("one", names=["one.example"]))),
              chain([route("/", "two")], transport_socket=downstream_tls(authority.issue("two", names=["two.example"])))]
    chains[0]["filter_chain_match"] = {"server_names": ["one.example"]}
    chains[1]["filter_chain_match"] = {"server_names": ["*.two.example", "two.example"]}
    weft(bootstrap([{"name": "ingress", "address": address(port), "filter_chains": chains,
                     "listener_filters": [{"name": "tls", "typed_config": {"@type": TLS_INSPECTOR}}]}],
                   [cluster("one", one.port), cluster("two", two.port)]))
    for name, subject in (("one.example", "CN = one"), ("two.example", "CN = two"), ("deep.two.example", "CN = two")):
        assert f"subject={subject}" in s_client(port, "-servername", name), name
    assert "subject=" not in s_client(port, "-servername", "other.example")


def test_a_client_certificate_is_required_and_its_name_told_to_the_service(weft, upstream, authority, server_certificate, fetch):
    port, config = simple(
        upstream().port, forward_client_cert_details="SANITIZE_SET", set_current_client_cert_details={"uri": True, "dns": True, "subject": True},
        transport_socket=downstream_tls(server_certificate, peer=validation(authority, uri="spiffe://test.example/client")))
    weft(config)
    client = authority.issue("client", uris=["spiffe://test.example/client"], names=["client.example"])
    seen = fetch(port, "--cert", client.certificate, "--key", client.key, "-H", "x-forwarded-client-cert: Hash=forged")
    xfcc = seen["headers"]["x-forwarded-client-cert"]
    assert "URI=spiffe://test.example/client" in xfcc and "DNS=client.example" in xfcc and 'Subject="CN=client"' in xfcc, xfcc
    assert "forged" not in xfcc


REFUSED = {
    "no certificate": None,
    "another name": {"uris": ["spiffe://test.example/other"]},
    "another trust domain": {"uris": ["spiffe://other.example/client"]},
    "no name": {},
    "two names": {"uris": ["spiffe://test.example/client", "spiffe://test.example/other"]},
    "expired": {"uris": ["spiffe://test.example/client"], "is_expired": True},
    "an authority as leaf": {"uris": ["spiffe://test.example/client"], "is_ca": True},
}


@pytest.mark.parametrize("kind", REFUSED)
def test_clients_that_are_not_the_one_expected_are_refused(weft, upstream, authority, server_certificate, fetch, kind):
    server = upstream()
    port, config = simple(server.port, transport_socket=downstream_tls(
        server_certificate, peer=validation(authority, uri="spiffe://test.example/client")))
    weft(config)
    options = []
    if REFUSED[kind] is not None:
        client = authority.issue(kind.replace(" ", "-"), **REFUSED[kind])
        options = ["--cert", client.certificate, "--key", client.key]
    assert fetch(port, *options) is None
    assert server.requests == []


def test_a_client_of_another_authority_is_refused(weft, upstream, authority, server_certificate, fetch, tmp_path):
    server = upstream()
    port, config = simple(server.port, transport_socket=downstream_tls(server_certificate, peer=validation(authority)))
    weft(config)
    stranger = Authority(tmp_path / "other").issue("client", uris=["spiffe://test.example/client"])
    assert fetch(port, "--cert", stranger.certificate, "--key", stranger.key) is None
    assert server.requests == []


def tls_origin(nginx, issued, more: str = ""):
    return nginx(f"server {{ listen 127.0.0.1:PORT ssl; ssl_certificate {issued.certificate}; ssl_certificate_key {issued.key}; {more}\n"
                 f"  location / {{ return 200 '$ssl_server_name $ssl_client_s_dn'; }} }}")


def test_the_upstream_is_reached_over_tls_with_its_name_and_our_certificate(weft, nginx, authority, server_certificate, run):
    origin = tls_origin(nginx, server_certificate, f"ssl_client_certificate {authority.certificate}; ssl_verify_client on;")
    port = free_port()
    client = authority.issue("client", uris=["spiffe://test.example/client"])
    weft(bootstrap([listener(port, [route("/", "service")])],
                   [cluster("service", origin.port, transport_socket=upstream_tls(validation(authority, dns=NAME), issued=client, sni=NAME))]))
    assert run("curl", "-sS", f"http://127.0.0.1:{port}/").stdout == f"{NAME} CN=client"


@pytest.mark.parametrize("kind", ["another name", "another authority", "expired"])
def test_an_upstream_that_is_not_the_one_expected_is_503(weft, nginx, authority, run, tmp_path, kind):
    issuer = Authority(tmp_path / "other") if kind == "another authority" else authority
    origin = tls_origin(nginx, issuer.issue("origin", names=["other.example" if kind == "another name" else NAME], is_expired=kind == "expired"))
    port = free_port()
    proxy = weft(bootstrap([listener(port, [route("/", "service")])],
                           [cluster("service", origin.port, transport_socket=upstream_tls(validation(authority, dns=NAME), sni=NAME))]))
    assert run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{port}/").stdout == "503"
    stats = proxy.stats()
    wanted = "fail_verify_san" if kind == "another name" else "fail_verify_error"
    assert stats[f"cluster.service.ssl.{wanted}"] >= 1, {name: value for name, value in stats.items() if ".ssl." in name}


def test_the_upstreams_tls_name_is_the_requests_where_that_is_asked_for(weft, nginx, authority, run):
    origin = tls_origin(nginx, authority.issue("origin", names=["a.example", "b.example"]))
    port = free_port()
    proxy = weft(bootstrap([listener(port, [route("/", "service")])], [cluster(
        "service", origin.port, transport_socket=upstream_tls(validation(authority)), typed_extension_protocol_options={PROTOCOL_OPTIONS: {
            "@type": f"type.googleapis.com/{PROTOCOL_OPTIONS}", "explicit_http_config": {"http_protocol_options": {}},
            "upstream_http_protocol_options": {"auto_sni": True, "auto_san_validation": True}}})]))

    def status_and_name(host: str) -> str:
        return run("curl", "-sS", "-w", " %{http_code}", "-H", f"host: {host}", f"http://127.0.0.1:{port}/").stdout
    assert status_and_name("a.example").split() == ["a.example", "200"]
    assert status_and_name("b.example:8443").split() == ["b.example", "200"]
    assert status_and_name("c.example").endswith(" 503"), "the certificate has no such name"
    assert proxy.stats()["cluster.service.ssl.fail_verify_san"] == 1


def test_a_pair_of_sidecars_speaks_http2_over_mutual_tls(weft, upstream, authority, run):
    server, inner, outer = upstream(), free_port(), free_port()
    service = authority.issue("service", uris=["spiffe://test.example/service"])
    client = authority.issue("client", uris=["spiffe://test.example/client"])
    back = weft(bootstrap(
        [listener(inner, [route("/", "service")], forward_client_cert_details="SANITIZE_SET", set_current_client_cert_details={"uri": True},
                  transport_socket=downstream_tls(service, alpn=["h2"], peer=validation(authority, uri="spiffe://test.example/client")))],
        [cluster("service", server.port)]))
    weft(bootstrap(
        [listener(outer, [route("/", "next")])],
        [cluster("next", inner, http2=True, transport_socket=upstream_tls(
            validation(authority, uri="spiffe://test.example/service"), issued=client, alpn=["h2"]))]))
    seen = json.loads(run("curl", "-sS", "-d", "x" * 100000, f"http://127.0.0.1:{outer}/echo").stdout)
    assert len(seen["body"]) == 100000 and "URI=spiffe://test.example/client" in seen["headers"]["x-forwarded-client-cert"]
    stats = back.stats()
    assert stats["http.ingress.downstream_rq_http2_total"] == 1 and stats["http.ingress.downstream_cx_ssl_total"] == 1


def test_a_request_that_the_codec_refuses_is_logged_with_its_server_name(weft, upstream, server_certificate, authority, fetch, tmp_path):
    path = tmp_path / "access.log"
    port, config = simple(upstream().port, transport_socket=downstream_tls(server_certificate),
                          access_log=[log_to(path, "%REQUESTED_SERVER_NAME% %DOWNSTREAM_TLS_VERSION% %RESPONSE_CODE_DETAILS%")])
    proxy = weft(config)
    assert fetch(port, "--http1.1", "-H", "Host:") is None
    assert proxy.quit() == 0
    assert path.read_text() == f"{NAME} TLSv1.3 missing_host_header\n"


def test_plaintext_at_a_tls_listener_is_closed(weft, upstream, server_certificate, run):
    port, config = simple(upstream().port, transport_socket=downstream_tls(server_certificate))
    weft(config)
    assert run("curl", "-sS", f"http://127.0.0.1:{port}/echo").returncode != 0
