"""The briefs of the evaluation: what a person would type, and what the text must then hold."""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from bot.drafting.brief.options import Options, StrictModel
from bot.drafting.draft_action import DraftAction, words_for
from bot.errors import OperatorError, validation_problems
from bot.messages import Language

BRIEFS = Path(__file__).parent / "briefs"
Half = Literal["open", "held-back"]


class Wish(StrictModel):
    """A reply to the first draft, or a click on it, and what a program looks for afterwards.

    `shorter`, `longer`: by a tenth at least. `begins`, `ends`: with one of these, with | between.
    `bullets`: as many points at least. `words`: within a quarter. `sentences`: at most so many,
    where a title or a headline is one.
    """

    says: str | None = None
    click: DraftAction | None = None
    shorter: bool = False
    longer: bool = False
    begins: str | None = None
    ends: str | None = None
    bullets: int | None = None
    words: int | None = None
    sentences: int | None = None
    lang: Language | None = None
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asked_and_looked_for(self) -> Self:
        if (self.says is None) == (self.click is None):
            raise ValueError("says or click, one of them")
        if not self.model_fields_set - {"says", "click"}:
            raise ValueError("nothing to look for")
        return self

    def instruction(self, options: Options) -> str:
        """Return what the model is told."""
        told = words_for(self.click, options) if self.click else self.says
        assert told is not None
        return told


class Written(StrictModel):
    """One brief as its file has it. In `present`, `facts`, `lead`: other forms with | between.

    `lead`: what the first paragraph of news must say.
    """

    name: str = Field(pattern=r"^[a-z0-9-]{2,40}$")
    typed: str
    held_back: bool = False
    material: str = ""
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    wish: Wish | None = None


class Case(Written):
    """One brief of the set; its kind and its language are in the name of its file."""

    kind: str
    language: Language

    @property
    def half(self) -> Half:
        """Say whether prompts may be tuned on it."""
        return "held-back" if self.held_back else "open"


class BriefFile(StrictModel):
    """A file of briefs: of one kind, in one language."""

    brief: tuple[Written, ...]


def load_cases(folder: Path = BRIEFS) -> list[Case]:
    """Return all briefs, by the names of their files. Raises OperatorError."""
    return [case for path in sorted(folder.glob("*.toml")) for case in _load(path)]


def _load(path: Path) -> Iterator[Case]:
    kind, _, language = path.stem.partition(".")
    try:
        read = BriefFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        for each in read.brief:
            named = {"name": f"{kind}-{language}-{each.name}", "kind": kind, "language": language}
            yield Case.model_validate(each.model_dump() | named)
    except ValidationError as error:
        at, what = next(validation_problems(error))
        place = ".".join(at) or "its top"
        raise OperatorError(f"The briefs {path} are wrong at {place}: {what}.") from None


def chosen(
    cases: Iterable[Case],
    *,
    kinds: Sequence[str] = (),
    languages: Sequence[str] = (),
    half: Half | None = None,
    limit: int | None = None,
) -> list[Case]:
    """Return the cases that are wanted; a limit takes from all kinds in turn."""
    found = [
        case
        for case in cases
        if (not kinds or case.kind in kinds)
        and (not languages or case.language in languages)
        and half in (None, case.half)
    ]
    return found if limit is None else _in_turn(found)[:limit]


def _in_turn(cases: Sequence[Case]) -> list[Case]:
    by_file: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        by_file.setdefault((case.kind, case.language), []).append(case)
    longest = max(map(len, by_file.values()), default=0)
    rounds = ([each[i] for each in by_file.values() if i < len(each)] for i in range(longest))
    return [case for each in rounds for case in each]
