"""Sentences for whoever runs the worker."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The ranks start faster without it.
    from pydantic import ValidationError


class OperatorError(Exception):
    """Says what is wrong and what to do, in one sentence; a command exits with `exit_code`."""

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.exit_code = exit_code


def first_problem(error: "ValidationError") -> tuple[str, str]:
    """Return the name of the first field that is wrong ("" for none), and the reason.

    The reason names what is allowed, never the value.
    """
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
