"""Whether a refinement did what the reply asked."""

import re
from collections.abc import Iterator

from bot.evaluate.checks.asked import QUARTER, in_language
from bot.evaluate.checks.structure import count_points
from bot.evaluate.checks.subject import Subject, bare, folded, has_word, length, says, sentences_of

A_TENTH = 0.1
A_HALF = 0.5


def follows_wish(subject: Subject) -> bool | None:
    """Say whether all that the reply asked for is done, to the text, and not instead of it."""
    if subject.wish is None:
        return None
    return subject.text.strip() != subject.before.strip() and all(_done(subject))


def _done(subject: Subject) -> Iterator[bool]:
    wish, text = subject.wish, subject.text
    assert wish is not None
    now, before = (length(each, subject.language) for each in (text, subject.before))
    if not (wish.shorter or wish.words or wish.sentences or wish.lang):
        # Asked to end with a question, small models write the question and nothing else.
        yield now >= A_HALF * before
    if wish.lang:
        yield in_language(subject)
    if wish.shorter:
        yield 0 < now <= (1 - A_TENTH) * before
    if wish.longer:
        yield now >= (1 + A_TENTH) * before
    if wish.words:
        yield abs(now - wish.words) <= QUARTER * wish.words
    if wish.bullets:
        yield count_points(text) >= wish.bullets
    if wish.sentences:
        yield 0 < len(sentences_of(text)) <= wish.sentences
    if wish.begins:
        yield bool(subject.lines) and _at(wish.begins, subject.lines[0], begins=True)
    if wish.ends:
        yield bool(subject.lines) and _at(wish.ends, subject.lines[-1], begins=False)
    yield from (says(text, term) for term in wish.present)
    yield from (not has_word(text, term) for term in wish.absent)


def _at(forms: str, line: str, *, begins: bool) -> bool:
    """Say whether a line begins or ends with one of the forms; quotes and marks do not count."""
    plain = re.sub(r"^[\"'“”‘’\s]+|[\"'“”‘’\s]+$", "", folded(bare(line)))
    found = [folded(form) for form in forms.split("|")]
    return any(plain.startswith(form) if begins else plain.endswith(form) for form in found)
