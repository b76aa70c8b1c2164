"""The reasoning that some models write before their answer. Nobody is shown it.

Models of several families put it between <think> and </think> at the beginning of the answer. With
some models the chat template has written <think> already.
"""

OPEN = "<think>"
CLOSE = "</think>"


class ReasoningFilter:
    """Removes the reasoning from one answer, as it streams. A later <think> is text of the answer.

    in_reasoning: whether the text is inside the reasoning now; found: whether there was any;
    answering: whether the answer itself has begun.
    """

    def __init__(self, *, opened: bool = False) -> None:
        """Begin outside the reasoning, or inside it where the prompt has `opened` it."""
        self.in_reasoning = opened
        self.found = opened
        self.answering = False
        self._held = ""

    def add(self, text: str) -> str:
        """Return what may be shown now."""
        if self.answering:
            return text
        self._held += text
        if self.in_reasoning:
            before, close, after = self._held.partition(CLOSE)
            if not close:
                # Enough to recognise the end tag if it comes in pieces.
                self._held = before[1 - len(CLOSE) :]
                return ""
            self.in_reasoning, self._held = False, after
        if self.found:
            self._held = self._held.lstrip()
        begin = self._held.lstrip()
        if begin.startswith(OPEN):
            self.in_reasoning = self.found = True
            self._held = begin.removeprefix(OPEN)
            return self.add("")
        if OPEN.startswith(begin):
            return ""
        return self._release()

    def finish(self) -> str:
        """Return what was held back because reasoning could have begun."""
        return "" if self.in_reasoning or self.answering else self._release()

    def _release(self) -> str:
        self.answering = True
        held, self._held = self._held, ""
        return held


def ends_in_reasoning(prompt: str) -> bool:
    """Say whether a prompt ends inside the reasoning."""
    return prompt.rstrip().endswith(OPEN)
