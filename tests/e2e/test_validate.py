"""`weft proxy --mode validate`: what it says and how it ends, and whether Envoy would agree.

The verdicts of Envoy are compared where it is installed (./dev bench installs it into build/venv); else only Weft's are.
"""
import copy
import json
import os
import pathlib
import subprocess

import pytest
from processes import ROOT

ENVOY = pathlib.Path(os.environ.get("ENVOY_BINARY", ROOT / "build/venv/bin/envoy"))
EXAMPLES = sorted(path.relative_to(ROOT) for path in (ROOT / "examples/envoy").glob("http1.*")) + [
    pathlib.Path("examples/envoy/routing.yaml"), pathlib.Path("examples/envoy/mtls-ingress.yaml")]
TYPE = "type.googleapis.com/envoy."


def validate(binary, path, *options):
    return subprocess.run([str(binary), *(["proxy"] if binary != ENVOY else ["--log-level", "critical"]), "-c", str(path), "--mode", "validate",
                           *options], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_good_configuration_is_ok_and_ends_with_0(weft_binary, example):
    done = validate(weft_binary, example)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"configuration '{example}' OK\n", "")


def test_every_fault_is_told_at_once_with_place_and_rule(weft_binary, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("static_resources:\n"
                    "  clusters:\n"
                    "    - name: a\n"
                    "      connect_timeout: soon\n"
                    "      typ: STATIC\n"
                    "    - name: 5\n"
                    "tracing: {}\n")
    done = validate(weft_binary, path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f'{path}:4:7: static_resources.clusters[0].connect_timeout: "soon": must be a duration in seconds, as "1.5s"',
        f'{path}:5:7: static_resources.clusters[0].typ: no such field in envoy.config.cluster.v3.Cluster; did you mean "type"?',
        f"{path}:6:7: static_resources.clusters[1].name: 5: must be a string (put it in quotes)",
        f"{path}:7:1: tracing: not implemented by Weft",
        f"configuration '{path}': 4 faults"]


def test_config_yaml_is_merged_over_the_file(weft_binary):
    done = validate(weft_binary, "examples/envoy/http1.yaml", "--config-yaml", "static_resources: {clusters: [{name: service}]}")
    assert done.returncode == 1
    assert done.stderr.startswith("--config-yaml:1:32: static_resources.clusters[1].name: \"service\": another cluster has this name")


@pytest.mark.parametrize("arguments", [["proxy"], ["proxy", "-c", "x", "--base-id", "1"], ["proxy", "-c", "x", "--mode", "try"], ["nonsense"], []])
def test_a_mistake_on_the_command_line_ends_with_2(weft_binary, arguments):
    done = subprocess.run([str(weft_binary), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done
    assert done.stderr


def test_help_and_version_end_with_0(weft_binary):
    for arguments in (["--help"], ["proxy", "--help"], ["--version"], ["version"]):
        done = subprocess.run([str(weft_binary), *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stdout, (arguments, done)


# ---- verdicts beside Envoy's ----------------------------------------------------------------------------------------

def base():
    return json.loads((ROOT / "examples/envoy/http1.json").read_text())


def listeners(config):
    return config["static_resources"]["listeners"]


def clusters(config):
    return config["static_resources"]["clusters"]


def hcm(config):
    return listeners(config)[0]["filter_chains"][0]["filters"][0]["typed_config"]


def hosts(config):
    return hcm(config)["route_config"]["virtual_hosts"]


def route(config):
    return hosts(config)[0]["routes"][0]


def second_listener(config, **changes):
    listeners(config).append({**copy.deepcopy(listeners(config)[0]), **changes})


def at_port(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def tls_versions(config, least, most):
    certificates = "examples/envoy/certificates"
    listeners(config)[0]["filter_chains"][0]["transport_socket"] = {"name": "tls", "typed_config": {
        "@type": TYPE + "extensions.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": least, "tls_maximum_protocol_version": most},
            "tls_certificates": [{"certificate_chain": {"filename": certificates + "/server.pem"},
                                  "private_key": {"filename": certificates + "/server.key"}}]}}}


# What is changed in http1.json; whether Envoy takes it; whether Weft does, where that differs on purpose.
VERDICTS = {
    "two_listeners_of_one_name": (lambda c: second_listener(c, address=at_port(10001)), True),
    "two_listeners_on_one_address": (lambda c: second_listener(c, name="b"), False),
    "two_hosts_of_one_name": (lambda c: hosts(c).append({**copy.deepcopy(hosts(c)[0]), "domains": ["a"]}), True),
    "two_hosts_of_one_domain": (lambda c: hosts(c).append({**copy.deepcopy(hosts(c)[0]), "name": "b"}), False),
    "two_clusters_of_one_name": (lambda c: clusters(c).append(clusters(c)[0]), False),
    "an_unknown_cluster": (lambda c: route(c)["route"].update(cluster="nope"), False),
    "an_unknown_cluster_not_validated": (lambda c: (route(c)["route"].update(cluster="nope"), hcm(c)["route_config"].update(validate_clusters=False)), True),
    "a_cluster_without_type": (lambda c: clusters(c)[0].pop("type"), True),
    "a_name_in_a_static_cluster": (lambda c: clusters(c)[0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
                                   ["socket_address"].update(address="example.com"), False),
    "tls_versions_in_order": (lambda c: tls_versions(c, "TLSv1_2", "TLSv1_3"), True),
    "tls_versions_out_of_order": (lambda c: tls_versions(c, "TLSv1_3", "TLSv1_2"), True, False),
    "two_rewrites": (lambda c: route(c)["route"].update(prefix_rewrite="/a", regex_rewrite={"pattern": {"regex": "a"}, "substitution": "b"}), False),
    "a_substitution_without_group": (lambda c: route(c)["route"].update(regex_rewrite={"pattern": {"regex": "a"}, "substitution": "\\1"}), True, False),
    "a_bad_regex": (lambda c: route(c).update(match={"safe_regex": {"regex": "("}}), False),
    "a_router_called_otherwise": (lambda c: hcm(c)["http_filters"][0].update(name="http-router"), True),
    "no_router": (lambda c: hcm(c).update(http_filters=[]), True, False),
    "two_routers": (lambda c: hcm(c)["http_filters"].append(copy.deepcopy(hcm(c)["http_filters"][0])), False),
    "a_change_of_host": (lambda c: route(c).update(request_headers_to_add=[{"header": {"key": "host", "value": "a"}}]), False),
    "a_change_of_a_pseudo_header": (lambda c: route(c).update(request_headers_to_add=[{"header": {"key": ":path", "value": "a"}}]), False),
    "a_removal_of_host": (lambda c: route(c).update(request_headers_to_remove=["Host"]), False),
    "weights_of_zero": (lambda c: route(c).update(route={"weighted_clusters": {"clusters": [{"name": "service", "weight": 0}]}}), False),
    "unknown_retry_words": (lambda c: route(c)["route"].update(retry_policy={"retry_on": "5xx,nonsense"}), True),
    "back_off_above_its_maximum": (lambda c: route(c)["route"].update(retry_policy={"retry_back_off": {"base_interval": "1s", "max_interval": "0.5s"}}), False),
    "an_unknown_field": (lambda c: route(c)["route"].update(tiemout="1s"), False),
    "a_number_for_a_string": (lambda c: listeners(c)[0].update(name=5), False),
    "a_partial_wildcard": (lambda c: listeners(c)[0]["filter_chains"][0].update(filter_chain_match={"server_names": ["a*.b"]}), False),
    "equal_filter_chain_matches": (lambda c: listeners(c)[0]["filter_chains"].append(copy.deepcopy(listeners(c)[0]["filter_chains"][0])), False),
    "an_unknown_log_operator": (lambda c: hcm(c).update(access_log=[{"name": "a", "typed_config": {
        "@type": TYPE + "extensions.access_loggers.stream.v3.StdoutAccessLog", "log_format": {"text_format_source": {"inline_string": "%NOPE%"}}}}]), False),
    "a_negative_duration": (lambda c: route(c)["route"].update(timeout="-1s"), False),
    "a_negative_idle_timeout": (lambda c: hcm(c).update(stream_idle_timeout="-0.5s"), False),
    "two_runtime_layers_of_one_name": (lambda c: c.update(layered_runtime={"layers": [{"name": "a", "static_layer": {}}] * 2}), False),
    "two_admin_layers": (lambda c: c.update(layered_runtime={"layers": [{"name": "a", "admin_layer": {}}, {"name": "b", "admin_layer": {}}]}), False),
    "a_window_too_small": (lambda c: hcm(c).update(http2_protocol_options={"initial_stream_window_size": 100}), False),
    "a_large_direct_response": (lambda c: (route(c).pop("route"), route(c).update(direct_response={"status": 200, "body": {"inline_string": "x" * 4097}})), False),
    "auto_protocol_without_tls": (lambda c: clusters(c)[0].update(typed_extension_protocol_options={
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {"@type": TYPE + "extensions.upstreams.http.v3.HttpProtocolOptions", "auto_config": {}}}), False),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_is_envoys_or_stricter_on_purpose(weft_binary, tmp_path, name):
    change, is_ok_for_envoy, *own = VERDICTS[name]
    config = base()
    change(config)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    done = validate(weft_binary, path)
    assert (done.returncode == 0) == (own[0] if own else is_ok_for_envoy), done
    if ENVOY.exists():
        done = validate(ENVOY, path)
        assert (done.returncode == 0) == is_ok_for_envoy, done
