"""The proxies side by side, each configured to do the same: Weft and Envoy read one file, the others their own equivalent.

A peer makes the command lines of one scenario: one program, or two for the pair of sidecars. The first listens on `port`.
"""
import dataclasses
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import bootstrap  # noqa: E402  (the builders of the end-to-end tests)
from lib.process import free_port  # noqa: E402

DOWNSTREAM_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
UPSTREAM_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
SERVER_NAME = "sidecar.bench"


@dataclasses.dataclass
class Task:
    """What one proxy (or pair) is to do."""
    kind: str              # h1, h2, tls or pair
    folder: pathlib.Path
    port: int
    backend: int           # port of the plain HTTP/1.1 service
    server: object         # certificates.Issued
    client: object
    authority: pathlib.Path
    workers: int = 1
    between: int = dataclasses.field(default_factory=free_port)  # the pair's inner port
    admin: int = dataclasses.field(default_factory=free_port)

    def write(self, name: str, text: str) -> pathlib.Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_text(text)
        return path

    def bundle(self, issued, name: str) -> pathlib.Path:
        """Certificate and key in one file, as HAProxy wants them."""
        return self.write(name, issued.certificate.read_text() + issued.key.read_text())


class Peer:
    name: str
    kinds = ("h1", "h2", "tls", "pair")

    def version(self):
        """A short version, or None where the program is missing."""
        raise NotImplementedError

    def commands(self, task: Task) -> list[list]:
        raise NotImplementedError

    def ready_port(self, task: Task) -> int:
        return task.port


def version_of(command, pattern: str):
    try:
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    except OSError:
        return None
    found = re.search(pattern, done.stdout)
    return found.group(1) if found else None


# ---- Weft and Envoy --------------------------------------------------------------------------------------------

def files_of(issued) -> list[dict]:
    return [{"certificate_chain": {"filename": str(issued.certificate)}, "private_key": {"filename": str(issued.key)}}]


def validation(task: Task, identity: str) -> dict:
    return {"trusted_ca": {"filename": str(task.authority)},
            "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"exact": identity}}]}


def downstream_tls(task: Task, mutual: bool) -> dict:
    common = {"tls_certificates": files_of(task.server), "alpn_protocols": ["h2"] if mutual else ["http/1.1"]}
    if mutual:
        common["validation_context"] = validation(task, "spiffe://bench/client")
    typed = {"@type": DOWNSTREAM_TLS, "common_tls_context": common}
    if mutual:
        typed["require_client_certificate"] = True
    return {"name": "tls", "typed_config": typed}


def upstream_tls(task: Task) -> dict:
    return {"name": "tls", "typed_config": {
        "@type": UPSTREAM_TLS, "sni": SERVER_NAME,
        "common_tls_context": {"tls_certificates": files_of(task.client), "alpn_protocols": ["h2"],
                               "validation_context": validation(task, "spiffe://bench/server")}}}


def envoy_bootstraps(task: Task) -> list[dict]:
    """One bootstrap, or two for the pair; the same for Weft and Envoy, without any field that only one of them knows."""
    def config(port, admin, upstream, codec, tls=None, http2=False, upstream_socket=None):
        fields = {"transport_socket": upstream_socket} if upstream_socket else {}
        made = bootstrap.bootstrap(
            [bootstrap.listener(port, [bootstrap.route("/", "service")], transport_socket=tls, codec_type=codec)],
            [bootstrap.cluster("service", upstream, http2=http2, **fields)])
        made["admin"] = {"address": bootstrap.address(admin)}
        return made

    if task.kind == "pair":
        return [config(task.port, task.admin, task.between, "HTTP1", http2=True, upstream_socket=upstream_tls(task)),
                config(task.between, free_port(), task.backend, "HTTP2", tls=downstream_tls(task, mutual=True))]
    codec = "HTTP2" if task.kind == "h2" else "HTTP1"
    tls = downstream_tls(task, mutual=False) if task.kind == "tls" else None
    return [config(task.port, task.admin, task.backend, codec, tls=tls)]


class Weft(Peer):
    name = "Weft"
    binary = ROOT / "build/release/weft"

    def version(self):
        if subprocess.run([self.binary, "proxy", "--help"], capture_output=True).returncode != 0:
            return None
        commit = version_of(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], r"(\w+)")
        return f"{version_of([self.binary, '--version'], r'([0-9][0-9.]*)') or ''} {commit}".strip()

    def commands(self, task):
        return [[self.binary, "proxy", "-c", task.write(f"bootstrap-{i}.json", json.dumps(config, indent=1)),
                 "--concurrency", task.workers, "--log-level", "error"]
                for i, config in enumerate(envoy_bootstraps(task))]

    def ready_port(self, task):
        return task.admin


def envoy_binary() -> pathlib.Path:
    """The program itself: the PyPI package's `envoy` is a script that becomes it, which callgrind does not follow."""
    return next((ROOT / "build/venv/lib").glob("python3*/site-packages/envoy/_bin/envoy"), ROOT / "build/venv/bin/envoy")


class Envoy(Weft):
    name = "Envoy"
    binary = envoy_binary()

    def version(self):
        return version_of([self.binary, "--version"], r"/(\d+\.\d+\.\d+)/")

    def commands(self, task):
        return [[self.binary, "-c", task.write(f"bootstrap-{i}.json", json.dumps(config, indent=1)),
                 "--concurrency", task.workers, "--disable-hot-restart", "-l", "error"]
                for i, config in enumerate(envoy_bootstraps(task))]


# ---- The others ------------------------------------------------------------------------------------------------

def nginx_command(task: Task, name: str, http: str) -> list:
    """nginx with this `http` block in a folder of its own; one worker runs in the process that was started."""
    task.folder.mkdir(parents=True, exist_ok=True)
    paths = "".join(f"{part}_temp_path {task.folder}/{part};" for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    master = "master_process off;" if task.workers == 1 else f"master_process on; worker_processes {task.workers};"
    path = task.write(name, f"daemon off; {master} pid {task.folder}/{name}.pid; error_log stderr crit;\n"
                            f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; {paths}\n{http}\n}}\n")
    return ["/usr/sbin/nginx", "-p", task.folder, "-c", path, "-e", "stderr"]


FOREVER = "keepalive_requests 1000000000; keepalive_timeout 600s;"


class Nginx(Peer):
    name = "nginx"
    kinds = ("h1", "h2", "tls")  # it speaks no HTTP/2 to the service, so there is no pair of it

    def version(self):
        return version_of(["/usr/sbin/nginx", "-v"], r"nginx/([\d.]+)")

    def commands(self, task):
        listen = {"h1": "", "h2": " http2", "tls": " ssl"}[task.kind]
        tls = ""
        if task.kind == "tls":
            tls = f"ssl_certificate {task.server.certificate}; ssl_certificate_key {task.server.key}; ssl_protocols TLSv1.3;"
        return [nginx_command(task, "nginx.conf", f"""
upstream service {{ server 127.0.0.1:{task.backend}; keepalive 128; {FOREVER} }}
server {{
  listen 127.0.0.1:{task.port}{listen}; {tls} {FOREVER}
  location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }}
}}""")]


class Haproxy(Peer):
    name = "HAProxy"

    def version(self):
        return version_of(["/usr/sbin/haproxy", "-v"], r"version ([\d.]+)")

    def commands(self, task):
        head = (f"global\n  nbthread {task.workers}\n  maxconn 4000\ndefaults\n  mode http\n  timeout connect 5s\n"
                f"  timeout client 60s\n  timeout server 60s\n  http-reuse always\n")
        plain = f"backend service\n  server s 127.0.0.1:{task.backend}\n"
        bind = {"h1": "", "h2": " proto h2", "tls": "", "pair": ""}[task.kind]
        if task.kind == "tls":
            bind = f" ssl crt {task.bundle(task.server, 'server.pem')} ssl-min-ver TLSv1.3 alpn http/1.1"
        front = f"frontend ingress\n  bind 127.0.0.1:{task.port}{bind}\n  default_backend service\n"
        if task.kind != "pair":
            return [self.command(task, "haproxy.cfg", head + front + plain)]
        sidecar = (f"backend service\n  server s 127.0.0.1:{task.between} ssl verify required ca-file {task.authority} "
                   f"crt {task.bundle(task.client, 'client.pem')} alpn h2 sni str({SERVER_NAME}) verifyhost {SERVER_NAME}\n")
        inner = (f"frontend mesh\n  bind 127.0.0.1:{task.between} ssl crt {task.bundle(task.server, 'server.pem')} "
                 f"ca-file {task.authority} verify required alpn h2\n  default_backend service\n")
        return [self.command(task, "outer.cfg", head + front + sidecar), self.command(task, "inner.cfg", head + inner + plain)]

    @staticmethod
    def command(task, name, text):
        return ["/usr/sbin/haproxy", "-db", "-f", task.write(name, text)]


class Nghttpx(Peer):
    name = "nghttpx"

    def version(self):
        return version_of(["/usr/sbin/nghttpx", "--version"], r"nghttp2/([\d.]+)")

    def commands(self, task):
        common = ["/usr/sbin/nghttpx", f"--conf={task.write('nghttpx.conf', '')}", f"--workers={task.workers}",
                  "--accesslog-file=/dev/null", "--errorlog-file=/dev/stderr", "--log-level=ERROR", "--single-process"]
        plain = [f"--backend=127.0.0.1,{task.backend}", f"--backend-connections-per-host=128"]
        keys = [str(task.server.key), str(task.server.certificate)]
        if task.kind == "tls":
            return [[*common, f"--frontend=127.0.0.1,{task.port}", *plain, "--npn-list=http/1.1", *keys]]
        front = f"--frontend=127.0.0.1,{task.port};no-tls"
        if task.kind != "pair":
            return [[*common, front, *plain]]
        return [[*common, front, f"--backend=127.0.0.1,{task.between};/;proto=h2;tls;sni={SERVER_NAME}", f"--cacert={task.authority}",
                 f"--client-private-key-file={task.client.key}", f"--client-cert-file={task.client.certificate}"],
                [*common, f"--frontend=127.0.0.1,{task.between}", *plain, "--verify-client", f"--verify-client-cacert={task.authority}",
                 *keys]]


class Floor(Peer):
    """Bytes in, bytes out, on Weft's own loop: what a proxy would cost if it did nothing."""
    name = "floor"
    kinds = ("h1",)
    binary = ROOT / "build/release/bench_floor"

    def version(self):
        return "forwards bytes, parses nothing" if self.binary.exists() else None

    def commands(self, task):
        return [[self.binary, task.port, task.backend]]


ALL = [Weft(), Envoy(), Nginx(), Haproxy(), Nghttpx(), Floor()]
