"""What people do in an hour: they ask, refine, regenerate, stop, click thumbs, and chat."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.workspace import PostedMessage, Workspace

T = TypeVar("T")

LOOK_SECONDS = 0.5
MOST_SECONDS = 600.0
# Of a hundred people who asked for a draft.
STOPPING, REFINING, REGENERATING, RATING = 10, 50, 25, 40


@dataclass(slots=True)
class Written:
    """One draft that somebody waited for, in seconds from the wish; None for what never came.

    `right`: it has the worker's text once, or was stopped.
    """

    wish: str
    text: float | None = None
    complete: float | None = None
    right: bool = False


class Visits:
    """People in channels, and the drafts that they waited for."""

    def __init__(self, workspace: Workspace, people: int, channels: int, seed: int) -> None:
        assert 0 < channels <= people
        self._workspace = workspace
        self._chance = random.Random(seed)  # noqa: S311 -- the same hour each time.
        rooms = [workspace.channel(f"channel-{i}") for i in range(channels)]
        self._people = [
            (workspace.person(f"person-{i}"), rooms[i % channels]) for i in range(people)
        ]
        self.written: list[Written] = []
        self.refused = 0

    async def run(self, seconds: float, chatter: float) -> None:
        """Let everybody come once within so many seconds, while others chat; wait for the end.

        `chatter`: messages a second that are not for the bot.
        """
        began = time.monotonic()
        talking = asyncio.create_task(self._chat(chatter))
        try:
            await asyncio.gather(
                *(
                    self._visit(number, seconds * number / len(self._people))
                    for number in range(len(self._people))
                )
            )
            # The rest of the time, so that memory is seen at rest as well.
            await asyncio.sleep(max(0.0, seconds - (time.monotonic() - began)))
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)

    async def wait_for_heads(self) -> float | None:
        """Return the seconds until no head says that something is written; None: it still does."""
        began = time.monotonic()
        right = await _until(lambda: None if any(map(_has_stop, self._heads())) else True)
        return time.monotonic() - began if right else None

    def _heads(self) -> list[PostedMessage]:
        channels = {channel for _, channel in self._people}
        return [m for channel in channels for m in self._workspace.messages(channel)]

    async def _chat(self, rate: float) -> None:
        while rate:
            person, channel = self._chance.choice(self._people)
            await self._workspace.say(person, channel, "has anybody seen the weather today?")
            await asyncio.sleep(1 / rate)

    async def _visit(self, number: int, after: float) -> None:
        await asyncio.sleep(after)
        dice = {each: self._chance.randrange(100) for each in ("stop", "refine", "again", "rate")}
        person, channel = self._people[number]
        asked = time.monotonic()
        ack = await self._workspace.command(person, channel, "/draft", f"blog: ship {number}")
        if not ack.ok or ack.text:
            self.refused += 1
            return
        drafts = _Thread(self._workspace, person, channel, number)
        stops = dice["stop"] < STOPPING
        draft = await self._written("draft", drafts, 1, asked, stop=person if stops else None)
        if draft is None or stops:
            return
        if dice["rate"] < RATING:
            await _press(self._workspace, person, draft, "positive")
        asked, wanted = time.monotonic(), 2
        if dice["refine"] < REFINING:
            assert draft.thread_ts
            words = f"2 words shorter, about ship {number}"
            await self._workspace.say(person, channel, words, thread_ts=draft.thread_ts)
            draft = await self._written("refinement", drafts, wanted, asked)
            wanted += 1
        if draft is not None and dice["again"] < REGENERATING:
            asked = time.monotonic()
            await self._workspace.react(person, channel, draft.ts, "repeat")
            await self._written("regeneration", drafts, wanted, asked)

    async def _written(
        self, wish: str, thread: "_Thread", count: int, asked: float, *, stop: str | None = None
    ) -> PostedMessage | None:
        """Wait for the thread's `count`th draft, or stop it once it has text."""
        written = Written(wish)
        self.written.append(written)
        shown = await _until(lambda: thread.with_text(count))
        if shown is None:
            return None
        written.text = time.monotonic() - asked
        if stop:
            await self._workspace.react(stop, shown.channel, shown.ts, "x")
        done = await _until(lambda: shown if _has_buttons(shown) else None)
        if done is None:
            return None
        written.complete = time.monotonic() - asked
        written.right = bool(stop) or done.text.count(f"On day 9 ship {thread.number} left") == 1
        return done


@dataclass(frozen=True, slots=True)
class _Thread:
    """The thread of one visit."""

    workspace: Workspace
    person: str
    channel: str
    number: int

    def with_text(self, count: int) -> PostedMessage | None:
        """Return the `count`th draft once it has some of its text."""
        shown = self.workspace.messages(self.channel)
        root = next((m for m in shown if f"<@{self.person}>" in m.text), None)
        if root is None:
            return None
        bot = self.workspace.bot_user
        drafts = [m for m in self.workspace.messages(self.channel, root.ts)[1:] if m.user == bot]
        if len(drafts) < count or "On day 1 " not in drafts[count - 1].text:
            return None
        return drafts[count - 1]


async def _press(workspace: Workspace, person: str, draft: PostedMessage, name: str) -> None:
    for block in draft.blocks:
        for element in block.get("elements", ()):
            if element["type"] == "feedback_buttons":
                value = element[f"{name}_button"]["value"]
                action = element["action_id"]
                await workspace.click(person, draft.channel, draft.ts, action, value=value)


async def _until(seen: Callable[[], T | None]) -> T | None:
    """Return what is seen at last; None if it is not seen in time."""
    began = time.monotonic()
    while (found := seen()) is None:
        if time.monotonic() - began > MOST_SECONDS:
            return None
        await asyncio.sleep(LOOK_SECONDS)
    return found


def _has_buttons(message: PostedMessage) -> bool:
    return not message.streaming and any(b["type"] == "actions" for b in message.blocks)


def _has_stop(message: PostedMessage) -> bool:
    return any(
        element["action_id"].startswith("stop")
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    )
