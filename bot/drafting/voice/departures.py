"""Where a text departs from a voice. Each can be shown to be so: no taste decides here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from bot.drafting.voice.replacer import FoundWord, find_avoided
from bot.drafting.voice.spelling import Respelling, chinese_respellings, english_respellings
from bot.drafting.voice.voice import Voice

SENTENCE = re.compile(r"[^.!?。！？\n]*[.!?。！？]")
UNIT = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
# A mean says something from so many sentences on, and is too long from so many times the usual.
LEAST_SENTENCES, TOO_LONG = 3, 1.5


@dataclass(frozen=True, slots=True)
class LongSentences:
    """The mean length of a text's sentences, and that of the samples: in words, or characters."""

    own: int
    usual: int


@dataclass(frozen=True, slots=True)
class Departures:
    """What a text has, or lacks, against a voice."""

    avoided: Sequence[FoundWord] = ()
    spelled: Sequence[Respelling] = ()
    lacks_signature: bool = False
    long: LongSentences | None = None


def departures(text: str, voice: Voice) -> Departures:
    """Compare a text with a voice."""
    spelled = [
        *english_respellings(text, voice.english),
        *chinese_respellings(text, voice.chinese),
    ]
    return Departures(
        find_avoided(text, voice.avoided),
        sorted(spelled, key=lambda word: word.start),
        bool(voice.signature) and not _ends_with(text, voice.signature),
        _long_sentences(text, voice.samples),
    )


def _ends_with(text: str, signature: str) -> bool:
    """Whatever marks it up, and whatever small thing stands behind it."""
    signed, said = _bare(signature), _bare(text)
    return signed in said[-2 * len(signed) - 20 :]


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _long_sentences(text: str, samples: Sequence[str]) -> LongSentences | None:
    own, usual = _lengths(text), [n for sample in samples for n in _lengths(sample)]
    if min(len(own), len(usual)) < LEAST_SENTENCES or mean(own) < TOO_LONG * mean(usual):
        return None
    return LongSentences(round(mean(own)), round(mean(usual)))


def _lengths(text: str) -> list[int]:
    counted = (len(UNIT.findall(sentence)) for sentence in SENTENCE.findall(text))
    return [n for n in counted if n]
