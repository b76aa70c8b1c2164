"""Slack as drafting sees it: places, messages, and what may go wrong.

`bot.slack.outbox.Outbox` is the port in production. Nothing here knows Slack's API.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from bot.extraction.extraction import Unreadable
from bot.messages import Language, Phrase, ours
from inference.logs import where as place_of
from safety import NOTHING, SafeText, safe

Style = Literal["", "primary", "danger"]
FileKind = Literal["md", "docx"]

NO_WORDS = Phrase("")

RESUMED: ContextVar[bool] = ContextVar("resumed", default=False)
"""Whether what is done now goes on with what an earlier process began."""


@contextmanager
def resuming() -> Iterator[None]:
    """Start tasks within it whose calls to Slack wait behind those for what people ask now."""
    before = RESUMED.set(True)
    try:
        yield
    finally:
        RESUMED.reset(before)


class SlackError(Exception):
    """Slack did not do what was asked. Holds codes only, never a text of a person or the model."""


class SlackUnavailable(SlackError):
    """Slack did not answer after several tries: take the work up again later."""


class NotThere(SlackError):
    """The channel or message is gone, or closed to the app. `reason` is Slack's code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def archived(self) -> bool:
        """Whether the channel is archived; an edit there is refused by a word of its own."""
        return self.reason in ("is_archived", "is_inactive")

    @property
    def restricted(self) -> bool:
        """Whether the channel's settings let us not post: for admins, or not at this place."""
        return self.reason.startswith(("restricted_action", "posting_to_channel"))

    @property
    def no_conversation(self) -> bool:
        """Whether the app's own conversation with people is switched off."""
        return self.reason == "messages_tab_disabled"

    @property
    def deleted(self) -> bool:
        """Whether somebody deleted the message, rather than closed the place to us."""
        return self.reason == "message_not_found"


class SlackRefused(SlackError):
    """Slack refused the call: a bug of ours, or a scope that the app lacks (`needed`)."""

    def __init__(self, error: str, needed: str = "") -> None:
        super().__init__(f"{error} (needs {needed})" if needed else error)
        self.error = error
        self.needed = needed


def where(error: BaseException) -> str:
    """Return an error's type and place; its text only where that is a code of Slack's."""
    code = f"{error} " if isinstance(error, SlackError) else ""
    return code + place_of(error)


class NoFile(Unreadable):
    """A file cannot be fetched. `reason`: gone, size, external, canvas (the app may read none)."""


FetchFile = Callable[[str, int], Awaitable[tuple[str, bytes]]]
"""`fetch(file_id, most)` returns a file's name, as its owner gave it, and at most `most` bytes.

Raises NoFile, SlackUnavailable.
"""


@dataclass(frozen=True, slots=True)
class ThreadPart:
    """Messages of a thread: later than `after`, earlier than `before`, and without `itself`."""

    channel: str
    root_ts: str
    itself: str
    after: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said in a thread, under the name that people see; `files` are names."""

    author: str
    name: str
    text: str
    files: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ThreadRead:
    """Messages in their order, and the files (id, name) of the message itself."""

    said: Sequence[Said]
    files: Sequence[tuple[str, str]] = ()


ReadThread = Callable[[ThreadPart], Awaitable[ThreadRead]]
"""Returns what people and other apps said in a thread, without what this app said below its root.

Raises SlackUnavailable, NotThere, SlackRefused.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes. `user` and `team` are for whom a stream is, as Slack wants to know."""

    channel: str
    thread_ts: str | None = None
    user: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class CanvasLink:
    """A canvas that we made: its address, and its title, which may be empty."""

    url: str
    title: SafeText


@dataclass(frozen=True, slots=True)
class Button:
    """A button; `label` is plain text. `value` comes back with the click: ids only."""

    label: Phrase
    action_id: str
    value: str = ""
    style: Style = ""

    def __post_init__(self) -> None:
        assert 0 < len(ours(self.label)) <= 75
        assert 0 < len(self.action_id) <= 255
        assert len(self.value) <= 2_000


@dataclass(frozen=True, slots=True)
class Work:
    """What the app does in a thread: in words, and a name for the thread if it has none yet.

    Slack shows the words, or in their place its own sign and a stop button.
    """

    doing: Phrase = NO_WORDS
    loading: Sequence[Phrase] = ()
    title: SafeText = NOTHING

    def __post_init__(self) -> None:
        for each in (self.doing, *self.loading):
            ours(each)
        safe(self.title)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several things that can be chosen; `label` is plain text, `value` holds ids only."""

    label: Phrase
    value: str

    def __post_init__(self) -> None:
        assert 0 < len(ours(self.label)) <= 75
        assert 0 < len(self.value) <= 150


@dataclass(frozen=True, slots=True)
class Menu:
    """A menu at the end of a row of buttons, behind three dots.

    Slack tells of each choice, also where the same one is taken again; a select would not.
    """

    action_id: str
    choices: Sequence[Choice]

    def __post_init__(self) -> None:
        assert 0 < len(self.action_id) <= 255
        assert 2 <= len(self.choices) <= 5


@dataclass(frozen=True, slots=True)
class Thumbs:
    """Thumb up and thumb down, of which Slack shows the one that a reader pressed."""

    action_id: str
    up: Choice
    down: Choice


Row = Sequence[Button | Menu]


@dataclass(frozen=True, slots=True)
class Content:
    """What a message of ours says: a sentence, a small line below it, and buttons."""

    said: Phrase | None
    note: Phrase | None = None
    buttons: Row = ()

    def __post_init__(self) -> None:
        assert self.said or self.note


@dataclass(frozen=True, slots=True)
class Edit:
    """A message of ours, and what it is to say from now on."""

    channel: str
    ts: str
    content: Content


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands of a draft: the ts of its messages, and how many characters of text they show."""

    parts: tuple[str, ...] = ()
    chars: int = 0

    def __post_init__(self) -> None:
        assert self.parts or not self.chars


class Heads(Protocol):
    """The first lines of a draft's messages.

    No two messages of a thread have the same: after a crash they are found by it.
    """

    def __call__(self, part: int) -> Phrase:
        """Return that of the first message, part 1, or of a further one."""


@dataclass(frozen=True, slots=True)
class FooterEdit:
    """What is to close a finished draft from now on; `posts`: the ts of its messages.

    The text stays as it is: a draft whose `text` takes another number of messages is left alone.
    """

    channel: str
    posts: Sequence[str]
    heads: Heads
    text: SafeText
    note: Phrase | None
    buttons: Row = ()
    thumbs: Thumbs | None = None

    def __post_init__(self) -> None:
        assert self.posts
        safe(self.text)


class GrowingMessage(Protocol):
    """One draft in Slack, which grows as text is released."""

    async def open(self) -> str:
        """Return the ts of its first message, which stands from now on."""

    def show(self, text: SafeText) -> None:
        """Append without waiting. Raises NotThere when somebody deleted the draft."""

    def cut(self, chars: int) -> None:
        """Keep the first characters of the text; what stands behind them goes as it ends."""

    async def finish(
        self, note: Phrase | None, *, buttons: Row = (), thumbs: Thumbs | None = None
    ) -> None:
        """Show all text, a small line below it if there is one, its buttons and its thumbs."""

    async def stop(self, note: Phrase, *, buttons: Row = ()) -> None:
        """End it here: what was shown stays, marked by the note."""

    async def retract(self, note: Phrase, *, buttons: Row = ()) -> None:
        """Put one sentence in the place of what was shown."""

    async def abandon(self) -> None:
        """Send nothing more; the message stays as it is, to be resumed."""


class SlackPort(Protocol):
    """What drafting does in Slack. Each method raises SlackUnavailable, NotThere, SlackRefused."""

    async def is_member(self, channel: str) -> bool:
        """Say whether the bot is in the channel. Raises NotThere if it cannot even see it."""

    async def join(self, channel: str) -> None:
        """Join a public channel. Raises NotThere for any other."""

    async def post(self, place: Place, content: Content, *, key: str) -> str:
        """Post a message and return its ts; once, even if answers are lost."""

    async def edit(self, channel: str, ts: str, content: Content) -> None:
        """Replace a message's content."""

    async def edit_later(self, choose: Callable[[], Awaitable[Edit | FooterEdit | None]]) -> None:
        """Wait until nobody else needs the call, and try once the edit that `choose` returns."""

    async def delete(self, channel: str, ts: str) -> None:
        """Delete a message; already gone is fine."""

    async def find(
        self,
        place: Place,
        *,
        key: str,
        head: Phrase | None = None,
        since: datetime | None = None,
    ) -> str | None:
        """Find a message that was posted with this key; return its ts.

        `head`: or an open stream that begins with it, and was begun `since` then.
        """

    async def permalink(self, channel: str, ts: str) -> str | None:
        """Return the address of a message, if it has one."""

    async def open_dm(self, user: str) -> str:
        """Return the channel of our conversation with a person."""

    async def sees(self, user: str, channel: str) -> bool:
        """Say whether a person sees a channel: it is public, or they are a member."""

    async def post_text(
        self, place: Place, text: SafeText, note: Phrase, *, key: str, again: bool
    ) -> str:
        """Post a finished text for everybody, with a note at its end, and return its ts.

        `again`: it may stand.
        """

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
        """Put the text as a file into a thread, and return its address, if it has one.

        `mark` goes into its properties; `again`: it may have been put there since `since`.
        """

    async def make_canvas(
        self, place: Place, text: SafeText, note: Phrase, *, since: datetime, again: bool
    ) -> CanvasLink:
        """Make a canvas of the text for a channel, or for the place's user in our conversation.

        `note` stands at its end; `again`: it may have been made since `since`. Raises SlackRefused
        where the app may make none.
        """

    async def show_work(self, place: Place, work: Work, *, key: str) -> None:
        """Show below the thread that the job named `key` works there. Best effort, no waiting."""

    async def show_rest(self, place: Place, *, key: str, again: bool, over: bool = False) -> None:
        """Show that the job works there no more; `again`: an earlier run may have shown it.

        `over`: nothing is left in the thread that could be asked for a change.
        """

    def forget_work(self, place: Place, *, key: str) -> None:
        """Show nothing more of the job there: another bot does."""

    async def react(self, channel: str, ts: str, emoji: str) -> None:
        """Put an emoji under a message."""

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
        """Say a sentence to one person only."""

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
    ) -> GrowingMessage:
        """Return a draft's message; `shown` if some of it may stand already."""


class People(Protocol):
    """Who may ask, and in which language they read."""

    async def may_ask(self, user: str, team: str) -> bool:
        """Say whether this person's requests are taken. Raises SlackUnavailable."""

    async def is_admin(self, user: str, team: str) -> bool:
        """Say whether this person is an admin of the workspace. Raises SlackUnavailable."""

    async def language(self, user: str) -> Language:
        """Return the language in which the person is told something. Raises SlackUnavailable."""

    async def name(self, user: str) -> str:
        """Return what others call the person; "" for one who is gone. Raises SlackUnavailable."""
