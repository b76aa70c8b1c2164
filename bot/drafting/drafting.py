"""What people can ask for. Everything is committed before it is answered, and done afterwards."""

import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from bot import phrases
from bot.drafting.brief import BadBrief, check_language, checked, parse
from bot.drafting.help import help_in
from bot.drafting.jobs import Jobs
from bot.drafting.options import Options
from bot.drafting.ports import NotThere
from bot.drafting.recipes import Recipe
from bot.phrases import Language, Sentence
from bot.settings import Settings
from bot.store import Job, JobKind, JobStatus, Store, Thread, TooManyRunning, Version, VersionStatus

IsMember = Callable[[str], Awaitable[bool]]

REFINABLE = (VersionStatus.FINISHED, VersionStatus.STOPPED)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked, where, and the key by which a second delivery of the same wish is known."""

    user: str
    team: str
    channel: str
    key: str
    response_url: str | None = None


class Drafting:
    """The domain's front: what listeners call."""

    def __init__(
        self, store: Store, jobs: Jobs, recipes: Mapping[str, Recipe], settings: Settings
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._recipes = recipes
        self._settings = settings

    def help(self, language: Language) -> Iterator[Sentence]:
        """How to ask, part by part."""
        settings = self._settings
        yield phrases.help_intro(settings.emoji_regenerate, settings.emoji_stop)
        yield from help_in(language, self._recipes, settings.model_languages)

    async def draft(self, text: str, asked: Asked, *, drafts: int | None = None) -> None:
        """A new thread. Raises BadBrief, StoreUnavailable."""
        defaults = self._settings.options(_new_seed())
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
        )
        job = Job(
            kind=JobKind.DRAFT,
            requester=asked.user,
            sampling=brief.options.model_dump(),
            response_url=asked.response_url,
        )
        await self._begin(job, asked, thread)

    async def refine(self, root_ts: str, text: str, asked: Asked) -> None:
        """The version finished last, rewritten as `text` says; nothing if the thread is not ours.

        Raises BadBrief, StoreUnavailable.
        """
        thread = await self._store.thread_at(asked.channel, root_ts)
        if thread is None:
            return
        instruction = checked(text, self._settings.max_brief)
        check_language(instruction, self._settings.model_languages)
        parent = await self._store.last_version(
            thread.id, *REFINABLE
        ) or await self._store.last_version(thread.id, VersionStatus.WRITING)
        if parent is None:
            raise BadBrief(phrases.nothing_to_refine())
        options = await self._options_of(parent)
        job = Job(
            kind=JobKind.REFINE,
            requester=asked.user,
            sampling=options.model_dump(),
            thread_id=thread.id,
            parent_id=parent.id,
            instruction=instruction,
        )
        await self._begin(job, asked)

    async def regenerate(self, version: Version, asked: Asked) -> None:
        """This version's request with a new seed. Raises BadBrief, StoreUnavailable."""
        before = await self._store.job(version.job_id)
        job = Job(
            kind=JobKind.REGENERATE,
            requester=asked.user,
            sampling=(await self._options_of(version)).model_dump(),
            thread_id=version.thread_id,
            parent_id=before.parent_id,
            again_id=version.id,
            instruction=before.instruction,
        )
        await self._begin(job, asked)

    async def stop(self, version: Version, user: str) -> None:
        """The requester ends a running version. Raises StoreUnavailable."""
        job = await self._store.job(version.job_id)
        thread = await self._store.thread(version.thread_id)
        if user in (job.requester, thread.requester) and await self._store.stop(version.id):
            self._jobs.stop(job.id, version.id)

    async def deleted(self, channel: str, ts: str) -> None:
        """Somebody deleted the message of a version: it counts no more. Raises StoreUnavailable."""
        version = await self._store.version_at(channel, ts)
        # Further messages of a long draft are deleted by the outbox itself, too.
        if version is not None and ts == (await self._store.parts(version.id))[0]:
            await self._store.ended(version.id, VersionStatus.DELETED)
            self._jobs.stop(version.job_id, version.id)

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

    async def first(self, asked: Asked) -> bool:
        """Whether this wish, which is refused, comes for the first time."""
        return await self._store.first(asked.key)

    async def version_at(self, channel: str, ts: str) -> Version | None:
        """The version that this message shows, unless it was deleted."""
        version = await self._store.version_at(channel, ts)
        return None if version and version.status is VersionStatus.DELETED else version

    async def version(self, version_id: int) -> Version:
        """The version with this id."""
        return await self._store.version(version_id)

    async def _begin(self, job: Job, asked: Asked, thread: Thread | None = None) -> None:
        limit = self._settings.max_running_per_person
        try:
            begun = await self._store.add(job, key=asked.key, limit=limit, thread=thread)
        except TooManyRunning:
            raise BadBrief(phrases.too_many(limit)) from None
        if begun is not None:
            self._jobs.start(begun)

    async def _go_on(self, job: Job) -> bool:
        if await self._store.reopen(job.id):
            self._jobs.start(await self._store.job(job.id))
            return True
        return False

    async def _options_of(self, version: Version) -> Options:
        """How a version was sampled, for one more with a seed of its own."""
        sampling = (await self._store.job(version.job_id)).sampling
        return Options.model_validate({**sampling, "n": 1, "seed": _new_seed()})


def _new_seed() -> int:
    return secrets.randbelow(2**31)
