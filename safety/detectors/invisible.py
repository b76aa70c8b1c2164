"""Characters that nobody sees: zero-width, bidi overrides, tags, controls."""

from collections.abc import Iterator

from safety.screening.verdict import Finding
from safety.text.normalise import Normalised, invisible_spans


class Invisible:
    """Characters that show nothing and shape nothing, by Unicode's Default_Ignorable_Code_Point."""

    def find(self, text: Normalised) -> Iterator[Finding]:
        for start, end in invisible_spans(text.original):
            yield Finding("invisible", "invisible_character", start, end)
