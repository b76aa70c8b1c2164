"""The state of one workspace, and every change to it. Knows no transport and no JSON of Slack's."""

import asyncio
import mimetypes
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import count

from bot.workspace.canvas import Canvas, CanvasPlan
from bot.workspace.features import AppFeatures
from bot.workspace.objects import (
    SLACKBOT,
    AgentSession,
    ApiCall,
    ChannelKind,
    Enterprise,
    Json,
    OpenView,
    PostedMessage,
    ResponseUrl,
    SuggestedPrompts,
    ThreadStatus,
    Trigger,
    UploadedFile,
    User,
    WorkspaceChannel,
    new_id,
)

ACTING_TAB: ContextVar[str | None] = ContextVar("acting_tab", default=None)
"""The tab of the page in which a person acts just now; None for what Python does."""


class ChangeSignal:
    """Counts changes, and wakes whoever waits for the next."""

    def __init__(self) -> None:
        self.count = 0
        self._next = asyncio.Event()

    def notify(self) -> None:
        """Count a change and wake who waits."""
        self.count += 1
        event, self._next = self._next, asyncio.Event()
        event.set()

    async def after(self, seen: int) -> None:
        """Wait until there are more than `seen` changes."""
        if self.count == seen:
            await self._next.wait()


class State:
    """One workspace with one app in it. Whoever changes it calls `change_signal.notify`."""

    def __init__(self, scopes: Iterable[str], features: AppFeatures) -> None:
        self.team = new_id("T")
        self.domain = "workspace"
        self.enterprise: Enterprise | None = None
        self.app = new_id("A")
        self.bot_id = new_id("B")
        self.bot_token = f"xoxb-{secrets.randbelow(10**12)}-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{self.app}-{secrets.token_hex(24)}"
        self.signing_secret = secrets.token_hex(16)
        self.bot = User(new_id("U"), "draftsmith", self.team, bot=True)
        self.users = {self.bot.id: self.bot}
        self.scopes = set(scopes)
        self.features = features
        self.channels: dict[str, WorkspaceChannel] = {}
        self.whispers: list[PostedMessage] = []
        self.views: dict[str, list[OpenView]] = {}
        self.homes: dict[str, OpenView] = {}
        self.statuses: dict[tuple[str, str], ThreadStatus] = {}
        self.sessions: dict[tuple[str, str], AgentSession] = {}
        self.prompts: dict[str, SuggestedPrompts] = {}
        self.looking_at: dict[str, list[Json]] = {}
        self.files: dict[str, UploadedFile] = {}
        self.uploads: dict[str, UploadedFile] = {}
        self.canvases: CanvasPlan = "paid"
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.calls: list[ApiCall] = []
        self.change_signal = ChangeSignal()
        self.url = ""
        self.tickets: set[str] = set()
        self.stream_seconds = 300.0
        self.ack_seconds = 3.0
        self.emit: Callable[[Json], asyncio.Future[bool] | None] = lambda event: None
        self._revisions = count(1)
        self._last_ts = 0

    def now(self) -> str:
        """Return a new ts: seconds.microseconds, later than each before it."""
        self._last_ts = max(time.time_ns() // 1000, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add_channel(self, name: str, kind: ChannelKind, members: Iterable[str]) -> WorkspaceChannel:
        """Add a channel or a DM and return it."""
        prefix = "D" if kind == "im" else "C"
        channel = WorkspaceChannel(new_id(prefix), name, kind, set(members))
        self.channels[channel.id] = channel
        self.change_signal.notify()
        return channel

    def sees(self, who: str, channel: WorkspaceChannel) -> bool:
        """Say whether a person sees the channel. Guests and outsiders see only those they are in.

        https://slack.com/help/articles/202518103-Understand-guest-roles-in-Slack
        """
        user = self.users[who]
        return channel.visible_to(who) and (who in channel.members or user.is_member)

    def dm_with_bot(self, user: str) -> WorkspaceChannel:
        """Return the DM of a person with the bot; create it if it is not there yet."""
        pair = {user, self.bot.id}
        for channel in self.channels.values():
            if channel.kind == "im" and channel.members == pair:
                return channel
        return self.add_channel("", "im", pair)

    def group_dm(self, people: Iterable[str]) -> WorkspaceChannel:
        """Return the group DM of these people; create it if it is not there yet."""
        members = set(people)
        for channel in self.channels.values():
            if channel.kind == "mpim" and channel.members == members:
                return channel
        names = sorted(self.name_of(user) for user in members)
        return self.add_channel(f"mpdm-{'--'.join(names)}-1", "mpim", members)

    def add_file(
        self, user: str, name: str, data: bytes | None = None, mimetype: str | None = None
    ) -> UploadedFile:
        """Add a file that nobody else sees yet, and return it."""
        mimetype = mimetype or mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = UploadedFile(new_id("F"), name, user, int(time.time()), mimetype, data)
        self.files[file.id] = file
        return file

    def add_canvas(self, canvas: Canvas) -> None:
        """Add a canvas."""
        self.files[canvas.id] = canvas
        self.change_signal.notify()

    def tabs(self, channel: str) -> list[Canvas]:
        """Return the canvases in the tabs of this channel."""
        canvases = (file for file in self.files.values() if isinstance(file, Canvas))
        return [canvas for canvas in canvases if canvas.tab == channel]

    def file_of(self, user: str, file_id: str) -> UploadedFile:
        """Return a file that this person has attached. Raises ValueError if there is none."""
        file = self.files.get(file_id)
        if file is None or file.user != user:
            raise ValueError(f"There is no file {file_id!r} of this person: attach it first.")
        return file

    def new_bot_message(
        self, channel: str, text: str, blocks: Iterable[Json] = (), thread_ts: str | None = None
    ) -> PostedMessage:
        """Return a message of the bot that is in no channel yet."""
        ts, bot = self.now(), self.bot.id
        return PostedMessage(ts, channel, bot, text, list(blocks), thread_ts, bot=True)

    def add_message(self, message: PostedMessage) -> None:
        """Put a message into its channel, with all that this changes around it."""
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
        if channel.kind == "im" and message.user != self.bot.id:
            self.prompts.pop(channel.id, None)

    def whisper(self, message: PostedMessage) -> None:
        """Show a message to the one person it is `to`."""
        assert message.to is not None
        self.whispers.append(message)
        self.touch(message)

    def whisper_at(self, channel: str, ts: str) -> PostedMessage | None:
        """Return the whisper at `ts` of this channel, if it is still there."""
        same = (m for m in self.whispers if m.channel == channel and m.ts == ts and not m.deleted)
        return next(same, None)

    def send_events(self, *events: Json) -> Awaitable[object]:
        """Send events to the app, except those it has no right to.

        To await the result is to wait until each is acked, or was not in time.
        """
        sent = [self.emit(event) for event in events]
        return asyncio.gather(*(ack for ack in sent if ack is not None))

    def touch(self, message: PostedMessage) -> None:
        """Note that a message has changed."""
        message.revision = next(self._revisions)
        self.change_signal.notify()

    def all_messages(self) -> Iterator[PostedMessage]:
        """Yield the messages of all channels, then the whispers."""
        for channel in self.channels.values():
            yield from channel.messages.values()
        yield from self.whispers

    def new_trigger(self, user: str, *, view: str | None = None, channel: str | None = None) -> str:
        """Return a fresh trigger_id for this person, who is in a view or in a channel."""
        trigger = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        expires, tab = time.monotonic() + 3.0, ACTING_TAB.get()
        self.triggers[trigger] = Trigger(user, expires, view, channel, tab)
        return trigger

    def new_response_url(
        self, channel: str, user: str, message: PostedMessage | None = None
    ) -> str:
        """Return a fresh response_url."""
        kind = "commands" if message is None else "actions"
        path = f"/{kind}/{self.team}/{secrets.randbelow(10**13)}/{secrets.token_urlsafe(18)}"
        expires = time.monotonic() + 30 * 60
        self.response_urls[path] = ResponseUrl(channel, user, expires, message)
        return self.url + path

    def has_outsiders(self, channel: WorkspaceChannel) -> bool:
        """Say whether people of another workspace are in this channel."""
        return any(self.users[user].outsider for user in channel.members)

    @property
    def installed_in(self) -> str:
        """The workspace that the app is installed in, or the organisation if in all of it."""
        whole = self.enterprise is not None and self.enterprise.whole
        return self.enterprise.id if self.enterprise and whole else self.team

    def is_stranger(self, user: User) -> bool:
        """Say whether an outsider is in no channel that the app is in.

        https://docs.slack.dev/reference/objects/user-object
        """
        shared = (c for c in self.channels.values() if self.bot.id in c.members)
        return user.outsider and not any(user.id in channel.members for channel in shared)

    def view(self, view_id: str, external_id: str = "") -> OpenView | None:
        """Return the open modal or the home tab with this id, or else the app's modal so named."""
        modals = [view for stack in self.views.values() for view in stack]
        same = [v for v in [*modals, *self.homes.values()] if v.id == view_id]
        same += [v for v in modals if external_id and v.body.get("external_id") == external_id]
        return same[0] if same else None

    def outline(self) -> str:
        """Describe the workspace in a few lines, for a test that waited in vain."""
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
        """Return the name of a user, or the id if nobody has it."""
        if user == SLACKBOT:
            return "Slackbot"
        return self.users[user].name if user in self.users else str(user)
