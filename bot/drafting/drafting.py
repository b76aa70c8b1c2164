"""How a text begins. Everything is committed before it is answered, and done afterwards."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping

from bot import phrases
from bot.drafting.brief import parse
from bot.drafting.help import help_in
from bot.drafting.jobs import Jobs
from bot.drafting.ports import NotThere
from bot.drafting.recipes import Recipe
from bot.drafting.requests import Asked, Requests, new_seed
from bot.phrases import Language, Sentence
from bot.settings import Settings
from bot.store import Job, JobKind, JobStatus, Store, Thread

IsMember = Callable[[str], Awaitable[bool]]


class Drafting:
    """The domain's front for briefs: new ones, and those that wait for an invitation."""

    def __init__(
        self,
        store: Store,
        jobs: Jobs,
        requests: Requests,
        recipes: Mapping[str, Recipe],
        settings: Settings,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._requests = requests
        self._recipes = recipes
        self._settings = settings

    def help(self, language: Language) -> Iterator[Sentence]:
        """How to ask, part by part."""
        yield phrases.help_intro()
        yield phrases.help_wishes({str(w): emoji for w, emoji in self._settings.emoji.items()})
        yield from help_in(language, self._recipes, self._settings.model_languages)

    async def draft(self, text: str, asked: Asked, *, drafts: int | None = None) -> None:
        """A new thread. Raises BadBrief, StoreUnavailable."""
        defaults = self._settings.options(new_seed())
        if drafts is not None:
            defaults = defaults.model_copy(update={"n": drafts})
        brief = parse(
            text,
            self._recipes,
            defaults,
            limit=self._settings.max_brief,
            languages=self._settings.model_languages,
        )
        thread = Thread(
            team=asked.team,
            channel=asked.channel,
            requester=asked.user,
            recipe=brief.recipe,
            brief=brief.text,
            post_to=asked.channel if brief.options.private else None,
        )
        job = Job(
            kind=JobKind.DRAFT,
            requester=asked.user,
            sampling=brief.options.model_dump(),
            response_url=asked.response_url,
        )
        await self._requests.begin(job, asked, thread)

    async def invited(self, channel: str) -> None:
        """The bot is in this channel now: what waited for it goes on. Raises StoreUnavailable."""
        for job in await self._store.jobs(JobStatus.WAITING, channel=channel):
            await self._go_on(job)

    async def move(self, job_id: int, user: str, channel: str) -> bool:
        """A waiting brief goes to the requester's conversation. False if it does not wait."""
        job = await self._store.job(job_id)
        if job.requester != user or not await self._store.move(job, channel):
            return False
        self._jobs.start(await self._store.job(job_id))
        return True

    async def resume_waiting(self, is_member: IsMember) -> None:
        """Briefs whose channel the bot was invited to while it was not running go on."""
        for job in await self._store.jobs(JobStatus.WAITING):
            channel = (await self._store.thread(job.thread_id)).channel
            with contextlib.suppress(NotThere):
                if await is_member(channel):
                    await self._go_on(job)

    async def _go_on(self, job: Job) -> bool:
        if await self._store.reopen(job.id):
            self._jobs.start(await self._store.job(job.id))
            return True
        return False
