#!/usr/bin/env python3
"""dispatch.py LAB: what a request costs through a lane, beside the same client without lanes; then whether a lane keeps
its rate, and whether a server that hangs slows another down. LAB is the example dispatch_lab of stoa-dispatch.

The client has core 1 alone, the server core 0. DUR (seconds a measurement, 4), ROUNDS (5) and RATE_SECONDS (60) make it
longer or shorter.
"""
import contextlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time

from common import ROUNDS, machine, median, nginx, table, work_directory

SECONDS = os.environ.get("DUR", "4")
RATE_SECONDS = int(os.environ.get("RATE_SECONDS", "60"))
CALLERS = (1, 16, 64)


def lab(binary, *arguments):
    """Runs the lab on core 1: what it prints as JSON."""
    argv = ["taskset", "-c", "1", binary, *map(str, arguments), "--json"]
    said = subprocess.run(argv, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL)
    if said.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {said.stderr.strip()}")
    return json.loads(said.stdout)


def cost(binary, url):
    """The pool and the bare client run one after another, again and again."""
    rows = []
    for callers in CALLERS:
        arguments = ["bench", url, "--seconds", SECONDS, "--parallel", callers]
        rounds = [(lab(binary, *arguments, "--bare"), lab(binary, *arguments)) for _ in range(ROUNDS)]
        for which, name in enumerate(("bare", "pool")):
            def column(key, of=which):
                return median(pair[of][key] for pair in rounds)

            def ratio(key, of=which):
                return median(pair[of][key] / pair[0][key] for pair in rounds)

            rows.append([callers, name, f"{column('requests_per_second'):,.0f}", f"{ratio('requests_per_second'):.2f}",
                         f"{column('cpu_us_per_request'):.1f}", f"{ratio('cpu_us_per_request'):.2f}",
                         f"{column('p99_ms'):.2f}", f"{column('rss_kib') / 1024:.1f}"])
    table(["callers", "client", "requests/s", "ratio", "CPU ms / 1000", "ratio", "p99 ms", "RSS MiB"], rows)


@contextlib.contextmanager
def hanging():
    """A server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4096)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def neighbour(binary, url):
    """1000 requests a second, alone and beside a server that hangs and has a full queue."""
    arguments = ["bench", url, "--seconds", SECONDS, "--rps", 1000, "--parallel", 64]
    with hanging() as beside:
        rounds = [(lab(binary, *arguments), lab(binary, *arguments, "--beside", beside)) for _ in range(ROUNDS)]
    rows = []
    for which, name in enumerate(("alone", "beside a server that hangs")):
        rows.append([name, *(f"{median(pair[which][key] for pair in rounds):.3f}" for key in ("p50_ms", "p90_ms", "p99_ms")),
                     f"{median(pair[which]['p99_ms'] / pair[0]['p99_ms'] for pair in rounds):.2f}"])
    table(["1000 requests/s", "p50 ms", "p90 ms", "p99 ms", "p99 ratio"], rows)


@contextlib.contextmanager
def witness():
    """A server that knows when its requests came."""
    times = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            times.append(time.monotonic())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", times
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rate(binary):
    """Ten callers, ten permits, 10/s: no burst, and as many as there should be."""
    count = 10 * RATE_SECONDS
    with witness() as (url, times):
        said = lab(binary, "call", url, "--count", count, "--parallel", 10, "--concurrency", 10, "--rate", "10/s")
    if said["statuses"] != {"200": count} or len(times) != count:
        raise SystemExit(f"not all went well: {said}")
    times.sort()
    gaps = sorted(after - before for before, after in zip(times, times[1:]))
    # The last one has its tenth of a second as well.
    took, p1 = times[-1] - times[0] + 0.1, gaps[len(gaps) // 100]
    table([f"{count} requests at 10/s", "s", "to the rate", "smallest gap ms", "p1 gap ms", "largest gap ms"],
          [["as the server sees them", f"{took:.2f}", f"{(took / RATE_SECONDS - 1) * 100:+.2f} %",
            f"{gaps[0] * 1000:.1f}", f"{p1 * 1000:.1f}", f"{gaps[-1] * 1000:.1f}"]])
    if abs(took / RATE_SECONDS - 1) > 0.01 or p1 < 0.09 or gaps[0] < 0.05:
        raise SystemExit("the lane did not keep its rate")


def main():
    binary = os.path.abspath(sys.argv[1])
    with work_directory() as work:
        os.mkdir(f"{work}/tree")
        with open(f"{work}/tree/small", "w") as file:
            file.write("a small file\n" * 16)
        with nginx("origin", f"{work}/tree", work, core=0, access_log=False) as origin:
            machine()
            print("## Dispatcher\n")
            cost(binary, f"{origin.url}/small")
            neighbour(binary, f"{origin.url}/small")
            rate(binary)


if __name__ == "__main__":
    main()
