"""The HTTP/2 half of beside.py: a client and an upstream over python3-h2, with its checks of what goes out switched off."""
import select
import socket
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions


def connection(is_client: bool) -> h2.connection.H2Connection:
    return h2.connection.H2Connection(h2.config.H2Configuration(
        client_side=is_client, header_encoding="latin-1", validate_outbound_headers=False, normalize_outbound_headers=False,
        validate_inbound_headers=False, normalize_inbound_headers=False))


def ask(path="/", *headers: str, method="GET", authority="test", scheme="http", body=b"", trailers=(), without=(), steps=None, end=True,
    extra=()) -> dict:
    """One request: pseudo headers (less `without`, plus `extra` after them), "name: value" lines, then the body in one piece."""
    pseudo = {":method": method, ":scheme": scheme, ":authority": authority, ":path": path}
    lines = [(name, value) for name, value in pseudo.items() if name not in without] + list(extra)
    lines += [tuple(part.strip() for part in line.rsplit(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in headers]
    return {"headers": lines, "body": body, "trailers": list(trailers), "end": end, "then": steps}


def send(engine, stream: int, request: dict):
    has_more = bool(request["body"] or request["trailers"] or not request["end"])
    engine.send_headers(stream, request["headers"], end_stream=not has_more)
    if request["body"]:
        engine.send_data(stream, request["body"], end_stream=request["end"] and not request["trailers"])
    if request["trailers"]:
        engine.send_headers(stream, request["trailers"], end_stream=True)


def converse(plain: socket.socket, requests: list, seconds: float, quiet: float):
    """Sends every request on its own stream and returns what each got, and what became of the connection."""
    engine = connection(True)
    engine.initiate_connection()
    streams, results = [], {}
    for request in requests:
        stream = engine.get_next_available_stream_id()
        streams.append(stream)
        results[stream] = {"headers": [], "informational": [], "body": "", "trailers": [], "reset": None, "ended": False}
        send(engine, stream, request)
        if request["then"] == "reset":
            engine.reset_stream(stream, 8)
    end = "open"
    try:
        plain.sendall(engine.data_to_send())
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            is_done = all(one["ended"] or one["reset"] is not None for one in results.values())
            plain.settimeout(max(0.001, min(quiet, deadline - time.monotonic()) if is_done else deadline - time.monotonic()))
            try:
                data = plain.recv(65536)
            except (TimeoutError, socket.timeout):
                break
            if not data:
                end = "closed"
                break
            for event in engine.receive_data(data):
                goaway = note(engine, event, results)
                if goaway is not None:
                    end = f"goaway {goaway}"
            plain.sendall(engine.data_to_send())
    except (ConnectionError, BrokenPipeError):
        end += " reset"
    except h2.exceptions.ProtocolError as error:
        end += f" {error}"
    return [results[stream] for stream in streams], end


def note(engine, event, results):
    one = results.get(getattr(event, "stream_id", None))
    if isinstance(event, h2.events.ConnectionTerminated):
        return int(event.error_code)
    if one is None:
        return None
    if isinstance(event, h2.events.ResponseReceived):
        one["headers"] = sorted(event.headers)
    elif isinstance(event, h2.events.InformationalResponseReceived):
        one["informational"].append(sorted(event.headers))
    elif isinstance(event, h2.events.TrailersReceived):
        one["trailers"] = sorted(event.headers)
    elif isinstance(event, h2.events.DataReceived):
        one["body"] += event.data.decode("latin-1")
        engine.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
    elif isinstance(event, h2.events.StreamEnded):
        one["ended"] = True
    elif isinstance(event, h2.events.StreamReset):
        one["reset"] = int(event.error_code)
    return None


def serve(plain: socket.socket, first: bytes, record, answers: dict):
    """An upstream's connection: record(entry) for each request, answers[x-answer] as a list of operations."""
    engine = connection(False)
    engine.initiate_connection()
    plain.sendall(engine.data_to_send())
    entries, pending = {}, first
    while True:
        data, pending = pending or plain.recv(65536), b""
        if not data:
            return
        for event in engine.receive_data(data):
            stream = getattr(event, "stream_id", 0)
            if isinstance(event, h2.events.RequestReceived):
                entries[stream] = {"line": "HTTP/2", "headers": [tuple(pair) for pair in event.headers], "body": "", "trailers": []}
                record(entries[stream])
            elif isinstance(event, h2.events.DataReceived):
                entries[stream]["body"] += event.data.decode("latin-1")
                engine.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.TrailersReceived):
                entries[stream]["trailers"] = [tuple(pair) for pair in event.headers]
            elif isinstance(event, h2.events.StreamReset) and stream in entries:
                entries[stream]["reset"] = int(event.error_code)
            elif isinstance(event, h2.events.StreamEnded):
                name = dict(entries[stream]["headers"]).get("x-answer", "")
                if not play(plain, engine, stream, answers[name]):
                    return
        plain.sendall(engine.data_to_send())


def play(plain, engine, stream: int, operations: list) -> bool:
    """("head", lines, end), ("data", bytes, end), ("trailers", lines), ("reset", code), ("goaway", code), ("raw", bytes), seconds, "close"."""
    for operation in operations:
        if operation == "close":
            plain.sendall(engine.data_to_send())
            plain.shutdown(socket.SHUT_RDWR)
            return False
        if isinstance(operation, (int, float)):
            plain.sendall(engine.data_to_send())
            if select.select([plain], [], [], operation)[0]:
                for event in engine.receive_data(plain.recv(65536)):
                    if isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                        return True
            continue
        kind, *arguments = operation
        if kind == "head":
            engine.send_headers(stream, [tuple(part.strip() for part in line.rsplit(": ", 1)) for line in arguments[0]], end_stream=arguments[1])
        elif kind == "data":
            engine.send_data(stream, arguments[0], end_stream=arguments[1])
        elif kind == "trailers":
            engine.send_headers(stream, [tuple(line.split(": ", 1)) for line in arguments[0]], end_stream=True)
        elif kind == "reset":
            engine.reset_stream(stream, arguments[0])
        elif kind == "goaway":
            engine.close_connection(arguments[0])
        elif kind == "raw":
            plain.sendall(engine.data_to_send() + arguments[0])
    plain.sendall(engine.data_to_send())
    return True
