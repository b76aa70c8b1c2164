"""What people do with drafts: each action is committed, then answered, then done."""

from collections.abc import Sequence
from datetime import datetime

from bot.drafting.acceptance import Acceptance
from bot.drafting.brief.brief import (
    BadBrief,
    Understood,
    check_language,
    check_text,
    is_stop,
    muted_by,
)
from bot.drafting.brief.options import Options
from bot.drafting.draft_action import DraftAction, Rewrite, Way, words_for
from bot.drafting.drafting_settings import DraftingSettings
from bot.drafting.jobs.intake import Intake, Invocation, delivery, new_seed
from bot.drafting.jobs.jobs import Jobs
from bot.drafting.origin import Origin
from bot.drafting.reply_target import Pointer, holds, pointed
from bot.drafting.rights import Rights
from bot.drafting.shown_since import can_show
from bot.drafting.slack_port import People
from bot.drafting.sources import from_files
from bot.drafting.stopping import Stopping
from bot.errors import UserError
from bot.messages import Sentence, sentence
from bot.store import (
    MUTED,
    STANDING,
    Job,
    JobKind,
    JobStatus,
    Source,
    Store,
    Thread,
    Version,
    VersionStatus,
)


class DraftActions:
    """Replies, clicks, emoji and deletions: what people do with drafts that exist.

    `acceptance` and `stopping` are what has rules of its own.
    Raises UserError, with what to tell the person, and StoreUnavailable.
    """

    def __init__(
        self,
        store: Store,
        jobs: Jobs,
        intake: Intake,
        people: People,
        settings: DraftingSettings,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._intake = intake
        self._people = people
        self._settings = settings
        self._rights = Rights(store, settings.refiners)
        self.acceptance = Acceptance(store, intake, self._rights)
        self.stopping = Stopping(store, jobs, self._rights)

    async def thread_at(self, channel: str, root_ts: str) -> Thread | None:
        """Return the thread under this message, if it is one of ours."""
        return await self._store.find_thread_at(channel, root_ts)

    async def came_to_nothing(self, thread: Thread) -> bool:
        """Say whether its brief was refused: the next message there is another brief."""
        first = await self._store.get_first_job(thread.id)
        ended = first.status in (JobStatus.REFUSED, JobStatus.FAILED)
        return ended and not await self._store.list_versions(thread.id)

    async def reply(
        self,
        thread: Thread,
        text: str,
        invocation: Invocation,
        *,
        mentioned: bool,
        to_others: bool = False,
        files: Sequence[tuple[str, str]] = (),
        brings: Sequence[Source] = (),
    ) -> Sentence | None:
        """Take a message in a thread, and return what to tell its author, if anything.

        `mentioned`: it names the bot; `to_others`: it begins with somebody else's name instead;
        `files`: ids and names of what is attached; `brings`: messages that its job reads.
        """
        if thread.others_root and not mentioned:
            return None
        muted = muted_by(text)
        if muted is not None or is_stop(text):
            return await self._intake.once(
                invocation, lambda: self._at_once(thread, muted, invocation)
            )
        # People also talk to each other.
        if to_others or not self._rights.is_heard(thread, invocation.user, mentioned=mentioned):
            return None
        if thread.muted:
            first = await self._store.record_notice(thread.id, invocation.user, MUTED)
            return sentence("muted_reply") if first else None
        sources = from_files(files, invocation.key, invocation.user)
        if sources and not text:
            await self._keep(sources, thread, invocation)
            n = len(sources)
            return sentence("source_kept_one") if n == 1 else sentence("source_kept", n=n)
        version, instruction = await self._meant(thread, text)
        try:
            await self.change(version, instruction, invocation, sources=[*brings, *sources])
        except BadBrief as slip:
            slip.version, slip.understood = version.id, Understood({}, instruction)
            await self._keep([*brings, *sources], thread, invocation)
            raise
        return None

    async def _keep(
        self, sources: Sequence[Source], thread: Thread, invocation: Invocation
    ) -> None:
        """Keep what came without a job, for the next one in the thread."""
        await self._store.add_sources(f"{invocation.key}-files", thread.id, sources)

    async def read_up_to(self, thread: Thread) -> str:
        """Return the ts of the message up to which others' thread was read; "" if it was not."""
        origins = await self._store.list_origins(thread.id)
        return max((Origin.from_dict(origin).before for origin in origins), default="")

    async def _at_once(
        self, thread: Thread, muted: bool | None, invocation: Invocation
    ) -> Sentence | None:
        """Mute or unmute a thread, or stop what is written there; return what to tell."""
        if muted is None:
            await self.stopping.stop_thread(thread.id, invocation.user, invocation.at)
            return None
        if not await self._people.may_ask(invocation.user, invocation.team):
            return sentence("not_allowed")
        by = invocation.user if muted else None
        if not await self._store.set_muted(thread.id, by, invocation.at):
            return None
        return sentence("muted") if muted else sentence("unmuted")

    async def ask(self, version: Version, action: DraftAction, invocation: Invocation) -> None:
        """Do what one click asks for."""
        if action is DraftAction.STOP:
            await self.stopping.stop(version, invocation.user)
        elif action is DraftAction.REGENERATE:
            await self.regenerate(version, invocation)
        elif action is DraftAction.ACCEPT:
            await self.acceptance.accept(version, Way.CHANNEL, invocation)
        elif action is DraftAction.DELETE:
            await self.delete(version, invocation)
        else:
            words = words_for(action, await self._options_of(version))
            assert words is not None
            kind = JobKind.CONTINUE if action is DraftAction.CONTINUE else JobKind.REFINE
            await self.change(version, words, invocation, kind=kind)

    async def change(
        self,
        version: Version,
        text: str,
        invocation: Invocation,
        *,
        kind: JobKind = JobKind.REFINE,
        lang: str | None = None,
        sources: Sequence[Source] = (),
    ) -> None:
        """Have this version rewritten as `text` says."""
        await self._rights.check_change(version, invocation.user)
        instruction = check_text(text, self._settings.max_brief)
        check_language(instruction, self._settings.model_languages)
        if version.status not in (*STANDING, VersionStatus.WRITING):
            raise UserError(sentence("nothing_to_refine"))
        options = await self._options_of(version)
        if lang is not None:
            options = options.model_copy(update={"lang": lang})
        job = Job(
            kind=kind,
            requester=invocation.user,
            sampling=options.model_dump(),
            thread_id=version.thread_id,
            parent_id=version.id,
            instruction=instruction,
            response_url=invocation.response_url,
            preferred=await self._preferred_of(version),
        )
        await self._intake.begin(job, invocation, sources=sources)

    async def rewrite(
        self,
        version: Version,
        choice: str,
        own_words: str,
        invocation: Invocation,
        *,
        sources: Sequence[Source] = (),
    ) -> None:
        """Have this version rewritten by a quick choice, by a person's own words, or by both."""
        if not choice and not own_words.strip():
            raise UserError(sentence("nothing_chosen"))
        if not choice:
            return await self.change(version, own_words, invocation, sources=sources)
        rewrite = Rewrite(choice)
        words = rewrite.words(await self._options_of(version))
        wish = f"{own_words.strip()}\n{words}".strip()
        return await self.change(version, wish, invocation, lang=rewrite.lang, sources=sources)

    async def regenerate(self, version: Version, invocation: Invocation) -> None:
        """Repeat this version's request with a new seed, one at a time: later clicks join it."""
        await self._rights.check_change(version, invocation.user)
        before = await self._store.get_job(version.job_id)
        job = Job(
            kind=JobKind.REGENERATE,
            requester=invocation.user,
            sampling=(await self._options_of(version)).model_dump(),
            thread_id=version.thread_id,
            parent_id=before.parent_id,
            again_id=version.id,
            instruction=before.instruction,
            response_url=invocation.response_url,
            preferred=await self._preferred_of(version),
        )
        await self._intake.begin(job, invocation)

    async def _preferred_of(self, version: Version) -> list[str]:
        """Name the options of a version that its thread has from its requester's preferences."""
        before = await self._store.get_job(version.job_id)
        return [name for name in before.preferred or [] if name in Options.model_fields]

    async def root_of(self, version: Version) -> str | None:
        """Return the ts of the message under which a version stands."""
        return (await self._store.get_thread(version.thread_id)).root_ts

    async def delete(self, version: Version, invocation: Invocation) -> None:
        """Delete a draft, for its requester."""
        await self._rights.check_requester(version, invocation.user)
        await self._intake.begin(delivery(JobKind.DELETE, version, invocation), invocation)
        self._jobs.stop(version.job_id, version.id)

    async def deleted(self, channel: str, ts: str) -> None:
        """Drop the version whose message somebody deleted."""
        version = await self._store.find_version_at(channel, ts)
        # Further messages of a long draft are deleted by the outbox itself, too.
        if version is not None and ts == (await self._store.list_posts(version.id))[0]:
            await self._store.end_version(version.id, VersionStatus.DELETED)
            self._jobs.stop(version.job_id, version.id)

    async def version_at(self, channel: str, ts: str) -> Version | None:
        """Return the version that this message shows, unless it was deleted."""
        version = await self._store.find_version_at(channel, ts)
        return None if version and version.status is VersionStatus.DELETED else version

    async def is_known(self, channel: str, ts: str) -> bool:
        """Say whether this message is one of a draft, which may be deleted."""
        return await self._store.find_version_at(channel, ts) is not None

    async def version(self, version_id: int, posted_at: datetime | None = None) -> Version:
        """Return the version with this id. Raises UserError where it is gone.

        `posted_at`: when the message was posted whose button carries the id.
        """
        version = await self._store.find_version(version_id)
        if version is None:
            raise UserError(sentence("draft_gone"))
        job = await self._store.get_job(version.job_id)
        if posted_at is not None and not can_show(posted_at, job.created_at):
            raise UserError(sentence("draft_gone"))
        return version

    async def _meant(self, thread: Thread, text: str) -> tuple[Version, str]:
        """Return the version that a reply means, and the instruction.

        It is the one that the reply points to, or else the one that was finished last.
        """
        pointer = pointed(text)
        if found := await self._pointed(thread, pointer):
            if not pointer.rest:
                raise UserError(sentence("nothing_to_change", number=found.number))
            return found, pointer.rest
        if pointer.number is not None and pointer.marked:
            raise UserError(sentence("no_such_draft", number=pointer.number))
        last = await self._store.find_last_version(thread.id, *STANDING)
        last = last or await self._store.find_last_version(thread.id, VersionStatus.WRITING)
        if last is None:
            raise UserError(sentence("nothing_to_refine"))
        return last, text

    async def _pointed(self, thread: Thread, pointer: Pointer) -> Version | None:
        if pointer.ts is not None:
            found = await self.version_at(thread.channel, pointer.ts)
            return found if found and found.thread_id == thread.id else None
        versions = await self._store.list_versions(thread.id)
        if pointer.number is not None:
            return next((v for v in versions if v.number == pointer.number), None)
        if pointer.quote is not None:
            newest_first = reversed(versions)
            return next((v for v in newest_first if holds(v.text, pointer.quote)), None)
        return None

    async def _options_of(self, version: Version) -> Options:
        """Return how a version was sampled, for one more with a seed of its own."""
        sampling = (await self._store.get_job(version.job_id)).sampling
        return Options.model_validate({**sampling, "n": 1, "seed": new_seed()})
