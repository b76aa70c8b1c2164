"""What whoever runs the filter reads when something is wrong: one sentence for each error."""

from pydantic import ValidationError


class OperatorError(Exception):
    """Says what is wrong and what to do, in one sentence; `exit_code` ends the command by it."""

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.exit_code = exit_code


class FilterError(OperatorError):
    """The filter cannot be used."""


def first_fault(error: ValidationError) -> tuple[str, list[str], str]:
    """Return the first fault that pydantic names: its kind, its path of keys, its message.

    Nothing of the input is in it.
    """
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ").removesuffix(".")
    return first["type"], [str(part) for part in first["loc"]], message
