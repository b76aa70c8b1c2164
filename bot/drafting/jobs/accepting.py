"""What is said of an accepted text: below it, in its file, and in its thread."""

import structlog

from bot.drafting.brief.languages import language_of
from bot.drafting.destination import destination_of
from bot.drafting.draft_action import Way
from bot.drafting.jobs.job_context import Refusal
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.slack_port import Content, NotThere, Place, SlackRefused
from bot.messages import Language, Phrase, language_for, sentence, sentences
from bot.store import JobStatus
from safety import SafeText

log = structlog.get_logger(__name__)


async def check_sees(run: JobRun, number: int) -> None:
    """Raise Refusal if the text goes where whoever accepts it would not see it.

    They see the thread. Where that stands in private, they may have left the channel meanwhile.
    """
    where = destination_of(run.thread)
    if where.apart and not await run.context.slack.sees(run.job.requester, where.channel):
        raise Refusal(sentences.not_a_member(number, where.channel), JobStatus.REFUSED)


def line_below(run: JobRun, number: int, text: SafeText) -> Phrase:
    """Say whose the text is, and that AI drafted it where that is to be said."""
    disclosed = run.context.settings.disclose_ai
    said = sentences.accepted_by(run.job.requester, number, disclosed=disclosed)
    return said.to(_readers_language(run, text))


async def file_mark(run: JobRun, text: SafeText) -> Phrase | None:
    """Return what a file says of itself in its properties. Raises Away."""
    if not run.context.settings.disclose_ai:
        return None
    name = await run.context.people.name(run.job.requester)
    return sentences.disclosure(name or run.job.requester).to(_readers_language(run, text))


def _readers_language(run: JobRun, text: SafeText) -> Language:
    """Return the language of the text where the catalogue has it, else of whoever accepts it."""
    by_script: dict[str | None, Language] = {"zh": "zh", None: "en"}
    return by_script.get(language_of(text), run.language)


async def tell_posted(run: JobRun, number: int, url: str | None) -> None:
    """Say in the thread, once, that the text was posted; a file says so itself, by its comment.

    What went to one person is told to them alone. Raises Away.
    """
    way, link = Way(run.job.sampling["way"]), sentences.link_to_draft(number, url)
    place = Place(run.thread.channel, run.thread.root_ts)
    if way is Way.PERSON:
        await run.tell(sentence("sent_to_you", draft=link), place=place)
    elif way in (Way.CHANNEL, Way.CANVAS):
        where = destination_of(run.thread)
        channel = None if where.is_direct else where.channel
        first = await run.context.store.get_first_job(run.thread.id)
        said = sentences.posted(link, channel, run.job.requester)
        await _say(run, place, said.to(language_for(first.language or run.language)))


async def _say(run: JobRun, place: Place, said: Phrase) -> None:
    """Post it unless an earlier run did. The text stands, whatever became of its thread."""
    slack, key = run.context.slack, f"{run.job.post_key}/told"
    try:
        if not (run.again and await slack.find(place, key=key)):
            await slack.post(place, Content(said), key=key)
    except (NotThere, SlackRefused) as closed:
        log.warning("not said that it was posted", job=run.job.name, error=str(closed))
