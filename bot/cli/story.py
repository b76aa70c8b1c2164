"""The story of the demo: what a person does, and the thread as it grows on the terminal."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bot.errors import OperatorError
from bot.workspace import PostedMessage, Workspace

T = TypeVar("T")

STEP_SECONDS = 90.0
BRIEF = "blog: our new office in Lisbon"
WISH = "make it more formal"


@dataclass(slots=True)
class Transcript:
    """Prints the threads of a channel as they grow. `began` is by time.monotonic()."""

    workspace: Workspace
    channel: str
    person: str
    began: float
    printed: dict[str, int] = field(default_factory=dict)
    first_text: float = 0.0

    async def follow(self) -> None:
        """Print what is new, for ever."""
        while True:
            self.print_news()
            await asyncio.sleep(0.1)

    def print_news(self) -> None:
        """Print what the bot wrote since the last call."""
        for root in self.workspace.messages(self.channel):
            for message in self.workspace.messages(self.channel, root.ts):
                self._print_growth(message)

    def act(self, what: str) -> None:
        """Print what the person does."""
        self.print_news()
        self.line(f"ana {what}")

    def line(self, what: str) -> None:
        """Print a line with the seconds since the beginning."""
        print(f"\n\n[{time.monotonic() - self.began:6.1f} s] {what}", flush=True)

    def _print_growth(self, message: PostedMessage) -> None:
        # The root is edited with every draft; here it is printed once.
        printed_root = message.thread_ts is None and message.ts in self.printed
        if message.user == self.person or printed_root:
            return
        text = _readable(message).replace(f"<@{self.person}>", "@ana")
        before = self.printed.get(message.ts, 0)
        if message.ts not in self.printed:
            self.line("draftsmith:")
        print(text[before:], end="", flush=True)
        self.printed[message.ts] = len(text)
        if 0 < before < len(text) and not self.first_text:
            self.first_text = time.monotonic()


class Story:
    """A person who asks for a draft, wants another, and has it refined."""

    def __init__(self, workspace: Workspace, began: float) -> None:
        self._workspace = workspace
        self._person = workspace.person("ana")
        self._channel = workspace.channel("launch", members=[self._person])
        self._transcript = Transcript(workspace, self._channel, self._person, began)

    async def play(self, emoji: str) -> None:
        """Play all of it. Raises OperatorError if a step does not come about."""
        transcript = self._transcript
        printer = asyncio.create_task(transcript.follow())
        try:
            asked = await self._ask()
            root = await self._until("the thread's first message", self._root)
            first = await self._draft(root, 1)
            transcript.act(f"reacts :{emoji}: on draft 1")
            await self._workspace.react(self._person, self._channel, first.ts, emoji)
            await self._draft(root, 2)
            transcript.act(f"replies: {WISH}")
            await self._workspace.say(self._person, self._channel, WISH, thread_ts=root)
            await self._draft(root, 3)
        finally:
            printer.cancel()
        transcript.print_news()
        waited, whole = transcript.first_text - asked, transcript.first_text - transcript.began
        transcript.line(f"first text: {waited:.1f} s after /draft, {whole:.1f} s after the command")

    async def _ask(self) -> float:
        self._transcript.act(f"types: /draft {BRIEF}")
        asked = time.monotonic()
        ack = await self._workspace.command(self._person, self._channel, "/draft", BRIEF)
        if not ack.ok or ack.text:
            raise OperatorError(f"/draft was answered: {ack.text}")
        return asked

    def _root(self) -> str:
        messages = self._workspace.messages(self._channel)
        return messages[0].ts if messages else ""

    async def _draft(self, root: str, number: int) -> PostedMessage:
        """Return the draft with this number once it has its buttons."""

        def finished() -> PostedMessage | None:
            for message in self._workspace.messages(self._channel, root)[1:]:
                closed = any(block["type"] == "actions" for block in message.blocks)
                if closed and f"Draft {number}*" in message.text:
                    return message
            return None

        return await self._until(f"draft {number}", finished)

    async def _until(self, what: str, seen: Callable[[], T | None]) -> T:
        try:
            found = await self._workspace.until(seen, STEP_SECONDS)
        except TimeoutError:
            raise OperatorError(f"{what} did not come within {STEP_SECONDS:.0f} s") from None
        assert found is not None
        return found


def _readable(message: PostedMessage) -> str:
    """Return the text of a message; the small line under a draft comes last, if it has one."""
    notes = [
        element["text"]
        for block in message.blocks
        if block["type"] == "context" and message.thread_ts
        for element in block["elements"]
    ]
    text = "\n".join([message.text, *notes])
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
