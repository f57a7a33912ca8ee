#!/usr/bin/env python3
"""hot.py STOA: hits, beside nginx serving the same files. Each server has core 0 alone, wrk core 1.

DUR (seconds a measurement, 4) and ROUNDS (5) make it longer or shorter.
"""
import os
import re
import subprocess
import sys
import time

from common import ROUNDS, add_module, fetch, machine, median, nginx, stoa, table, work_directory

SECONDS = os.environ.get("DUR", "4")
FILES = {  # name: path below the module, connections
    ".info": ("v1.0.0.info", 64),
    ".mod": ("v1.0.0.mod", 64),
    "list": ("list", 64),
    "zip, 1 MiB": ("v1.0.0.zip", 16),
}


def load(server, path, connections):
    """Requests a second, CPU milliseconds for 1000 requests, 99th percentile in milliseconds."""
    before = server.cpu_seconds()
    argv = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", server.url + path]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    cpu = server.cpu_seconds() - before
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{server.name}{path}: not all went well\n{said}")
    requests = int(re.search(r"(\d+) requests in", said).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    p99 = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1)), cpu * 1e6 / requests, p99


def measure(servers):
    rows = []
    for name, (file, connections) in FILES.items():
        path = f"/bench.test/hot/@v/{file}"
        if len({fetch(server.url + path) for server in servers}) != 1:
            raise SystemExit(f"the servers do not serve the same {path}")
        results = {server.name: [] for server in servers}
        for _ in range(ROUNDS):
            for server in servers:
                results[server.name].append(load(server, path, connections))
        first = None
        for server in servers:
            rate, cpu, p99 = (median(column) for column in zip(*results[server.name]))
            first = first or rate
            rows.append([name, server.name, f"{rate:,.0f}", f"{rate / first:.2f}", f"{cpu:.1f}", f"{p99:.2f}",
                         f"{server.memory_mib():.1f}"])
    return rows


def main():
    binary = os.path.abspath(sys.argv[1])
    with work_directory() as work:
        tree = f"{work}/tree"
        add_module(tree, "bench.test/hot", "v1.0.0", (1 << 20) - 1800, [f"v1.{i}.0" for i in range(100)])
        with nginx("nginx", tree, work, core=0) as logging, \
                nginx("nginx, no access log", tree, work, core=0, access_log=False) as silent, \
                stoa(binary, f"file://{tree}", work, core=0) as ours, \
                stoa(binary, f"file://{tree}", work, core=0, STOA_LOG_ACCESS="false") as ours_silent:
            ours_silent.name = "stoa, no access log"
            time.sleep(1)
            idle = ours.memory_mib()
            machine()
            print("## Hits\n")
            rows = measure([logging, ours, silent, ours_silent])
            table(["file", "server", "requests/s", "ratio", "CPU ms / 1000", "p99 ms", "RSS MiB"], rows)
            print(f"stoa without a request: {idle:.1f} MiB RSS; with everything above in memory: "
                  f"{ours.memory_mib():.1f} MiB, peak {ours.memory_mib('VmHWM'):.1f} MiB.\n", flush=True)


if __name__ == "__main__":
    main()
