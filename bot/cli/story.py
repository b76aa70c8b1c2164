"""The story of the demo: what people do, and the thread as it grows on the terminal."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bot.errors import OperatorError
from bot.workspace import PostedMessage, Workspace, cast

T = TypeVar("T")

STEP_SECONDS = 120.0
BRIEF = "social: our new office in Lisbon"
WISH = "make it more formal"
CHINESE_BRIEF = "帖子：我们在里斯本的新办公室"


@dataclass(slots=True)
class Transcript:
    """Prints the threads of a channel as they grow. `began` is by time.monotonic()."""

    workspace: Workspace
    channel: str
    names: Mapping[str, str]
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

    def act(self, who: str, what: str) -> None:
        """Print what a person does."""
        self.print_news()
        self.line(f"{self.names[who]} {what}")

    def line(self, what: str) -> None:
        """Print a line with the seconds since the beginning."""
        print(f"\n\n[{time.monotonic() - self.began:6.1f} s] {what}", flush=True)

    def _print_growth(self, message: PostedMessage) -> None:
        # The root is edited with every draft; here it is printed once.
        printed_root = message.thread_ts is None and message.ts in self.printed
        if message.user in self.names or printed_root:
            return
        text = self.readable(message)
        before = self.printed.get(message.ts, 0)
        if message.ts not in self.printed:
            self.line("draftsmith:")
        print(text[before:], end="", flush=True)
        self.printed[message.ts] = len(text)
        if 0 < before < len(text) and not self.first_text:
            self.first_text = time.monotonic()

    def readable(self, message: PostedMessage) -> str:
        """Return the text of a message, with people by name; a draft's line of facts comes last."""
        facts = [
            element["text"]
            for block in message.blocks
            if block["type"] == "context" and message.thread_ts
            for element in block["elements"]
        ]
        text = "\n".join([message.text, *facts])
        for person, name in self.names.items():
            text = text.replace(f"<@{person}>", f"@{name}")
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class Story:
    """Ana asks for a draft, wants another, has it refined; Gus and Mei are told what they may."""

    def __init__(self, workspace: Workspace, began: float) -> None:
        self._workspace = workspace
        self._cast = cast.enter(workspace)
        self._person, self._channel = self._cast.ana, self._cast.launch
        names = {self._cast.ana: "ana", self._cast.mei: "mei", self._cast.gus: "gus"}
        self._transcript = Transcript(workspace, self._channel, names, began)

    async def play(self, emoji: str) -> None:
        """Play all of it. Raises OperatorError if a step does not come about."""
        transcript = self._transcript
        printer = asyncio.create_task(transcript.follow())
        try:
            asked = await self._ask()
            root = await self._until("the thread's first message", self._root)
            first = await self._draft(root, 1)
            transcript.act(self._person, f"reacts :{emoji}: on draft 1")
            await self._workspace.react(self._person, self._channel, first.ts, emoji)
            await self._draft(root, 2)
            transcript.act(self._person, f"replies: {WISH}")
            await self._workspace.say(self._person, self._channel, WISH, thread_ts=root)
            await self._draft(root, 3)
            await self._is_answered(self._cast.gus, BRIEF)
            await self._is_answered(self._cast.mei, CHINESE_BRIEF)
        finally:
            printer.cancel()
        transcript.print_news()
        waited, whole = transcript.first_text - asked, transcript.first_text - transcript.began
        transcript.line(f"first text: {waited:.1f} s after /draft, {whole:.1f} s after the command")

    async def _ask(self) -> float:
        self._transcript.act(self._person, f"types: /draft {BRIEF}")
        asked = time.monotonic()
        ack = await self._workspace.command(self._person, self._channel, "/draft", BRIEF)
        if not ack.ok or ack.text:
            raise OperatorError(f"/draft was answered: {ack.text}")
        return asked

    async def _is_answered(self, who: str, brief: str) -> None:
        """Let a person ask for what cannot be, and print what nobody else sees."""
        self._transcript.act(who, f"types: /draft {brief}")
        await self._workspace.command(who, self._channel, "/draft", brief)
        answer = await self._until("an answer", lambda: self._answer(who))
        self._transcript.line(f"only {self._transcript.names[who]} sees:")
        print(answer, end="", flush=True)

    def _answer(self, who: str) -> str:
        """Return what one person alone reads: a message, or the first line of a form."""
        for form in self._workspace.views(who):
            return f"[a form, filled in] {form.blocks[0]['text']['text']}"
        return "\n".join(map(self._transcript.readable, self._workspace.whispers(who)))

    def _root(self) -> str:
        messages = self._workspace.messages(self._channel)
        return messages[0].ts if messages else ""

    async def _draft(self, root: str, number: int) -> PostedMessage:
        """Return the draft with this number once it has its buttons."""

        def finished() -> PostedMessage | None:
            below = self._workspace.messages(self._channel, root)[1:]
            closed = [m for m in below if any(b["type"] == "actions" for b in m.blocks)]
            return closed[number - 1] if len(closed) >= number else None

        return await self._until(f"draft {number}", finished)

    async def _until(self, what: str, seen: Callable[[], T | None]) -> T:
        try:
            found = await self._workspace.until(seen, STEP_SECONDS)
        except TimeoutError:
            raise OperatorError(f"{what} did not come within {STEP_SECONDS:.0f} s") from None
        assert found is not None
        return found
