"""The attacks of bench/strangers.py: `stranger_attacks.py NAME PORT` goes on until it is stopped."""
import asyncio
import contextlib
import itertools
import struct
import sys

READERS, STREAMS = 16, 256
LISTS, SILENT, HANGING_HOSTS, REPOSITORIES = 60, 1500, 560, 600


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def headers(path):
    """A request in HPACK: literals without indexing, so that no table is needed."""
    def text(value):
        return bytes([len(value)]) + value
    assert len(path) < 127
    return b"\x82\x86" + b"\x04" + text(path.encode()) + b"\x01" + text(b"127.0.0.1")


class Attacks:
    def __init__(self, port):
        self.port, self.number = port, itertools.count()

    async def connect(self, source=None):
        local = (source, 0) if source else None
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=local)

    async def get(self, path, seconds):
        """Asks, reads what comes for a while and goes away."""
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            reader, writer = await self.connect()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            try:
                await asyncio.wait_for(reader.read(), seconds)
            finally:
                writer.close()

    async def crowd(self, workers, path, seconds):
        async def worker():
            while True:
                await self.get(path(next(self.number)), seconds)
                await asyncio.sleep(0.02)
        await asyncio.gather(*(worker() for _ in range(workers)))

    async def programs(self):
        """Repositories on a hanging server; each client is gone at once."""
        await self.crowd(50, lambda n: f"/127.1.0.1/r{n % REPOSITORIES}.git/@v/v1.0.0.info", 0.05)

    async def lists(self):
        """A list of 16 MiB of a stranger's own proxy."""
        await self.crowd(LISTS, lambda n: f"/127.2.0.{n % 250 + 1}/lists/@v/list", 20)

    async def lanes(self):
        """Modules on hosts that hang."""
        await self.crowd(HANGING_HOSTS, lambda n: f"/127.1.{n % HANGING_HOSTS // 250 + 1}.{n % 250 + 1}/m{n}/@v/v1.0.0.info", 30)

    async def readers(self, window=0, path="/slow.example/z{}/@v/v1.0.0.zip"):
        """HTTP/2 streams with a window of nothing on zips that are not stored yet."""
        async def reader(index):
            while True:
                with contextlib.suppress(OSError):
                    source, writer = await self.connect()
                    settings = struct.pack(">HI", 4, window)
                    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, settings))
                    for stream in range(STREAMS):
                        writer.write(frame(1, 5, 2 * stream + 1, headers(path.format(index % 4))))
                    await source.read()
                await asyncio.sleep(0.1)
        await asyncio.gather(*(reader(index) for index in range(READERS)))

    async def trickle(self):
        """The same with a window of one byte, on zips that are stored."""
        for index in range(4):
            await self.get(f"/slow.example/z{index}/@v/v1.0.0.zip", 20)
        await self.readers(window=1)

    async def silence(self):
        """Connections that say nothing, or half of the preface of HTTP/2."""
        async def silent(index):
            while True:
                with contextlib.suppress(OSError):
                    reader, writer = await self.connect("127.0.0.9")
                    writer.write([b"", b"PRI * HT", b"GET / HTTP/1.1\r\nA: "][index % 3])
                    await reader.read()
                    writer.close()
                await asyncio.sleep(0.5)
        await asyncio.gather(*(silent(index) for index in range(SILENT)))


if __name__ == "__main__":
    asyncio.run(getattr(Attacks(int(sys.argv[2])), sys.argv[1])())
