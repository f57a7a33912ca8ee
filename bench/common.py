"""What the benchmarks need: servers that are started and stopped by process id, a tree of modules, tables."""
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import tempfile
import time
import urllib.request
import zipfile

NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A process with its children, pinned to one core if asked; stopped when the block ends."""

    def __init__(self, name, argv, url, core=None, env=None, log="/dev/null"):
        self.name, self.url = name, url
        pin = ["taskset", "-c", str(core)] if core is not None else []
        # Tuned by nothing that the caller has in the environment.
        clean = {"PATH": os.environ["PATH"], "LC_ALL": "C", **(env or {})}
        with open(log, "ab") as out:
            self.process = subprocess.Popen(pin + argv, env=clean, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        deadline = time.monotonic() + 20
        while True:
            if self.process.poll() is not None:
                raise SystemExit(f"{name} ended with {self.process.returncode}: see {log}")
            with contextlib.suppress(OSError):
                address = url.split("/")[2].split(":")
                socket.create_connection((address[0], int(address[1])), timeout=1).close()
                return
            if time.monotonic() > deadline:
                self.stop()
                raise SystemExit(f"{name} does not listen on {url}")
            time.sleep(0.01)

    def pids(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return [pid, *map(int, children.read().split())]

    def cpu_seconds(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory_mib(self, field="VmRSS"):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/status") as status:
                total += int(re.search(rf"{field}:\s+(\d+)", status.read()).group(1))
        return total / 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def certificate(work):
    """Files of a certificate for 127.0.0.1 and of its key."""
    pair = f"{work}/cert.pem", f"{work}/key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True)
    return pair


def nginx(name, root, work, core=None, access_log=True, tls=None, http2=False):
    """nginx as a file server: one worker, sendfile, open files and their metadata cached. With a certificate and its key
    it speaks TLS, and then HTTP/2 too; without, `http2` makes it speak that and nothing else.

    tcp_nopush is set where it helps nginx: small files leave in one packet with their head and are up to a quarter
    faster, while a large zip costs three times the CPU with it.
    """
    port, home = free_port(), tempfile.mkdtemp(dir=work)
    log = f"{home}/access.log combined buffer=32k flush=1s" if access_log else "off"
    user = "user root;" if os.geteuid() == 0 else ""
    speaks = "ssl http2" if tls else "http2" if http2 else ""
    pair = f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};" if tls else ""
    with open(f"{home}/nginx.conf", "w") as conf:
        conf.write(f"""
            {user} daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
            events {{ worker_connections 8192; }}
            http {{
                sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000;
                open_file_cache max=10000 inactive=1h; open_file_cache_valid 1h; access_log {log};
                types {{ application/json info; text/plain mod; application/zip zip; }} default_type text/plain;
                client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
                uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
                server {{
                    listen 127.0.0.1:{port} {speaks} reuseport backlog=4096; root {root}; {pair}
                    location ~ \\.zip$ {{ tcp_nopush off; }}
                }}
            }}""")
    argv = [NGINX, "-p", home, "-e", f"{home}/error.log", "-c", f"{home}/nginx.conf"]
    return Server(name, argv, f"http{'s' if tls else ''}://127.0.0.1:{port}", core, log=f"{home}/error.log")


def stoa(binary, upstream, work, core=None, tls=False, storage=None, **settings):
    """stoa with empty storage, a directory if none is given, JSON lines to a file; with `tls`, the settings name a certificate."""
    port, home = free_port(), tempfile.mkdtemp(dir=work)
    # No checksum database knows the modules of a benchmark.
    env = {"STOA_LOG_FORMAT": "json", "STOA_DRAIN_NOTICE": "0s", "STOA_SUMDB_DATABASES": "", **settings}
    argv = [binary, "serve", "--listen", f"127.0.0.1:{port}", "--storage", storage or f"{home}/storage", "--upstream",
            upstream]
    return Server("stoa", argv, f"http{'s' if tls else ''}://127.0.0.1:{port}", core, env, f"{home}/stoa.log")


@contextlib.contextmanager
def work_directory():
    # SIGTERM ends the script as an interrupt does, so that what it started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    work = tempfile.mkdtemp(prefix="stoa-bench-")
    os.chmod(work, 0o755)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def add_module(root, path, version, payload, versions=None):
    """A module version in GOPROXY layout; its zip holds `payload` random bytes."""
    directory = f"{root}/{path}/@v"
    os.makedirs(directory, exist_ok=True)
    requirements = "".join(f"\texample.com/dep{i} v1.{i}.0\n" for i in range(30))
    mod = f"module {path}\n\ngo 1.21\n\nrequire (\n{requirements})\n"
    info = {"Version": version, "Time": "2024-01-02T03:04:05Z"}
    files = {"list": "".join(v + "\n" for v in versions or [version]), f"{version}.mod": mod,
             f"{version}.info": json.dumps(info, separators=(",", ":"))}
    for name, text in files.items():
        with open(f"{directory}/{name}", "w") as file:
            file.write(text)
    rng, inside = random.Random(path), f"{path}@{version}/"
    with zipfile.ZipFile(f"{directory}/{version}.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(inside + "go.mod", mod)
        archive.writestr(inside + "a.go", "package a\n")
        with archive.open(inside + "data.bin", "w") as data:
            while payload > 0:
                piece = rng.randbytes(min(payload, 1 << 20))
                data.write(piece)
                payload -= len(piece)


def fetch(url):
    # The certificate of a benchmark is nobody's.
    with urllib.request.urlopen(url, timeout=60, context=ssl._create_unverified_context()) as response:
        return response.read()


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + "|".join("---" if i == 0 else "---:" for i in range(len(header))) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def machine():
    with open("/proc/cpuinfo") as info:
        model = re.search(r"model name\s*: (.*)", info.read()).group(1)
    load = os.getloadavg()[0]
    print(f"{model}, {os.cpu_count()} cores, load before {load:.1f}, medians of {ROUNDS} rounds\n", flush=True)


median = statistics.median
