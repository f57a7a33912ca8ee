"""The hosts of bench/strangers.py, all in one network namespace: an upstream that answers, and hosts of strangers.

The address that is asked tells the role: 127.0.0.1 is the operator's upstream, 127.1.0.0/16 hang, 127.2.0.0/16 answer at once.
"""
import asyncio
import contextlib
import io
import re
import zipfile

UPSTREAM_PORT = 8081
LONG_LIST = 16 << 20  # bytes of a list that nobody needs
ZIP = 48 << 20  # bytes of the zip that readers stop in


def module_zip(module, version, payload):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{module}@{version}/go.mod", f"module {module}\n")
        archive.writestr(f"{module}@{version}/data.bin", b"\0" * payload)
    return file.getvalue()


def long_list():
    lines = (f"v1.{n // 1000}.{n % 1000}\n" for n in range(LONG_LIST // 8))
    return "".join(lines).encode()[:LONG_LIST].rsplit(b"\n", 1)[0] + b"\n"


class Hosts:
    def __init__(self):
        self.list, self.zips = long_list(), {}

    def answer(self, address, path):
        """Status and body, or None to hang."""
        if address.startswith("127.1."):
            return None
        path, _, query = path.partition("?")
        if query == "go-get=1":
            host = address
            return 200, f'<meta name="go-import" content="{host} mod http://{host}/proxy">'.encode()
        path = path.removeprefix("/proxy")
        found = re.fullmatch(r"/(.+)/@v/(list|(v[^/]+)\.(info|mod|zip))", path)
        if not found or (address == "127.0.0.1" and not found[1].endswith(("good.example", "slow.example"))
                         and not found[1].startswith(("good.example/", "slow.example/"))):
            return 404, b"not found\n"
        module, version, kind = found[1], found[3], found[4]
        if found[2] == "list":
            return 200, self.list if "/lists" in module else b"v1.0.0\n"
        if kind == "info":
            return 200, b'{"Version":"%s","Time":"2024-01-02T03:04:05Z"}' % version.encode()
        if kind == "mod":
            return 200, f"module {module}\n".encode()
        size = ZIP if module.startswith("slow.example/") else 1000
        zipped = self.zips.get(module) or module_zip(module, version, size)
        if size == ZIP:
            self.zips[module] = zipped
        return 200, zipped

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            address = writer.get_extra_info("sockname")[0]
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                answer = self.answer(address, head.split(" ", 2)[1])
                if answer is None:
                    await reader.read()  # until the client gives up
                    break
                status, body = answer
                writer.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
                await writer.drain()
        writer.close()


async def main():
    hosts = Hosts()
    servers = [await asyncio.start_server(hosts.serve, "0.0.0.0", port, backlog=4096) for port in (80, UPSTREAM_PORT)]
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
