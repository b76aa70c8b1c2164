"""Tokens to text, as it streams."""

import codecs
from collections.abc import Sequence

from inference.tokenization.tokenizer import Tokenizer


class Detokenizer:
    """Turns tokens into text, one at a time. A character is held back until its last byte is there.

    begins: whether a text begins here. Some tokenizers put a space before the first word of a text;
    it is removed.
    """

    def __init__(self, tokenizer: Tokenizer, *, begins: bool = False) -> None:
        self._tokenizer = tokenizer
        self._drops_space = begins and tokenizer.vocabulary.leading_space
        # Bytes that can never become a character are left out: U+FFFD is of no use to a reader.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def add(self, token: int) -> str:
        """Return the text that is complete with this token."""
        text = self._decoder.decode(self._tokenizer.bytes_of(token))
        if self._drops_space and text:
            self._drops_space = False
            return text.removeprefix(" ")
        return text


class StopStrings:
    """Cuts a stream of text before the first stop string, however the stream is sliced."""

    def __init__(self, stops: Sequence[str]) -> None:
        assert all(stops)
        self.stops = tuple(stops)
        self.stopped = False
        self._held = ""

    def add(self, text: str) -> str:
        """Return what may be shown now. Sets `stopped` when a stop string is complete."""
        if self.stopped:
            return ""
        self._held += text
        found = [at for stop in self.stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            return self._held[: min(found)]
        return self._release(len(self._held) - self._longest_beginning())

    def finish(self) -> str:
        """Return what was held back because a stop string could have begun."""
        return "" if self.stopped else self._release(len(self._held))

    def _release(self, count: int) -> str:
        shown, self._held = self._held[:count], self._held[count:]
        return shown

    def _longest_beginning(self) -> int:
        """Return how much of the end could be the beginning of a stop string."""
        longest = max(map(len, self.stops), default=1) - 1
        for size in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-size:]) for stop in self.stops):
                return size
        return 0
