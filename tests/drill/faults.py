"""The faults of a drill: what they need around them, and how they strike."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.workspace.api.access import is_streaming
from tests.drill.bot_run import paused
from tests.drill.events import Order
from tests.drill.proxy import Proxy
from tests.drill.scene import LEASE_SECONDS, SOCKETS, Scene, Setting

SHORT, OUTAGE = 4.0, 5.0
# Longer than the bot waits for an answer of Slack's.
SILENCE = 22.0
HOUR = 3600
# The methods that write, each of which can lose its answer, and a stage that calls it soon after.
METHODS = {
    "chat.postMessage": "committed",
    "chat.postEphemeral": "held for review",
    "chat.startStream": "root posted",
    "chat.appendStream": "message posted",
    "chat.stopStream": "text streams",
    "chat.update": "closed",
    "reactions.add": "last text shown",
    "agents.sessions.setStatus": "second message",
    "files.getUploadURLExternal": "accepted as a file",
    "files.completeUploadExternal": "accepted as a file",
}

Strike = Callable[[Scene], Awaitable[None]]

PLAIN = Setting()
POSTGRES = Setting("postgres")
TWO = Setting("postgres", bots=2)
OWN_WORKER = Setting(own_worker=True)


async def nothing(_: Scene) -> None: ...


@dataclass(frozen=True, slots=True)
class Fault:
    """`prepare` before the first step of a stage, `strike` at the stage; it is over on return.

    `lasting`: calls of Slack's that it arms go on failing after it, until one was made; `found_at`
    is a stage that makes one.
    """

    name: str
    strike: Strike
    setting: Setting = PLAIN
    prepare: Strike = nothing
    lasting: bool = False
    found_at: str | None = None


# Processes


async def bot_killed(scene: Scene) -> None:
    await scene.bot.kill()
    await scene.bot.start()


async def bot_paused(scene: Scene) -> None:
    await scene.bot.pause(SHORT)


async def bot_restarted(scene: Scene) -> None:
    await scene.bot.end()
    await scene.bot.start()


async def one_of_two_killed(scene: Scene) -> None:
    scene.route(scene.bots[1])
    await scene.bot.kill()


async def one_of_two_paused(scene: Scene) -> None:
    scene.route(scene.bots[1])
    await scene.bot.pause(LEASE_SECONDS * 2)


async def one_of_two_ended(scene: Scene) -> None:
    scene.route(scene.bots[1])
    await scene.bot.end()


async def rank_killed(scene: Scene) -> None:
    os.kill(scene.bot.ranks[-1], signal.SIGKILL)


async def rank_paused(scene: Scene) -> None:
    await paused(scene.bot.ranks, SHORT)


async def worker_paused(scene: Scene) -> None:
    await paused([scene.bot.supervisor, *scene.bot.ranks], SHORT)


async def supervisor_killed(scene: Scene) -> None:
    os.kill(scene.bot.supervisor, signal.SIGKILL)


# The database


async def file_locked(scene: Scene) -> None:
    connection = sqlite3.connect(scene.data / "draftsmith.db", timeout=30.0)
    connection.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(OUTAGE)
    connection.rollback()
    connection.close()


async def tables_locked(scene: Scene) -> None:
    assert scene.server is not None
    engine = create_async_engine(scene.server.url)
    async with engine.begin() as connection:
        await connection.execute(text("LOCK TABLE jobs, threads, versions"))
        await asyncio.sleep(OUTAGE)
    await engine.dispose()


async def disk_full(scene: Scene) -> None:
    filler = scene.data / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    await asyncio.sleep(OUTAGE)
    filler.unlink()


async def database_killed(scene: Scene) -> None:
    assert scene.server is not None
    await asyncio.to_thread(scene.server.kill)
    await asyncio.sleep(2.0)
    await asyncio.to_thread(scene.server.start)


async def database_restarted(scene: Scene) -> None:
    assert scene.server is not None
    await asyncio.to_thread(scene.server.stop, "fast")
    await asyncio.to_thread(scene.server.start)


# Connections


def proxy_of(scene: Scene, part: str) -> Proxy:
    proxy = {"slack": scene.slack, "worker": scene.worker, "database": scene.database}[part]
    assert proxy is not None
    return proxy


async def cut(scene: Scene, part: str) -> None:
    proxy_of(scene, part).cut()


async def half_closed(scene: Scene, part: str) -> None:
    proxy_of(scene, part).half_close()


async def stalled(scene: Scene, part: str, seconds: float) -> None:
    proxy = proxy_of(scene, part)
    proxy.stall()
    await asyncio.sleep(seconds)
    proxy.flow()


async def away(scene: Scene, part: str) -> None:
    proxy = proxy_of(scene, part)
    proxy.refuses = True
    proxy.cut()
    await asyncio.sleep(OUTAGE)
    proxy.refuses = False


async def socket_closed(scene: Scene) -> None:
    await scene.workspace.refresh_sockets()


async def socket_dropped(scene: Scene) -> None:
    scene.workspace.drop_sockets()


async def socket_silent(scene: Scene) -> None:
    """Let nothing pass one socket any more, until the bot has another one in its place."""
    scene.workspace.silence_socket()
    await scene.workspace.until(lambda: scene.workspace.sockets > SOCKETS, 60.0)
    scene.workspace.drop_sockets(1)


# Slack's answers


async def limited(scene: Scene) -> None:
    scene.workspace.fail("*", retry_after=2, times=10**6)
    await asyncio.sleep(OUTAGE)
    scene.workspace.heal()


async def broken(scene: Scene) -> None:
    scene.workspace.fail("*", status=500, times=10**6)
    await asyncio.sleep(OUTAGE)
    scene.workspace.heal()


async def answer_lost(scene: Scene, method: str) -> None:
    scene.workspace.fail(method, drop="after")


async def call_lost(scene: Scene) -> None:
    scene.workspace.fail("*", drop="before")


async def streams_ended(scene: Scene) -> None:
    """End every stream, as Slack does with those that are about five minutes old."""
    state = scene.workspace.state
    state.stream_seconds, before = 0.0, state.stream_seconds
    for message in state.all_messages():
        is_streaming(state, message)
    await asyncio.sleep(1.0)
    state.stream_seconds = before


# Slack's events


async def events_repeated(scene: Scene) -> None:
    await scene.post.repeat()


async def deliver(scene: Scene, order: Order) -> None:
    scene.post.order = order


# Clocks


async def clock_stepped(scene: Scene, seconds: int) -> None:
    scene.set_clock(seconds)
    await asyncio.sleep(1.0)


FAULTS = [
    Fault("bot: kill -9, started again", bot_killed),
    Fault("bot: SIGTERM, started again", bot_restarted),
    Fault("bot: SIGSTOP for 4 s", bot_paused),
    Fault(
        "bot: its clock steps an hour ahead",
        partial(clock_stepped, seconds=HOUR),
        Setting(own_clock=True),
    ),
    Fault(
        "bot: its clock steps an hour back",
        partial(clock_stepped, seconds=-HOUR),
        Setting(own_clock=True),
    ),
    Fault("one of two bots: kill -9", one_of_two_killed, TWO),
    Fault("one of two bots: SIGTERM", one_of_two_ended, TWO),
    Fault("one of two bots: SIGSTOP, longer than its lease", one_of_two_paused, TWO),
    Fault("two bots: the other one is asked", nothing, Setting("postgres", bots=2, crossed=True)),
    Fault("worker: kill -9 of a rank", rank_killed, OWN_WORKER),
    Fault("worker: kill -9 of the supervisor", supervisor_killed, OWN_WORKER),
    Fault("worker: SIGSTOP of the ranks for 4 s", rank_paused, OWN_WORKER),
    Fault("worker: SIGSTOP of all of it for 4 s", worker_paused, OWN_WORKER),
    Fault("worker: connections cut", partial(cut, part="worker")),
    Fault("worker: connections half closed", partial(half_closed, part="worker")),
    Fault("worker: connections stall for 4 s", partial(stalled, part="worker", seconds=SHORT)),
    Fault("worker: not to be reached for 5 s", partial(away, part="worker")),
    Fault("SQLite: locked for 5 s", file_locked),
    Fault("SQLite: disk full for 5 s", disk_full, Setting(small_disk=True)),
    Fault("PostgreSQL: kill -9, started again", database_killed, POSTGRES),
    Fault("PostgreSQL: restarted", database_restarted, POSTGRES),
    Fault("PostgreSQL: tables locked for 5 s", tables_locked, POSTGRES),
    Fault("PostgreSQL: connections cut", partial(cut, part="database"), POSTGRES),
    Fault("PostgreSQL: connections half closed", partial(half_closed, part="database"), POSTGRES),
    Fault(
        "PostgreSQL: connections stall for 4 s",
        partial(stalled, part="database", seconds=SHORT),
        POSTGRES,
    ),
    Fault("Slack: 429 for 5 s", limited),
    Fault("Slack: 500 for 5 s", broken),
    Fault("Slack: not to be reached for 5 s", partial(away, part="slack")),
    Fault("Slack: no answer for 22 s", partial(stalled, part="slack", seconds=SILENCE)),
    Fault("Slack: connections cut", partial(cut, part="slack")),
    Fault("Slack: connections half closed", partial(half_closed, part="slack")),
    Fault("Slack: sockets closed", socket_closed),
    Fault("Slack: sockets closed without a frame", socket_dropped),
    Fault("Slack: a socket goes silent", socket_silent),
    Fault("Slack: streams ended", streams_ended),
    Fault("Slack: the next call lost", call_lost, lasting=True),
    *(
        Fault(
            f"Slack: answer of {method} lost",
            partial(answer_lost, method=method),
            lasting=True,
            found_at=stage,
        )
        for method, stage in METHODS.items()
    ),
    Fault("Slack: events delivered again", events_repeated),
    Fault("Slack: events 3 s late", nothing, prepare=partial(deliver, order=Order.LATE)),
    Fault(
        "Slack: events in reverse order", nothing, prepare=partial(deliver, order=Order.REVERSED)
    ),
]
