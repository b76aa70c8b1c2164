"""Lists where a draft departs from the voice of its channel as it is now."""

import asyncio
from collections.abc import Sequence

from bot.drafting.explanation import DraftHistory
from bot.drafting.voice.departures import departures
from bot.drafting.voice.house_voice import house_voice
from bot.drafting.voice.released_words import released_words
from bot.drafting.voice.replacer import FoundWord
from bot.drafting.voice.spelling import Respelling
from bot.errors import UserError
from bot.messages import Sentence, sentence, sentences
from bot.store import Job, Store, Version
from safety import SafeText, part

MOST_LISTED = 30


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
        # The characters of Chinese take some time to load.
        found = await asyncio.to_thread(departures, text, voice)
        said = []
        if found.avoided:
            words = await self._avoided(text, found.avoided, job, asker)
            said.append(sentence("voice_has_avoided", words=_listed(words)))
        if found.spelled:
            words = _spelled(text, found.spelled)
            said.append(sentence("voice_has_spelled", words=_listed(words)))
        if found.lacks_signature:
            said.append(sentence("voice_no_signature"))
        if found.long:
            own, usual = found.long.own, found.long.usual
            said.append(sentence("voice_long_sentences", own=own, usual=usual))
        return said or [sentence("voice_fits", number=version.number)]

    async def _avoided(
        self, text: SafeText, found: Sequence[FoundWord], job: Job, asker: str
    ) -> list[Sentence]:
        """Name each avoided word once, with what the house has instead."""
        once = {text[each.start : each.end].casefold(): each for each in found}
        names = [*dict.fromkeys(each.avoided.instead for each in once.values())]
        names = [name for name in names if name]
        released = await released_words(
            names, lambda words: self._history.judged(words, job, asker)
        )
        instead = dict(zip(names, released, strict=False))
        return [
            sentences.voice_word(
                part(text, each.start, each.end), instead.get(each.avoided.instead)
            )
            for each in once.values()
        ]


def _spelled(text: SafeText, found: Sequence[Respelling]) -> list[Sentence]:
    """Name each word once, with its right spelling."""
    once = {text[each.start : each.end].casefold(): each for each in found}
    return [
        sentences.voice_spelled(part(text, each.start, each.end), each.right)
        for each in once.values()
    ]


def _listed(words: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Return the first of the words, and how many more there are."""
    more = len(words) - MOST_LISTED
    return (*words[:MOST_LISTED], *([sentence("voice_more", count=more)] if more > 0 else []))
