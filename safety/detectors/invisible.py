"""Characters that show nothing and shape nothing: zero-width, bidi overrides, tags, controls."""

from collections.abc import Iterator

from safety.text.normalise import ANY_INVISIBLE, INVISIBLE_UNLESS_KEPT, NormalisedText
from safety.verdict import Finding


class Invisible:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        if ANY_INVISIBLE.search(text.original):
            for match in INVISIBLE_UNLESS_KEPT.finditer(text.original):
                if match["kept"] is None:
                    yield Finding("invisible", "invisible_character", *match.span())
