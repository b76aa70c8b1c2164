"""Text on its way to Slack: escaped, so that no mention or link works, and split into messages.

Text of the model is Markdown. Slack takes Markdown in streams and markdown blocks; `mrkdwn` is its
older markup, needed for notifications and sections.
https://docs.slack.dev/messaging/formatting-message-text
"""

import re
import unicodedata

from bot.messages import escape
from safety import SafeText, fenced, safe

PART_LIMIT = 3_600  # With head and facts a message stays under the 4,000 that Slack advises.

CLOSING = 16  # Room for the fence that closes a part.
LAST_CHARACTERS = 40  # UTF-16 units in which any character may end a part.

FENCE = re.compile(r" {0,3}(`{3,12})([^`]{0,40})$")
FENCE_BEGUN = re.compile(r" {0,3}`{1,12}[^`]{0,40}$")
LINK_JOINT = re.compile(r"\](?=[(\[:])")
REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")
CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
TABLE = re.compile(r"(?:^\|.*\n?)+", re.MULTILINE)
TOKENS = re.compile(r"(`[^`\n]+`|<[^>\n]+>)")


def markdown(text: SafeText) -> str:
    """Format text for streams and markdown blocks. More text only lengthens the result."""
    lines, fence = [], ""
    for line in safe(text).split("\n"):
        escaped = escape(line)
        # `[label](address)` would hide the address: a space shows both.
        lines.append(escaped if fence else LINK_JOINT.sub("] ", escaped))
        fence = _fence_after(line, fence)
    return "\n".join(lines)


def mrkdwn(text: SafeText) -> str:
    """Format text for the `text` of a message: notifications, search, readers without blocks."""
    pieces = CODE.split(escape(safe(text)))
    return "".join(piece if i % 2 else _prose(piece) for i, piece in enumerate(pieces))


def as_markdown(phrase: str) -> str:
    """Turn a phrase of ours, which is mrkdwn, into Markdown."""
    pieces = TOKENS.split(phrase)
    for i in range(0, len(pieces), 2):
        bold = re.sub(r"\*(\S|\S[^*\n]*\S)\*", r"**\1**", pieces[i])
        pieces[i] = re.sub(r"~(\S|\S[^~\n]*\S)~", r"~~\1~~", bold)
    return "".join(pieces)


def plain(text: str) -> str:
    """Remove the formatting of a message, to recognise it however Slack keeps it."""
    bare = re.sub(r"[*_~`]", "", text)
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def split(text: SafeText, limit: int = PART_LIMIT) -> list[SafeText]:
    """Cut text at paragraphs, lines, or sentences into parts of at most `limit` escaped characters.

    A code fence that is cut is closed, and opened again in the next part. Parts are stable: more
    text only lengthens the last one, or adds further ones. So a part that was shown stays right.
    """
    assert limit >= 100
    parts, start, fence = [], 0, ""
    while (end := _end_of_part(text, start, fence, limit)) is not None:
        opening, piece = _reopened(fence), text[start:end]
        fence = _fence_at(text, start, end, fence)
        parts.append(fenced(text, opening, piece, _closed(piece, fence)))
        start = end
    return [*parts, fenced(text, _reopened(fence), text[start:])]


def _end_of_part(text: str, start: int, fence: str, limit: int) -> int | None:
    """Return where the part from `start` ends, or None while it has room."""
    room = limit - CLOSING
    used = _width(_reopened(fence))
    line = _line_start(text, start)
    for at in range(start, len(text)):
        width = _width(text[at])
        if at > start and (used + width > room or _may_break(text, at, fence, used, room)):
            return at
        used += width
        if text[at] == "\n":
            fence = _fence_after(text[line:at], fence)
            line = at + 1
    return None


def _may_break(text: str, at: int, fence: str, used: int, room: int) -> bool:
    """Say whether a part may end at `at`. The fuller the part, the weaker a break may be."""
    fill = used / room
    if fill < 0.70 or FENCE_BEGUN.match(text, _line_start(text, at), at):
        return False
    if used > room - LAST_CHARACTERS:
        return not _joined(text, at)
    before = text[at - 1]
    line = before == "\n"
    sentence = before in "。！？" or (before.isspace() and text[at - 2 : at - 1] in (*".!?…",))
    if fill < 0.85:
        return not fence and text.endswith("\n\n", 0, at) and text[at] != "\n"
    if fill < 0.92:
        return line
    if fill < 0.96:
        return line or sentence
    return before.isspace() or sentence


def _joined(text: str, at: int) -> bool:
    """Say whether `at` is within one character as people see it (UAX #29, in short)."""
    before, after = text[at - 1], text[at]
    code = ord(after)
    return (
        unicodedata.category(after)[0] == "M"
        or "\u200d" in (before, after)
        or before + after in ("\r\n", "``")
        or 0x1F3FB <= code <= 0x1F3FF  # skin tones
        or 0xE0020 <= code <= 0xE007F  # tags of regional flags
        or 0x1160 <= code <= 0x11FF  # Hangul vowels and finals
        or (REGIONAL.match(after) is not None and _regional_before(text, at) % 2 == 1)
    )


def _regional_before(text: str, at: int) -> int:
    """Count the letters of flags directly before `at`: two make a flag."""
    start = at
    while start and REGIONAL.match(text[start - 1]):
        start -= 1
    return at - start


def _width(text: str) -> int:
    """Return the most UTF-16 units that `text` has once escaped."""
    wide = {"&": 5, "<": 4, ">": 4, "]": 2}
    return sum(wide.get(char, 1 + (ord(char) > 0xFFFF)) for char in text)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _fence_at(text: str, start: int, end: int, fence: str) -> str:
    """Return the fence that is open at `end`, if `fence` was open at `start`."""
    for line in text[_line_start(text, start) : end].split("\n")[:-1]:
        fence = _fence_after(line, fence)
    return fence


def _fence_after(line: str, fence: str) -> str:
    """Return the opening line of the code block that is open after `line`, or nothing."""
    match = FENCE.match(line)
    if match is None:
        return fence
    if not fence:
        return match[1] + match[2]
    closes = len(match[1]) >= len(_marker(fence)) and not match[2].strip()
    return "" if closes else fence


def _marker(fence: str) -> str:
    return "`" * (len(fence) - len(fence.lstrip("`")))


def _reopened(fence: str) -> str:
    return f"{fence}\n" if fence else ""


def _closed(piece: str, fence: str) -> str:
    if not fence:
        return ""
    return _marker(fence) if piece.endswith("\n") else f"\n{_marker(fence)}"


def _prose(text: str) -> str:
    text = re.sub(r"!?\[([^\]\n]*)\]\(([^)\s]+)[^)\n]*\)", r"\1 (\2)", text)
    text = re.sub(r"^([ \t]*)[-*+][ \t]+", r"\1• ", text, flags=re.MULTILINE)
    text = re.sub(r"(?<![\w*])\*(?![\s*])([^*\n]+?)(?<!\s)\*(?![\w*])", r"_\1_", text)
    text = re.sub(r"\*\*(?!\s)(.+?)(?<!\s)\*\*|__(?!\s)(.+?)(?<!\s)__", _bold, text)
    text = re.sub(r"~~(.+?)~~", r"~\1~", text)
    text = re.sub(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", _heading, text, flags=re.MULTILINE)
    return TABLE.sub(lambda rows: f"```\n{rows[0].rstrip()}\n```\n", text)


def _bold(match: re.Match[str]) -> str:
    return f"*{match[1] or match[2]}*"


def _heading(match: re.Match[str]) -> str:
    return f"*{match[1].replace('*', '')}*"
