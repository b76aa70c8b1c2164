"""Sentences for whoever runs the worker. No torch here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


class ModelError(OperatorError):
    """A model that cannot be served. The sentence says which file, and what is wrong with it."""


@contextmanager
def model_errors(path: Path, what: str) -> Iterator[None]:
    """Raise every error inside as a ModelError: `what` of the file cannot be used, and why."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"{path}: {what} cannot be used ({reason[:200]}).") from error


def first_problem(error: "ValidationError") -> tuple[str, str]:
    """Return the name of the first field that is wrong ("" for none), and the reason.

    The reason names what is allowed, never the value.
    """
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
