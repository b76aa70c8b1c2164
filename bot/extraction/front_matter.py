"""The front matter of our own Markdown files: written when a text is accepted, left out when read.

YAML between two lines of dashes. Knows nothing of Slack or of drafts.
"""

import json
import re

FIRST = "drafted_with_ai: true"
OURS = re.compile(rf"---\r?\n{FIRST}\r?\n(?:[^\r\n]*\r?\n)*?---(?:\r?\n)+")


def with_front_matter(text: str, said: str) -> str:
    """Return the text below front matter that says, for programs and people, that AI drafted it."""
    # A JSON string is a double-quoted scalar of YAML.
    return f"---\n{FIRST}\ndisclosure: {json.dumps(said, ensure_ascii=False)}\n---\n\n{text}"


def without_front_matter(text: str) -> str:
    """Return the text without front matter of ours; anybody else's is a part of it."""
    ours = OURS.match(text)
    return text[ours.end() :] if ours else text
