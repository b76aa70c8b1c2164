"""The errors that are told to somebody, each in one sentence."""

from collections.abc import Iterator

from pydantic import ValidationError

from bot.messages import Sentence
from safety import OperatorError

__all__ = ["InputError", "OperatorError", "UserError", "validation_problems"]


class UserError(Exception):
    """Says to whoever asked what is wrong and what to do."""

    def __init__(self, sentence: Sentence) -> None:
        # Not the sentence: what it quotes belongs in no log.
        super().__init__(type(self).__name__)
        self.sentence = sentence


class InputError(UserError):
    """What was typed into a form cannot be taken; `field` names the input that it stays in."""

    def __init__(self, sentence: Sentence, field: str) -> None:
        super().__init__(sentence)
        self.field = field


def validation_problems(error: ValidationError) -> Iterator[tuple[list[str], str]]:
    """Yield the place and the message of each problem, and never the value."""
    for problem in error.errors(include_input=False, include_context=False, include_url=False):
        yield [str(part) for part in problem["loc"]], problem["msg"]
