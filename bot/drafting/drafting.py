"""How a text begins: a brief is committed, then answered, then written."""

import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from bot.drafting.brief.brief import BadBrief, Brief, Understood, parse
from bot.drafting.brief.help import help_in
from bot.drafting.brief.recipe import Recipe
from bot.drafting.drafting_settings import DraftingSettings
from bot.drafting.jobs.intake import Intake, Invocation, new_seed
from bot.drafting.jobs.jobs import Jobs
from bot.drafting.preferences import adapted
from bot.drafting.slack_port import NotThere, SlackRefused
from bot.messages import Language, Phrase, Sentence, sentence, sentences
from bot.store import Job, JobKind, JobStatus, Source, Store, Thread

MOST_PROMPTS = 4  # As Slack allows.

IsMember = Callable[[str], Awaitable[bool]]


class Drafting:
    """Briefs: new ones, and those that wait for an invitation. Raises StoreUnavailable."""

    def __init__(
        self,
        store: Store,
        jobs: Jobs,
        intake: Intake,
        recipes: Mapping[str, Recipe],
        settings: DraftingSettings,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._intake = intake
        self._recipes = recipes
        self._settings = settings

    def help(self, language: Language) -> Iterator[Sentence]:
        """Yield how to ask, part by part."""
        yield sentence("help_intro")
        yield sentences.help_wishes({str(w): emoji for w, emoji in self._settings.emoji.items()})
        yield from help_in(language, self._recipes, self._settings.model_languages)

    async def draft(
        self,
        text: str,
        invocation: Invocation,
        *,
        chosen: Mapping[str, str] = MappingProxyType({}),
        sources: Sequence[Source] = (),
        adopt: Sequence[str] = (),
        under: str | None = None,
        among_others: bool = False,
        post_to: str | None = None,
        settled: Collection[str] = (),
    ) -> None:
        """Begin a new thread. Raises UserError.

        `chosen`: options of a form, by their names; `sources`: what it is to be based on, and
        `adopt` the keys of those that wait; `under`: the ts of a message of a person's that is the
        root; `among_others`: people talked below it before; `post_to`: the channel that the text is
        for, where it is drafted elsewhere; `settled`: options that the person saw and left open.
        """
        shows_best = "best" not in settled and await self.shows_best(post_to or invocation.channel)
        brief = self._parse(text, chosen, {"best": shows_best})
        own = await self._store.preferences_of(invocation.user)
        recipe, languages = self._recipes[brief.recipe], self._settings.model_languages
        options, preferred = adapted(brief, recipe, own, languages, settled)
        thread = Thread(
            team=invocation.team,
            channel=invocation.channel,
            requester=invocation.user,
            recipe=brief.recipe,
            brief=brief.text,
            post_to=post_to or (invocation.channel if options.private else None),
            root_ts=under,
            persons_root=under is not None,
            others_root=among_others,
        )
        job = Job(
            kind=JobKind.DRAFT,
            requester=invocation.user,
            sampling=options.model_dump(),
            response_url=invocation.response_url,
            preferred=list(preferred),
        )
        await self._intake.begin(job, invocation, thread, sources=sources, adopt=adopt)

    def understood(self, text: str) -> tuple[Sentence | None, Understood]:
        """Return what is wrong with a text, if anything is, and what can be read of it."""
        try:
            self._parse(text, {}, {})
        except BadBrief as slip:
            return slip.sentence, slip.understood
        return None, Understood({}, text)

    def _parse(self, text: str, chosen: Mapping[str, str], usual: Mapping[str, object]) -> Brief:
        return parse(
            text,
            self._recipes,
            self._settings.options(new_seed()).model_copy(update=dict(usual)),
            limit=self._settings.max_brief,
            languages=self._settings.model_languages,
            chosen=chosen,
        )

    def networks(self, language: Language) -> list[tuple[str, str]]:
        """Return each network that a text can be for, and what its readers call it."""
        limits = [each for recipe in self._recipes.values() for each in recipe.limits.items()]
        if language == "en":
            return [(name, name) for name, _ in limits]
        return [
            (name, next((other for other in limit.names if not other.isascii()), name))
            for name, limit in limits
        ]

    def kinds(self, language: Language) -> list[tuple[str, str]]:
        """Return the name and the title of each kind that can be asked for."""
        return [(name, recipe.wording(language).title) for name, recipe in self._recipes.items()]

    def prompts(self, language: Language) -> list[tuple[Phrase, Phrase]]:
        """Return what a chat may begin with: examples of kinds, as shown and as typed."""
        written = self._settings.model_languages
        examples: Language = language if language in written else "en"
        prompts = []
        for recipe in list(self._recipes.values())[:MOST_PROMPTS]:
            title, typed = recipe.wording(language).title, recipe.wording(examples)
            prompts.append(sentences.prompt(title, typed.names[0], typed.example, language))
        return prompts

    async def look(self, user: str, channel: str | None, at: datetime) -> None:
        """Remember which channel a person looks at: what they begin with us may be for it."""
        await self._store.record_look(user, channel, at)

    async def show_best(self, best: bool, invocation: Invocation) -> Sentence:
        """Make it usual in a channel that only the likely best of several drafts is shown, or not.

        For whoever may change the channel's voice.
        """
        await self._store.set_shows_best(invocation.channel, best, invocation.user)
        return sentence("best_on" if best else "best_off")

    async def shows_best(self, channel: str) -> bool:
        """Say whether only the likely best is shown in a channel, where a brief says nothing."""
        return await self._store.shows_best(channel)

    async def looked_at(self, user: str) -> str | None:
        """Return the channel that a person looks at, as far as is known."""
        return await self._store.find_look(user)

    async def keep(self, sources: Sequence[Source], invocation: Invocation) -> bool:
        """Keep sources that wait for their form; False: they came before."""
        return await self._store.add_sources(invocation.key, None, sources)

    async def invited(self, channel: str) -> None:
        """Go on with what waited for the bot to be in this channel."""
        for job in await self._store.list_jobs(JobStatus.WAITING, channel=channel):
            await self._go_on(job)

    async def move(self, job_id: int, user: str, channel: str) -> bool:
        """Move a waiting brief to the requester's conversation. False if it does not wait."""
        job = await self._store.find_job(job_id)
        return job is not None and job.requester == user and await self._go_on(job, channel)

    async def resume_waiting(self, is_member: IsMember) -> None:
        """Go on with briefs whose channel the bot was invited to while it was not running.

        Raises SlackUnavailable.
        """
        for job in await self._store.list_jobs(JobStatus.WAITING):
            thread = await self._store.get_thread(job.thread_id)
            channel = thread.post_to or thread.channel
            with contextlib.suppress(NotThere, SlackRefused):
                if await is_member(channel):
                    await self._go_on(job)

    async def _go_on(self, job: Job, channel: str | None = None) -> bool:
        if await self._store.reopen_waiting(job, channel):
            self._jobs.wake()
            return True
        return False
