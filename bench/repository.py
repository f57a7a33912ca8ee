"""A git repository to measure with, and a server for it: smart HTTP on loopback that counts what it sends."""
import contextlib
import http.server
import os
import random
import subprocess
import threading
import urllib.parse

FILES, FOLDERS, COMMITS, TAGS = 2000, 40, 500, 20
LETTERS = "abcdefgh ijklmnop"
GIT = {"PATH": os.environ["PATH"], "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


def git(*arguments, **options):
    return subprocess.run(["git", *arguments], env=GIT, check=True, stdout=subprocess.PIPE, **options).stdout


def history(module):
    """What `git fast-import` reads: a first commit of all files, then some files anew in each; a tag every so often."""
    rng = random.Random(2000)

    def file(path, text):
        yield f"M 100644 inline {path}\ndata {len(text)}\n{text}\n"

    def source(index):
        comment = "".join(rng.choices(LETTERS, k=rng.randrange(300, 6000)))
        text = f"package p{index % FOLDERS}\n\n// {comment}\nconst C{index} = 0x{rng.getrandbits(64):x}\n"
        return file(f"p{index % FOLDERS}/f{index}.go", text)

    for number in range(1, COMMITS + 1):
        at = f"<bench@bench.example> {1_600_000_000 + number * 3600} +0000"
        yield f"commit refs/heads/main\nmark :{number}\ncommitter B {at}\ndata <<.\n{number}\n.\n"
        changed = rng.sample(range(FILES), 8)
        if number == 1:
            yield from file("go.mod", f"module {module}\n\ngo 1.21\n")
            yield from file("LICENSE", "MIT\n")
            changed = range(FILES)
        for index in changed:
            yield from source(index)
        if number % (COMMITS // TAGS) == 0:
            name = f"v1.{number * TAGS // COMMITS - 1}.0"
            yield f"tag {name}\nfrom :{number}\ntagger B {at}\ndata <<.\n{name}\n.\n"


def make(root, name, module):
    """A bare repository of 2000 files of 3 kB, 500 commits and 20 annotated tags, packed once; always the same."""
    path = f"{root}/{name}.git"
    git("init", "-q", "--bare", "-b", "main", path)
    git("-C", path, "fast-import", "--quiet", input="".join(history(module)).encode())
    git("-C", path, "repack", "-adq")
    # What the large hosts allow.
    git("-C", path, "config", "uploadpack.allowFilter", "true")
    git("-C", path, "config", "uploadpack.allowAnySHA1InWant", "true")


class Handler(http.server.BaseHTTPRequestHandler):
    """One request, answered by `git http-backend` while it answers."""

    protocol_version = "HTTP/1.1"
    # As servers do: without it every answer waits for an acknowledgment, which waits for more to come.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self):
        url, body = urllib.parse.urlsplit(self.path), self.body()
        environment = {
            **GIT, "GIT_PROJECT_ROOT": self.server.root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": url.path,
            "QUERY_STRING": url.query, "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        with subprocess.Popen(["git", "http-backend"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as backend:
            # No request of a client that has little to say is larger than a pipe.
            backend.stdin.write(body)
            backend.stdin.close()
            status, headers = 200, []
            while line := backend.stdout.readline().strip():
                name, _, value = line.decode("latin-1").partition(": ")
                if name == "Status":
                    status = int(value.split()[0])
                else:
                    headers.append((name, value))
            self.send_response(status)
            for name, value in [*headers, ("Transfer-Encoding", "chunked")]:
                self.send_header(name, value)
            self.end_headers()
            while piece := backend.stdout.read1(1 << 16):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.server.count(len(piece))
            self.wfile.write(b"0\r\n\r\n")
        self.server.count(0, 1)

    do_GET = do_POST = answer


class GitServer(http.server.ThreadingHTTPServer):
    """Serves the repositories below `root` until the block ends."""

    daemon_threads = True

    def __init__(self, root):
        super().__init__(("127.0.0.1", 0), Handler)
        self.root, self.url = root, f"http://127.0.0.1:{self.server_port}"
        self.lock, self.sent, self.requests = threading.Lock(), 0, 0

    def count(self, sent, requests=0):
        with self.lock:
            self.sent += sent
            self.requests += requests

    def take(self):
        """Bytes and requests since the last time."""
        with self.lock:
            taken = self.sent, self.requests
            self.sent = self.requests = 0
        return taken

    @contextlib.contextmanager
    def running(self):
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()
