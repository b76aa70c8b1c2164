"""What every job is written with, and the two ways in which a run ends early."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from bot.drafting.brief.recipe import Recipe
from bot.drafting.drafting_settings import DraftingSettings
from bot.drafting.jobs.worker_queue import WorkerQueue
from bot.drafting.measures import Judge
from bot.drafting.reviews import Reviews
from bot.drafting.slack_port import Button, People, SlackPort, SlackUnavailable
from bot.drafting.sources import Sources
from bot.messages import Sentence
from bot.store import Job, JobStatus, Store, StoreUnavailable
from inference.client import EngineClient
from safety import Filter

DRAFT_IN_DM = "draft_in_dm"
STOP_THREAD = "stop_thread"

# What a job waits for and is then run again.
Away = (SlackUnavailable, StoreUnavailable)
# Runs of a job that an error of ours may end, in all.
MOST_FAILURES = 3
# Times that a job is taken. One that ends whoever runs it would else end all bots, again and again.
MOST_EPOCHS = 50


class Refusal(Exception):
    """The job ends or rests here; `sentence` tells the requester why (None: without noise).

    `forget`: what was asked is not kept, for it holds what should be nowhere; `drops`: ids of
    sources that are not kept either.
    """

    def __init__(
        self,
        sentence: Sentence | None,
        status: JobStatus,
        buttons: Sequence[Button] = (),
        *,
        forget: bool = False,
        drops: Sequence[int] = (),
    ) -> None:
        super().__init__(status)
        self.sentence = sentence
        self.status = status
        self.buttons = buttons
        self.forget = forget
        self.drops = drops


@dataclass(frozen=True, slots=True)
class JobContext:
    """What every job is written with. Without `reviews` what the filter holds is blocked.

    `judge`: who grades drafts beside what is counted.
    """

    store: Store
    slack: SlackPort
    engine: EngineClient
    filter: Filter
    people: People
    recipes: Mapping[str, Recipe]
    sources: Sources
    queue: WorkerQueue
    settings: DraftingSettings
    bot_user: str
    reviews: Reviews | None = None
    judge: Judge | None = None

    def fenced_by(self, job: Job) -> Self:
        """Return the context of one run of a job, which writes only while the job is this bot's."""
        store = self.store.fenced_by(job)
        reviews = self.reviews and self.reviews.with_store(store)
        return replace(self, store=store, sources=self.sources.with_store(store), reviews=reviews)
