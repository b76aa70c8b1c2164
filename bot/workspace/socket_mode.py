"""Socket Mode: events, commands and interactions over WebSockets that the app opens.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import uuid
from dataclasses import dataclass, field
from itertools import count

import aiohttp
from aiohttp import web

from bot.workspace.delivery import AppReply, EnvelopeKind
from bot.workspace.objects import Json, json_object
from bot.workspace.state import State


@dataclass(slots=True, eq=False)
class SocketConnection:
    """One WebSocket of the app, and the envelopes it has not acked."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    silent: bool = False
    unacked: dict[str, asyncio.Future[AppReply]] = field(default_factory=dict)


class SocketMode:
    """The app's connections. Each envelope goes to one of them, in turn."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.connections: list[SocketConnection] = []
        self._turn = count()

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self.state.tickets:
            raise web.HTTPForbidden(text="This address was used already: ask for another.")
        self.state.tickets.discard(ticket)
        connection = SocketConnection(web.WebSocketResponse(heartbeat=10.0), request.transport)
        await connection.socket.prepare(request)
        hello = {
            "type": "hello",
            "num_connections": len(self.connections) + 1,
            "connection_info": {"app_id": self.state.app},
            "debug_info": {"host": "loopback", "approximate_connection_time": 18060},
        }
        await connection.socket.send_json(hello)
        self.connections.append(connection)
        self.state.change_signal.notify()
        try:
            await self._read(connection)
        finally:
            self._remove(connection)
        return connection.socket

    async def send(self, kind: EnvelopeKind, payload: Json, retries: int, reason: str) -> AppReply:
        """Send one envelope, wait for its ack and return the reply."""
        if not self.connections:
            return AppReply(False, reason="connection_failed")
        connection = self.connections[next(self._turn) % len(self.connections)]
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retries, "retry_reason": reason}
        acked: asyncio.Future[AppReply] = asyncio.get_running_loop().create_future()
        connection.unacked[envelope["envelope_id"]] = acked
        try:
            async with asyncio.timeout(self.state.ack_seconds):
                if not connection.silent:
                    await connection.socket.send_json(envelope)
                return await acked
        except TimeoutError:
            return AppReply(False, reason="timeout")
        except ConnectionError:
            return AppReply(False, reason="connection_failed")
        finally:
            connection.unacked.pop(envelope["envelope_id"], None)

    async def disconnect(self, reason: str = "refresh_requested", notice: float = 0.0) -> None:
        """Ask the app to connect again, as Slack does every few hours, and close all sockets.

        `notice`: the seconds before they are closed; a `warning` comes about ten before.
        """
        ending = list(self.connections)
        for connection in ending:
            await connection.socket.send_json({"type": "disconnect", "reason": reason})
        await asyncio.sleep(notice)
        for connection in ending:
            self._remove(connection)
            await connection.socket.close()

    def silence(self) -> None:
        """Let the first connection stay open while nothing passes it any more."""
        connection = self.connections[0]
        assert connection.transport is not None
        connection.silent = True
        connection.transport.pause_reading()

    def drop(self, most: int | None = None) -> None:
        """Abort connections without notice; all of them, or the first `most`."""
        for connection in self.connections[:most]:
            self._remove(connection)
            if connection.transport is not None:
                connection.transport.abort()

    async def close(self) -> None:
        """Close every connection, for the server goes away."""
        for connection in list(self.connections):
            await connection.socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)

    async def _read(self, connection: SocketConnection) -> None:
        async for message in connection.socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            acked = json_object(message.data) or {}
            waiting = connection.unacked.get(acked.get("envelope_id", ""))
            if waiting is not None and not waiting.done():
                waiting.set_result(AppReply(True, acked.get("payload")))

    def _remove(self, connection: SocketConnection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        for waiting in connection.unacked.values():
            if not waiting.done():
                waiting.set_result(AppReply(False, reason="connection_failed"))
        self.state.change_signal.notify()
