"""Lists of words as people type them into a form: one a line, `utilise -> use`."""

import re
from collections.abc import Sequence

from bot.drafting.voice.voice import AvoidedWord
from bot.errors import UserError
from bot.messages import sentence

MOST_WORDS = 100
LONGEST_WORD = 60  # Characters.
ARROW = re.compile(r"\s*(?:->|=>|→|[=＝])\s*")
LIST_MARK = re.compile(r"^[-*•]\s+")


def read_words(typed: str) -> list[str]:
    """Return the words, one a line. Raises UserError."""
    lines = [LIST_MARK.sub("", line.strip()).strip() for line in typed.splitlines()]
    words = [" ".join(line.split()) for line in lines if line]
    if len(words) > MOST_WORDS:
        raise UserError(sentence("voice_many_words", most=MOST_WORDS))
    for number, word in enumerate(words, 1):
        if any(len(each) > LONGEST_WORD for each in ARROW.split(word, maxsplit=1)):
            raise UserError(sentence("voice_long_word", number=number, most=LONGEST_WORD))
    return list(dict.fromkeys(words))


def read_avoided(typed: str) -> list[AvoidedWord]:
    """Return the words that are avoided, each with what stands in its place. Raises UserError."""
    avoided = []
    for number, line in enumerate(read_words(typed), 1):
        word, *instead = ARROW.split(line, maxsplit=1)
        if not word:
            raise UserError(sentence("voice_no_word", number=number))
        avoided.append(AvoidedWord(word, *instead))
    words = {each.word.casefold() for each in avoided}
    for number, each in enumerate(avoided, 1):
        # `slack -> Slack` says how the word itself is written.
        if each.instead.casefold() in words - {each.word.casefold()}:
            raise UserError(sentence("voice_avoided_instead", number=number))
    return avoided


def typed_avoided(avoided: Sequence[AvoidedWord]) -> str:
    """Return the words as they can be typed."""
    return "\n".join(
        f"{each.word} -> {each.instead}" if each.instead else each.word for each in avoided
    )
