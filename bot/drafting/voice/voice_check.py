"""Lists where a draft departs from the voice of its channel as it is now."""

from collections.abc import Awaitable, Callable, Sequence

from bot.drafting.explanation import DraftHistory
from bot.drafting.voice.departures import departures
from bot.drafting.voice.house_voice import house_voice
from bot.errors import UserError
from bot.messages import Sentence, sentence, sentences
from bot.store import Store, Version
from safety import SafeText, part

MOST_LISTED = 30

Judge = Callable[[str], Awaitable[SafeText | None]]


class VoiceCheck:
    """Checks drafts. Raises StoreUnavailable."""

    def __init__(self, store: Store, history: DraftHistory) -> None:
        self._store = store
        self._history = history

    async def check(self, version: Version, asker: str) -> list[Sentence]:
        """Return what departs, thing by thing. Raises UserError where there is no voice."""
        thread = await self._store.get_thread(version.thread_id)
        voice = (await house_voice(self._store, thread)).voice
        if voice.is_silent:
            raise UserError(sentence("voice_none"))
        text = await self._history.shown(version, asker)
        if not text:
            raise UserError(sentence("nothing_to_compare"))
        job = await self._store.get_job(version.job_id)
        found = departures(text, voice)
        avoided: dict[str, Sentence] = {}
        for each in found.avoided[:MOST_LISTED]:
            word, instead = part(text, each.start, each.end), each.avoided.instead
            released = await self._history.judged(instead, job, asker) if instead else None
            avoided[word.casefold()] = sentences.voice_word(word, released)
        spelled = {
            text[each.start : each.end].casefold(): sentences.voice_spelled(
                part(text, each.start, each.end), each.right
            )
            for each in found.spelled[:MOST_LISTED]
        }
        said = _listed(list(avoided.values()), list(spelled.values()))
        if found.lacks_signature:
            said.append(sentence("voice_no_signature"))
        if found.long:
            said.append(
                sentence("voice_long_sentences", own=found.long.own, usual=found.long.usual)
            )
        return said or [sentence("voice_fits", number=version.number)]


def _listed(avoided: Sequence[Sentence], spelled: Sequence[Sentence]) -> list[Sentence]:
    said = []
    if avoided:
        said.append(sentence("voice_has_avoided", words=tuple(avoided)))
    if spelled:
        said.append(sentence("voice_has_spelled", words=tuple(spelled)))
    return said
