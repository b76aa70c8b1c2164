"""What frames a draft in Slack, by what the store knows of it: its first lines, and its footer."""

from dataclasses import dataclass

from bot.drafting.footer import draft_note, draft_row, draft_thumbs
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.ranking import Measured
from bot.drafting.slack_port import Heads, Row, Thumbs
from bot.drafting.voice.released_words import released_words
from bot.drafting.voice.replacer import find_avoided
from bot.messages import Phrase, Sentence, sentence, sentences
from bot.store import JobKind, Version, VersionStatus
from safety import SafeText, Stage

MOST_FLAGGED = 5  # Words.

NOTES = {
    VersionStatus.STOPPED: sentence("stopped"),
    VersionStatus.FAILED: sentence("interrupted"),
    VersionStatus.BLOCKED: sentence("cut_off"),
}


@dataclass(frozen=True, slots=True)
class DraftFooter:
    """The small line below a draft that ended, if there is one, its buttons and its thumbs."""

    note: Phrase | None
    buttons: Row
    thumbs: Thumbs | None


async def draft_footer(run: JobRun, version: Version, others: int) -> DraftFooter:
    """Return the footer of a version that ended; `others`: hidden drafts of its job."""
    language = run.language
    buttons = _buttons(run, version, others)
    if version.status is not VersionStatus.FINISHED:
        return DraftFooter(NOTES[version.status].to(language), buttons, None)
    measured = Measured.from_dict(version.measures)
    told = measured.told if measured else {}
    said = draft_note(version, _length(run, version), await _flagged(run, version), told)
    note = said.to(language) if said else None
    return DraftFooter(note, buttons, draft_thumbs(version, language))


def _buttons(run: JobRun, version: Version, others: int) -> Row:
    refines = (run.job.parent_id or run.job.again_id) is not None
    changed = refines and run.job.kind is not JobKind.CONTINUE
    voiced = not run.voice.voice.is_silent
    return draft_row(version, run.language, changed=changed, voiced=voiced, others=others)


async def _flagged(run: JobRun, version: Version) -> Sentence | None:
    """Name the words that the house's voice avoids, and that nothing was put in place of."""
    text, avoided = version.text, run.voice.voice.avoided
    found = dict.fromkeys(text[word.start : word.end] for word in find_avoided(text, avoided))

    async def judge(words: str) -> SafeText | None:
        return (await run.judge(words, Stage.OUTPUT)).text

    words = await released_words([*found][:MOST_FLAGGED], judge)
    return sentences.voice_flagged(words) if words else None


def _length(run: JobRun, version: Version) -> Sentence | None:
    """Say how long the draft is, where its network limits that."""
    network = run.options.network or ""
    limit = run.recipe.limits.get(network)
    if limit is None:
        return None
    characters = limit.count(version.text.strip())
    return sentences.network_length(network, characters, limit.characters)


async def draft_heads(run: JobRun, version: Version) -> Heads:
    """Return the first lines of a draft's messages, which name it and what it came from."""
    store, job = run.context.store, run.job
    before = (job.parent_id, job.again_id)
    parent, again = [(await store.get_version(each)).number if each else None for each in before]
    goes_on = job.kind is JobKind.CONTINUE
    first = sentences.draft_head(version.number, parent=parent, again=again, goes_on=goes_on)

    def head(part: int) -> Phrase:
        further = sentence("draft_part", number=version.number, part=part)
        return (first if part == 1 else further).to(run.language)

    return head
