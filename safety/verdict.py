"""The words of the filter: what was found, what is done about it, what may be shown."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class SafeText(str):
    """Text that the filter has released. Only `safety.screening.screening` makes one from a str.

    What is cut from it or put to it is a str again; see `safety.text.safe_text`.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """str itself would take any object."""
        return super().__new__(cls, text)


JUDGE_RULE = "judge_"
"""How the rules begin that a judge's findings name."""


class Stage(StrEnum):
    """What a text is: asked by a person, quoted or attached by one, or written by the model."""

    INPUT = "input"
    MATERIAL = "material"
    OUTPUT = "output"


class Removes(StrEnum):
    """What a block takes of a draft that was partly shown."""

    DRAFT = "draft"
    REST = "rest"


class Action(StrEnum):
    """What a policy does about a finding, from the mildest to the strictest."""

    ALLOW = "allow"
    REDACT = "redact"
    HOLD = "hold"
    BLOCK = "block"

    @property
    def strictness(self) -> int:
        return list(Action).index(self)

    @property
    def stops(self) -> bool:
        """Whether nothing may be shown. Without a reviewer, a held text is as good as blocked."""
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
    """The stage whose actions apply, where that is another than the text's: what is quoted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done with a text, and why. `text` is None when it may not be shown."""

    action: Action
    findings: tuple[Finding, ...]
    text: SafeText | None
    policy: str
    causes: tuple[Finding, ...] = ()
    """The findings that the action answers: those with the strictest action of all."""

    def __post_init__(self) -> None:
        assert (self.text is None) == self.action.stops

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that caused the action, sorted; none when all is allowed."""
        return tuple(sorted({finding.rule for finding in self.causes}))

    @property
    def allowed(self) -> bool:
        return self.text is not None


class Blocked(Exception):
    """A text may not be shown. Its message holds names of rules only, never text.

    `kept` is what was released of it before, where the policy lets that stand.
    """

    def __init__(self, verdict: Verdict, kept: SafeText | None = None) -> None:
        super().__init__(f"blocked by {', '.join(verdict.rules)}")
        self.verdict = verdict
        self.kept = kept


def refusal(rule: str, policy: str) -> Verdict:
    """The block that a failure of the filter itself makes; `policy` is the policy's digest."""
    cause = (Finding(rule, rule, 0, 0),)
    return Verdict(Action.BLOCK, cause, None, policy, cause)
