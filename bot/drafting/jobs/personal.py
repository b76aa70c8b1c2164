"""What the model is told of whoever asks for a draft, as they set it."""

from dataclasses import replace

from bot.drafting.draft_action import prompted_in
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.preferences import Personal
from bot.drafting.voice.told import SPELLING
from bot.store import Preferences
from safety import Stage


async def personal(run: JobRun) -> Personal:
    """Return what the requester wants the model to know, and record what of it there is.

    It is judged by the policy of the channel. Others who have a draft changed do not have it told:
    it is not theirs to ask for. What the house says in its voice is not contradicted.
    """
    if run.job.requester != run.thread.requester:
        return Personal()
    own = await run.context.store.preferences_of(run.job.requester)
    told = _beside_the_house(run, own)
    about, signature = [await _judged(run, words) for words in (told.about, told.signature)]
    told = replace(told, about=about, signature=signature)
    if told.names:
        await run.context.store.note_preferred(run.job.id, told.names)
    return told


def _beside_the_house(run: JobRun, own: Preferences) -> Personal:
    """Return what a prompt can tell of it, where the house's voice says nothing else."""
    language, voice = prompted_in(run.options), run.voice.voice
    of_house = voice.chinese if language == "zh" else voice.english
    is_told = not of_house and own.spelling in SPELLING[language]
    signs = run.recipe.signed and not voice.signature
    spelling = own.spelling if is_told else None
    return Personal(own.about, spelling, own.signature if signs else "")


async def _judged(run: JobRun, words: str) -> str:
    """Return what the filter lets through, "" where it stops it."""
    return (await run.judge(words, Stage.INPUT)).text or "" if words else ""
