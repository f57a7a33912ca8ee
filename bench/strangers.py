#!/usr/bin/env python3
"""strangers.py STOA [ATTACK...]: what others notice while a stranger does his worst.

Runs in a network namespace of its own, so that hundreds of hosts can have addresses. SECONDS (30) an attack.
"""
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request

from common import Server, machine, table, work_directory
from stranger_hosts import UPSTREAM_PORT

SECONDS = float(os.environ.get("SECONDS", "30"))
ATTACKS = ["programs", "readers", "trickle", "lists", "lanes", "silence"]
HERE = os.path.dirname(os.path.abspath(__file__))
SETTINGS = """
listen = "127.0.0.1:3000"
storage = "file://{home}/storage"
upstream = "direct"
[[route]]
match = "good.example,slow.example"
upstream = "http://127.0.0.1:{upstream}"
[vcs]
allow_private_addresses = true
insecure = "127.1.*,127.2.*"
cache = "{home}/vcs"
netrc = "none"
[sumdb]
databases = []
[drain]
notice = "0s"
timeout = "1s"
[log]
format = "json"
"""


class Watch(threading.Thread):
    """Asks again and again and keeps the slowest answer, in milliseconds, and each status."""

    def __init__(self, url, pause):
        super().__init__(daemon=True)
        self.url, self.pause, self.ended = url, pause, threading.Event()
        self.slowest, self.statuses, self.number = 0.0, {}, 0

    def ask(self):
        began = time.monotonic()
        try:
            with urllib.request.urlopen(self.url.format(f"{id(self)}x{self.number}"), timeout=30) as response:
                response.read()
                status = response.status
        except urllib.error.HTTPError as error:
            status = error.code
        except OSError as error:
            status = type(error).__name__
        self.number += 1
        self.slowest = max(self.slowest, (time.monotonic() - began) * 1000)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def run(self):
        while not self.ended.wait(self.pause):
            self.ask()

    def stop(self):
        self.ended.set()
        self.join(40)
        return f"{self.slowest:.0f}", " ".join(f"{status}:{count}" for status, count in self.statuses.items())


def state(server):
    """Programs, descriptors, MiB and lanes."""
    pid = server.process.pid
    inside = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    with open(f"/proc/{pid}/status") as status:
        rss = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024
    return len(inside), len(os.listdir(f"/proc/{pid}/fd")), rss


def hits(url, seconds):
    """16 clients that ask a hundred times a second each: what is measured is waiting, not a full core."""
    argv = ["taskset", "-c", "1", "wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-s", f"{HERE}/pause.lua", url]
    said = subprocess.run(argv, capture_output=True, text=True).stdout
    p99, wrong = re.search(r"99%\s+([\d.]+)(us|ms|s)", said), re.search(r"Non-2xx.*: (\d+)", said)
    if not p99 or float(p99[1]) == 0:  # not one answer came
        return float("inf"), 0
    return float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]], int(wrong[1]) if wrong else 0


def attack(server, name):
    hit = f"{server.url}/good.example/hot/@v/v1.0.0.info"
    quiet, _ = hits(hit, 5)
    watches = [Watch(f"{server.url}/healthz", 0.1), Watch(server.url + "/good.example/m{}/@v/v1.0.0.info", 0.2),
               Watch(server.url + "/127.2.1.1/m{}/@v/v1.0.0.info", 0.5)]
    before, peak = state(server), (0, 0, 0)
    argv = ["taskset", "-c", "1", sys.executable, f"{HERE}/stranger_attacks.py", name, "3000"]
    stranger = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        for watch in watches:
            watch.start()
        ended, loads = time.monotonic() + SECONDS, []
        while time.monotonic() < ended:
            loads.append(hits(hit, 3))
            peak = tuple(map(max, peak, state(server)))
        slowest = [watch.stop() for watch in watches]
    finally:
        stranger.kill()
        stranger.wait()
    left = time.monotonic()
    while time.monotonic() < left + 10:
        now = state(server)
        if now[0] <= before[0] and now[1] <= before[1] + 8:
            break
        time.sleep(0.2)
    after = state(server)
    p99, wrong = sorted(load[0] for load in loads)[len(loads) // 2], sum(load[1] for load in loads)
    return [name, f"{quiet:.2f}", f"{p99:.2f}", wrong, *(f"{took} ({said})" for took, said in slowest),
            *(f"{b:.0f}/{p:.0f}/{a:.0f}" for b, p, a in zip(before, peak, after)), f"{time.monotonic() - left:.1f}"]


def main():
    if os.environ.get("STOA_BENCH_INSIDE") != "1":
        os.environ["STOA_BENCH_INSIDE"] = "1"
        user = [] if os.geteuid() == 0 else ["-r"]
        os.execvp("unshare", ["unshare", *user, "-n", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    binary, names = os.path.abspath(sys.argv[1]), sys.argv[2:] or ATTACKS
    with work_directory() as work:
        hosts = Server("hosts", [sys.executable, f"{HERE}/stranger_hosts.py"], f"http://127.0.0.1:{UPSTREAM_PORT}", 1)
        with hosts:
            machine()
            print("## Strangers\n")
            rows = []
            for name in names:
                home = f"{work}/{name}"
                os.makedirs(home)
                with open(f"{home}/stoa.toml", "w") as file:
                    file.write(SETTINGS.format(home=home, upstream=UPSTREAM_PORT))
                env = {"HOME": home}
                argv = ["sh", "-c", "ulimit -Sn 1024; exec \"$@\"", "sh", binary, "serve", "--config", f"{home}/stoa.toml"]
                with Server("stoa", argv, "http://127.0.0.1:3000", 0, env, f"{home}/log") as server:
                    rows.append(attack(server, name))
                    print("|", " | ".join(map(str, rows[-1])), "|", flush=True)
            table(["attack", "hits p99 ms, quiet", "attacked", "not 2xx", "healthz, slowest ms", "upstream miss", "direct miss",
                   "programs before/peak/after", "descriptors", "RSS MiB", "left after s"], rows)


if __name__ == "__main__":
    main()
