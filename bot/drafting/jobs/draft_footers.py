"""The one task that measures the drafts of ended jobs, and edits what it found below them."""

import asyncio
from collections import Counter

import structlog

from bot.drafting.jobs.draft_footer import draft_footer, draft_heads
from bot.drafting.jobs.job_context import JobContext
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.jobs.measuring import measurable, measure_siblings
from bot.drafting.ranking import Measured
from bot.drafting.reviews import held_as
from bot.drafting.slack_port import FooterEdit, NotThere, SlackRefused, SlackUnavailable, where
from bot.drafting.voice.house_voice import house_voice
from bot.messages import language_for
from bot.store import DueFooters, StoreUnavailable, Version
from bot.store.probe import age
from safety import Stage

log = structlog.get_logger(__name__)

# Seconds between two looks for what is due.
LOOK = 2.0
# Seconds for measuring the drafts of one job.
MEASURE_SECONDS = 120.0
# Seconds for which those who wait for a draft go first.
GIVES_WAY = 60.0
# The longest pause of footers that could not be shown.
MOST_PAUSE = 60.0
# Times that an error of ours may keep the footers of one job from being shown.
MOST_TRIES = 5


class DraftFooters:
    """Keeps the footers of drafts true, each shown once, when nobody else needs the call.

    The store says which are due, so that a restart loses none. The order of the drafts stays.
    """

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._failures = 0
        self._broken: Counter[int] = Counter()
        self._freed = False

    async def keep(self) -> None:
        """Show what is due, for as long as the process lives."""
        while True:
            try:
                await self.show_due()
            except StoreUnavailable as away:
                log.warning("footers wait", away=type(away).__name__)
            await asyncio.sleep(LOOK)

    async def show_due(self) -> None:
        """Show all that is due now, one job after another. Raises StoreUnavailable."""
        store = self._context.store
        if not self._freed:
            await store.free_footers()
            self._freed = True
        while footers := await store.claim_footers():
            if self._gives_way(footers):
                await store.put_off_footers(footers, LOOK)
                return
            try:
                await self._show(footers)
            except StoreUnavailable:
                raise
            except Exception as error:
                if not self._is_given_up(footers, error):
                    await self._put_off(footers, error)
                    continue
            self._failures = 0
            del self._broken[footers.job.id]
            await store.record_footers_shown(footers)

    def _gives_way(self, footers: DueFooters) -> bool:
        """Say whether the worker shall first write what people wait for."""
        ended = footers.job.ended_at
        return len(self._context.queue) > 0 and ended is not None and age(ended) < GIVES_WAY

    async def _show(self, footers: DueFooters) -> None:
        thread = await self._context.store.get_thread(footers.job.thread_id)
        run = JobRun(
            self._context, footers.job, thread, language=language_for(footers.job.language or "")
        )
        run.voice = await house_voice(self._context.store, thread, footers.job.created_at)
        await measure_siblings(run, MEASURE_SECONDS)
        for version in measurable(await self._context.store.list_siblings(footers.job.id)):
            measured = Measured.from_dict(version.measures)
            if not version.hidden and (footers.job.hides or (measured and measured.told)):
                await self._show_footer(run, version.id)

    async def _show_footer(self, run: JobRun, version_id: int) -> None:
        async def choose() -> FooterEdit | None:
            return await _footer_edit(run, await run.context.store.get_version(version_id))

        try:
            await self._context.slack.edit_later(choose)
        except (NotThere, SlackRefused) as closed:
            # Nobody sees it any more, or Slack will never take it.
            log.warning("footer not changed", version=version_id, error=str(closed))

    def _is_given_up(self, footers: DueFooters, error: Exception) -> bool:
        """Say whether it is an error of ours, time after time; what Slack does not take waits."""
        if isinstance(error, SlackUnavailable):
            return False
        self._broken[footers.job.id] += 1
        given_up = self._broken[footers.job.id] >= MOST_TRIES
        if given_up:
            log.error("footers given up", job=footers.job.name, error=where(error))
        return given_up

    async def _put_off(self, footers: DueFooters, error: Exception) -> None:
        self._failures += 1
        pause = min(MOST_PAUSE, 2.0 ** min(self._failures, 10) / 2)
        log.warning("footers wait", job=footers.job.name, error=where(error), seconds=pause)
        await self._context.store.put_off_footers(footers, pause)


async def _footer_edit(run: JobRun, version: Version) -> FooterEdit | None:
    """Return what closes a version now; None where it stands no more."""
    store = run.context.store
    posts = await store.list_posts(version.id)
    if not posts or not measurable([version]):
        return None
    hold = await store.find_hold_on(run.job.id, version.id)
    verdict = await run.judge(version.text, Stage.OUTPUT, held_as(hold))
    if not verdict.text:
        return None
    footer = await draft_footer(run, version, await store.count_hidden(run.job.id))
    heads = await draft_heads(run, version)
    channel = run.thread.channel
    return FooterEdit(
        channel, posts, heads, verdict.text, footer.note, footer.buttons, footer.thumbs
    )
