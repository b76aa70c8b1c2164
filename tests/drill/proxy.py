"""A TCP proxy between two processes, whose connections a drill cuts, stalls and half closes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Pipe]]

CHUNK = 65536


@dataclass(slots=True, eq=False)
class Proxy:
    """Carries bytes from a port of its own to what `connect` reaches, and back."""

    connect: Connect
    port: int = 0
    refuses: bool = False
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _clients: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Abort every connection, on both sides."""
        for client in list(self._clients):
            client.transport.abort()

    def stall(self) -> None:
        """Let nothing pass any more, while the connections stay open."""
        self._flows.clear()

    def flow(self) -> None:
        """Let pass what waits, and all that follows."""
        self._flows.set()

    def half_close(self) -> None:
        """End every connection in the direction of whoever opened it; the other stays."""
        for client in list(self._clients):
            with suppress(OSError, RuntimeError):
                client.write_eof()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until it ends on either side."""
        if self.refuses:
            writer.transport.abort()
            return
        self._clients.add(writer)
        try:
            there = await self.connect()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, there[1]))
                both.create_task(self._carry(there[0], writer))
        except* (OSError, RuntimeError):
            pass  # Also what was half closed, and had more to carry.
        finally:
            self._clients.discard(writer)
            writer.transport.abort()
            with suppress(UnboundLocalError):
                there[1].transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        await self._flows.wait()
        if not writer.is_closing():
            writer.write_eof()


@asynccontextmanager
async def proxied(connect: Connect) -> AsyncIterator[Proxy]:
    """Run a proxy on a free port of loopback."""
    proxy = Proxy(connect)
    proxy.flow()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(proxy.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def to_port(url: str) -> Connect:
    """Return what connects to the port of http://127.0.0.1:port."""
    port = int(url.rpartition(":")[2])
    return lambda: asyncio.open_connection("127.0.0.1", port)


def to_socket(path: str) -> Connect:
    """Return what connects to a Unix socket."""
    return lambda: asyncio.open_unix_connection(path)
