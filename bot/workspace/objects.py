"""The objects that a workspace holds, such as a message or a view. Knows no HTTP."""

import json
import secrets
import string
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
# Who may post: admins alone, all of them but only in threads, or all of them but in no thread.
Restriction = Literal["read_only", "thread_only", "non_threadable"]
ChannelKind = Literal["channel", "group", "im", "mpim"]
SessionStatus = Literal["active", "processing", "suspended", "closed"]

SLACKBOT = "USLACKBOT"
ID_ALPHABET = string.ascii_uppercase + string.digits
FILE_TYPES = {"txt": "text", "md": "markdown", "jpeg": "jpg"}


def new_id(prefix: str) -> str:
    """Return an id as Slack writes it: a letter for the kind, a zero, nine letters or digits."""
    return prefix + "0" + "".join(secrets.choice(ID_ALPHABET) for _ in range(9))


def json_object(text: str | bytes) -> Json | None:
    """Return the object that a JSON text holds; None for anything else."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An organisation of Enterprise Grid. `whole`: the app is installed for all its workspaces."""

    id: str
    name: str
    whole: bool = False


@dataclass(slots=True, eq=False)
class User:
    """A person or the bot. An outsider belongs to another workspace, so `team` is that one's.

    In an organisation, `teams` are all workspaces of the person, and `team` is any of them, or the
    organisation's id. `admin`: of the workspace.
    """

    id: str
    name: str
    team: str
    guest: bool = False
    outsider: bool = False
    bot: bool = False
    locale: str = "en-US"
    enterprise: Enterprise | None = None
    teams: tuple[str, ...] = ()
    deactivated: bool = False
    admin: bool = False

    def __post_init__(self) -> None:
        assert not self.teams or self.enterprise, "only an organisation has several workspaces"
        assert self.is_member or not self.admin, "only a full member can be an admin"
        both = self.guest and self.outsider
        assert not both, "a guest has an account here, an outsider has not"

    @property
    def is_member(self) -> bool:
        """Whether this is a full member of the workspace."""
        return not (self.guest or self.outsider)


@dataclass(slots=True, eq=False)
class UploadedFile:
    """A file that can be read in `channels`, and by the app if a form brought it (`in_form`).

    `readers` are people who may read it outside these channels, which is so for canvases only.
    `data` is None while an announced upload has not arrived. `mode` is Slack's word for what it is,
    e.g. a snippet, or a tombstone where it was deleted; `filetype` its type where the name shows
    none; `denied`: its workspace lets nobody of another one read it.
    """

    id: str
    name: str
    user: str
    created: int
    mimetype: str
    data: bytes | None = None
    title: str = ""
    size: int = 0
    channels: set[str] = field(default_factory=set)
    in_form: bool = False
    readers: set[str] = field(default_factory=set)
    mode: str = "hosted"
    filetype: str = ""
    denied: bool = False

    def __post_init__(self) -> None:
        assert self.name, "a file has a name"
        self.title = self.title or self.name
        if self.data is not None:
            self.size = len(self.data)

    @property
    def kind(self) -> str:
        """Slack's word for the type. https://docs.slack.dev/reference/objects/file-object"""
        if self.filetype:
            return self.filetype
        ending = self.name.rpartition(".")[2].lower() if "." in self.name else "binary"
        return FILE_TYPES.get(ending, ending or "binary")


@dataclass(slots=True)
class AgentSession:
    """The app's work in one thread. https://docs.slack.dev/ai/agent-sessions"""

    status: SessionStatus
    title: str = ""
    initiator: str | None = None


@dataclass(frozen=True, slots=True)
class SuggestedPrompts:
    """What the app offers to begin with, in its DM with one person."""

    title: str
    prompts: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class ThreadStatus:
    """What the app says it is doing in a thread, and the loading messages beside it."""

    text: str
    loading: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class PostedMessage:
    """A message of a channel. With `to` it is a whisper, which only that person sees.

    `thread_ts` is set on replies only, `broadcast` on those that were sent to the channel as well,
    `client_id` on what a person typed.
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
    broadcast: bool = False
    client_id: str = ""
    revision: int = 0
    files: list[UploadedFile] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert self.thread_ts != self.ts, "a reply belongs to another message"
        assert self.thread_ts or not self.broadcast, "only a reply can go to the channel as well"


@dataclass(slots=True, eq=False)
class WorkspaceChannel:
    """A channel, private channel, DM or group DM. `messages` are by ts, oldest first.

    `host` is the workspace that made the channel, if another one shares it with this one, and
    `creator` the person who did; "" for one who is no longer there.
    """

    id: str
    name: str
    kind: ChannelKind
    members: set[str]
    archived: bool = False
    restriction: Restriction | None = None
    host: str | None = None
    creator: str = ""
    messages: dict[str, PostedMessage] = field(default_factory=dict)

    @property
    def private(self) -> bool:
        return self.kind != "channel"

    def visible_to(self, user: str) -> bool:
        """Say whether this user sees the channel: it is public, or they are a member."""
        return not self.private or user in self.members

    def message(self, ts: str) -> PostedMessage | None:
        """Return the message at `ts`; None if there is none, or it was deleted."""
        message = self.messages.get(ts)
        return None if message is None or message.deleted else message

    def roots(self) -> list[PostedMessage]:
        """Return the messages that are no replies."""
        return [m for m in self.messages.values() if m.thread_ts is None and not m.deleted]

    def replies(self, ts: str) -> list[PostedMessage]:
        """Return the replies to the message at `ts`."""
        return [m for m in self.messages.values() if m.thread_ts == ts and not m.deleted]


@dataclass(slots=True, eq=False)
class OpenView:
    """An open modal, or a person's home tab. `body` is the view as the app sent it.

    `channel` is where the person was when it opened, and `tab` the tab of the page, the only one
    that shows it; `errors` are shown by block_id, `filled` is what
    the person filled in so far, by block_id.
    """

    id: str
    user: str
    body: Json
    hash: str
    root: str
    previous: str | None = None
    channel: str | None = None
    tab: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    filled: dict[str, object] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.body["blocks"]
        return blocks

    @property
    def callback_id(self) -> str:
        return str(self.body.get("callback_id", ""))


@dataclass(slots=True)
class Trigger:
    """The right to open a modal: for one person, once, for three seconds."""

    user: str
    expires: float
    view: str | None = None
    channel: str | None = None
    tab: str | None = None
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """An address where the app may answer a command or a click: five times in half an hour."""

    channel: str
    user: str
    expires: float
    message: PostedMessage | None = None
    uses: int = 0


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the Web API. `at` is time.monotonic(); `error` is None if Slack said ok."""

    method: str
    args: Json
    at: float
    error: str | None
