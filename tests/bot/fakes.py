"""Slack and its people in memory, for tests of the domain that need no Slack on loopback."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.drafting.slack_port import (
    Button,
    CanvasLink,
    Content,
    Edit,
    FileKind,
    FooterEdit,
    Heads,
    Place,
    Row,
    Shown,
    Thumbs,
    Work,
)
from bot.messages import Language, Phrase
from safety import SafeText, part


@dataclass
class FakeMessage:
    """A draft's message; `end` says how it ended, and with which words.

    `is_written`: a task of its own may write on.
    """

    slack: "FakeSlack"
    place: Place
    head: Phrase
    key: str
    on_posted: Callable[[int, str], Awaitable[None]]
    shown: Shown | None
    text: str = ""
    end: tuple[str, str | None] | None = None
    buttons: list[str] = field(default_factory=list)
    is_written: bool = False

    def ended(self, how: str) -> bool:
        return self.end is not None and self.end[0] == how

    async def open(self) -> str:
        self.slack.fails("open")
        self.is_written = True
        if self.shown:
            return self.shown.parts[0]
        ts = self.slack.stand(self.place, self.key + "/1")
        await self.on_posted(1, ts)
        return ts

    def show(self, text: SafeText) -> None:
        self.slack.fails("show")
        self.text += text

    def cut(self, chars: int) -> None:
        self.text = self.text[:chars]

    async def finish(
        self, note: Phrase | None, *, buttons: Row = (), thumbs: Thumbs | None = None
    ) -> None:
        self._end("finished", note, buttons)

    async def stop(self, note: Phrase, *, buttons: Row = ()) -> None:
        self._end("stopped", note, buttons)

    async def retract(self, note: Phrase, *, buttons: Row = ()) -> None:
        self.text = ""
        self._end("retracted", note, buttons)

    async def abandon(self) -> None:
        """Nothing to do but to note it: nothing is on its way."""
        self.is_written = False

    def _end(self, how: str, words: Phrase | None, buttons: Row) -> None:
        self.slack.fails(how)
        self.is_written = False
        self.end = (how, words)
        self.buttons = [button.action_id for button in buttons]


@dataclass
class FakeSlack:
    """What drafting did in Slack. `failing` has the errors that calls raise, each once."""

    failing: dict[str, Exception] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)
    standing: dict[str, str] = field(default_factory=dict)
    contents: dict[str, Content] = field(default_factory=dict)
    texts: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, FileKind]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    marks: list[str | None] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    drafts: list[FakeMessage] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    footers: list[FooterEdit] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)
    at_work: set[tuple[str | None, str]] = field(default_factory=set)
    rests: list[bool] = field(default_factory=list)

    def fails(self, call: str) -> None:
        if error := self.failing.pop(call, None):
            raise error

    def stand(self, place: Place, key: str) -> str:
        assert key not in self.standing, f"{key} was posted twice"
        self.standing[key] = ts = f"{len(self.standing) + 1}.0"
        return ts

    async def is_member(self, channel: str) -> bool:
        self.fails("is_member")
        return channel not in self.outside

    async def join(self, channel: str) -> None:
        self.fails("join")
        self.outside.discard(channel)

    async def post(self, place: Place, content: Content, *, key: str) -> str:
        self.fails("post")
        ts = self.stand(place, key)
        self.contents[ts] = content
        return ts

    async def edit(self, channel: str, ts: str, content: Content) -> None:
        self.fails("edit")
        self.contents[ts] = content

    async def edit_later(self, choose: Callable[[], Awaitable[Edit | FooterEdit | None]]) -> None:
        edit = await choose()
        if isinstance(edit, FooterEdit):
            self.footers.append(edit)
        elif edit is not None:
            await self.edit(edit.channel, edit.ts, edit.content)

    async def delete(self, channel: str, ts: str) -> None:
        self.deleted.append(ts)

    async def find(
        self,
        place: Place,
        *,
        key: str,
        head: Phrase | None = None,
        since: datetime | None = None,
    ) -> str | None:
        return self.standing.get(key)

    async def permalink(self, channel: str, ts: str) -> str | None:
        return f"https://acme.slack.com/archives/{channel}/p{ts}"

    async def open_dm(self, user: str) -> str:
        return f"D-{user}"

    async def sees(self, user: str, channel: str) -> bool:
        return channel not in self.unseen

    async def post_text(
        self, place: Place, text: SafeText, note: Phrase, *, key: str, again: bool
    ) -> str:
        self.fails("post_text")
        if again and f"{key}/1" in self.standing:
            return self.standing[f"{key}/1"]
        self.texts.append((place.channel, text))
        self.notes.append(note)
        return self.stand(place, f"{key}/1")

    async def upload(
        self,
        place: Place,
        text: SafeText,
        kind: FileKind,
        *,
        comment: Phrase,
        since: datetime,
        again: bool,
        mark: Phrase | None = None,
    ) -> str | None:
        self.files.append((text, kind))
        self.notes.append(comment)
        self.marks.append(mark)
        return f"https://acme.slack.com/files/UBOT/F{len(self.files)}/draft.{kind}"

    async def make_canvas(
        self, place: Place, text: SafeText, note: Phrase, *, since: datetime, again: bool
    ) -> CanvasLink:
        self.fails("make_canvas")
        return CanvasLink(f"https://acme.slack.com/docs/{place.channel}", part(text, 0, 4))

    async def show_work(self, place: Place, work: Work, *, key: str) -> None:
        self.fails("show_work")
        self.at_work.add((place.thread_ts, key))

    async def show_rest(self, place: Place, *, key: str, again: bool, over: bool = False) -> None:
        self.fails("show_rest")
        self.rests.append(again)
        self.at_work.discard((place.thread_ts, key))

    def forget_work(self, place: Place, *, key: str) -> None:
        self.at_work.discard((place.thread_ts, key))

    async def react(self, channel: str, ts: str, emoji: str) -> None:
        self.reactions.append(emoji)

    async def tell(
        self,
        channel: str,
        user: str,
        phrase: Phrase,
        *,
        thread_ts: str | None = None,
        response_url: str | None = None,
        buttons: Sequence[Button] = (),
    ) -> None:
        self.fails("tell")
        self.told.append(phrase)
        self.offered += [button.action_id for button in buttons]

    def draft(
        self,
        place: Place,
        heads: Heads,
        *,
        key: str,
        shown: Shown | None = None,
        on_posted: Callable[[int, str], Awaitable[None]],
        on_deleted: Callable[[int], Awaitable[None]],
        on_text: Callable[[], None],
    ) -> FakeMessage:
        message = FakeMessage(self, place, heads(1), key, on_posted, shown)
        self.drafts.append(message)
        return message


@dataclass
class FakePeople:
    """Everybody reads English; the guests may not ask. `failing`: what asking raises, in turn."""

    guests: set[str] = field(default_factory=set)
    failing: list[Exception] = field(default_factory=list)

    async def may_ask(self, user: str, team: str) -> bool:
        if self.failing:
            raise self.failing.pop(0)
        return user not in self.guests

    async def is_admin(self, user: str, team: str) -> bool:
        return False

    async def language(self, user: str) -> Language:
        return "en"

    async def name(self, user: str) -> str:
        return f'{user} "the pen": <!here>\n'


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
