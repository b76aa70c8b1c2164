"""`draftsmith demo`: a person's story. All parts are real but Slack, which is the workspace."""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bot.app import running
from bot.drafting.draft_action import DraftAction
from bot.errors import OperatorError
from bot.settings import ExplicitSettings, Settings
from bot.slack.manifest import manifest
from bot.worker import own_worker
from bot.workspace import Message, Workspace
from inference.client import EngineClient, EngineUnavailable
from inference.logs import configure

T = TypeVar("T")

STORY_SECONDS = 180.0
STEP_SECONDS = 90.0
FAILED = 1
BRIEF = "blog: our new office in Lisbon"
WISH = "make it more formal"


async def demo(*, stay: bool, began: float) -> int:
    """Play the story; return the exit code: 0, or 1 with one line that says what failed.

    `began` is when the command was given, by time.monotonic().
    """
    configure("console", logging.WARNING)
    try:
        await _tell(stay, began)
    except (OperatorError, EngineUnavailable) as broke:
        print(f"\ndemo failed: {broke}", file=sys.stderr)
        return FAILED
    except TimeoutError:
        print(f"\ndemo failed: not done within {STORY_SECONDS:.0f} s", file=sys.stderr)
        return FAILED
    return 0


async def _tell(stay: bool, began: float) -> None:
    async with asyncio.timeout(STORY_SECONDS) as limit, stage() as (workspace, settings):
        story = Story(workspace, began)
        await story.play(settings.emoji[DraftAction.REGENERATE])
        if stay:
            limit.reschedule(None)
            print(f"\nThe workspace stays up: {workspace.url}  (Ctrl-C ends it)")
            await asyncio.Event().wait()


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[Workspace, Settings]]:
    """Run a workspace, a worker and a bot; yield the workspace and the bot's settings."""
    with tempfile.TemporaryDirectory(prefix="draftsmith-") as folder:
        async with Workspace(manifest=manifest("Draftsmith", "/draft")) as workspace:
            settings = settings_for(workspace, Path(folder))
            print(f"workspace   {workspace.url}", flush=True)
            async with own_worker(settings.socket, lambda _: None) as worker:
                await _ready(settings, worker)
                async with running(settings):
                    yield workspace, settings


def settings_for(workspace: Workspace, folder: Path) -> Settings:
    """Return the settings of a bot of this workspace, whatever the environment says."""
    return ExplicitSettings(
        slack_bot_token=workspace.bot_token,
        slack_app_token=workspace.app_token,
        slack_api_url=f"{workspace.url}/api/",
        slack_transport="socket",
        data_dir=folder,
        max_tokens=160,
    )


async def _ready(settings: Settings, worker: asyncio.Task[None]) -> None:
    async with EngineClient(settings.engine_url) as engine:
        ready = asyncio.create_task(engine.wait_ready(STEP_SECONDS, Progress()))
        await asyncio.wait({worker, ready}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            ready.cancel()
            worker.result()
        await ready


@dataclass(slots=True)
class Progress:
    """Prints how far the model is: at most a line a second, and the last one."""

    began: float = field(default_factory=time.monotonic)
    said: float = 0.0

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        if now - self.said >= 1 or line == "ready":
            self.said = now
            print(f"model       {line} ({now - self.began:.1f} s)", flush=True)


@dataclass(slots=True)
class Story:
    """A person who asks for a draft, wants another, and has it refined."""

    workspace: Workspace
    began: float
    person: str = ""
    channel: str = ""
    told: dict[str, int] = field(default_factory=dict)
    asked: float = 0.0
    first_text: float = 0.0

    async def play(self, emoji: str) -> None:
        """Play all of it. Raises OperatorError if a step does not come about."""
        self.person = self.workspace.person("ana")
        self.channel = self.workspace.channel("launch", members=[self.person])
        printer = asyncio.create_task(self._follow())
        try:
            await self._ask()
            root = await self._until("the thread's first message", self._root)
            first = await self._draft(root, 1)
            self._say(f"reacts :{emoji}: on draft 1")
            await self.workspace.react(self.person, self.channel, first.ts, emoji)
            await self._draft(root, 2)
            self._say(f"replies: {WISH}")
            await self.workspace.say(self.person, self.channel, WISH, thread_ts=root)
            await self._draft(root, 3)
        finally:
            printer.cancel()
        self._print_news()
        waited, whole = self.first_text - self.asked, self.first_text - self.began
        self._line(f"first text: {waited:.1f} s after /draft, {whole:.1f} s after the command")

    async def _ask(self) -> None:
        self._say(f"types: /draft {BRIEF}")
        self.asked = time.monotonic()
        ack = await self.workspace.command(self.person, self.channel, "/draft", BRIEF)
        if not ack.ok or ack.text:
            raise OperatorError(f"/draft was answered: {ack.text}")

    async def _draft(self, root: str, number: int) -> Message:
        return await self._until(f"draft {number}", lambda: self._finished(root, number))

    def _root(self) -> str:
        messages = self.workspace.messages(self.channel)
        return messages[0].ts if messages else ""

    def _finished(self, root: str, number: int) -> Message | None:
        """Return the draft with this number once it has its buttons."""
        for message in self.workspace.messages(self.channel, root)[1:]:
            closed = any(block["type"] == "actions" for block in message.blocks)
            if closed and f"Draft {number}*" in message.text:
                return message
        return None

    async def _until(self, what: str, seen: Callable[[], T | None]) -> T:
        try:
            found = await self.workspace.until(seen, STEP_SECONDS)
        except TimeoutError:
            raise OperatorError(f"{what} did not come within {STEP_SECONDS:.0f} s") from None
        assert found is not None
        return found

    async def _follow(self) -> None:
        while True:
            self._print_news()
            await asyncio.sleep(0.1)

    def _print_news(self) -> None:
        for root in self.workspace.messages(self.channel):
            for message in self.workspace.messages(self.channel, root.ts):
                self._print_growth(message)

    def _print_growth(self, message: Message) -> None:
        # The root is edited with every draft; here it is printed once.
        told_root = message.thread_ts is None and message.ts in self.told
        if message.user == self.person or told_root:
            return
        text = _readable(message).replace(f"<@{self.person}>", "@ana")
        told = self.told.get(message.ts, 0)
        if message.ts not in self.told:
            self._line("draftsmith:")
        print(text[told:], end="", flush=True)
        self.told[message.ts] = len(text)
        if 0 < told < len(text) and not self.first_text:
            self.first_text = time.monotonic()

    def _say(self, what: str) -> None:
        self._print_news()
        self._line(f"ana {what}")

    def _line(self, what: str) -> None:
        print(f"\n\n[{time.monotonic() - self.began:6.1f} s] {what}", flush=True)


def _readable(message: Message) -> str:
    """Return the text of a message; the line of facts of a draft comes last."""
    facts = [
        element["text"]
        for block in message.blocks
        if block["type"] == "context" and message.thread_ts
        for element in block["elements"]
    ]
    text = "\n".join([message.text, *facts])
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
