"""Figures that nobody gave: every number of the text must be in what the model was told."""

import re
from collections.abc import Iterator

from bot.evaluate.checks.subject import Subject, folded

# Elsewhere figures may be made up: a lesson reckons, and a story tells.
OF_FACTS = frozenset({"blog", "news", "report", "social", "email", "text"})

NUMBER = re.compile(
    r"(\d+(?:\.\d+)?)\s*(%|percent|per cent|thousand\b|million\b|billion\b|万|亿|千|百)?"
)
NUMBERING = re.compile(
    r"^\W*(?:(?:step|part|phase|day|第)\s*)?\d{1,2}\s*[.)、:）](?!\d)", re.MULTILINE
)
IDIOMS = re.compile(r"24/7|\b24 hours\b|365 days|1st|2nd|3rd")
TIMES = {
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "百": 1e2,
    "千": 1e3,
    "万": 1e4,
    "亿": 1e8,
}
PERCENT = ("%", "percent", "per cent")
ENGLISH = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
"""
ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
CHINESE_NUMBER = re.compile(r"[零一二两三四五六七八九十百千万]+")
DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}
UNITS = {"十": 10, "百": 100, "千": 1000}
SMALL = 10


def invents_nothing(subject: Subject) -> bool | None:
    """Say whether every figure was given; numbers below ten are counted by nobody."""
    if subject.recipe.name not in OF_FACTS:
        return None
    # What the first draft says is told by now: only what is new can be made up anew.
    given = set(_given(folded(f"{subject.told}\n{subject.before}")))
    text = NUMBERING.sub("", IDIOMS.sub("", folded(subject.text)))
    figures = [*_figures(text), *_chinese_percents(text)]
    return all(value in given or (value < SMALL and not percent) for value, percent in figures)


def _figures(text: str) -> Iterator[tuple[float, bool]]:
    """Yield each number, and whether it is a share of a hundred."""
    for number, unit in NUMBER.findall(text):
        yield float(number) * TIMES.get(unit, 1), unit in PERCENT


def _chinese_percents(text: str) -> Iterator[tuple[float, bool]]:
    for number in re.findall(rf"百分之({CHINESE_NUMBER.pattern})", text):
        yield chinese_number(number), True


def _given(told: str) -> Iterator[float]:
    """Yield the numbers of what was told, in digits or in words."""
    for number, unit in NUMBER.findall(told):
        yield from (float(number), float(number) * TIMES.get(unit, 1))
    yield from (chinese_number(number) for number in CHINESE_NUMBER.findall(told))
    words = set(re.findall(r"[a-z]+", told))
    yield from (float(value) for value, word in enumerate(ENGLISH.split()) if word in words)
    tens = enumerate(ENGLISH_TENS.split(), start=2)
    yield from (float(value * 10) for value, word in tens if word in words)


def chinese_number(text: str) -> float:
    """Return the value of a number in Chinese words: 二百五十 is 250, 二五 is 25."""
    if not any(c in UNITS or c == "万" for c in text):
        return float("".join(str(DIGITS[c]) for c in text))
    total, section, digit = 0, 0, 0
    for c in text:
        if c == "万":
            total, section, digit = (total + section + digit or 1) * 10_000, 0, 0
        elif c in UNITS:
            section, digit = section + (digit or 1) * UNITS[c], 0
        else:
            digit = DIGITS[c]
    return float(total + section + digit)
