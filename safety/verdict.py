"""The words of the filter: findings, actions, verdicts, and text that may be shown."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class SafeText(str):
    """Text that the filter has released. Only `safety.screening.screening` makes one from a str.

    A part of it, or a sum with it, is a str again; see `safety.text.safe_text`.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Take a str only, for mypy; str itself would take any object."""
        return super().__new__(cls, text)


JUDGE_RULE = "judge_"
"""The beginning of the rules that a judge's findings name."""


class Stage(StrEnum):
    """Where a text comes from: asked by a person, quoted or attached by one, or from the model."""

    INPUT = "input"
    MATERIAL = "material"
    OUTPUT = "output"


class Removes(StrEnum):
    """How much of a draft a block removes if its beginning was shown."""

    DRAFT = "draft"
    REST = "rest"


class Action(StrEnum):
    """The action of a policy about a finding, from the mildest to the strictest."""

    ALLOW = "allow"
    REDACT = "redact"
    HOLD = "hold"
    BLOCK = "block"

    @property
    def strictness(self) -> int:
        return list(Action).index(self)

    @property
    def stops(self) -> bool:
        """Whether nothing may be shown. Without a reviewer, a held text is blocked."""
        return self in (Action.HOLD, Action.BLOCK)


@dataclass(frozen=True, slots=True)
class Finding:
    """A span of the original text, in characters, that a detector's rule has named."""

    category: str
    rule: str
    start: int
    end: int
    score: float = 1.0
    stage: Stage | None = None
    """The stage whose actions apply, if it is not the stage of the text: in quoted lines."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The action about a text, and why. `text` is None if it may not be shown."""

    action: Action
    findings: tuple[Finding, ...]
    text: SafeText | None
    policy: str
    causes: tuple[Finding, ...] = ()
    """The findings with the strictest action of all."""

    def __post_init__(self) -> None:
        assert (self.text is None) == self.action.stops

    @property
    def rules(self) -> tuple[str, ...]:
        """The sorted names of the rules that caused the action; none if all is allowed."""
        return tuple(sorted({finding.rule for finding in self.causes}))

    @property
    def allowed(self) -> bool:
        return self.text is not None


class Blocked(Exception):
    """A text may not be shown. The message holds names of rules only, never text.

    `kept` is the text that was released before, if the policy lets it stand.
    """

    def __init__(self, verdict: Verdict, kept: SafeText | None = None) -> None:
        super().__init__(f"blocked by {', '.join(verdict.rules)}")
        self.verdict = verdict
        self.kept = kept


def refusal(rule: str, policy: str) -> Verdict:
    """Return the block for a failure of the filter; `policy` is the digest of the policy."""
    cause = (Finding(rule, rule, 0, 0),)
    return Verdict(Action.BLOCK, cause, None, policy, cause)
