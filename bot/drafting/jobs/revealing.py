"""Drafts that were written in the background: the likely best is shown, the others when asked."""

from bot.drafting.jobs.draft_writer import draft_writer
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.jobs.measuring import measurable, measure_siblings
from bot.drafting.slack_port import Place
from bot.drafting.voice.house_voice import house_voice
from bot.messages import language_for
from bot.store import Version, VersionStatus

# Seconds for measuring, while somebody waits for the first words.
SECONDS = 30.0


async def show_best(run: JobRun, place: Place) -> None:
    """Show the likely best of a job that hides its drafts, where none that is shown stands.

    A reviewer may have rejected what was shown. Where none has a text that stands, the first is
    shown, for its end and its button. Raises Away, NotThere.
    """
    versions = await run.context.store.list_siblings(run.job.id)
    seen = [version for version in versions if not version.hidden]
    if not run.job.hides or measurable(seen):
        return
    best = await measure_siblings(run, SECONDS)
    if best is None and seen:
        return
    best = best or next((each for each in versions if each.text.strip()), versions[0])
    versions = await run.context.store.reveal(run.job.id, best.id)
    await _show(run, place, next(each for each in versions if each.id == best.id))


async def show_others(run: JobRun, version: Version) -> None:
    """Show the drafts that were written beside a version. Raises Away, NotThere."""
    context, thread = run.context, run.thread
    job = await context.store.get_job(version.job_id)
    assert thread.root_ts is not None
    place = Place(thread.channel, thread.root_ts, run.job.requester, thread.team)
    language = language_for(job.language or run.language)
    theirs = JobRun(context, job, thread, language=language, again=run.again)
    theirs.voice = await house_voice(context.store, thread, job.created_at)
    for each in await context.store.reveal(job.id):
        is_new = run.again or not await context.store.list_posts(each.id)
        if each.id != version.id and is_new and each.status is not VersionStatus.DELETED:
            await _show(theirs, place, each)


async def _show(run: JobRun, place: Place, version: Version) -> None:
    """Show a version that has ended, all of it at once."""
    draft = await draft_writer(run, place, version, again=run.again)
    try:
        await draft.message.open()
        await draft.show_end()
    finally:
        await draft.abandon()
