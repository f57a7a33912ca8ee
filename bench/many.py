#!/usr/bin/env python3
"""many.py STOA [OTHER...]: hits over many connections, beside nginx serving the same file; alone, with TLS, with HTTP/2, and
with misses beside. Each server has core 0, the client core 1.

DUR (seconds a measurement, 4), ROUNDS (5), CONNECTIONS ("64 300 1000 2000") and LOADS (names, "|" between) make it shorter.
"""
import contextlib
import http.client
import os
import re
import resource
import subprocess
import sys
import threading
import time

from common import ROUNDS, add_module, certificate, fetch, machine, median, nginx, stoa, table, work_directory

SECONDS = os.environ.get("DUR", "4")
CONNECTIONS = [int(number) for number in os.environ.get("CONNECTIONS", "64 300 1000 2000").split()]
PATH = "/bench.test/hot/@v/v1.0.0.info"
STREAMS = 4  # on each connection of HTTP/2
MISSES = 50  # a second, of files that nobody asked for before
REQUESTS = 60000  # of h2load, at least


def milliseconds(said, what):
    number, unit = re.search(rf"{what}\s+([\d.]+)(us|ms|s)\b", said).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def wrk(url, connections, _work):
    """Requests a second, median and 99th percentile in milliseconds."""
    argv = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "30s", "--latency", url]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{url}: not all went well\n{said}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    return rate, milliseconds(said, "50%"), milliseconds(said, "99%")


def h2load(url, connections, work, options=(f"-m{STREAMS}",)):
    """The same, of h2load, which writes down each request. The first third, when connections are made, and the last sixth,
    when some have done their part, do not count."""
    log, requests = f"{work}/h2load.log", max(REQUESTS, 60 * connections)
    with contextlib.suppress(FileNotFoundError):
        os.remove(log)
    argv = ["taskset", "-c", "1", "h2load", f"-c{connections}", f"-n{requests}", f"--log-file={log}", *options, url]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout
    if f"{requests} succeeded, 0 failed" not in said:
        raise SystemExit(f"{url}: not all went well\n{said}")
    with open(log) as lines:
        ended = sorted((int(start) + int(took), int(took) / 1000) for start, _, took in map(str.split, lines))
    counted = ended[len(ended) // 3:len(ended) * 5 // 6]
    times = sorted(took for _, took in counted)
    return len(counted) * 1e6 / (counted[-1][0] - counted[0][0]), median(times), times[len(times) * 99 // 100]


def h1load(url, connections, work):
    """The same of HTTP/1.1: wrk would count handshakes, those of its own side too."""
    return h2load(url, connections, work, ("--h1", "-m1"))


class Misses:
    """Asks for a new file MISSES times a second, on connections of their own; how long they took, in milliseconds."""

    def __init__(self, server, first):
        self.host, self.first, self.times, self.ended = server.url.split("/")[2], first, [], threading.Event()
        self.lock, self.asked = threading.Lock(), 0
        self.threads = [threading.Thread(target=self.ask) for _ in range(16)]

    def ask(self):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        while not self.ended.is_set():
            with self.lock:
                number, self.asked = self.first + self.asked, self.asked + 1
            due = self.began + (number - self.first) / MISSES
            if self.ended.wait(max(0, due - time.monotonic())):
                return
            asked = time.monotonic()
            connection.request("GET", f"/bench.test/miss/@v/v1.0.{number}.mod")
            answer = connection.getresponse()
            if answer.status != 200:
                raise SystemExit(f"miss {number}: {answer.status} {answer.read()!r}")
            answer.read()
            self.times.append((time.monotonic() - asked) * 1000)

    def __enter__(self):
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


LOADS = {  # name: client, with TLS, with misses beside
    "HTTP/1.1": (wrk, False, False),
    "HTTP/1.1, misses beside": (wrk, False, True),
    "HTTP/1.1, TLS": (h1load, True, False),
    f"HTTP/2, {STREAMS} streams": (h2load, False, False),
    f"HTTP/2, {STREAMS} streams, TLS": (h2load, True, False),
}


def measure(name, servers, work, misses):
    load, tls, beside = LOADS[name]
    rows, missed = [], []
    for connections in CONNECTIONS:
        results = {server.name: [] for server in servers}
        for _ in range(ROUNDS):
            for server in servers:
                if beside and server is not servers[0]:
                    with Misses(server, misses[0]) as asking:
                        results[server.name].append(load(server.url + PATH, connections, work))
                    misses[0] += asking.asked
                    missed.append((connections, server.name, sorted(asking.times)))
                else:
                    results[server.name].append(load(server.url + PATH, connections, work))
        first = None
        for server in servers:
            rate, p50, p99 = (median(column) for column in zip(*results[server.name]))
            first = first or (rate, p99)
            row = [name, connections, server.name, f"{rate:,.0f}", f"{rate / first[0]:.2f}", f"{p50:.1f}", f"{p99:.1f}",
                   f"{p99 / first[1]:.2f}"]
            times = [times for number, who, times in missed if (number, who) == (connections, server.name)]
            if beside:
                half = [f"{median(one):.0f}" for one in times if one]
                last = [f"{one[-1]:.0f}" for one in times if one]
                row.append(f"{median(map(float, half)):.0f} / {max(map(float, last)):.0f}" if half else "")
            rows.append(row)
    header = ["load", "connections", "server", "requests/s", "ratio", "p50 ms", "p99 ms", "p99 ratio"]
    table(header + (["misses: median / longest, ms"] if beside else []), rows)


def main():
    wanted = os.environ.get("LOADS")
    names = wanted.split("|") if wanted else list(LOADS)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with work_directory() as work, contextlib.ExitStack() as stack:
        tree = f"{work}/tree"
        add_module(tree, "bench.test/hot", "v1.0.0", 1000)
        add_module(tree, "bench.test/miss", "v1.0.0", 1000)
        for number in range(1, 20000):
            with open(f"{tree}/bench.test/miss/@v/v1.0.{number}.mod", "w") as file:
                file.write(f"module bench.test/miss\n\n// {number}\n")
        pair = certificate(work)
        upstream = stack.enter_context(nginx("upstream", tree, work, core=1, access_log=False))
        servers = {}
        for tls in sorted({LOADS[name][1] for name in names}):
            http2 = tls or any("HTTP/2" in name for name in names)
            ones = [stack.enter_context(nginx("nginx", tree, work, core=0, tls=pair if tls else None))]
            if not tls and http2:
                # Without TLS a port of this nginx speaks one of them.
                plain = stack.enter_context(nginx("nginx", tree, work, core=0, http2=True))
            for number, binary in enumerate(sys.argv[1:]):
                settings = {"STOA_TLS_CERT": pair[0], "STOA_TLS_KEY": pair[1]} if tls else {}
                one = stoa(os.path.abspath(binary), upstream.url, work, core=0, tls=tls, **settings)
                one.name = "stoa" if number == 0 else os.path.basename(binary)
                ones.append(stack.enter_context(one))
            servers[tls] = ones
        time.sleep(1)
        idle = servers[min(servers)][1].memory_mib()
        machine()
        print("## Many connections\n")
        misses = [1]
        for name in names:
            _, tls, _ = LOADS[name]
            ones = list(servers[tls])
            if not tls and "HTTP/2" in name:
                ones[0] = plain
            else:
                if len({fetch(one.url + PATH) for one in ones}) != 1:
                    raise SystemExit(f"the servers do not serve the same {PATH}")
            measure(name, ones, work, misses)
        print(f"stoa without a request: {idle:.1f} MiB RSS.\n", flush=True)


if __name__ == "__main__":
    main()
