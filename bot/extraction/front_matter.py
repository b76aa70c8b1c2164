"""The front matter of our own Markdown files, left out when they are read.

YAML between two lines of dashes, as `bot.slack.render.documents` writes it.
"""

import re

OURS = re.compile(r"---\r?\ndrafted_with_ai: true\r?\n(?:[^\r\n]*\r?\n)*?---(?:\r?\n)+")


def without_front_matter(text: str) -> str:
    """Return the text without front matter of ours; anybody else's is a part of it."""
    ours = OURS.match(text)
    return text[ours.end() :] if ours else text
