"""What drafting needs of the context, as protocols, and the words it shares with it.

`bot.slack.Outbox`, `inference.client.EngineClient` and `bot.slack.People` are these in production.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.drafting.brief.recipe import FREE, Recipe
from bot.drafting.jobs.worker_queue import Queue
from bot.drafting.reviews import Reviews
from bot.drafting.sources import Sources
from bot.messages import Language, Phrase, Sentence
from bot.slack.client.posts import Place
from bot.slack.draft_message import Shown
from bot.slack.errors import NotThere, SlackRefused, SlackUnavailable
from bot.slack.render.blocks import Button, Content
from bot.slack.render.documents import FileKind
from bot.store import JobStatus, Store, StoreUnavailable, Thread
from inference.client import ChatMessage, Delta, Sampling, Usage
from safety import Filter, SafeText

DRAFT_IN_DM = "draft_in_dm"
STOP_THREAD = "stop_thread"

# What a job waits for and is then run again.
Away = (SlackUnavailable, StoreUnavailable)

__all__ = [
    "DRAFT_IN_DM",
    "STOP_THREAD",
    "Away",
    "Button",
    "Engine",
    "JobContext",
    "NotThere",
    "People",
    "Place",
    "Refusal",
    "Shown",
    "ShownDraft",
    "SlackPort",
    "SlackRefused",
]


class Refusal(Exception):
    """The job ends or rests here; `sentence` tells the requester why (None: without noise).

    `forget`: what was asked is not kept, for it holds what should be nowhere.
    """

    def __init__(
        self,
        sentence: Sentence | None,
        status: JobStatus,
        buttons: Sequence[Button] = (),
        *,
        forget: bool = False,
    ) -> None:
        super().__init__(status)
        self.sentence = sentence
        self.status = status
        self.buttons = buttons
        self.forget = forget


class ShownDraft(Protocol):
    """One draft on the screen, growing as text is released."""

    async def open(self) -> str:
        """Its first message stands when this returns."""

    def show(self, text: SafeText) -> None:
        """Append; never waits. Raises NotThere when somebody deleted the draft."""

    async def finish(self, facts: Phrase, *, buttons: Sequence[Button] = ()) -> None:
        """All text is out, with its line of facts and its buttons."""

    async def stop(self, note: Phrase, *, buttons: Sequence[Button] = ()) -> None:
        """It ends here: what was shown stays, marked."""

    async def retract(self, note: Phrase, *, buttons: Sequence[Button] = ()) -> None:
        """What was shown is replaced by one sentence."""

    async def abandon(self) -> None:
        """Nothing more is sent; the message stays as it is, to be resumed."""


class SlackPort(Protocol):
    """Where drafts are shown: Slack, by way of the outbox."""

    async def is_member(self, channel: str) -> bool:
        """Whether the bot is in the channel. Raises NotThere if it cannot even see it."""

    async def join(self, channel: str) -> None:
        """Join a public channel. Raises NotThere for any other."""

    async def post(self, place: Place, content: Content, *, key: str) -> str:
        """A message; its ts."""

    async def edit(self, channel: str, ts: str, content: Content, *, waits: bool = True) -> None:
        """Another content in place of a message's; without `waits` only where there is room."""

    async def delete(self, channel: str, ts: str) -> None:
        """Take a message away; already gone is fine."""

    async def permalink(self, channel: str, ts: str) -> str | None:
        """The address of a message, if it has one."""

    async def dm(self, user: str) -> str:
        """The channel of our conversation with a person."""

    async def final(
        self, place: Place, text: SafeText, note: Phrase | None, *, key: str, again: bool
    ) -> None:
        """A part of a finished text, for everybody; `again`: it may stand already."""

    async def upload(
        self,
        place: Place,
        text: SafeText,
        kind: FileKind,
        *,
        name: SafeText,
        comment: Phrase,
        again: bool,
    ) -> None:
        """The text as a file in a thread; `again`: it may be there already."""

    async def status(self, place: Place, status: Phrase, loading: Sequence[Phrase] = ()) -> None:
        """What the app is doing, below the thread; empty clears it. Best effort, never waits."""

    async def title(self, place: Place, text: SafeText) -> None:
        """What our conversation in a thread is about. Best effort."""

    async def find(self, place: Place, *, key: str, head: Phrase | None = None) -> str | None:
        """The ts of a message that was posted with this key, or begins with this head."""

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
        """A sentence to one person only."""

    async def react(self, channel: str, ts: str, emoji: str) -> None:
        """Put an emoji under a message."""

    def draft(
        self,
        place: Place,
        head: Phrase,
        *,
        key: str,
        shown: Shown | None = None,
        on_posted: Callable[[int, str], Awaitable[None]],
    ) -> ShownDraft:
        """A draft's message; `shown` if some of it may stand already."""


class Engine(Protocol):
    """The model, by way of the worker."""

    def chat(
        self, messages: Sequence[ChatMessage], sampling: Sampling, *, model: str | None = None
    ) -> AsyncGenerator[Delta | Usage, None]:
        """Stream `sampling.n` samples. Raises EngineUnavailable, EngineRefused."""

    async def models(self) -> list[str]:
        """The names of the models that are served. Raises EngineUnavailable."""

    async def wait_ready(self, timeout: float) -> None:  # noqa: ASYNC109
        """Return when the model answers. Raises EngineUnavailable after `timeout` seconds."""


class People(Protocol):
    """Who may ask, and in which language they read."""

    async def may_ask(self, user: str, team: str) -> bool:
        """Whether this person's requests are taken."""

    async def language(self, user: str) -> Language:
        """The language in which the person is told something."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job is written with. `emoji` is put under finished drafts; `patience` in seconds;
    `translates`: the model writes more than one language.

    Without `reviews` what the filter holds is blocked.
    """

    store: Store
    slack: SlackPort
    engine: Engine
    filter: Filter
    people: People
    recipes: Mapping[str, Recipe]
    bot_user: str
    emoji: str | None
    patience: float
    sources: Sources
    queue: Queue
    reviews: Reviews | None = None
    translates: bool = False

    def filter_for(self, thread: Thread) -> Filter:
        """The filter by the policy of the channel that a thread's text is for."""
        return self.filter.within(thread.team, thread.post_to or thread.channel)

    def recipe(self, name: str) -> Recipe:
        """The recipe of a thread; free text where the operator took it away since."""
        return self.recipes.get(name) or self.recipes[FREE]
