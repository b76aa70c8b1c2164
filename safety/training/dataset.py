"""Labelled texts for fitting and measuring: JSON lines, one row each."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError, model_validator

from safety.errors import OperatorError, first_fault
from safety.verdict import Stage

NAMED = frozenset({"hate", "harassment", "sexual", "sexual_minors", "violence", "self_harm"})
"""Categories that the moderation set names side by side; any of them makes a row `unsafe`."""

ASKED = frozenset({"illicit", "prompt_attack"})
"""Categories of requests. `harm` is one of answers; the others may be either."""


class DatasetError(OperatorError):
    """Rows cannot be read or learned from. The message never has a word of a text."""


class LabelledSpan(BaseModel, frozen=True, extra="forbid"):
    """A labelled span of the text, in characters."""

    start: int
    end: int
    kind: str


class LabelledText(BaseModel, frozen=True, extra="forbid"):
    """A row: a text, its labels, and where it comes from."""

    text: str
    stage: Stage
    lang: str
    unsafe: bool
    categories: tuple[str, ...] = ()
    spans: tuple[LabelledSpan, ...] = ()
    source: str

    @model_validator(mode="after")
    def _spans_lie_in_the_text(self) -> "LabelledText":
        if not all(0 <= span.start < span.end <= len(self.text) for span in self.spans):
            raise ValueError("each span must begin before it ends, inside the text")
        return self

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text, by which rows are chosen."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()

    @property
    def fold(self) -> int:
        """0 to 3: rows of fold 0 are left out of a measured fit."""
        return self.digest[0] % 4


def read(paths: Iterable[Path]) -> Iterator[LabelledText]:
    """Yield the rows of all files. Raises DatasetError."""
    for path in paths:
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise DatasetError(f"{path} cannot be read as JSON lines: check the path.") from None
        for number, line in enumerate(lines, 1):
            try:
                yield LabelledText.model_validate_json(line, strict=False)
            except ValidationError as error:
                raise DatasetError(f"{path.name}, line {number}: {_fault(error)}.") from None


def _fault(error: ValidationError) -> str:
    """Say what is wrong and what to do; of the row, name its keys only."""
    kind, path, message = first_fault(error)
    where = ".".join(path)
    match kind:
        case "json_invalid":
            return "not JSON; write one object a line"
        case "extra_forbidden":
            return f"unknown key {where}; a row has {', '.join(LabelledText.model_fields)}"
        case "missing":
            return f"the key {where} is missing"
        case _:
            return f"{where}: {message}".removeprefix(": ")


def has(row: LabelledText, category: str) -> bool:
    """Say whether a row has a category; `unsafe` is any of NAMED."""
    if category == "unsafe":
        return bool(NAMED & set(row.categories))
    return category in row.categories


def counts_at(category: str, stage: Stage) -> bool:
    """Say whether a category means anything at a stage."""
    if category == "harm":
        return stage is Stage.OUTPUT
    return category not in ASKED or stage is not Stage.OUTPUT
