"""One draft in a thread: a message that grows as text is released, and goes on in further ones."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

from bot.drafting.slack_port import (
    Button,
    Content,
    NotThere,
    Place,
    Shown,
    SlackRefused,
    SlackUnavailable,
)
from bot.messages import Phrase, ours
from bot.slack.client.api_client import AnswerLost, RateLimited
from bot.slack.client.posts import Posts, metadata, update_args
from bot.slack.render import blocks
from bot.slack.render.blocks import Block
from bot.slack.render.markup import markdown, split
from safety import NOTHING, SafeText, joined
from safety import part as excerpt

STEP = 0.75  # Seconds between two steps of one draft; longer when the budget is shared by many.

OnPosted = Callable[[int, str], Awaitable[None]]


class Stream(Enum):
    """Whether a message is one of Slack's streams: while it is, chat.update does not touch it."""

    OPEN = auto()
    DOUBTFUL = auto()
    CLOSED = auto()


@dataclass(slots=True)
class Part:
    """One message of a draft. `sent` is the Markdown of its text that surely stands."""

    ts: str
    stream: Stream
    sent: str = ""
    done: bool = False


class DraftMessage:
    """Grows by Slack's streams where they are to be had, else by chat.update in whole paragraphs.

    Between `open` and one of `finish`, `stop`, `retract`, `abandon` a task of its own writes.
    """

    def __init__(
        self,
        messages: Posts,
        place: Place,
        head: Phrase,
        *,
        key: str,
        shown: Shown,
        on_posted: OnPosted,
    ) -> None:
        self._messages = messages
        self._wire = messages.wire
        self._place = place
        self._head = ours(head)
        self._key = key
        self._on_posted = on_posted
        self._parts = [Part(ts, Stream.DOUBTFUL) for ts in shown.parts]
        self._resumed = bool(shown.parts)
        self._chars = shown.chars
        self._text = NOTHING
        self._news = asyncio.Event()
        self._calling = asyncio.Lock()
        self._pauses = self._wire.pauses()
        self._writer: asyncio.Task[None] | None = None
        self._kept = False

    @property
    def shown(self) -> Shown:
        """What stands now; give it back to resume."""
        return Shown(tuple(part.ts for part in self._parts), self._chars)

    async def open(self) -> str:
        """The ts of the first message, which stands, or stood already when the draft is resumed."""
        assert self._writer is None
        if not self._parts:
            await self._begin_part()
        # A stream ends by a call of its own, with which no other draft grows.
        self._kept = self._parts[-1].stream is not Stream.OPEN
        self._wire.pace.keep("chat.update", self._kept)
        self._writer = asyncio.create_task(self._write(), name=f"draft {self._key}")
        return self._parts[0].ts

    def show(self, text: SafeText) -> None:
        """Append. Never waits for Slack; raises what ended the writing (e.g. NotThere)."""
        assert self._writer is not None
        if self._writer.done():
            self._writer.result()
        self._text = joined(self._text, text)
        self._news.set()

    async def finish(self, facts: Phrase, *, buttons: Sequence[Button] = ()) -> None:
        """Show the rest, and close with the line of facts and the buttons."""
        # What Slack refused midway, it may take now that it is whole.
        with suppress(SlackRefused):
            await self._end_writing()
        closing = blocks.closing(facts, buttons)
        bodies = split(self._text)
        for i, body in enumerate(bodies):
            if i == len(self._parts):
                await self._begin_part()
            await self._complete(i, body, closing if body is bodies[-1] else [])
        for part in self._parts[len(bodies) :]:
            await self._messages.delete(self._place.channel, part.ts)
        self._chars = len(self._text)

    async def stop(self, note: Phrase, *, buttons: Sequence[Button] = ()) -> None:
        """Stopped by a person: what was released stays, and the note says so."""
        await self.finish(note, buttons=buttons)

    async def retract(self, note: Phrase, *, buttons: Sequence[Button] = ()) -> None:
        """Take the text away: one sentence in its place, further messages deleted."""
        await self.abandon()
        for part in self._parts:
            try:
                await self._leave_stream(part)
                await self._take_away(part, note, buttons)
            except NotThere as gone:
                if not gone.deleted:
                    raise

    async def abandon(self) -> None:
        """Write no more; what stands is left as it is."""
        with suppress(Exception):
            await self._end_writing()

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._due():
                await self._step()
            await self._wire.pace.clock.sleep(STEP)

    def _due(self) -> bool:
        """Whether a step would show more than stands. A resumed draft waits for what it showed."""
        bodies = split(self._text)
        if len(self._text) <= self._chars or len(bodies) < len(self._parts):
            return False
        part = self._parts[-1]
        whole = markdown(_piece(part, bodies[-1]))
        return len(bodies) > len(self._parts) or bool(_rest(part, whole))

    async def _step(self) -> None:
        """One call when this draft's turn comes, with all that was released until then."""
        part = self._parts[-1]
        streaming = part.stream is Stream.OPEN
        await self._wire.pace.turn("chat.appendStream" if streaming else "chat.update")
        try:
            async with self._calling:
                await self._advance(part)
            self._pauses = self._wire.pauses()
            return
        except RateLimited:
            pass
        except AnswerLost:
            await self._lost(part)
        except SlackRefused:
            if not streaming:
                raise
            part.stream = Stream.DOUBTFUL
        self._news.set()

    async def _advance(self, part: Part) -> None:
        bodies = split(self._text)
        if len(bodies) > len(self._parts):
            await self._complete(len(self._parts) - 1, bodies[len(self._parts) - 1], [])
            await self._begin_part()
        elif part.stream is Stream.OPEN:
            await self._append(part, bodies[-1])
        else:
            await self._update(part, bodies[-1])

    async def _append(self, part: Part, body: SafeText) -> None:
        chars, whole = len(self._text), markdown(body)
        args = {**self._at(part), "markdown_text": _rest(part, whole)}
        await self._wire.attempt("chat.appendStream", args)
        part.sent, self._chars = whole, chars

    async def _update(self, part: Part, body: SafeText) -> None:
        piece = _piece(part, body)
        chars = len(self._text) - len(body) + len(piece)
        await self._leave_stream(part)
        content = blocks.draft(self._head_of(part), piece, *blocks.growing())
        args = update_args(self._place.channel, part.ts, content, self._key_of(part))
        await self._wire.attempt("chat.update", args)
        part.sent, self._chars = markdown(piece), chars

    async def _lost(self, part: Part) -> None:
        """An append is not repeated, for it may stand: the message goes on by chat.update."""
        if part.stream is Stream.OPEN:
            part.stream = Stream.DOUBTFUL
        pause = next(self._pauses, None)
        if pause is None:
            raise SlackUnavailable("chat.update")
        await self._wire.pace.clock.sleep(pause)

    async def _begin_part(self) -> None:
        """A further message stands, and whoever keeps account of it has been told."""
        number = len(self._parts) + 1
        head, key = self._head_numbered(number), f"{self._key}/{number}"
        self._parts.append(await self._begun(head, key))
        await self._on_posted(number, self._parts[-1].ts)

    async def _begun(self, head: Phrase, key: str) -> Part:
        if self._resumed and (ts := await self._messages.find(self._place, key, head=head)):
            return Part(ts, Stream.DOUBTFUL)
        if (ts := await self._messages.start(self._place, head, key)) is not None:
            return Part(ts, Stream.OPEN)
        content = blocks.draft(head, NOTHING, *blocks.growing())
        return Part(await self._messages.post(self._place, content, key), Stream.CLOSED)

    async def _complete(self, i: int, body: SafeText, closing: list[Block]) -> None:
        """The part shows its whole text, closed, whatever was shown of it before."""
        part = self._parts[i]
        if part.done:
            return
        if not await self._stop_stream(part, markdown(body), closing):
            await self._leave_stream(part)
            content = blocks.draft(self._head_of(part), body, *closing)
            channel, key = self._place.channel, self._key_of(part)
            await self._messages.update(channel, part.ts, content, key=key)
        part.sent, part.done = markdown(body), True

    async def _stop_stream(self, part: Part, whole: str, closing: list[Block]) -> bool:
        """Close an open stream with the rest of its text; False where it was not open any more.

        Safe to repeat: the second of two stops finds no stream.
        """
        if part.stream is not Stream.OPEN:
            return False
        args = {
            **self._at(part),
            "markdown_text": _rest(part, whole) or None,
            "blocks": closing or None,
            "metadata": metadata(self._key_of(part)),
        }
        try:
            await self._wire.call("chat.stopStream", args, urgent=True)
        except SlackRefused:
            part.stream = Stream.DOUBTFUL
            return False
        part.stream = Stream.CLOSED
        return True

    async def _leave_stream(self, part: Part) -> None:
        """From here on chat.update may change the message."""
        if part.stream is Stream.CLOSED:
            return
        with suppress(SlackRefused):
            await self._wire.call("chat.stopStream", self._at(part), urgent=True)
        part.stream = Stream.CLOSED

    async def _take_away(self, part: Part, note: Phrase, buttons: Sequence[Button]) -> None:
        channel = self._place.channel
        if part is not self._parts[0]:
            return await self._messages.delete(channel, part.ts)
        content = blocks.message(Content(Phrase(f"{self._head}\n{ours(note)}"), buttons=buttons))
        return await self._messages.update(channel, part.ts, content, key=self._key_of(part))

    async def _end_writing(self) -> None:
        """Wait for the call on the wire, if any, and end the task; raises what had ended it."""
        if self._writer is None:
            return
        async with self._calling:
            self._writer.cancel()
        await asyncio.wait({self._writer})
        writer, self._writer = self._writer, None
        self._wire.pace.keep("chat.update", -self._kept)
        if not writer.cancelled():
            writer.result()

    def _at(self, part: Part) -> dict[str, object]:
        return {"channel": self._place.channel, "ts": part.ts}

    def _key_of(self, part: Part) -> str:
        return f"{self._key}/{self._parts.index(part) + 1}"

    def _head_of(self, part: Part) -> Phrase:
        return self._head_numbered(self._parts.index(part) + 1)

    def _head_numbered(self, number: int) -> Phrase:
        return self._head if number == 1 else Phrase(f"{self._head} · {number}")


def _rest(part: Part, whole: str) -> str:
    """What is still to be sent; nothing, if that is but white space."""
    assert whole.startswith(part.sent), "what stands is never taken back"
    rest = whole[len(part.sent) :]
    return rest if rest.strip() else ""


def _piece(part: Part, body: SafeText) -> SafeText:
    """What of the body a step shows: all of it in a stream, else its finished paragraphs."""
    if part.stream is Stream.OPEN:
        return body
    return excerpt(body, 0, body.rfind("\n\n") + 2) if "\n\n" in body else NOTHING
