#!/usr/bin/env python3
"""direct.py STOA [--rounds N]: modules straight from a git repository, through stoa and by the go command itself.

The repository has 2000 files, 500 commits and 20 tags, and is served over smart HTTP on loopback. Every round begins
with a new stoa without storage and local copies, and with an empty module cache. ROUNDS (5) is the default of --rounds.
"""
import argparse
import os
import shutil
import subprocess
import tempfile
import time

import common
import repository
from common import fetch, machine, median, table, work_directory

HOST, NAME = "bench.example", "large"
MODULE = f"{HOST}/{NAME}.git"
ALL = [f"v1.{i}.0" for i in range(repository.TAGS)]
ONE, MORE = ALL[-1], ALL[:18]
PARTS = ("info", "mod", "zip")
TOOLS = os.environ.get("STOA_TOOLS") or os.path.expanduser("~/.cache/stoa/tools")


def go_command():
    found = os.environ.get("STOA_GO") or f"{TOOLS}/go-1.26.6/bin/go"
    if not os.path.isfile(found):
        raise SystemExit(f"no go command at {found}: run scripts/tools.sh, or set STOA_GO")
    return found


class Go:
    """A go command with an empty module cache, and a git that finds the host on loopback."""

    def __init__(self, work, server, proxy):
        self.home, self.go = tempfile.mkdtemp(dir=work), go_command()
        telemetry = f"{self.home}/.config/go/telemetry"
        os.makedirs(telemetry)
        with open(f"{telemetry}/mode", "w") as mode:
            mode.write("off")
        with open(f"{self.home}/.gitconfig", "w") as config:
            config.write(f'[url "{server.url}/"]\n\tinsteadOf = https://{HOST}/\n')
        self.environment = {
            "PATH": f"{os.path.dirname(self.go)}:/usr/bin:/bin", "HOME": self.home, "GOPATH": f"{self.home}/go",
            "GOCACHE": f"{self.home}/build", "GOENV": "off", "GOFLAGS": "-modcacherw", "GOPROXY": proxy, "GOSUMDB": "off",
            "GOTOOLCHAIN": "local", "GOVCS": "*:all", "GOWORK": "off", "GIT_TERMINAL_PROMPT": "0",
        }

    def download(self, versions):
        """Seconds that `go mod download` takes for these versions."""
        begun = time.perf_counter()
        done = subprocess.run([self.go, "mod", "download", "-json", *(f"{MODULE}@{version}" for version in versions)],
                              env=self.environment, cwd=self.home, capture_output=True, text=True)
        seconds = time.perf_counter() - begun
        if done.returncode != 0:
            raise SystemExit(f"go mod download: {done.stdout}{done.stderr}")
        return seconds

    def sums(self):
        """The hash of each version's zip."""
        folder = f"{self.environment['GOPATH']}/pkg/mod/cache/download/{MODULE}/@v"
        names = [name for name in os.listdir(folder) if name.endswith(".ziphash")]
        return {name: open(f"{folder}/{name}").read() for name in names}


class Stoa(common.Server):
    """A stoa that reads repositories, with nothing stored."""

    def __init__(self, binary, work, server):
        home, port = tempfile.mkdtemp(dir=work), common.free_port()
        with open(f"{home}/stoa.toml", "w") as config:
            config.write(f'upstream = "direct"\n[sumdb]\nverify = false\n[vcs]\ncache = "{home}/vcs"\n'
                         f'[[rewrite]]\nfrom = "https://{HOST}/"\nto = "{server.url}/"\n')
        argv = [binary, "serve", "--config", f"{home}/stoa.toml", "--storage", f"{home}/storage",
                "--listen", f"127.0.0.1:{port}"]
        super().__init__("stoa", argv, f"http://127.0.0.1:{port}", env={"STOA_DRAIN_NOTICE": "0s"},
                         log=f"{home}/stoa.log")

    def get(self, versions, parts=PARTS):
        """Seconds for these parts of these versions, one after another."""
        begun = time.perf_counter()
        for version in versions:
            for part in parts:
                fetch(f"{self.url}/{MODULE}/@v/{version}.{part}")
        return time.perf_counter() - begun


def git_alone(work, server):
    """Seconds for what nobody can do without: a shallow fetch of one tag, and its archive."""
    home, begun = tempfile.mkdtemp(dir=work), time.perf_counter()
    repository.git("init", "-q", "--bare", home)
    repository.git("-C", home, "fetch", "-q", "--depth=1", f"{server.url}/{NAME}", f"refs/tags/{ONE}:refs/tags/{ONE}")
    repository.git("-C", home, "archive", "--format=zip", "-o", f"{home}/module.zip", ONE)
    return time.perf_counter() - begun


class Results:
    """Seconds, bytes and requests of each case and round."""

    def __init__(self, server):
        self.server, self.seconds, self.sent, self.requests = server, {}, {}, {}

    def add(self, case, seconds):
        sent, requests = self.server.take()
        for column, value in ((self.seconds, seconds), (self.sent, sent), (self.requests, requests)):
            column.setdefault(case, []).append(value)

    def row(self, what, case, other=None, aim=None):
        mine = self.seconds[case]
        cells = [what, f"{median(mine):.3f}", f"{min(mine):.3f}-{max(mine):.3f}",
                 f"{median(self.sent[case]) / 1e6:.2f}", f"{median(self.requests[case]):.0f}"]
        if other is None:
            return [*cells, "", ""]
        ratios = [theirs / ours for ours, theirs in zip(mine, self.seconds[other])]
        return [*cells, f"{median(ratios):.1f}x", aim]


def one_round(binary, work, server, results):
    server.take()
    results.add("git", git_alone(work, server))
    go = Go(work, server, "direct")
    results.add("go one", go.download([ONE]))
    results.add("go more", go.download(MORE))
    go = Go(work, server, "direct")
    results.add("go all", go.download(ALL))
    sums = go.sums()
    with Stoa(binary, work, server) as stoa:
        results.add("mod", stoa.get(["v1.18.0"], ["mod"]))
    with Stoa(binary, work, server) as stoa:
        results.add("one", stoa.get([ONE]))
        results.add("more", stoa.get(MORE))
        results.add("again", stoa.get(MORE))
    with Stoa(binary, work, server) as stoa:
        go = Go(work, server, stoa.url)
        results.add("all", go.download(ALL))
        if go.sums() != sums:
            raise SystemExit("stoa and the go command do not agree on the hashes of zips")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stoa")
    parser.add_argument("--rounds", type=int, default=common.ROUNDS)
    arguments = parser.parse_args()
    common.ROUNDS, binary = arguments.rounds, os.path.abspath(arguments.stoa)
    with work_directory() as work:
        os.mkdir(f"{work}/repositories")
        repository.make(f"{work}/repositories", NAME, MODULE)
        with repository.GitServer(f"{work}/repositories").running() as server:
            machine()
            print("## Straight from a git repository\n")
            results = Results(server)
            for number in range(arguments.rounds):
                place = f"{work}/{number}"
                os.mkdir(place)
                one_round(binary, place, server, results)
                shutil.rmtree(place)
    header = ["what", "s", "range", "MB sent", "requests", "faster than go", "aim"]
    table(header, [
        results.row("git alone: shallow fetch and archive of one tag", "git"),
        results.row("go direct: one tag", "go one"),
        results.row("go direct: 18 further tags", "go more"),
        results.row("go direct: 20 tags", "go all"),
        results.row("stoa: `.mod` alone", "mod", "go one", "0.15 s"),
        results.row("stoa: `.info`, `.mod`, `.zip` of one tag", "one", "go one", "4x"),
        results.row("stoa: the same of 18 further tags", "more", "go more", "6x"),
        results.row("stoa: those again", "again", "go more", ""),
        results.row("`go mod download` of 20 tags through stoa", "all", "go all", "1x"),
    ])


if __name__ == "__main__":
    main()
