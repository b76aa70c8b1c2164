"""One run of a job: what it is about, and what its requester was told on the way."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from bot.drafting.brief.options import Options
from bot.drafting.brief.recipe import Recipe, recipe_or_free
from bot.drafting.draft_action import prompted_in
from bot.drafting.jobs.job_context import MOST_FAILURES, JobContext
from bot.drafting.reviews import filter_for
from bot.drafting.slack_port import Button, NotThere, Place, SlackRefused
from bot.drafting.voice.house_voice import HouseVoice
from bot.drafting.voice.told import ToldVoice, tell
from bot.messages import Language, Sentence, language_for
from bot.store import Job, Thread
from safety import Action, Filter, Stage, Verdict

log = structlog.get_logger(__name__)

Settled = Callable[[int], Awaitable[None]]


@dataclass(slots=True)
class JobRun:
    """The job and its thread as they were read last; `asked_in` is the thread as the run began.

    `again`: an earlier run may have done a part of it; `failures`: how many ended by an error of
    ours; `at_rest`: its thread was shown at rest; `voice`: the house's, once it is read.
    """

    context: JobContext
    job: Job
    asked_in: Thread
    thread: Thread = field(init=False)
    language: Language = "en"
    again: bool = False
    failures: int = 0
    at_rest: bool = False
    said: set[Sentence] = field(default_factory=set)
    voice: HouseVoice = field(default_factory=HouseVoice)

    def __post_init__(self) -> None:
        self.thread = self.asked_in

    @property
    def words(self) -> str:
        """What this job asks, in the person's own words."""
        return self.job.instruction or self.thread.brief

    @property
    def options(self) -> Options:
        """How the drafts are sampled, and what was chosen for them."""
        return Options.model_validate(self.job.sampling)

    @property
    def is_last_try(self) -> bool:
        """Whether an error of ours ends the job."""
        return self.failures + 1 >= MOST_FAILURES

    @property
    def recipe(self) -> Recipe:
        """What is to be written."""
        return recipe_or_free(self.context.recipes, self.thread.recipe)

    @property
    def told_voice(self) -> ToldVoice:
        """What the model is told of the house's voice."""
        budget = self.context.settings.voice_budget
        return tell(self.voice.voice, prompted_in(self.options), budget)

    @property
    def filter(self) -> Filter:
        """The filter by the policy of the channel that the text is for."""
        return filter_for(self.context.filter, self.thread)

    async def begin(self) -> None:
        """Count the run, and keep the language of the first. Raises Away."""
        reads = self.job.language or await self.context.people.language(self.job.requester)
        tries, first, self.failures = await self.context.store.count_try(self.job.id, reads)
        self.again = tries > 0
        self.language = language_for(first)

    async def refresh(self) -> None:
        """Read job and thread anew. Raises StoreUnavailable."""
        self.job = await self.context.store.get_job(self.job.id)
        self.thread = await self.context.store.get_thread(self.job.thread_id)

    async def judge(self, text: str, stage: Stage, held: Action = Action.HOLD) -> Verdict:
        """Return the filter's verdict; `held` is what it makes of what the policy holds."""
        return await self.filter.judge(
            text, stage, request=self.job.name, who=self.job.requester, held=held
        )

    async def tell(
        self, sentence: Sentence, buttons: Sequence[Button] = (), *, place: Place | None = None
    ) -> None:
        """Say a sentence to the requester, once a run: in the drafts' thread, or where they asked.

        Raises Away; a person who is gone hears nothing.
        """
        if sentence in self.said:
            return
        try:
            await self.context.slack.tell(
                place.channel if place else self.asked_in.channel,
                self.job.requester,
                sentence.to(self.language),
                thread_ts=place.thread_ts if place else self.asked_in.shown_root,
                response_url=None if place else self.job.response_url,
                buttons=buttons,
            )
        except (NotThere, SlackRefused) as closed:
            log.error("sentence not said", job=self.job.name, error=str(closed))
        self.said.add(sentence)
