"""Text on its way to Slack: escaped, so that no mention or link works.

Text of the model is Markdown. Slack takes Markdown in streams and markdown blocks; `mrkdwn` is its
older markup, needed for notifications and sections.
https://docs.slack.dev/messaging/formatting-message-text
"""

import re

from bot.messages import escape
from safety import SafeText, safe

FENCE = re.compile(r" {0,3}(`{3,12})([^`]{0,40})$")
LINK_JOINT = re.compile(r"\](?=[(\[:])")
CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
TABLE = re.compile(r"(?:^\|.*\n?)+", re.MULTILINE)
TOKENS = re.compile(r"(`[^`\n]+`|<[^>\n]+>)")
MARKED = re.compile(r"(?<![\w*_~])([*_~])(\S|\S[^\n]*?\S)\1(?![\w*_~])")


def markdown(text: SafeText) -> str:
    """Format text for streams and markdown blocks. More text only lengthens the result."""
    lines, fence = [], ""
    for line in safe(text).split("\n"):
        escaped = escape(line)
        # `[label](address)` would hide the address: a space shows both.
        lines.append(escaped if fence else LINK_JOINT.sub("] ", escaped))
        fence = fence_after(line, fence)
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


def unformatted(phrase: str) -> str:
    """Return what a phrase of ours says in plain text: in labels and errors of forms.

    https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    pieces = TOKENS.split(phrase)
    for i, piece in enumerate(pieces):
        shown = piece[1:-1].rpartition("|")[2] if i % 2 else MARKED.sub(r"\2", piece)
        pieces[i] = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return "".join(pieces)


def plain(text: str) -> str:
    """Remove the formatting of a message, to recognise it however Slack keeps it."""
    bare = re.sub(r"[*_~`]", "", text)
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


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


def fence_after(line: str, fence: str) -> str:
    """Return the opening line of the code block that is open after `line`, or nothing."""
    match = FENCE.match(line)
    if match is None:
        return fence
    if not fence:
        return match[1] + match[2]
    closes = len(match[1]) >= len(fence_marker(fence)) and not match[2].strip()
    return "" if closes else fence


def fence_marker(fence: str) -> str:
    """Return the backticks with which a code block is opened and closed."""
    return "`" * (len(fence) - len(fence.lstrip("`")))
