"""Labelled texts for fitting and measuring: JSON lines, one row each."""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from safety.screening.verdict import Stage

NAMED = frozenset({"hate", "harassment", "sexual", "sexual_minors", "violence", "self_harm"})
"""Categories that the moderation set names side by side; any of them makes a row `unsafe`."""

ASKED = frozenset({"illicit", "prompt_attack"})
"""Requests and attacks are asked, harmful answers are given; the others may be either."""


class RowError(ValueError):
    """A line is not a labelled row. The message names the file and the line, never the text."""


class Label(BaseModel):
    """A labelled span of the text, in characters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int
    end: int
    kind: str


class Row(BaseModel):
    """A text, what is wrong with it, and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    stage: Stage
    lang: str
    unsafe: bool
    categories: tuple[str, ...] = ()
    spans: tuple[Label, ...] = ()
    source: str

    @model_validator(mode="after")
    def _spans_lie_in_the_text(self) -> "Row":
        if not all(0 <= span.start < span.end <= len(self.text) for span in self.spans):
            raise ValueError("each span must begin before it ends, inside the text")
        return self

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text, by which rows are chosen."""
        return _digest(self.text)

    @property
    def fold(self) -> int:
        """0 to 3: rows of fold 0 are left out of a measured fit."""
        return self.digest[0] % 4


@cache
def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def read(paths: Iterable[Path]) -> Iterator[Row]:
    """The rows of all files. Raises RowError."""
    for path in paths:
        for number, line in enumerate(_lines(path), 1):
            try:
                yield Row.model_validate_json(line, strict=False)
            except ValidationError as error:
                raise RowError(f"{path.name}, line {number}: {_fault(error)}.") from None


def _fault(error: ValidationError) -> str:
    """What is wrong and what to do, without a word of the row but its keys."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    match first["type"]:
        case "json_invalid":
            return "not JSON; write one object a line"
        case "extra_forbidden":
            return f"unknown key {where}; a row has {', '.join(Row.model_fields)}"
        case "missing":
            return f"the key {where} is missing"
        case _:
            return f"{where}: {first['msg']}".removeprefix(": ").replace("Value error, ", "")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise RowError(f"{path} cannot be read as JSON lines: check the path.") from None


def has(row: Row, category: str) -> bool:
    """`unsafe` is any of the categories that the rows of one source name side by side."""
    if category == "unsafe":
        return bool(NAMED & set(row.categories))
    return category in row.categories


def counts_at(category: str, stage: Stage) -> bool:
    """Whether a category means anything at a stage."""
    if category == "harm":
        return stage is Stage.OUTPUT
    return category not in ASKED or stage is not Stage.OUTPUT
