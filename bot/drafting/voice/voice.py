"""A voice: what it says, and how a channel's stands over that of the workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

English = Literal["", "british", "american"]
Chinese = Literal["", "simplified", "traditional"]

# By the names that forms have for them.
ENGLISH: Mapping[str, English] = {"british": "british", "american": "american"}
CHINESE: Mapping[str, Chinese] = {"simplified": "simplified", "traditional": "traditional"}

MOST_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class AvoidedWord:
    """A word, or some, that the house does not use, and what it uses instead; "": nothing."""

    word: str
    instead: str = ""

    def __post_init__(self) -> None:
        assert self.word == self.word.strip() != ""


@dataclass(frozen=True, slots=True)
class Voice:
    """What the house wants. An empty field says nothing."""

    description: str = ""
    samples: Sequence[str] = ()
    preferred: Sequence[str] = ()
    avoided: Sequence[AvoidedWord] = ()
    english: English = ""
    chinese: Chinese = ""
    signature: str = ""

    def __post_init__(self) -> None:
        assert len(self.samples) <= MOST_SAMPLES
        assert all(self.samples)
        assert self.english in ("", *ENGLISH)
        assert self.chinese in ("", *CHINESE)

    @property
    def is_silent(self) -> bool:
        """Whether it wants nothing."""
        return not any(getattr(self, each.name) for each in fields(self))

    def over(self, other: Self) -> Self:
        """Return the other voice with all that this one says in its place, field by field."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(other, **{name: value for name, value in said.items() if value})

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        avoided = [AvoidedWord(**each) for each in kept["avoided"]]
        return cls(**{**kept, "avoided": avoided})
