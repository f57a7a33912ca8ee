#!/usr/bin/env python3
"""jobs.py STOA STORE_BENCH: durable jobs in a file and in Redis.

Of a whole server: the time from a submission until the download's first request reaches its origin, one job at a time and
many at a time, and finished downloads per second. Of the stores alone: tiny jobs per second, also beside QUEUED (1000000)
jobs that wait, and the memory then. Redis writes its file at every commit (appendfsync always), as SQLite does.
"""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

from common import Server, free_port, machine, stoa, table, work_directory

SINGLE = 200
MANY = 4000
CLIENTS = 16
QUEUED = int(os.environ.get("QUEUED", "1000000"))
REDIS = shutil.which("redis-server")


class Origin(http.server.BaseHTTPRequestHandler):
    """Answers everything with some bytes, and keeps when each path was asked for the first time."""

    protocol_version = "HTTP/1.1"
    seen, came = {}, threading.Condition()

    def do_GET(self):
        now = time.perf_counter()
        with self.came:
            self.seen.setdefault(self.path, now)
            self.came.notify_all()
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"content")

    def log_message(self, *_):
        pass

    @classmethod
    def wait(cls, paths):
        with cls.came:
            cls.came.wait_for(lambda: all(path in cls.seen for path in paths), timeout=300)
            return [cls.seen[path] for path in paths]


def redis(work):
    port, home = free_port(), f"{work}/redis-{free_port()}"
    os.mkdir(home)
    argv = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--dir", home, "--save", "",
            "--appendonly", "yes", "--appendfsync", "always"]
    return Server("redis", argv, f"http://127.0.0.1:{port}"), f"redis://127.0.0.1:{port}"


class Api:
    def __init__(self, server, token):
        self.server, self.token = server, token

    def __call__(self, method, path, body=None, kind="application/json"):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self.server.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=300) as response:
            return response.read()


def whole(binary, work, name, store, origin):
    """The rows of a whole server on this store."""
    files = f"{work}/files-{name}"
    settings = {"STOA_JOBS_STORE": store, "STOA_JOBS_DOWNLOADS": files, "STOA_JOBS_ALLOW_PRIVATE_ADDRESSES": "true",
                "STOA_JOBS_FULL_AT": "100", "STOA_JOBS_MIN_FREE": "1MiB", "STOA_JOBS_WORKERS": "64",
                "STOA_DISPATCH_CONCURRENCY": "64"}
    with stoa(binary, "off", work, **settings) as server:
        home = next(path for path in pathlib.Path(work).glob("*/storage/.stoa/admin-token")
                    if path.stat().st_mtime > time.time() - 60)
        api = Api(server, home.read_text().strip())
        api("PUT", "/api/v1/aggregations/url/bench", {"concurrency": 64})
        waits = []
        for number in range(SINGLE):
            path = f"/{name}/single/{number}"
            job = {"url": {"url": f"{origin}{path}", "aggregation": "bench"}}
            begun = time.perf_counter()
            api("POST", "/api/v1/jobs", job)
            waits.append(Origin.wait([path])[0] - begun)
        waits.sort()
        begun = time.perf_counter()
        paths = [f"/{name}/many/{number}" for number in range(MANY)]
        jobs = [json.dumps({"url": {"url": f"{origin}{path}", "aggregation": "bench"}}) for path in paths]

        def submit(share):
            for part in range(0, len(share), 100):
                api("POST", "/api/v1/jobs", "\n".join(share[part:part + 100]).encode(), "application/x-ndjson")

        threads = [threading.Thread(target=submit, args=(jobs[client::CLIENTS],)) for client in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while json.loads(api("GET", "/api/v1/jobs?kind=url&state=ready,running,scheduled&limit=1"))["jobs"]:
            time.sleep(0.02)
        rate = MANY / (time.perf_counter() - begun)
        p50, p99 = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
        return [name, f"{p50 * 1000:.1f} ms", f"{p99 * 1000:.1f} ms", f"{rate:.0f}", f"{server.memory_mib():.0f} MiB"]


def alone(bench, store, *options):
    """What the benchmark of a store prints."""
    out = subprocess.run([bench, *options, store], check=True, capture_output=True, text=True).stdout
    return out.strip().splitlines()


def main():
    binary, bench = sys.argv[1:3]
    if not REDIS:
        raise SystemExit("redis-server is not installed: scripts/tools.sh installs it")
    machine()
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    origin.request_queue_size = 1024
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{origin.server_port}"
    with work_directory() as work, contextlib.ExitStack() as stack:
        server, address = redis(work)
        stack.enter_context(server)
        rows = [whole(binary, work, "file", f"file://{work}/jobs", url), whole(binary, work, "redis", address, url)]
        header = ["store", "submitted to first byte, p50", "p99", f"downloads/s of {MANY}", "memory"]
        print("a whole server, with an origin in Python beside it\n")
        table(header, rows)
        for name, store in [("file", f"{work}/alone/jobs.db"), ("redis", address)]:
            for options in [["--jobs", "50000"], ["--jobs", "20000", "--queued", str(QUEUED)]]:
                print(f"\n{name}, {' '.join(options)}")
                print("\n".join(alone(bench, store, *options)))
        print(f"redis: {server.memory_mib():.0f} MiB")


main()
