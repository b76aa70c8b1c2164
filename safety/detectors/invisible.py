"""Characters that show nothing and shape nothing: zero-width, bidi overrides, tags, controls."""

from collections.abc import Iterator

from safety.text.normalise import NormalisedText, invisible_spans
from safety.verdict import Finding


class Invisible:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        for start, end in invisible_spans(text.original):
            yield Finding("invisible", "invisible_character", start, end)
