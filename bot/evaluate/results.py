"""The texts of a run and what the checks say of them: JSON lines to read, JSON to compare."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.errors import OperatorError
from bot.messages import Language

TEXTS, RESULTS, TABLES, COMPARISON = "texts.jsonl", "results.json", "tables.md", "comparison.md"


@dataclass(frozen=True, slots=True)
class Text:
    """One text. `turn` 0: the first draft of a brief; 1: its refinement by `instruction`.

    `brief` is what the model was asked for, without options; `raw` what it wrote, and `text` what
    the bot shows of that. `tokens`: of this text, where the server says so.
    """

    case: str
    kind: str
    language: Language
    half: str
    turn: int
    sample: int
    seed: int
    brief: str
    instruction: str | None
    text: str
    finish_reason: str | None
    tokens: int | None = None
    checks: Mapping[str, bool] = field(default_factory=dict)
    raw: str = ""

    def __post_init__(self) -> None:
        assert (self.turn == 0) == (self.instruction is None)

    @property
    def is_sound(self) -> bool:
        """Whether it passes all checks."""
        return all(self.checks.values())


@dataclass(frozen=True, slots=True)
class Run:
    """All texts of one way of writing. `chosen`: the options that every brief was given.

    `recipes`: the folder that they were read from, "" for the packaged ones.
    """

    model: str
    seed: int
    n: int
    chosen: Mapping[str, str]
    recipes: str
    texts: Sequence[Text] = ()

    @property
    def title(self) -> str:
        """Its name in tables."""
        said = [f"{name}={value}" for name, value in self.chosen.items()]
        return " ".join([self.model, *said, *filter(None, [self.recipes])])


@dataclass(frozen=True, slots=True)
class Journal:
    """The folder of a run that goes on: what is written is kept at once."""

    folder: Path

    def save(self, run: Run) -> None:
        """Write the texts that the run has, and the results without them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _replace(self.folder / TEXTS, "".join(map(_line, run.texts)))
        results = asdict(run)
        for text in results["texts"]:
            for name in ("text", "raw", "brief", "instruction"):
                del text[name]
        written = json.dumps(results, ensure_ascii=False, indent=1)
        _replace(self.folder / RESULTS, f"{written}\n")

    def add(self, texts: Iterable[Text]) -> None:
        """Append texts."""
        with (self.folder / TEXTS).open("a", encoding="utf-8") as file:
            file.writelines(map(_line, texts))

    def begun(self, like: Run) -> Run:
        """Return a run like this one with the texts of a run that ended early.

        Raises OperatorError if there is none, or it was another one.
        """
        found = load(self.folder)
        if replace(found, texts=()) != like:
            raise OperatorError(f"{self.folder} has texts of another run: leave out --resume.")
        return found


def load(place: Path) -> Run:
    """Return a run: of a folder with its texts, of a results file without. Raises OperatorError.

    A last line that has no end was being written when the run ended: it is left out.
    """
    results = place / RESULTS if place.is_dir() else place
    try:
        read: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
        rows = read["texts"]
        if place.is_dir():
            # What JSON leaves as it is, as U+2028, ends no line here.
            *lines, _torn = (place / TEXTS).read_bytes().split(b"\n")
            rows = [json.loads(line) for line in lines if line]
        texts = [Text(**_without_words(row) | row) for row in rows]
        return Run(**{**read, "texts": texts})
    except (OSError, ValueError, KeyError, TypeError):
        raise OperatorError(f"{results} holds no results of an evaluation.") from None


def _line(text: Text) -> str:
    return f"{json.dumps(asdict(text), ensure_ascii=False)}\n"


def _replace(file: Path, written: str) -> None:
    """Write a file anew; whoever reads it meanwhile, or after a crash, finds the old one whole."""
    beside = file.with_name(f".{file.name}")
    beside.write_text(written, encoding="utf-8")
    os.replace(beside, file)


def _without_words(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"brief": "", "text": "", "instruction": "" if row["turn"] else None}
