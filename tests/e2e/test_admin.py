"""The admin port, by curl."""
import json
import re

import pytest

from bootstrap import bootstrap, cluster, downstream_tls, listener, route, simple
from processes import free_port, wait_until


@pytest.fixture
def admin(weft, upstream, run):
    """A proxy that has served three requests; admin(path, *options) is curl's status and body."""
    server = upstream()
    port, config = simple(server.port)
    proxy = weft(config)
    for path in ("/echo", "/echo", "/status/404"):
        run("curl", "-sS", "-o", "/dev/null", f"http://127.0.0.1:{port}{path}")

    def ask(path, *options):
        done = run("curl", "-sS", "-w", "\n%{http_code}", *options, f"http://127.0.0.1:{proxy.admin_port}{path}")
        body, status = done.stdout.rsplit("\n", 1)
        return int(status), body
    ask.proxy, ask.port, ask.server = proxy, port, server
    return ask


def test_ready_says_live(admin):
    assert admin("/ready") == (200, "LIVE\n")


def test_server_info_names_state_and_version(admin):
    status, body = admin("/server_info")
    info = json.loads(body)
    assert status == 200 and info["state"] == "LIVE" and info["version"] and "command_line_options" in info


def test_stats_count_what_happened(admin):
    stats = admin.proxy.stats()
    expected = {"http.ingress.downstream_rq_total": 3, "http.ingress.downstream_rq_2xx": 2, "http.ingress.downstream_rq_4xx": 1,
                "http.ingress.downstream_cx_total": 3, "cluster.service.upstream_rq_total": 3, "cluster.service.upstream_rq_2xx": 2,
                "cluster.service.upstream_rq_404": 1, "cluster.service.membership_total": 1, "cluster.service.membership_healthy": 1}
    assert {name: stats.get(name) for name in expected} == expected


def test_the_servers_own_statistics_are_right_at_once(weft, upstream, authority):
    port, config = simple(upstream().port, transport_socket=downstream_tls(authority.issue("shown", names=["shown.example"])))
    proxy = weft(config)
    stats = proxy.stats()
    assert (stats["server.state"], stats["server.live"]) == (0, 1)
    assert stats["server.days_until_first_cert_expiring"] in range(25, 31)
    version = json.loads(proxy.admin("/server_info")[1])["version"].removeprefix("weft/").split(".")
    assert stats["server.version"] == sum(int(part) * scale for part, scale in zip(version, (10000, 100, 1)))
    proxy.admin("/healthcheck/fail", method="POST")
    assert proxy.stats()["server.state"] == 1 and proxy.admin("/ready", check=False)[0] == 503


def test_stats_are_filtered_and_shown_as_json(admin):
    _, text = admin("/stats?filter=downstream_rq_2xx")
    assert all("downstream_rq_2xx" in line for line in text.splitlines()) and text
    _, body = admin("/stats?format=json&filter=http.ingress.downstream_rq_total")
    assert {"name": "http.ingress.downstream_rq_total", "value": 3} in json.loads(body)["stats"]
    assert admin("/stats?filter=(")[0] == 400
    used = admin("/stats?usedonly")[1]
    assert "cluster.service.upstream_rq_total: 3" in used and "upstream_rq_retry:" not in used


def test_prometheus_has_envoys_names_tags_and_buckets(admin):
    for path in ("/stats/prometheus", "/stats?format=prometheus"):
        status, text = admin(path)
        assert status == 200
        assert re.search(r'^envoy_http_downstream_rq_xx\{envoy_response_code_class="2",envoy_http_conn_manager_prefix="ingress"\} 2$', text, re.M), text[:3000]
        assert re.search(r'^envoy_cluster_upstream_rq_total\{envoy_cluster_name="service"\} 3$', text, re.M)
    assert "# TYPE envoy_cluster_upstream_rq_total counter" in text
    # Histograms are merged every few seconds.
    wait_until(lambda: re.search(r'^envoy_cluster_upstream_rq_time_bucket\{envoy_cluster_name="service",le="\+Inf"\} 3$', admin("/stats/prometheus")[1], re.M), "the histogram is there")


def test_clusters_show_each_endpoint(admin):
    _, text = admin("/clusters")
    assert f"service::127.0.0.1:{admin.server.port}::rq_total::3" in text, text
    assert "service::default_priority::max_connections::1024" in text
    _, body = admin("/clusters?format=json")
    status = json.loads(body)["cluster_statuses"][0]
    assert status["name"] == "service"
    assert status["host_statuses"][0]["address"]["socket_address"]["port_value"] == admin.server.port


def test_clusters_show_where_endpoints_are_and_how_they_fare(weft, upstream, run):
    server = upstream()
    service = cluster("service", server.port)
    endpoints = service["load_assignment"]["endpoints"][0]
    endpoints["locality"] = {"region": "r1", "zone": "z1", "sub_zone": "s1"}
    endpoints["lb_endpoints"][0]["health_status"] = "DEGRADED"
    proxy = weft(bootstrap([listener(free_port(), [route("/", "service")])], [service]))
    text = run("curl", "-sS", f"http://127.0.0.1:{proxy.admin_port}/clusters").stdout
    for line in ("region::r1", "zone::z1", "sub_zone::s1", "health_flags::/degraded_eds_health"):
        assert f"service::127.0.0.1:{server.port}::{line}\n" in text, text
    assert proxy.stats()["cluster.service.membership_degraded"] == 1


def test_listeners_show_their_addresses(admin):
    assert f"ingress::127.0.0.1:{admin.port}" in admin("/listeners")[1]
    body = json.loads(admin("/listeners?format=json")[1])
    assert body["listener_statuses"][0]["local_address"]["socket_address"]["port_value"] == admin.port


def test_config_dump_holds_what_was_given(admin):
    dump = json.loads(admin("/config_dump")[1])
    kinds = [part["@type"].rsplit(".", 1)[1] for part in dump["configs"]]
    assert {"BootstrapConfigDump", "ClustersConfigDump", "ListenersConfigDump"} <= set(kinds), kinds
    assert '"service"' in json.dumps(dump) and str(admin.port) in json.dumps(dump)


def test_certs_show_expiry_and_names(weft, upstream, authority):
    port, config = simple(upstream().port, transport_socket=downstream_tls(authority.issue("shown", names=["shown.example"])))
    proxy = weft(config)
    certificates = json.loads(proxy.admin("/certs")[1])["certificates"]
    chain = certificates[0]["cert_chain"][0]
    assert {"dns": "shown.example"} in chain["subject_alt_names"], chain
    assert int(chain["days_until_expiration"]) in range(25, 31) and chain["path"].endswith(".crt")


def test_what_changes_something_takes_post_only(admin):
    for path in ("/quitquitquit", "/logging?level=info", "/reset_counters"):
        assert admin(path)[0] == 405, path
    assert admin.proxy.is_running()


def test_logging_levels_change(admin):
    status, text = admin("/logging?level=debug", "-X", "POST")
    assert status == 200 and "debug" in text
    assert admin("/logging?level=nonsense", "-X", "POST")[0] in (400, 404)


def test_quitquitquit_ends_the_program(admin):
    assert admin("/quitquitquit", "-X", "POST")[0] == 200
    assert admin.proxy.wait_exit() == 0


def test_an_unknown_path_is_404_and_help_lists_the_others(admin):
    assert admin("/nonsense")[0] == 404
    text = admin("/help")[1]
    assert all(path in text for path in ("/stats", "/clusters", "/config_dump", "/ready", "/server_info", "/certs", "/listeners", "/logging", "/quitquitquit"))


def test_counters_balance_after_load(weft, nginx, run):
    origin = nginx("server { listen 127.0.0.1:PORT; location / { return 200 'x'; } }")
    port, config = simple(origin.port)
    proxy = weft(config, "--concurrency", "2")
    run("h2load", "-n", "5000", "-c", "20", "-m", "5", f"http://127.0.0.1:{port}/")
    wait_until(lambda: proxy.stats()["http.ingress.downstream_cx_active"] == 0, "the connections are gone")
    stats = proxy.stats()
    assert stats["http.ingress.downstream_rq_total"] == stats["http.ingress.downstream_rq_2xx"] == stats["cluster.service.upstream_rq_total"] == 5000
    assert stats["http.ingress.downstream_rq_active"] == stats["cluster.service.upstream_rq_active"] == 0
    assert stats["http.ingress.downstream_cx_total"] == stats["http.ingress.downstream_cx_destroy"] == 20


SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')


def exposition(text):
    """The series of a Prometheus text as {(name, labels): value}, once it keeps every rule of format 0.0.4."""
    assert text.endswith("\n")
    series, types, family = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            family, kind = line.split(" ")[2:]
            assert family not in types and kind in ("counter", "gauge", "histogram", "summary"), line
            types[family] = kind
            continue
        name, labels, value = SERIES.fullmatch(line).groups()
        pairs = LABEL.findall(labels)
        assert "".join(f'{key}="{text}",' for key, text in pairs).rstrip(",") == labels, line
        assert len({key for key, _ in pairs}) == len(pairs), line
        in_parts = types[family] in ("histogram", "summary")
        assert (re.sub("_(bucket|sum|count)$", "", name) if in_parts else name) == family, line
        assert (name, tuple(pairs)) not in series, line
        series[name, tuple(pairs)] = float(value)
    for (name, pairs), count in series.items():
        if types.get(name.removesuffix("_count")) != "histogram":
            continue
        name = name.removesuffix("_count")
        buckets = [series[key] for key in series if key[0] == name + "_bucket" and key[1][:-1] == pairs]
        assert buckets == sorted(buckets) and buckets[-1] == count and (name + "_sum", pairs) in series, name
    return series


@pytest.mark.parametrize("query", ["", "?usedonly", "?text_readouts", "?histogram_buckets=summary"])
def test_what_a_scraper_gets_is_prometheus_text(weft, upstream, run, query):
    hostile = [cluster('odd "name"\\', upstream().port), cluster("alt", upstream().port, alt_stat_name="alt.dotted")]
    port = free_port()
    routes = [route("/odd", 'odd "name"\\'), route("/", "alt")]
    proxy = weft(bootstrap([listener(port, routes, name='in "x"')], hostile), "--concurrency", "2")
    run("curl", "-sS", "-o", "/dev/null", f"http://127.0.0.1:{port}/odd?[1-10]")
    run("curl", "-sS", "-o", "/dev/null", f"http://127.0.0.1:{port}/?[1-10]")
    series = exposition(proxy.admin("/stats/prometheus" + query)[1])
    answers = {pairs: value for (name, pairs), value in series.items() if name == "envoy_http_downstream_rq_xx"}
    assert [value for pairs, value in answers.items() if ("envoy_response_code_class", "2") in pairs] == [20.0]
    assert all(value == 0 for pairs, value in answers.items() if ("envoy_response_code_class", "2") not in pairs)
