"""How Slack's events reach the bot in a drill: at once, late, out of order, and once more."""

import asyncio
from collections.abc import Coroutine
from enum import Enum, auto
from typing import Any, TypeVar

from bot.workspace import Workspace
from bot.workspace.events import reaches_app
from bot.workspace.objects import Json, new_id

T = TypeVar("T")

LATE_SECONDS = 3.0
BAG_SECONDS = 1.5


class Order(Enum):
    """When an event is delivered."""

    AT_ONCE = auto()
    LATE = auto()
    REVERSED = auto()


class Post:
    """Delivers a workspace's events, each with an id that a further delivery repeats.

    https://docs.slack.dev/apis/events-api#retries
    """

    def __init__(self, workspace: Workspace) -> None:
        self.order = Order.AT_ONCE
        self._workspace = workspace
        self._sent: list[tuple[Json, str]] = []
        self._bag: list[tuple[Json, str, asyncio.Future[bool]]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        workspace.state.emit = self.emit

    def emit(self, event: Json) -> asyncio.Future[bool] | None:
        """Deliver an event; return None if the app has no right to it."""
        if not reaches_app(self._workspace.state, event):
            return None
        name = new_id("Ev")
        self._sent.append((event, name))
        if self.order is Order.REVERSED:
            return self._put_into_bag(event, name)
        return self._begin(self._deliver(event, name, LATE_SECONDS * (self.order is Order.LATE)))

    def begin(self) -> None:
        """Deliver at once again, and forget what was delivered."""
        self.order = Order.AT_ONCE
        self._sent.clear()

    async def repeat(self) -> None:
        """Deliver all that was delivered once more, the newest first."""
        for event, name in reversed(self._sent):
            await self._workspace.deliver(event, event_id=name)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[None, None, T]) -> "asyncio.Task[T]":
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _deliver(self, event: Json, name: str, seconds: float) -> bool:
        await asyncio.sleep(seconds)
        return await self._workspace.deliver(event, event_id=name)

    def _put_into_bag(self, event: Json, name: str) -> "asyncio.Future[bool]":
        acked: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._bag.append((event, name, acked))
        if len(self._bag) == 1:
            self._begin(self._empty_bag())
        return acked

    async def _empty_bag(self) -> None:
        await asyncio.sleep(BAG_SECONDS)
        bag, self._bag = self._bag, []
        for event, name, acked in reversed(bag):
            acked.set_result(await self._workspace.deliver(event, event_id=name))
