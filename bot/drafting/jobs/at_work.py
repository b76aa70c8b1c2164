"""What Slack shows of a job that writes: the app is at work in the thread."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from bot.drafting.jobs.job_run import JobRun
from bot.drafting.slack_port import Place, SlackError, Work
from bot.messages import Phrase, sentence, sentences
from bot.store import DELIVERIES, JobKind, StoreUnavailable
from safety import NOTHING, SafeText, part

# Seconds until a wait is worth a word, and between two looks at it.
PATIENCE, LOOK = 1.5, 3.0
# What Slack shows in turn meanwhile.
LOADING = (sentence("loading_brief"), sentence("loading_words"), sentence("loading_soon"))
# Nobody waits longer for a sign of work to come or to be taken back.
SHOWN_WITHIN = 2.0
TITLE = 80  # Characters of a brief that name a thread in Slack's lists.


async def begin_work(run: JobRun, place: Place, asked: SafeText) -> None:
    """Show that the app is at work in the thread, before the first draft is there."""
    title = part(asked, 0, TITLE) if run.job.kind is JobKind.DRAFT else NOTHING
    with suppress(TimeoutError):
        async with asyncio.timeout(SHOWN_WITHIN):
            await run.context.slack.show_work(place, Work(title=title), key=run.job.name)


async def end_work(run: JobRun) -> bool:
    """Show the thread at rest, unless another job works in it; False: one of another bot's does.

    Raises SlackUnavailable: run the job again, lest the thread look for ever as if it were at work.
    """
    thread = run.thread
    if not thread.root_ts or run.job.kind in DELIVERIES:
        return True
    if await run.context.store.others_work_in(thread.id, run.job):
        forget_work(run)
        return False
    place = Place(thread.channel, thread.root_ts)
    again = run.again and not run.at_rest
    await run.context.slack.show_rest(place, key=run.job.name, again=again)
    run.at_rest = True
    return True


def forget_work(run: JobRun) -> None:
    """Leave what Slack shows of the thread to another bot."""
    if run.thread.root_ts:
        place = Place(run.thread.channel, run.thread.root_ts)
        run.context.slack.forget_work(place, key=run.job.name)


async def leave_work(run: JobRun) -> None:
    """Show the thread at rest at the end of a run whose job may go on elsewhere. Best effort."""
    with suppress(SlackError, StoreUnavailable, TimeoutError):
        async with asyncio.timeout(SHOWN_WITHIN):
            await end_work(run)


async def say_it_goes_on(run: JobRun) -> None:
    """Tell whoever waits for a draft that a restart cuts it off, not for good. Best effort."""
    with suppress(SlackError, StoreUnavailable, TimeoutError):
        async with asyncio.timeout(SHOWN_WITHIN):
            job = await run.context.store.get_job(run.job.id)
            thread = run.thread
            if await run.context.store.is_given_up(job.id):
                return  # Its drafts are there; what is left is for nobody to wait for.
            if job.epoch == run.job.epoch and thread.root_ts and job.kind not in DELIVERIES:
                place = Place(thread.channel, thread.root_ts)
                await run.tell(sentence("goes_on_later"), place=place)


async def show_away(run: JobRun) -> None:
    """Show in the thread that a part of the app's is away, as far as Slack can be reached."""
    thread = run.thread
    if not thread.root_ts or run.job.kind in DELIVERIES:
        return
    doing = Work(sentence("waits_for_part").to(run.language))
    with suppress(SlackError, TimeoutError):
        async with asyncio.timeout(SHOWN_WITHIN):
            place = Place(thread.channel, thread.root_ts)
            await run.context.slack.show_work(place, doing, key=run.job.name)


@asynccontextmanager
async def waiting(run: JobRun, place: Place) -> AsyncIterator[Callable[[], None]]:
    """Say what is waited for until the yielded function is called, or the block is left."""
    over = asyncio.Event()
    task = asyncio.create_task(_tend(run, place, over))
    try:
        yield over.set
    finally:
        over.set()
        _, late = await asyncio.wait([task], timeout=SHOWN_WITHIN)
        for each in late:
            each.cancel()


async def _tend(run: JobRun, place: Place, over: asyncio.Event) -> None:
    slack, queue, key = run.context.slack, run.context.queue, run.job.name
    loading = [each.to(run.language) for each in LOADING]
    pause = PATIENCE
    while not await _is_over(over, pause):
        pause = LOOK
        doing: Phrase = sentences.waits(queue.before(run.job.id)).to(run.language)
        await slack.show_work(place, Work(doing, loading), key=key)
    await slack.show_work(place, Work(), key=key)


async def _is_over(over: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        return False
    return True
