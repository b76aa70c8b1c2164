"""What a reasoning model writes before its answer: recognised, and kept from everyone.

Models of several families put it between <think> and </think>, at the beginning; with some, the
template has opened it already.
"""

OPEN = "<think>"
CLOSE = "</think>"


class Thoughts:
    """Takes the thoughts out of one answer, as it streams. What a text says of <think> later on is
    text.

    thinking: whether the answer is in the midst of them; any: whether there were some; started:
    whether its text has begun.
    """

    def __init__(self, *, opened: bool = False) -> None:
        """opened: the prompt ends within thoughts."""
        self.thinking = opened
        self.any = opened
        self.started = False
        self._held = ""

    def add(self, text: str) -> str:
        """What may be shown now."""
        if self.started:
            return text
        self._held += text
        if self.thinking:
            before, close, after = self._held.partition(CLOSE)
            if not close:
                # Enough to recognise the end when it comes in pieces.
                self._held = before[1 - len(CLOSE) :]
                return ""
            self.thinking, self._held = False, after
        if self.any:
            self._held = self._held.lstrip()
        begin = self._held.lstrip()
        if begin.startswith(OPEN):
            self.thinking = self.any = True
            self._held = begin.removeprefix(OPEN)
            return self.add("")
        if OPEN.startswith(begin):
            return ""
        return self._release()

    def finish(self) -> str:
        """What was held back in case thoughts began."""
        return "" if self.thinking or self.started else self._release()

    def _release(self) -> str:
        self.started = True
        held, self._held = self._held, ""
        return held


def leaves_open(prompt: str) -> bool:
    """Whether a prompt ends within thoughts."""
    return prompt.rstrip().endswith(OPEN)
