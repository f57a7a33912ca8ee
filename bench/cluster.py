#!/usr/bin/env python3
"""cluster.py STOA LOOKUP_BENCH: what the way through the owner of a module costs, and lookups in a view of a registry.

Two nodes with a list; their source is a directory, so that a cold fetch is as fast as it can be and the way shows. Small zips, one
at a time, each asked for once: at its owner, or at the other node.
"""
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.request
import zipfile

from common import Server, free_port, machine, table, work_directory

MODULES = int(os.environ.get("MODULES", "600"))


def source(root):
    for n in range(MODULES):
        home = root / f"example.com/m{n}/@v"
        home.mkdir(parents=True)
        (home / "v1.0.0.info").write_text('{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}')
        (home / "v1.0.0.mod").write_text(f"module example.com/m{n}\n")
        with zipfile.ZipFile(home / "v1.0.0.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"example.com/m{n}@v1.0.0/go.mod", f"module example.com/m{n}\n")
            archive.writestr(f"example.com/m{n}@v1.0.0/a.go", "package a\n" * 200)


def node(stoa, work, name, ports, upstream):
    env = {
        "PATH": os.environ["PATH"],
        "STOA_SUMDB_VERIFY": "false",
        "STOA_REGISTRY_BACKEND": "static",
        "STOA_REGISTRY_NODES": ",".join(f"{other}=http://127.0.0.1:{port}" for other, port in ports.items()),
        "STOA_PEER_ID": name,
        "STOA_PEER_ADVERTISE": f"http://127.0.0.1:{ports[name]}",
        "STOA_PEER_SECRET_FILE": f"{work}/secret",
    }
    argv = [stoa, "serve", "--listen", f"127.0.0.1:{ports[name]}", "--storage", f"{work}/{name}", "--upstream", upstream]
    return Server(name, argv, f"http://127.0.0.1:{ports[name]}", env=env)


def owner(server, token, n):
    url = f"{server}/api/v1/cluster/owner?key=example.com/m{n}@v1.0.0"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["owner"]


def ask(connections, name, n):
    began = time.perf_counter()
    connections[name].request("GET", f"/example.com/m{n}/@v/v1.0.0.zip")
    answer = connections[name].getresponse()
    body = answer.read()
    elapsed = (time.perf_counter() - began) * 1e3
    assert answer.status == 200 and body[:2] == b"PK", (answer.status, body[:200])
    return elapsed


def main():
    stoa, lookup_bench = sys.argv[1:3]
    with work_directory() as work:
        work = pathlib.Path(work)
        root = work / "source"
        source(root)
        (work / "secret").write_text("a secret of the nodes of one cluster\n")
        (work / "secret").chmod(0o600)
        ports = {"a": free_port(), "b": free_port()}
        with node(stoa, work, "a", ports, f"file://{root}"), node(stoa, work, "b", ports, f"file://{root}"):
            for port in ports.values():
                wait(port)
            token = (work / "a/.stoa/admin-token").read_text().strip()
            connections = {name: http.client.HTTPConnection("127.0.0.1", port) for name, port in ports.items()}
            times = {"at its owner": [], "at the other node": []}
            for n in range(MODULES):
                owned = owner(f"http://127.0.0.1:{ports['a']}", token, n)
                if n % 2:
                    times["at its owner"].append(ask(connections, owned, n))
                else:
                    times["at the other node"].append(ask(connections, "b" if owned == "a" else "a", n))
        machine()
        rows = [[name, len(taken), f"{statistics.median(taken):.2f}", f"{statistics.quantiles(taken, n=100)[98]:.2f}"]
                for name, taken in times.items()]
        table(["a cold zip", "asked", "p50 ms", "p99 ms"], rows)
        added = statistics.median(times["at the other node"]) - statistics.median(times["at its owner"])
        print(f"the way through the owner adds {added:.2f} ms (aim: below 3)")
    print(subprocess.run([lookup_bench], check=True, capture_output=True, text=True).stdout)


def wait(port):
    deadline = time.time() + 20
    while time.time() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nobody is ready at port {port}")


main()
