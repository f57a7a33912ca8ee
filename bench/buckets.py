#!/usr/bin/env python3
"""buckets.py STOA: hits from a bucket of Ceph's S3, with and without what stoa keeps before it, beside a directory.

stoa has core 0; the bucket's service and wrk share core 1. DUR (seconds a measurement, 4) and ROUNDS (5) make it longer or
shorter. Needs what scripts/tools.sh installs (radosgw).
"""
import contextlib
import datetime
import hashlib
import hmac
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from common import ROUNDS, add_module, fetch, free_port, machine, median, stoa, table, work_directory
from hot import load

KEY, SECRET = "stoa-bench-key", "stoa-bench-secret"
GATEWAY = os.path.join(os.path.dirname(__file__), "../crates/stoa-testing/src/buckets/radosgw.sh")
LARGE = 8 << 20
MODULE = "bench.test/hot"
FILES = {  # name: path below the module, connections
    ".info": ("v1.0.0.info", 16),
    ".mod": ("v1.0.0.mod", 16),
    "list, 100 versions": ("list", 16),
    "zip, 1 MiB": ("v1.0.0.zip", 8),
    "zip, 8 MiB": ("v1.1.0.zip", 4),
}


def signed(url, method):
    """A request without a body as S3 wants it signed (AWS4-HMAC-SHA256)."""
    now = datetime.datetime.now(datetime.timezone.utc)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    host, path = re.match(r"http://([^/]+)(/.*)", url).groups()
    empty = hashlib.sha256(b"").hexdigest()
    headers = {"host": host, "x-amz-content-sha256": empty, "x-amz-date": moment}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = hashlib.sha256(f"{method}\n{path}\n\n{lines}\n{names}\n{empty}".encode()).hexdigest()
    scope = f"{day}/us-east-1/s3/aws4_request"
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{canonical}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, "
                                f"Signature={signature}")
    return urllib.request.Request(url, method=method, headers=headers)


@contextlib.contextmanager
def gateway(work):
    """Ceph's S3 with one bucket, on core 1; its URL."""
    port, monitor, home = free_port(), free_port(), tempfile.mkdtemp(dir=work)
    argv = ["taskset", "-c", "1", "sh", GATEWAY, str(port), f"{home}/data", str(monitor), KEY, SECRET]
    with open(f"{home}/log", "ab") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 90
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(signed(f"{url}/modules", "PUT"), timeout=10).close()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                with open(f"{home}/log") as log:
                    raise SystemExit(f"Ceph's S3 does not answer: {log.read()[-500:]}")
            time.sleep(0.2)
        yield url
    finally:
        # The group that was started here, and nothing else.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def asked(server):
    """Requests to the bucket so far."""
    metrics = fetch(server.url + "/metrics").decode()
    lines = re.findall(r'stoa_dispatch_attempts_total\{lane="storage=[^"]*"\} (\d+)', metrics)
    return sum(map(int, lines))


def measure(servers):
    rows = []
    for name, (file, connections) in FILES.items():
        path = f"/{MODULE}/@v/{file}"
        if len({fetch(server.url + path) for server in servers}) != 1:
            raise SystemExit(f"the servers do not serve the same {path}")
        # What is kept on the way is kept after the second time.
        for server in servers:
            fetch(server.url + path)
        time.sleep(0.5)
        results = {server.name: [] for server in servers}
        for _ in range(ROUNDS):
            for server in servers:
                before = asked(server)
                rate, cpu, p99 = load(server, path, connections)
                hits = rate * float(os.environ.get("DUR", "4"))
                results[server.name].append((rate, cpu, p99, (asked(server) - before) / max(hits, 1)))
        first = None
        for server in servers:
            rate, cpu, p99, requests = (median(column) for column in zip(*results[server.name]))
            first = first or rate
            rows.append([name, server.name, f"{rate:,.0f}", f"{rate / first:.2f}", f"{cpu:.1f}", f"{p99:.2f}",
                         f"{requests:.2f}", f"{server.memory_mib('VmHWM'):.1f}"])
    return rows


def main():
    binary = os.path.abspath(sys.argv[1])
    with work_directory() as work, gateway(work) as url:
        tree = f"{work}/tree"
        versions = [f"v1.{i}.0" for i in range(100)]
        add_module(tree, MODULE, "v1.1.0", LARGE - 1800, versions)
        add_module(tree, MODULE, "v1.0.0", (1 << 20) - 1800, versions)
        with open(f"{work}/secret", "w") as secret:
            secret.write(SECRET)
        bucket = {"STOA_STORAGE_OPTIONS_ENDPOINT": url, "STOA_STORAGE_OPTIONS_ALLOW_HTTP": "true",
                  "STOA_STORAGE_OPTIONS_ACCESS_KEY_ID": KEY, "STOA_STORAGE_OPTIONS_SECRET_KEY_FILE": f"{work}/secret",
                  "STOA_STORAGE_OPTIONS_STAGING": f"{work}/staging", "STOA_METRICS_PUBLIC": "true",
                  "STOA_CACHE_LIST_TTL": "1h", "STOA_DISPATCH_BREAKER": "disabled"}
        with contextlib.ExitStack() as stack:
            def start(name, storage=None, **settings):
                server = stack.enter_context(stoa(binary, f"file://{tree}", work, core=0, storage=storage, **bucket,
                                                  XDG_DATA_HOME=tempfile.mkdtemp(dir=work), **settings))
                server.name = name
                return server

            front = f"file://{tempfile.mkdtemp(dir=work)}?max=1GiB"
            servers = [start("directory", STOA_CACHE_MEMORY="0"),
                       start("S3", "s3://modules/go", STOA_CACHE_MEMORY="0"),
                       start("S3, memory", "s3://modules/go"),
                       start("directory before S3", f"{front},s3://modules/go", STOA_CACHE_MEMORY="0")]
            machine()
            print("## Hits from a bucket (Ceph's S3 on the core of the client)\n")
            rows = measure(servers)
            table(["file", "storage", "requests/s", "ratio", "CPU ms / 1000", "p99 ms", "requests to the bucket a hit",
                   "peak MiB"], rows)


if __name__ == "__main__":
    main()
