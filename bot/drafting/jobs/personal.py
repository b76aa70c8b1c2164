"""What the model is told of whoever asks for a draft, as they set it."""

from dataclasses import replace

from bot.drafting.jobs.job_run import JobRun
from bot.drafting.preferences import Personal
from safety import Stage


async def personal(run: JobRun) -> Personal:
    """Return what the requester wants the model to know, and record what of it there is.

    It is judged by the policy of the channel. Others who have a draft changed do not have it told:
    it is not theirs to ask for.
    """
    if run.job.requester != run.thread.requester:
        return Personal()
    own = await run.context.store.preferences_of(run.job.requester)
    told = Personal(own.about, own.spelling, own.signature if run.recipe.signed else "")
    about, signature = [await _judged(run, words) for words in (told.about, told.signature)]
    told = replace(told, about=about, signature=signature)
    if told.names:
        await run.context.store.note_preferred(run.job.id, told.names)
    return told


async def _judged(run: JobRun, words: str) -> str:
    """Return what the filter lets through, "" where it stops it."""
    return (await run.judge(words, Stage.INPUT)).text or "" if words else ""
