"""What a workspace holds: people, channels, messages, views. Knows no wire format, no transport."""

import asyncio
import secrets
import string
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from bot.workspace.features import AppFeatures
from bot.workspace.files import UploadedFile, mimetype_of

Json = dict[str, Any]
ChannelKind = Literal["channel", "group", "im"]
# For each event on its way to the app: whether the first attempt was acked.
Acks = list["asyncio.Future[bool]"]

SLACKBOT = "USLACKBOT"
ID_ALPHABET = string.ascii_uppercase + string.digits


def new_id(prefix: str) -> str:
    """An id of Slack's shape: a letter for the kind, a zero, nine letters or digits."""
    return prefix + "0" + "".join(secrets.choice(ID_ALPHABET) for _ in range(9))


@dataclass(slots=True, eq=False)
class User:
    """Somebody with an account; `team` differs from the workspace's for an outsider."""

    id: str
    name: str
    team: str
    guest: bool = False
    outsider: bool = False
    bot: bool = False
    locale: str = "en-US"

    def __post_init__(self) -> None:
        assert not (self.guest and self.outsider), (
            "a guest has an account here, an outsider has not"
        )


@dataclass(slots=True, eq=False)
class Pane:
    """A chat with the app, opened as a thread of its DM, and the prompts it offers there."""

    context: str | None = None
    title: str = ""
    prompts_title: str = ""
    prompts: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ThreadStatus:
    """What the app is doing in a thread; a client shows the loading messages in turn."""

    text: str
    loading: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class PostedMessage:
    """One message, or a whisper when `to` is set. `thread_ts` is set on replies only, `pane` on
    the root of a chat with the app.
    """

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    streaming: bool = False
    markdown: bool = False
    metadata: Json | None = None
    edited: str | None = None
    deleted: bool = False
    to: str | None = None
    bot: bool = False
    revision: int = 0
    files: list[UploadedFile] = field(default_factory=list)
    pane: Pane | None = None

    def __post_init__(self) -> None:
        assert self.thread_ts != self.ts, "a reply belongs to another message"


@dataclass(slots=True, eq=False)
class WorkspaceChannel:
    """A channel, private channel or DM, and its messages by ts in the order they came."""

    id: str
    name: str
    kind: ChannelKind
    members: set[str]
    archived: bool = False
    messages: dict[str, PostedMessage] = field(default_factory=dict)

    @property
    def private(self) -> bool:
        return self.kind != "channel"

    def message(self, ts: str) -> PostedMessage | None:
        """The message at `ts`; None where there is none, or it was deleted."""
        message = self.messages.get(ts)
        return None if message is None or message.deleted else message

    def top(self) -> list[PostedMessage]:
        return [m for m in self.messages.values() if m.thread_ts is None and not m.deleted]

    def replies(self, ts: str) -> list[PostedMessage]:
        return [m for m in self.messages.values() if m.thread_ts == ts and not m.deleted]


@dataclass(slots=True, eq=False)
class OpenView:
    """An open modal, or a person's home tab. `body` is the view as the app sent it; `channel` is
    where the person was when it opened.
    """

    id: str
    user: str
    body: Json
    hash: str
    root: str
    previous: str | None = None
    channel: str | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.body["blocks"]
        return blocks

    @property
    def callback_id(self) -> str:
        return str(self.body.get("callback_id", ""))


@dataclass(slots=True)
class Trigger:
    """What lets an app open a modal: for one person, once, for three seconds."""

    user: str
    expires: float
    view: str | None = None
    channel: str | None = None
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Where an app may answer a command or a click: five times in half an hour."""

    channel: str
    user: str
    expires: float
    message: PostedMessage | None = None
    uses: int = 0


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the Web API. `at` is time.monotonic(); `error` is None where Slack said ok."""

    method: str
    args: Json
    at: float
    error: str | None


class ChangeSignal:
    """Counts changes, and wakes everybody who waits for one more."""

    def __init__(self) -> None:
        self.count = 0
        self._next = asyncio.Event()

    def notify(self) -> None:
        self.count += 1
        event, self._next = self._next, asyncio.Event()
        event.set()

    async def after(self, seen: int) -> None:
        """Returns once there were more than `seen` changes."""
        if self.count == seen:
            await self._next.wait()


class State:
    """One workspace with one app in it. Every change goes through a method here and is told."""

    def __init__(self, scopes: Iterable[str], features: AppFeatures) -> None:
        self.team = new_id("T")
        self.domain = "workspace"
        self.app = new_id("A")
        self.bot_id = new_id("B")
        self.users: dict[str, User] = {}
        self.bot = self.add_user("draftsmith", bot=True)
        self.scopes = set(scopes)
        self.features = features
        self.channels: dict[str, WorkspaceChannel] = {}
        self.whispers: list[PostedMessage] = []
        self.views: dict[str, list[OpenView]] = {}
        self.homes: dict[str, OpenView] = {}
        self.statuses: dict[tuple[str, str], ThreadStatus] = {}
        self.files: dict[str, UploadedFile] = {}
        self.uploads: dict[str, UploadedFile] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.calls: list[ApiCall] = []
        self.changes = ChangeSignal()
        self.url = ""
        self.tickets: set[str] = set()
        self.stream_seconds = 300.0
        self.ack_seconds = 3.0
        self.emit: Callable[[Json], asyncio.Future[bool] | None] = lambda event: None
        self._revisions = count(1)
        self._last_ts = 0

    def now(self) -> str:
        """A ts: seconds.microseconds, unique in the workspace and increasing."""
        self._last_ts = max(time.time_ns() // 1000, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add_user(
        self,
        name: str,
        *,
        guest: bool = False,
        outsider: bool = False,
        bot: bool = False,
        locale: str = "en-US",
    ) -> User:
        team = new_id("T") if outsider else self.team
        person = User(new_id("U"), name, team, guest, outsider, bot, locale)
        self.users[person.id] = person
        return person

    def add_channel(self, name: str, kind: ChannelKind, members: Iterable[str]) -> WorkspaceChannel:
        prefix = "D" if kind == "im" else "C"
        channel = WorkspaceChannel(new_id(prefix), name, kind, set(members))
        self.channels[channel.id] = channel
        self.changes.notify()
        return channel

    def dm_with_bot(self, user: str) -> WorkspaceChannel:
        """The DM of a person with the bot, made when it is first asked for."""
        pair = {user, self.bot.id}
        for channel in self.channels.values():
            if channel.kind == "im" and channel.members == pair:
                return channel
        return self.add_channel("", "im", pair)

    def add_file(
        self, user: str, name: str, data: bytes | None = None, mimetype: str | None = None
    ) -> UploadedFile:
        """A file that nobody else sees yet."""
        created, kind = int(time.time()), mimetype or mimetype_of(name)
        file = UploadedFile(new_id("F"), name, user, created, kind, data)
        self.files[file.id] = file
        return file

    def file_of(self, user: str, file_id: str) -> UploadedFile:
        """A file that this person has attached. Raises ValueError."""
        file = self.files.get(file_id)
        if file is None or file.user != user:
            raise ValueError(f"There is no file {file_id!r} of this person: attach it first.")
        return file

    def add_message(self, message: PostedMessage) -> PostedMessage:
        channel = self.channels[message.channel]
        assert message.ts not in channel.messages
        channel.messages[message.ts] = message
        for file in message.files:
            file.channels.add(channel.id)
        if message.user == self.bot.id and message.thread_ts:
            self.statuses.pop((message.channel, message.thread_ts), None)
        self.touch(message)
        root = channel.messages.get(message.thread_ts or "")
        if root is not None:
            self.touch(root)
        if root is not None and root.pane and message.user != self.bot.id:
            root.pane.prompts = []
        return message

    def whisper(self, message: PostedMessage) -> PostedMessage:
        assert message.to is not None
        self.whispers.append(message)
        self.touch(message)
        return message

    def whisper_at(self, channel: str, ts: str) -> PostedMessage | None:
        same = (m for m in self.whispers if m.channel == channel and m.ts == ts and not m.deleted)
        return next(same, None)

    def delete_message(self, message: PostedMessage) -> None:
        message.deleted, message.streaming = True, False
        self.touch(message)
        if message.thread_ts and message.to is None:
            self.touch(self.channels[message.channel].messages[message.thread_ts])

    def send_events(self, *told: Json) -> Acks:
        """Sends events to the app, as far as it is entitled to them."""
        sent = [self.emit(event) for event in told]
        return [ack for ack in sent if ack is not None]

    def touch(self, message: PostedMessage) -> None:
        message.revision = next(self._revisions)
        self.changes.notify()

    def all_messages(self) -> Iterator[PostedMessage]:
        for channel in self.channels.values():
            yield from channel.messages.values()
        yield from self.whispers

    def new_trigger(self, user: str, *, view: str | None = None, channel: str | None = None) -> str:
        trigger = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[trigger] = Trigger(user, time.monotonic() + 3.0, view, channel)
        return trigger

    def new_response_url(
        self, channel: str, user: str, message: PostedMessage | None = None
    ) -> str:
        """The path of a fresh response_url."""
        kind = "commands" if message is None else "actions"
        path = f"/{kind}/{self.team}/{secrets.randbelow(10**13)}/{secrets.token_urlsafe(18)}"
        expires = time.monotonic() + 30 * 60
        self.response_urls[path] = ResponseUrl(channel, user, expires, message)
        return path

    def view(self, view_id: str) -> OpenView | None:
        open_views = (view for stack in self.views.values() for view in stack)
        return next((v for v in [*open_views, *self.homes.values()] if v.id == view_id), None)

    def outline(self) -> str:
        """The workspace in a few lines, for a test that waited in vain."""
        lines = [f"{c.method} {c.error or 'ok'}" for c in self.calls[-20:]]
        for channel in self.channels.values():
            lines.append(f"#{channel.name or channel.id}")
            for m in channel.messages.values():
                marks = " streaming" * m.streaming + " deleted" * m.deleted
                indent = "    " if m.thread_ts else "  "
                name = self.name_of(m.user)
                lines.append(f"{indent}{name}{marks}: {m.text[:80]!r} {m.reactions or ''}")
        lines += [f"whisper to {self.name_of(m.to)}: {m.text[:80]!r}" for m in self.whispers]
        lines += [f"modal of {self.name_of(u)}: {len(s)} open" for u, s in self.views.items() if s]
        return "\n".join(lines) or "nothing has happened"

    def name_of(self, user: str | None) -> str:
        if user == SLACKBOT:
            return "Slackbot"
        return self.users[user].name if user in self.users else str(user)
