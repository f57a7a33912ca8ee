"""A server with a million indexed versions: how soon it is ready, and what its pages cost.

usage: index.py STOA MILLION

MILLION is the example of stoa-index that makes such an index. Pages are asked for at places all over it, one after the other.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

TIMES = 200


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url):
    began = time.perf_counter()
    with urllib.request.urlopen(url) as answer:
        body = answer.read()
    return time.perf_counter() - began, body


def rss(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


def show(what, times):
    times.sort()
    print(f"| {what} | {times[len(times) // 2] * 1e3:.1f} ms | {times[-1] * 1e3:.1f} ms |")


def main():
    stoa, million = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "index.db")
        subprocess.run([million, "fill", file], check=True)
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "STOA_INDEX_STORE": f"file://{file}",
            "STOA_UPSTREAM": "off",
            "STOA_SUMDB_DATABASES": "",
            "STOA_LOG_ACCESS": "false",
        }
        arguments = [stoa, "serve", "--listen", f"127.0.0.1:{port}", "--storage", os.path.join(folder, "storage")]
        # A server that was not killed: the mark of one that was has the index made anew.
        base = f"http://127.0.0.1:{port}"
        began = time.perf_counter()
        server = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    if get(f"{base}/readyz")[1] and get(f"{base}/index?limit=1")[1]:
                        break
                except OSError:
                    time.sleep(0.005)
            print(f"start to ready, and the first line of /index: {time.perf_counter() - began:.3f} s")
            time.sleep(2)
            print(f"memory, idle: {rss(server.pid):.0f} MiB")
            pick = random.Random(7)
            first = json.loads(get(f"{base}/index?limit=1")[1])["Timestamp"]
            since, times = first, []
            for _ in range(TIMES):
                took, body = get(f"{base}/index?since={since}&limit=2000")
                times.append(took)
                lines = body.splitlines()
                since = json.loads(lines[-1])["Timestamp"] if len(lines) > 1 else first
            print("| page | median | worst |\n|---|---|---|")
            show("/index, 2000 lines", times)
            times = []
            for _ in range(TIMES):
                module = pick.randrange(49_000)
                token = urllib.parse.quote(f"github.com/owner-{module // 7}/repository-{module}@v1.3.0")
                took, body = get(f"{base}/catalog?token={token}")
                assert len(json.loads(body)["modules"]) == 1000
                times.append(took)
            show("/catalog, 1000 versions", times)
            print(f"memory, after these: {rss(server.pid):.0f} MiB")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


main()
