"""E-mail addresses (RFC 5321 in its common form: no quoted local parts)."""

import re
from collections.abc import Iterator

from safety.normalise import Normalised
from safety.readings import closed_up
from safety.verdict import Finding

_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_][A-Za-z0-9._%+'-]{0,63}"
    r"@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,7}\.[A-Za-z]{2,24})(?![A-Za-z0-9@])"
)
# RFC 2606 keeps these names for examples: an address there is nobody's.
_RESERVED = re.compile(r"(?i)(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost)$")


class Emails:
    def find(self, text: Normalised) -> Iterator[Finding]:
        if "@" not in text.text:
            return
        text = closed_up(text)
        for match in _ADDRESS.finditer(text.text):
            if not _RESERVED.search(match[1]):
                yield text.finding("email", "email_address", *match.span())
