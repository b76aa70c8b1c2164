"""One draft in a thread, in as many messages as its text needs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from bot.drafting.slack_port import (
    RESUMED,
    Content,
    Heads,
    NotThere,
    Place,
    Row,
    Shown,
    SlackRefused,
    SlackUnavailable,
    Thumbs,
)
from bot.messages import Phrase, ours
from bot.slack.client.api_client import AnswerLost, RateLimited
from bot.slack.client.posts import Posts
from bot.slack.client.rate_limit import Priority
from bot.slack.draft_part import DraftPart, StreamState
from bot.slack.render import blocks
from bot.slack.render.parts import split
from safety import NOTHING, SafeText, joined
from safety import part as excerpt

STEP_SECONDS = 0.75  # Between two steps of one draft; longer when many drafts share the budget.
# Seconds for a call that is under way when a draft is left to others.
CALL_SECONDS = 3.0

OnPosted = Callable[[int, str], Awaitable[None]]
OnDeleted = Callable[[int], Awaitable[None]]
OnText = Callable[[], None]


class DraftMessage:
    """A draft that grows as text is released.

    Between `open` and one of `finish`, `stop`, `retract`, `abandon` a task of its own writes.
    """

    def __init__(
        self,
        posts: Posts,
        place: Place,
        heads: Heads,
        *,
        key: str,
        shown: Shown,
        on_posted: OnPosted,
        on_deleted: OnDeleted,
        on_text: OnText,
    ) -> None:
        self._posts = posts
        self._api = posts.api
        self._place = place
        self._heads = heads
        self._key = key
        self._on_posted = on_posted
        self._on_deleted = on_deleted
        self._on_text = on_text
        self._parts: list[DraftPart] = []
        for ts in shown.parts:
            self._add_part(ts, StreamState.UNKNOWN)
        self._goes_on = bool(shown.parts)
        self._chars = shown.chars
        self._text = NOTHING
        self._has_news = asyncio.Event()
        self._calling = asyncio.Lock()
        self._pauses = self._api.pauses()
        self._writer: asyncio.Task[None] | None = None
        self._reserved = False

    @property
    def shown(self) -> Shown:
        """What Slack shows now; give it back to resume."""
        return Shown(tuple(part.ts for part in self._parts), self._chars)

    async def open(self) -> str:
        """Return the ts of the first message. Posts it, unless the draft is resumed."""
        assert self._writer is None
        if not self._parts:
            await self._begin_part()
        # A stream ends by chat.stopStream, which is not a call that drafts grow by. What is resumed
        # keeps no call from what people ask now.
        self._reserved = self._parts[-1].stream is not StreamState.OPEN and not RESUMED.get()
        self._api.rate_limit.reserve("chat.update", self._reserved)
        self._writer = asyncio.create_task(self._write(), name=f"draft {self._key}")
        return self._parts[0].ts

    def show(self, text: SafeText) -> None:
        """Append without waiting for Slack. Raises what ended the writing (e.g. NotThere)."""
        assert self._writer is not None
        if self._writer.done():
            self._writer.result()
        self._text = joined(self._text, text)
        self._has_news.set()

    def cut(self, chars: int) -> None:
        """Keep so many characters of the text; what Slack shows behind them goes at the end."""
        self._text = excerpt(self._text, 0, chars)

    async def finish(
        self, note: Phrase | None, *, buttons: Row = (), thumbs: Thumbs | None = None
    ) -> None:
        """Show the rest, and close with the note, the buttons and the thumbs."""
        # Slack may take the whole text, although it refused a part of it.
        with suppress(SlackRefused):
            await self._end_writing()
        closing = blocks.closing(note, buttons, thumbs if self._posts.takes_thumbs else None)
        bodies = split(self._text)
        for i, body in enumerate(bodies):
            if i == len(self._parts):
                await self._begin_part()
            await self._parts[i].complete(body, closing if body is bodies[-1] else [])
        while len(self._parts) > len(bodies):
            await self._delete_last()
        self._note_shown(len(self._text))

    async def stop(self, note: Phrase, *, buttons: Row = ()) -> None:
        """End the draft that a person stopped: its text stays, and the note says so."""
        await self.finish(note, buttons=buttons)

    async def retract(self, note: Phrase, *, buttons: Row = ()) -> None:
        """Replace the text by one sentence; delete further messages."""
        # A call under way would bring the text back.
        with suppress(Exception):
            await self._end_writing()
        said = Phrase(f"{ours(self._heads(1))}\n{ours(note)}")
        with _though_deleted():
            await self._parts[0].replace(Content(said, buttons=buttons))
        while len(self._parts) > 1:
            await self._delete_last()

    async def abandon(self) -> None:
        """Write no more; leave what Slack shows as it is.

        A call that takes long is cut off: whoever goes on asks Slack what stands.
        """
        with suppress(Exception):
            await self._end_writing(CALL_SECONDS)

    async def _write(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            if self._can_grow() and self._gives_way():
                self._has_news.set()
            elif self._can_grow():
                await self._step()
            await self._api.rate_limit.clock.sleep(STEP_SECONDS)

    def _can_grow(self) -> bool:
        """Say whether a step would show more. A resumed draft waits for what it showed before."""
        bodies = split(self._text)
        if len(self._text) <= self._chars or len(bodies) < len(self._parts):
            return False
        return len(bodies) > len(self._parts) or self._parts[-1].can_grow(bodies[-1])

    def _gives_way(self) -> bool:
        """Say whether others need the next chat.update more: a resumed draft can do with its end.

        After a restart the ends of many drafts and the heads of their threads wait for that call.
        """
        streams = self._parts[-1].stream is StreamState.OPEN
        free = self._api.rate_limit.is_free("chat.update", Priority.LATER)
        return RESUMED.get() and not streams and not free

    async def _step(self) -> None:
        """Make one call, when the rate limit allows it, with all that was released until then."""
        part = self._parts[-1]
        streaming = part.stream is StreamState.OPEN
        method = "chat.appendStream" if streaming else "chat.update"
        await self._api.rate_limit.acquire(method, priority=Priority.GROWTH)
        try:
            async with self._calling:
                await self._grow()
            self._pauses = self._api.pauses()
            return
        except RateLimited:
            pass
        except AnswerLost:
            # An append is not repeated, because it may have worked: chat.update takes its place.
            if part.stream is StreamState.OPEN:
                part.stream = StreamState.BROKEN
            pause = next(self._pauses, None)
            if pause is None:
                raise SlackUnavailable("chat.update") from None
            await self._api.rate_limit.clock.sleep(pause)
        except SlackRefused as refusal:
            if not streaming:
                raise
            part.note_refusal(refusal)
        self._has_news.set()

    async def _grow(self) -> None:
        bodies = split(self._text)
        last = len(self._parts) - 1
        if len(bodies) > len(self._parts):
            await self._parts[last].complete(bodies[last], [])
            await self._begin_part()
        else:
            before = len(self._text) - len(bodies[-1])
            self._note_shown(before + await self._parts[last].grow(bodies[-1]))

    def _note_shown(self, chars: int) -> None:
        """Note how much of the text stands, and tell of its first words."""
        before, self._chars = self._chars, chars
        if chars and not before:
            self._on_text()

    async def _begin_part(self) -> None:
        """Find, stream or post a further message, and tell whoever keeps account of it."""
        head, key = self._next_names()
        if self._goes_on and (ts := await self._find(head, key)):
            self._add_part(ts, StreamState.UNKNOWN)
        elif (ts := await self._posts.start_stream(self._place, head, key)) is not None:
            self._add_part(ts, StreamState.OPEN)
        else:
            content = blocks.draft(head, NOTHING, blocks.GROWING)
            ts = await self._posts.post(self._place, content, key)
            self._add_part(ts, StreamState.CLOSED)
        await self._on_posted(len(self._parts), ts)

    async def _delete_last(self) -> None:
        """Delete the last message, and tell whoever keeps account of it."""
        with _though_deleted():
            await self._parts[-1].delete()
        await self._on_deleted(len(self._parts))
        self._parts.pop()

    async def _find(self, head: Phrase, key: str) -> str | None:
        """Find a further message that an earlier process posted."""
        first = float(self._parts[0].ts)
        return await self._posts.find(self._place, key, head=head, since=first)

    def _add_part(self, ts: str, stream: StreamState) -> None:
        head, key = self._next_names()
        self._parts.append(DraftPart(self._posts, self._place, head, key, ts=ts, stream=stream))

    def _next_names(self) -> tuple[Phrase, str]:
        """Return the head line and the key of the next part."""
        number = len(self._parts) + 1
        return ours(self._heads(number)), f"{self._key}/{number}"

    async def _end_writing(self, patience: float | None = None) -> None:
        """End the task, after its call if it makes one; after `patience` seconds within it.

        Raises what had ended the task.
        """
        if self._writer is None:
            return
        try:
            async with asyncio.timeout(patience), self._calling:
                self._writer.cancel()
        except TimeoutError:
            self._writer.cancel()
        await asyncio.wait({self._writer})
        writer, self._writer = self._writer, None
        self._api.rate_limit.reserve("chat.update", -self._reserved)
        if not writer.cancelled():
            writer.result()


@contextmanager
def _though_deleted() -> Iterator[None]:
    """Go on where somebody deleted the message."""
    try:
        yield
    except NotThere as gone:
        if not gone.deleted:
            raise
