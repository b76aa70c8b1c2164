"""Held texts: kept sealed, shown to reviewers only, decided about once and by somebody else."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime, timedelta
from typing import Any, Self

import structlog

from bot.drafting.shown_since import can_show
from bot.drafting.slack_port import (
    Button,
    Content,
    NotThere,
    Place,
    SlackError,
    SlackPort,
    SlackRefused,
    SlackUnavailable,
    Style,
)
from bot.encryption import Encryption
from bot.errors import UserError
from bot.messages import Language, language_for, sentence, sentence_about, sentences
from bot.store import (
    Hold,
    HoldStatus,
    Job,
    Source,
    Store,
    StoreUnavailable,
    Thread,
    Version,
    VersionStatus,
)
from bot.store.models import now
from safety import Action, Filter, SafeText, Stage, Verdict, has_span

log = structlog.get_logger(__name__)

SHOW = "review_show"
BUTTONS: Mapping[str, HoldStatus] = {
    "review_approve": HoldStatus.APPROVED,
    "review_redact": HoldStatus.REDACTED,
    "review_reject": HoldStatus.REJECTED,
}
# What the filter makes of all that it holds, once a person has decided.
DECIDED: Mapping[HoldStatus, Action] = {
    HoldStatus.APPROVED: Action.ALLOW,
    HoldStatus.REDACTED: Action.REDACT,
}
LOOK_SECONDS = 30.0
# So long the run that holds a text tries to post its card, which Slack's limits may keep waiting;
# then it is left to whichever bot watches, a while later, lest both post it.
CARD_SECONDS = 20.0
LEFT_TO_WATCH = timedelta(seconds=LOOK_SECONDS)

# Fields of a source that are sealed with a request, beside its time.
RECORDED = ("key", "name", "text", "left_out", "file", "author", "origin")
# In what a reviewer is shown: what was asked, then what it is to be based on.
BETWEEN = "\n\n---\n\n"


class Undecided(UserError):
    """The hold stays as it is; `sentence` tells the reviewer why."""


def held_as(hold: Hold | None) -> Action:
    """Return what the filter makes of what it holds, after what was decided."""
    return DECIDED.get(hold.status, Action.HOLD) if hold else Action.HOLD


def filter_for(filter_: Filter, thread: Thread) -> Filter:
    """Return the filter by the policy of the channel that a thread's text is for."""
    return filter_.within(thread.team, thread.post_to or thread.channel)


class Reviews:
    """The reviewers' channel and what waits there."""

    def __init__(
        self,
        store: Store,
        slack: SlackPort,
        filter_: Filter,
        seal: Encryption,
        *,
        channel: str,
        hours: float,
    ) -> None:
        """Ask in `channel`, whose members may decide. After `hours` the answer is no."""
        self.channel = channel
        self._store = store
        self._slack = slack
        self._filter = filter_
        self._seal = seal
        self._time = timedelta(hours=hours)

    def with_store(self, store: Store) -> Self:
        """Return the same with another store."""
        other = copy(self)
        other._store = store
        return other

    async def hold(
        self, job: Job, text: str, verdict: Verdict, version: Version, **facts: object
    ) -> None:
        """Keep a draft and tell the reviewers; `facts` of the version are kept with it."""
        await self._keep(job, text, [verdict], version, **facts)

    async def hold_request(
        self, job: Job, asked: str, sources: Sequence[Source], verdicts: Sequence[Verdict]
    ) -> None:
        """Keep what is asked and what came with it, sealed and nowhere else; tell the reviewers."""
        request = {"asked": asked, "sources": [_as_record(source) for source in sources]}
        await self._keep(job, json.dumps(request), verdicts, sources=sources)

    async def unseal(self, job: Job, hold: Hold) -> None:
        """Put what was asked back in its place, for the job to go on with it."""
        opened = self._seal.decrypt(hold.sealed)
        if opened is not None:
            request = json.loads(opened)
            sources = [_from_record(record) for record in request["sources"]]
            await self._store.restore_request(job, request["asked"], sources)

    async def _keep(
        self,
        job: Job,
        text: str,
        verdicts: Sequence[Verdict],
        version: Version | None = None,
        **facts: Any,
    ) -> None:
        hold = Hold(
            job_id=job.id,
            version_id=version.id if version else None,
            sealed=self._seal.encrypt(text),
            categories=sorted({cause.category for each in verdicts for cause in each.causes}),
            expires_at=now() + self._time,
        )
        await self._store.add_hold(hold, **facts)
        if kept := await self._store.find_hold_on(job.id, hold.version_id):
            with suppress(TimeoutError):
                async with asyncio.timeout(CARD_SECONDS):
                    await self._show_card(kept)

    def _opened(self, hold: Hold) -> str | None:
        """Return the held text: a draft, or what was asked and what came with it."""
        opened = self._seal.decrypt(hold.sealed)
        if opened is None or hold.version_id is not None:
            return opened
        request = json.loads(opened)
        return BETWEEN.join([request["asked"], *(source["text"] for source in request["sources"])])

    async def reveal(self, hold_id: int, reviewer: str, posted_at: datetime) -> SafeText:
        """Return the text as approval would release it, for this reviewer. Raises Undecided.

        `posted_at`: when the card was posted.
        """
        hold, job = await self._pending(hold_id, reviewer, posted_at)
        released = await self._released(hold, job, HoldStatus.APPROVED, reviewer)
        await self._record("review_show", hold, job, reviewer)
        return released

    async def decide(
        self, hold_id: int, decision: HoldStatus, reviewer: str, posted_at: datetime
    ) -> Job:
        """Decide, and return the job that goes on. `posted_at`: when the card was posted.

        Raises Undecided; OSError if the decision cannot be written to the audit log.
        """
        hold, job = await self._pending(hold_id, reviewer, posted_at)
        if decision in DECIDED:
            await self._released(hold, job, decision, reviewer)
        if not await self._decide(hold, job, decision, reviewer):
            raise Undecided(sentence("review_over"))
        return await self._store.get_job(job.id)

    async def settle(self, job: Job, version: Version) -> Version:
        """Return a held version as it was decided about: with its text, or taken away."""
        hold = await self._store.find_hold_on(job.id, version.id)
        if hold is None or hold.status is HoldStatus.PENDING or not hold.sealed:
            return version
        try:
            text = await self._released(hold, job, hold.status, hold.reviewer or "")
            await self._store.close_hold(hold, VersionStatus.FINISHED, text=text)
        except Undecided:
            rules = [f"review_{hold.status}"]
            await self._store.close_hold(hold, VersionStatus.BLOCKED, rules=rules)
        return await self._store.get_version(version.id)

    async def watch(self, wake: Callable[[], None], is_due: Callable[[], bool]) -> None:
        """Post cards that are missing and expire holds, for as long as the bot runs.

        `wake()` has jobs that were reopened go on; `is_due()`: no other bot watches.
        """
        while True:
            try:
                for hold in await self._store.list_open_holds() if is_due() else ():
                    await self._tend(hold, wake)
            except (SlackUnavailable, StoreUnavailable, OSError) as away:
                log.warning("review waits", away=type(away).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def _tend(self, hold: Hold, wake: Callable[[], None]) -> None:
        if hold.expires_at <= now():
            job = await self._store.get_job(hold.job_id)
            if await self._decide(hold, job, HoldStatus.EXPIRED, None):
                wake()
        elif hold.card_ts is None and hold.created_at < now() - LEFT_TO_WATCH:
            await self._show_card(hold)

    async def _decide(
        self, hold: Hold, job: Job, decision: HoldStatus, reviewer: str | None
    ) -> bool:
        # First on record, then done: a decision that nobody can trace is none.
        await self._record(f"review_{decision}", hold, job, reviewer)
        if not await self._store.decide_hold(hold.id, decision, reviewer):
            # Somebody else was faster: what is on record just above did not happen.
            await self._record("review_void", hold, job, reviewer)
            return False
        if hold.card_ts:
            said = sentences.review_decided(decision, reviewer, hold.categories).to(_language(job))
            try:
                await self._slack.edit(self.channel, hold.card_ts, Content(said))
            except SlackError as closed:
                log.error("card not changed", error=str(closed))
        return True

    async def _record(self, what: str, hold: Hold, job: Job, reviewer: str | None) -> None:
        """Write to the audit log what was done about a hold. Raises OSError."""
        filter_ = await self._filter_for(job)
        await filter_.decided(
            what, hold.categories, _stage(hold), request=job.name, who=reviewer or ""
        )

    async def _pending(self, hold_id: int, reviewer: str, posted_at: datetime) -> tuple[Hold, Job]:
        hold = await self._store.find_hold(hold_id)
        if hold is None or hold.status is not HoldStatus.PENDING or hold.expires_at <= now():
            raise Undecided(sentence("review_over"))
        if not can_show(posted_at, hold.created_at):
            raise Undecided(sentence("review_over"))
        job = await self._store.get_job(hold.job_id)
        if reviewer in await self._store.list_authors(job.thread_id) | self._sealed_authors(hold):
            raise Undecided(sentence("review_own"))
        return hold, job

    def _sealed_authors(self, hold: Hold) -> set[str]:
        """Return who wrote what came with a held request: it is kept nowhere else meanwhile."""
        opened = self._seal.decrypt(hold.sealed) if hold.version_id is None else None
        sources = json.loads(opened)["sources"] if opened else []
        origins = filter(None, (source.get("origin") for source in sources))
        said = [author for origin in origins for author in origin["authors"]]
        return {author for author in (*said, *(s["author"] for s in sources)) if author}

    async def _released(
        self, hold: Hold, job: Job, decision: HoldStatus, reviewer: str
    ) -> SafeText:
        """Return what this decision would show, by the filter of now. Raises Undecided."""
        text = self._opened(hold)
        if text is None or decision not in DECIDED:
            raise Undecided(sentence("review_over"))
        filter_ = await self._filter_for(job)
        verdict = await filter_.judge(
            text, _stage(hold), request=job.name, who=reviewer, held=DECIDED[decision]
        )
        if verdict.text is None:
            raise Undecided(sentence("review_blocked", rules=sentences.rules(verdict.rules)))
        return verdict.text

    async def _filter_for(self, job: Job) -> Filter:
        return filter_for(self._filter, await self._store.get_thread(job.thread_id))

    async def _show_card(self, hold: Hold) -> None:
        """Post the card once; where the channel is closed to us the hold expires."""
        key, place = hold.post_key, Place(self.channel)
        try:
            ts = await self._slack.find(place, key=key)
            ts = ts or await self._slack.post(place, await self._card(hold), key=key)
        except (NotThere, SlackRefused) as closed:
            log.error("no reviewers' channel", error=str(closed))
            return
        await self._store.record_card(hold.id, ts)

    async def _card(self, hold: Hold) -> Content:
        job = await self._store.get_job(hold.job_id)
        thread = await self._store.get_thread(job.thread_id)
        asked, language = hold.version_id is None, _language(job)
        card = sentences.review_card(
            asked, job.requester, thread.channel, hold.categories, hold.expires_at
        )
        buttons: list[Button] = []
        for name, style in _buttons(hold.categories):
            label = sentence_about("review", name.removeprefix("review_")).to(language)
            buttons.append(Button(label, name, str(hold.id), style))
        return Content(card.to(language), buttons=buttons)


def _as_record(source: Source) -> dict[str, Any]:
    """Return a source as JSON holds it; its thread is that of the job."""
    kept = {name: getattr(source, name) for name in RECORDED}
    return {**kept, "created_at": source.created_at.isoformat()}


def _from_record(record: Mapping[str, Any]) -> Source:
    return Source(**{**record, "created_at": datetime.fromisoformat(record["created_at"])})


def _buttons(categories: Sequence[str]) -> list[tuple[str, Style]]:
    buttons: list[tuple[str, Style]] = [(SHOW, ""), ("review_approve", "primary")]
    if all(map(has_span, categories)):
        buttons.append(("review_redact", ""))
    return [*buttons, ("review_reject", "danger")]


def _stage(hold: Hold) -> Stage:
    return Stage.INPUT if hold.version_id is None else Stage.OUTPUT


def _language(job: Job) -> Language:
    # The best guess at what the reviewers of this workspace read.
    return language_for(job.language or "")
