#!/usr/bin/env python3
"""soak.py STOA: files of ever new modules, hits, lists and what is nowhere, asked for by many clients; each answer is compared
with what the upstream has, and memory is looked at each second.

SECONDS (300) long, CLIENTS (16) at once. It fails when an answer is wrong, when memory grows by more than one and a half times
what is configured, or goes on growing after a third of the time.
"""
import http.client
import http.server
import io
import os
import random
import sys
import threading
import time
import zipfile

from common import Server, free_port, table, work_directory

SECONDS = float(os.environ.get("SECONDS", "300"))
CLIENTS = int(os.environ.get("CLIENTS", "16"))
MEMORY, ANSWERS = 16, 8  # MiB of cache.memory and cache.answers: less than the defaults, so that both are soon full
UNDER_WAY = 8  # MiB that requests need while they are answered, whatever is configured
KINDS = ["info", "mod", "zip", "list", "none"]
TIME = "2024-01-02T03:04:05Z"


def content(module, kind):
    """What the upstream says, status and body."""
    if kind == "info":
        return 200, f'{{"Version":"v1.0.0","Time":"{TIME}"}}'.encode()
    if kind == "mod":
        return 200, f"module {module}\n\ngo 1.21\n".encode()
    if kind == "list":
        return 200, b"v1.0.0\n"
    if kind == "zip":
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as made:
            made.writestr(zipfile.ZipInfo(f"{module}@v1.0.0/go.mod"), content(module, "mod")[1])
            made.writestr(zipfile.ZipInfo(f"{module}@v1.0.0/a.go"), f"package a // {module}\n" + "// x\n" * 400)
        return 200, data.getvalue()
    return 404, None


def path(module, kind):
    name = {"list": "list", "none": "v9.9.9.info"}.get(kind, f"v1.0.0.{kind}")
    return f"/{module}/@v/{name}"


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        module, name = self.path[1:].split("/@v/")
        kind = {"list": "list", "v9.9.9.info": "none"}.get(name, name.rsplit(".", 1)[-1])
        status, body = content(module, kind)
        body = body if body is not None else b"not found: no such version\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Clients:
    def __init__(self, port):
        self.port, self.ended, self.lock = port, threading.Event(), threading.Lock()
        self.right, self.wrong, self.newest = {kind: 0 for kind in KINDS}, [], 0
        self.threads = [threading.Thread(target=self.ask, args=(n,)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def ask(self, seed):
        chance, connection = random.Random(seed), http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.ended.is_set():
            with self.lock:
                if chance.random() < 0.3:
                    self.newest += 1
                number = self.newest if chance.random() < 0.5 else chance.randint(max(0, self.newest - 200), self.newest)
            module, kind = f"soak.test/m{number}", chance.choices(KINDS, [4, 4, 3, 2, 2])[0]
            want = content(module, kind)
            try:
                connection.request("GET", path(module, kind))
                answer = connection.getresponse()
                body = answer.read()
                good = answer.status == want[0] and (want[1] is None or body == want[1])
                said = f"{answer.status} {body[:100]!r}"
            except (OSError, http.client.HTTPException) as error:
                good, said = False, repr(error)
                connection.close()
            with self.lock:
                if good:
                    self.right[kind] += 1
                elif len(self.wrong) < 1000:
                    self.wrong.append(f"{path(module, kind)}: {said}")

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def upstream():
    port = int(sys.argv[2])
    http.server.ThreadingHTTPServer.request_queue_size = 128
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Upstream).serve_forever()


def main():
    port, source = free_port(), free_port()
    with work_directory() as work:
        argv = [sys.executable, __file__, "upstream", str(source)]
        stoa = [sys.argv[1], "serve", "--listen", f"127.0.0.1:{port}", "--storage", f"{work}/storage", "--upstream",
                f"http://127.0.0.1:{source}"]
        env = {"HOME": work, "STOA_SUMDB_DATABASES": "", "STOA_DRAIN_NOTICE": "0s", "STOA_LOG_ACCESS": "false",
               "STOA_CACHE_MEMORY": f"{MEMORY}MiB", "STOA_CACHE_ANSWERS": f"{ANSWERS}MiB"}
        with Server("upstream", argv, f"http://127.0.0.1:{source}"), Server(
                "stoa", stoa, f"http://127.0.0.1:{port}", env=env, log=f"{work}/log") as server:
            idle, sizes, began = server.memory_mib(), [], time.monotonic()
            clients = Clients(port)
            while time.monotonic() < began + SECONDS:
                time.sleep(1)
                sizes.append(server.memory_mib())
            clients.stop()
            with open(f"{work}/log") as log:
                warnings = [line for line in log if " WARN " in line or " ERROR " in line]
    third, tenth = len(sizes) // 3, len(sizes) // 10
    early, late = max(sizes[:2 * third]), max(sizes[2 * third:])
    table(["right answers", *KINDS, "wrong", "idle MiB", "most in each tenth"],
          [[sum(clients.right.values()), *clients.right.values(), len(clients.wrong), f"{idle:.0f}",
            " ".join(f"{max(sizes[n * tenth:(n + 1) * tenth]):.0f}" for n in range(10))]])
    for line in [*clients.wrong[:10], *warnings[:10]]:
        print(line)
    bound = idle + 1.5 * (MEMORY + ANSWERS) + UNDER_WAY
    if clients.wrong or max(sizes) > bound or late > early * 1.1 + 2:
        raise SystemExit(f"wrong answers, or more memory than {bound:.0f} MiB, or it goes on growing")


if __name__ == "__main__":
    upstream() if sys.argv[1] == "upstream" else main()
