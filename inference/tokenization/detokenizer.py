"""Tokens to text, as it streams."""

import codecs
from collections.abc import Sequence

from inference.tokenization.tokenizer import Tokenizer


class Detokenizer:
    """Tokens to text, one at a time; a character is held back until its last byte has come.

    begins: whether a text begins here, which may have a space before its first word that is none.
    """

    def __init__(self, tokenizer: Tokenizer, *, begins: bool = False) -> None:
        self._tokenizer = tokenizer
        self._drops_space = begins and tokenizer.vocabulary.leading_space
        # What can never become a character is left out: a reader has no use for U+FFFD.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def add(self, token: int) -> str:
        text = self._decoder.decode(self._tokenizer.bytes_of(token))
        if self._drops_space and text:
            self._drops_space = False
            return text.removeprefix(" ")
        return text


class StopStrings:
    """Cuts a stream of text before the first stop string, wherever its pieces break."""

    def __init__(self, stops: Sequence[str]) -> None:
        assert all(stops)
        self.stops = tuple(stops)
        self.stopped = False
        self._held = ""

    def add(self, text: str) -> str:
        """What may be shown now. Sets `stopped` when a stop string is complete."""
        if self.stopped:
            return ""
        self._held += text
        found = [at for stop in self.stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            return self._held[: min(found)]
        return self._release(len(self._held) - self._longest_beginning())

    def finish(self) -> str:
        """What was held back in case it became a stop string."""
        return "" if self.stopped else self._release(len(self._held))

    def _release(self, count: int) -> str:
        shown, self._held = self._held[:count], self._held[count:]
        return shown

    def _longest_beginning(self) -> int:
        """How much of the end could be the beginning of a stop string."""
        longest = max(map(len, self.stops), default=1) - 1
        for size in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-size:]) for stop in self.stops):
                return size
        return 0
