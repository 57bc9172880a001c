"""gRPC C++ through the proxy: every kind of call, deadlines, cancellation, trailers-only answers, retries."""
import pytest

from bootstrap import bootstrap, cluster, listener, route
from processes import free_port, grpc_call, wait_until

OK, CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE = 0, 1, 4, 14


@pytest.fixture
def service(weft, grpc_server):
    """A proxy in front of a gRPC server; action fields are added to its route. Returns (port, server, proxy)."""
    def start(**action):
        server, port = grpc_server("one"), free_port()
        trusted = {"use_remote_address": True, "internal_address_config": {"cidr_ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]}}
        proxy = weft(bootstrap([listener(port, [route("/", "service", **action)], **trusted)], [cluster("service", server.port, http2=True)]))
        return port, server, proxy
    return start


def test_unary_carries_metadata_both_ways(service):
    port, _, _ = service()
    answer = grpc_call(port, "unary", text="hello", metadata="x-word=value")
    assert (answer["code"], answer["replies"][0]["text"]) == (OK, "hello"), answer
    assert answer["initial"]["x-instance"] == "one" and answer["trailing"]["x-trailer"] == "yes"


def test_a_large_message_passes(service):
    port, _, _ = service()
    answer = grpc_call(port, "unary", size=3_000_000)
    assert answer["code"] == OK and answer["replies"][0]["bytes"] == 3_000_000, answer


def test_client_streams_arrive_whole_and_in_order(service):
    port, _, _ = service()
    answer = grpc_call(port, "client-stream", text="abc", count=200)
    assert answer["code"] == OK and answer["replies"][0]["bytes"] == 600 and answer["replies"][0]["index"] == 200, answer


def test_server_streams_arrive_in_order(service):
    port, _, _ = service()
    answer = grpc_call(port, "server-stream", text="x", count=300)
    assert answer["code"] == OK and [reply["index"] for reply in answer["replies"]] == list(range(300))


def test_bidirectional_streams_answer_message_by_message(service):
    port, _, _ = service()
    answer = grpc_call(port, "bidi", text="ping", count=50)
    assert answer["code"] == OK and [reply["index"] for reply in answer["replies"]] == list(range(50))


def test_trailers_only_answers_pass_with_their_status(service):
    port, _, _ = service()
    answer = grpc_call(port, "unary", fail_code=7)
    assert answer["code"] == 7 and answer["message"] == "as asked" and answer["replies"] == [], answer


def test_a_deadline_of_the_client_cancels_the_call_at_the_server(service):
    port, _, _ = service(timeout="0s")
    assert grpc_call(port, "unary", delay_ms=20000, deadline_ms=300)["code"] == DEADLINE_EXCEEDED
    wait_until(lambda: grpc_call(port, "seen")["cancelled"] == 1, "the server saw the call cancelled")


def test_cancellation_by_the_client_reaches_the_server(service):
    port, _, _ = service(timeout="0s")
    answer = grpc_call(port, "server-stream", count=100000, delay_ms=5, cancel_after=3)
    assert answer["code"] == CANCELLED and len(answer["replies"]) >= 3, answer
    wait_until(lambda: grpc_call(port, "seen")["cancelled"] == 1, "the server saw the call cancelled")


def test_grpc_timeout_is_the_deadline_where_the_route_says_so(service):
    port, _, _ = service(timeout="0s", max_stream_duration={"grpc_timeout_header_max": "1s"})
    # The client would wait 60 s; the route allows one.
    answer = grpc_call(port, "unary", delay_ms=20000, deadline_ms=60000)
    assert answer["code"] in (DEADLINE_EXCEEDED, UNAVAILABLE), answer
    wait_until(lambda: grpc_call(port, "seen")["cancelled"] == 1, "the server saw the call cancelled")


def test_the_server_sees_what_is_left_of_the_deadline(service):
    port, _, _ = service(timeout="0s", max_stream_duration={"grpc_timeout_header_max": "5s"})
    answer = grpc_call(port, "unary", deadline_ms=60000)
    assert answer["code"] == OK and 0 < answer["replies"][0]["deadline_ms"] <= 60000, answer


def test_a_route_timeout_is_a_grpc_status(service):
    port, _, _ = service(timeout="0.3s")
    assert grpc_call(port, "unary", delay_ms=20000)["code"] in (DEADLINE_EXCEEDED, UNAVAILABLE)


def test_a_status_in_the_headers_is_retried(service):
    port, _, proxy = service(retry_policy={"retry_on": "unavailable", "num_retries": 2})
    answer = grpc_call(port, "unary", text="twice", fail_code=UNAVAILABLE, fail_first=2)
    assert answer["code"] == OK, answer
    assert grpc_call(port, "seen")["calls"] == 3
    assert proxy.stats()["cluster.service.upstream_rq_retry"] == 2


def test_no_server_is_unavailable(weft):
    port = free_port()
    weft(bootstrap([listener(port, [route("/", "service")])], [cluster("service", free_port(), http2=True)]))
    assert grpc_call(port, "unary")["code"] == UNAVAILABLE


def test_an_unknown_route_is_unimplemented(weft):
    port = free_port()
    weft(bootstrap([listener(port, [])], [cluster("service", free_port(), http2=True)]))
    assert grpc_call(port, "unary")["code"] == 12
