"""What was asked for: language, length, the limit of a network, words and facts."""

import re

from bot.drafting.brief.languages import language_of
from bot.evaluate.checks.subject import HAN, Subject, has_word, length, says

QUARTER = 0.25
# Words that every English text has.
COMMON = """
the a an and of to in is are was were for on with that this it we you i he she they our your be will
have has from at by as not
"""
LEAST_COMMON = 0.12
LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")
FEW_WORDS = 15


def in_language(subject: Subject) -> bool:
    """Say whether the text is in the language that was asked for, and in no other besides."""
    words = LATIN_WORD.findall(subject.text)
    if subject.language == "zh":
        return language_of(subject.text) == "zh" and len(HAN.findall(subject.text)) > len(words) * 2
    if not words or language_of(subject.text) is not None or HAN.search(subject.text):
        return False
    common = sum(word.lower() in COMMON.split() for word in words)
    return len(words) < FEW_WORDS or common >= LEAST_COMMON * len(words)


def has_length(subject: Subject) -> bool | None:
    """Say whether the text is within a quarter of the length that the brief asked for."""
    asked = subject.options.words
    if asked is None or subject.wish:
        return None
    return abs(length(subject.text, subject.language) - asked) <= QUARTER * asked


def fits_network(subject: Subject) -> bool | None:
    """Say whether the network takes the text in one post."""
    limit = subject.recipe.limits.get(subject.options.network or "")
    return None if limit is None else limit.count(subject.text.strip()) <= limit.characters


def has_words(subject: Subject) -> bool | None:
    """Say whether every word that the brief asked for is there."""
    return all(says(subject.text, term) for term in subject.present) if subject.present else None


def avoids_words(subject: Subject) -> bool | None:
    """Say whether no word that the brief forbade is there."""
    if not subject.absent:
        return None
    return not any(has_word(subject.text, term) for term in subject.absent)


def keeps_facts(subject: Subject) -> bool | None:
    """Say whether names, numbers and dates of the material are there."""
    return all(says(subject.text, fact) for fact in subject.facts) if subject.facts else None
