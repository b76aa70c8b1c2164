"""The structure of each kind, as its recipe asks for it, and the end of a text."""

import re
from collections.abc import Callable, Mapping

from bot.evaluate.checks.subject import (
    HEADING_MARK,
    LIST_ITEM,
    Subject,
    bare,
    is_heading,
    length,
    says,
)

SUBJECT_LINE = re.compile(
    r"(?:subject|re|主题|邮件主题|主旨)(?:\s*line|行)?\s*[:：]\s*\S", re.IGNORECASE
)
GREETING = re.compile(
    r"(?:dear|hi|hello|hey|good (?:morning|afternoon|evening)|to all|team\b)|"
    r"(?:尊敬的|亲爱的|各位|大家|[^，。]{0,20}(?:你好|您好|好[，！：]))|[^，。：:]{1,20}[：:，]$",
    re.IGNORECASE,
)
EXERCISE = re.compile(
    r"^\W*(?:\d{1,2}[.)、．:：]|[（(]\d{1,2}[)）]|(?:exercise|question|problem|练习题?|题目|第)\s*"
    r"(?:\d|[一二三]))",
    re.IGNORECASE,
)
ANSWER = re.compile(r"answer|solution|答案|解答|答[:：]", re.IGNORECASE)
SPEAKER = re.compile(r"^([^\W\d][^:：\n]{0,30}?)\s*(?:[(（\[][^)）\]]*[)）\]])?\s*[:：]\s*\S")
ACTION = re.compile(r"[(（\[【][^)）\]】]{2,}[)）\]】]")
PLACE = re.compile(
    r"[(（\[【]|int\.|ext\.|scene|place|setting|time|地点|时间|场景|内景|外景|第.场", re.IGNORECASE
)

ENDS = re.compile(r"[.!?…。！？~～][\"'”’」』）)\]】*_\s]*$")
ENDS_OTHERWISE = re.compile(r"(?:#\w+|https?://\S+|[^\w\s,;:，；：、\-–—(（\"“])\s*$")
SHORT_LINE = 12


def has_structure(subject: Subject) -> bool | None:
    """Say whether the text is built as its kind is."""
    rule = RULES.get(subject.recipe.name)
    if rule is None or subject.wish or not subject.lines:
        return None if subject.lines else False
    return rule(subject)


def is_whole(subject: Subject) -> bool:
    """Say whether the text does not end in the middle of a sentence."""
    last = subject.lines[-1] if subject.lines else ""
    if ENDS.search(last) or not last:
        return bool(last)
    if subject.finish_reason != "stop":
        return False
    is_short = length(last, subject.language) <= SHORT_LINE  # A signature, or an answer.
    return bool(ENDS_OTHERWISE.search(last)) or (is_short and last[-1] not in ",，;；:：、")


def _blog(subject: Subject) -> bool:
    return is_heading(subject.lines[0], subject.language) and len(subject.lines) > 2


def _news(subject: Subject) -> bool:
    body = [line for line in subject.lines[1:] if not is_heading(line, subject.language)]
    leads = all(says(body[0], term) for term in subject.lead) if body else False
    return is_heading(subject.lines[0], subject.language) and leads


def _report(subject: Subject) -> bool:
    return sum(is_heading(line, subject.language) for line in subject.lines) > 2


def _social(subject: Subject) -> bool:
    return not any(HEADING_MARK.match(line) for line in subject.lines)


def _lesson(subject: Subject) -> bool:
    exercises = sum(bool(EXERCISE.match(line)) for line in subject.lines)
    return exercises > 2 and bool(ANSWER.search(subject.text))


def _script(subject: Subject) -> bool:
    lines = [bare(line) for line in subject.lines]
    speakers = [match[1] for line in lines if (match := SPEAKER.match(line))]
    spoken = [name for name in speakers if not PLACE.match(name)]
    begins = any(PLACE.search(line) for line in lines[:3])
    return begins and len(spoken) > 3 and len(set(spoken)) > 1 and bool(ACTION.search(subject.text))


def _email(subject: Subject) -> bool:
    lines = [bare(line) for line in subject.lines]
    return bool(SUBJECT_LINE.match(lines[0])) and any(map(GREETING.match, lines[1:3]))


RULES: Mapping[str, Callable[[Subject], bool]] = {
    "blog": _blog,
    "news": _news,
    "report": _report,
    "social": _social,
    "lesson": _lesson,
    "story": _blog,
    "script": _script,
    "email": _email,
}


def count_points(text: str) -> int:
    """Return how many points of lists a text has."""
    return sum(bool(LIST_ITEM.match(line)) for line in text.splitlines())
