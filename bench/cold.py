#!/usr/bin/env python3
"""cold.py STOA: what a first fetch through stoa costs beside asking its upstream (nginx) directly.

ROUNDS (5) makes it longer or shorter. Every round begins with empty storage.
"""
import http.client
import os
import sys
import threading
import time

from common import ROUNDS, add_module, machine, median, nginx, stoa, table, work_directory

MODULES = 100
CLIENTS = 8
LARGE_MIB = 300
LARGE_CLIENTS = 10


class Client(threading.Thread):
    """Asks for paths one after another on one connection; keeps the time of the first byte."""

    def __init__(self, url, paths):
        super().__init__()
        self.address, self.paths, self.received, self.first_byte = url.split("/")[2], paths, 0, None

    def run(self):
        connection, room = http.client.HTTPConnection(self.address, timeout=300), memoryview(bytearray(1 << 18))
        for path in self.paths:
            connection.request("GET", path)
            response = connection.getresponse()
            if response.status != 200:
                raise SystemExit(f"{path}: {response.status} {response.read()!r}")
            while got := response.readinto(room):
                self.first_byte = self.first_byte or time.perf_counter()
                self.received += got
        connection.close()


def run(url, shares):
    """Seconds to the end, seconds to the last of the first bytes, bytes."""
    clients = [Client(url, share) for share in shares]
    begun = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seconds = time.perf_counter() - begun
    if any(client.first_byte is None for client in clients):
        raise SystemExit("a client got nothing")
    return seconds, max(client.first_byte for client in clients) - begun, sum(client.received for client in clients)


def small_shares(clients):
    """What the go command asks of each module, modules dealt out to clients."""
    module = [[f"/bench.test/m{i}/@v/{file}" for file in ("list", "v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip")]
              for i in range(MODULES)]
    return [sum(module[client::clients], []) for client in range(clients)]


def main():
    binary = os.path.abspath(sys.argv[1])
    large = [["/bench.test/large/@v/v1.0.0.zip"]]
    cases = {
        f"{MODULES} modules, one client": small_shares(1),
        f"{MODULES} modules, {CLIENTS} clients": small_shares(CLIENTS),
        f"{LARGE_MIB} MiB zip, one client": large,
        f"{LARGE_MIB} MiB zip, {LARGE_CLIENTS} clients": large * LARGE_CLIENTS,
    }
    with work_directory() as work:
        tree = f"{work}/tree"
        for i in range(MODULES):
            add_module(tree, f"bench.test/m{i}", "v1.0.0", 20_000)
        add_module(tree, "bench.test/large", "v1.0.0", LARGE_MIB << 20)
        rows = []
        with nginx("upstream", tree, work) as upstream:
            machine()
            print("## Cold fetches\n")
            for name, shares in cases.items():
                got = {"upstream": [], "cold": [], "warm": []}
                peaks, cpu = [], []
                for _ in range(ROUNDS):
                    got["upstream"].append(run(upstream.url, shares))
                    with stoa(binary, upstream.url, work) as ours:
                        before = ours.cpu_seconds()
                        got["cold"].append(run(ours.url, shares))
                        cpu.append(ours.cpu_seconds() - before)
                        peaks.append(ours.memory_mib("VmHWM"))
                        got["warm"].append(run(ours.url, shares))
                if len({result[2] for results in got.values() for result in results}) != 1:
                    raise SystemExit("not everybody got the same number of bytes")
                direct, cold, warm = ([median(column) for column in zip(*results)] for results in got.values())
                rows.append([name, *(f"{t:.3f}" for t in (direct[0], cold[0], warm[0])), f"{cold[0] / direct[0]:.1f}",
                             f"{(cold[1] - direct[1]) * 1000:+.1f}", f"{median(cpu):.2f}", f"{median(peaks):.0f}"])
        table(["what", "upstream, s", "stoa cold, s", "stoa warm, s", "cold / upstream", "first byte, ms later",
               "CPU s", "peak RSS MiB"], rows)


if __name__ == "__main__":
    main()
