"""Socket Mode: WebSockets that the bot opens to Slack, each kept open by itself.

Slack sends each envelope by one of them, whichever it likes, so that one that is being opened anew
costs nothing while another is open. Knows envelopes and acks, not what they are about.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog
from slack_bolt import BoltResponse
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

log = structlog.get_logger(__name__)

# A silent socket is closed after one and a half of these.
HEARTBEAT_SECONDS = 5.0
HELLO_SECONDS = 10.0
# To open a socket, its greeting included: one that hangs would keep its place from another.
OPEN_SECONDS = 20.0
# A socket that Slack gave notice of is read on until Slack closes it, or for so long.
NOTICE_SECONDS = 30.0
# One that lived for so long is opened anew at once; else the pause doubles, for
# apps.connections.open is a method of tier 1.
STEADY_SECONDS = 30.0
MOST_PAUSE = 30.0
ACK_SECONDS = 3.0
CLOSE_SECONDS = 1.0  # One that is closed may have nobody at its other end.


class NoHello(Exception):
    """Slack opened a socket and did not greet."""


@dataclass(slots=True)
class Connection:
    """One place among the open sockets: since when it is as it is, and whether Slack reaches us."""

    since: float = field(default_factory=time.monotonic)
    alive: bool = False

    def turn(self, *, alive: bool) -> None:
        """Record a change."""
        self.alive, self.since = alive, time.monotonic()


@dataclass(slots=True, eq=False)
class _Socket:
    """An open socket. `ending`: it is closed, or Slack has given notice."""

    socket: aiohttp.ClientWebSocketResponse
    opened: float = field(default_factory=time.monotonic)
    ending: asyncio.Event = field(default_factory=asyncio.Event)


class SocketMode:
    """The app's connections to Slack."""

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        session: aiohttp.ClientSession,
        *,
        count: int,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        assert count > 0
        self._app = app
        self._app_token = app_token
        self._session = session
        self._heartbeat = heartbeat
        self._connections = [Connection() for _ in range(count)]
        self._sockets: set[_Socket] = set()
        self._keepers: set[asyncio.Task[None]] = set()
        self._readers: set[asyncio.Task[None]] = set()
        self._answers: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> Sequence[Connection]:
        """The connections as they are now."""
        return self._connections

    async def open(self) -> None:
        """Open the first connection, and let the others follow.

        Raises what Slack refuses it with, which another try would not mend.
        """
        first = await self._open()
        for i, connection in enumerate(self._connections):
            _start(self._keep(connection, None if i else first), self._keepers)

    async def close(self) -> None:
        """Close all connections, after the acks that are being made."""
        for keeper in self._keepers:
            keeper.cancel()
        # Read on meanwhile: a socket that nobody reads is soon closed as a silent one.
        with suppress(TimeoutError):
            async with asyncio.timeout(ACK_SECONDS):
                while self._answers:
                    await asyncio.wait(self._answers)
        await asyncio.gather(*(each.socket.close() for each in self._sockets))
        left = [*self._keepers, *self._readers, *self._answers]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _keep(self, connection: Connection, opened: _Socket | None) -> None:
        """Keep one connection open, for ever; begin with a socket if there is one."""
        failures = 0
        while True:
            if opened is None:
                await asyncio.sleep(_pause(failures))
                opened = await self._try_to_open()
            failures += 1
            if opened is None:
                continue
            connection.turn(alive=True)
            _start(self._read(opened), self._readers)
            await opened.ending.wait()
            connection.turn(alive=False)
            if time.monotonic() - opened.opened >= STEADY_SECONDS:
                failures = 0
            opened = None

    async def _try_to_open(self) -> _Socket | None:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return await self._open()
        except Exception as error:
            # Whatever it is: without another try this place would stay empty for ever. The error's
            # own text may have the address, which lets anybody connect.
            log.warning("socket not opened", error=type(error).__name__)
            await asyncio.sleep(_retry_after(error))
            return None

    async def _open(self) -> _Socket:
        """Open a socket that Slack has greeted by: before, it may have opened too many."""
        client = self._app.client
        answer = await client.apps_connections_open(app_token=self._app_token)
        socket = await self._session.ws_connect(
            str(answer["url"]),
            heartbeat=self._heartbeat,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            proxy=client.proxy,
            ssl=client.ssl if client.ssl is not None else True,
        )
        try:
            hello = await socket.receive(HELLO_SECONDS)
            if _message(hello).get("type") != "hello":
                raise NoHello
        except BaseException:
            await socket.close()
            raise
        opened = _Socket(socket)
        self._sockets.add(opened)
        return opened

    async def _read(self, opened: _Socket) -> None:
        """Take what comes until the socket is closed, however that happens."""
        try:
            async for raw in opened.socket:
                message = _message(raw)
                if message.get("type") == "disconnect":
                    log.info("socket will close", reason=message.get("reason"))
                    opened.ending.set()
                    _start(_close_late(opened.socket), self._keepers)
                elif message:
                    _start(self._answer(opened.socket, message), self._answers)
        except (aiohttp.ClientError, OSError) as error:
            log.warning("socket broken", error=type(error).__name__)
        finally:
            opened.ending.set()
            self._sockets.discard(opened)
            await opened.socket.close()

    async def _answer(
        self, socket: aiohttp.ClientWebSocketResponse, envelope: Mapping[str, Any]
    ) -> None:
        """Let the app handle an envelope, and ack it if the app does."""
        request = SocketModeRequest.from_dict(dict(envelope))
        if request is None:
            return
        response = await run_async_bolt_app(self._app, request)
        if response.status != 200:
            return  # Slack delivers an event again.
        ack = SocketModeResponse(request.envelope_id, _payload(response))
        try:
            await socket.send_str(json.dumps(ack.to_dict()))
        except (aiohttp.ClientError, OSError):
            log.warning("ack not sent", kind=request.type)


@asynccontextmanager
async def socket_mode(app: AsyncApp, app_token: str, *, count: int) -> AsyncIterator[SocketMode]:
    """Keep `count` connections open. Raises what Slack refuses the first with."""
    async with aiohttp.ClientSession() as session:
        sockets = SocketMode(app, app_token, session, count=count)
        try:
            await sockets.open()
            yield sockets
        finally:
            await sockets.close()


def _start(work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _close_late(socket: aiohttp.ClientWebSocketResponse) -> None:
    await asyncio.sleep(NOTICE_SECONDS)
    await socket.close()


def _pause(failures: int) -> float:
    """Return the seconds before the next try: none after a steady connection."""
    if failures == 0:
        return 0.0
    return min(MOST_PAUSE, 2.0 ** (failures - 2)) * random.uniform(0.5, 1.0)  # noqa: S311


def _retry_after(error: Exception) -> float:
    """Return the seconds for which Slack wants no other try."""
    headers = error.response.headers if isinstance(error, SlackApiError) else {}
    seconds = str(headers.get("Retry-After", ""))
    return float(seconds) if seconds.isdecimal() else 0.0


def _message(raw: aiohttp.WSMessage) -> dict[str, Any]:
    """Return the JSON object of a message; {} for anything else."""
    if raw.type is not aiohttp.WSMsgType.TEXT:
        return {}
    try:
        message = json.loads(raw.data)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _payload(response: BoltResponse) -> dict[str, Any] | None:
    """Return what an ack answers with: a form's errors, a sentence, or nothing."""
    if not response.body:
        return None
    content_type = str(response.headers.get("content-type", [""])[0])
    if content_type.startswith("application/json"):
        return dict(json.loads(response.body))
    return {"text": response.body}
