"""The figures of one run, and the goals that it missed."""

import asyncio
import math
import sys
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.bench.crowd import DraftOutcome
from bot.errors import OperatorError
from bot.workspace import ApiCall

ACK_GOAL, SIGN_GOAL = 0.5, 1.0
FAILED = 1


class Report(Protocol):
    """What a bench has measured."""

    def table(self) -> str:
        """Return the figures as lines for people."""

    def missed(self) -> list[str]:
        """Return the goals that were missed, each in a few words."""


def tell(measuring: Coroutine[Any, Any, Report]) -> int:
    """Measure, print the figures and what was missed, and return the exit code."""
    try:
        report = asyncio.run(measuring)
    except (OperatorError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return FAILED
    print(report.table())
    if missed := report.missed():
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return FAILED if missed else 0


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The figures of one run. `processor_seconds` is the time that the bot computed."""

    outcomes: Sequence[DraftOutcome]
    calls: Sequence[ApiCall]
    processor_seconds: float

    def __post_init__(self) -> None:
        assert self.outcomes

    def table(self) -> str:
        """Return the figures as lines for people."""
        spans = {
            "acks": [each.ack for each in self.outcomes],
            "first sign": [each.sign for each in self.outcomes],
            "first text": [each.text for each in self.outcomes],
            "complete": [each.complete for each in self.outcomes],
            "root up to date": [each.settled for each in self.outcomes],
        }
        lines = [f"{'seconds':<24}{'p50':>8}{'p99':>8}{'max':>8}"]
        for name, seconds in spans.items():
            figures = [share(seconds, 0.5), share(seconds, 0.99), share(seconds, 1)]
            lines.append(f"{name:<24}" + "".join(f"{figure:>8.3f}" for figure in figures))
        lines += ["", f"{'calls':<36}{'made':>6}{'429':>6}"]
        made, refused = Counter(call.method for call in self.calls), self._refused
        lines += [f"{name:<36}{made[name]:>6}{refused[name]:>6}" for name in sorted(made)]
        lines += [
            "",
            f"drafts {len(self.outcomes)}, lost {self._lost}, wrong or doubled {self._wrong}",
        ]
        lines += [f"processor time of the bot {self.processor_seconds:.1f} s"]
        return "\n".join(lines)

    def missed(self) -> list[str]:
        """Return the goals that were missed, each in a few words."""
        acks, signs = [each.ack for each in self.outcomes], [each.sign for each in self.outcomes]
        goals = {
            f"{self._lost} drafts lost": not self._lost,
            f"{self._wrong} drafts wrong or doubled": not self._wrong,
            f"{self._refused.total()} calls over Slack's budgets": not self._refused,
            f"acks over {ACK_GOAL} s at p99": share(acks, 0.99) < ACK_GOAL,
            f"the first sign over {SIGN_GOAL} s at p50": share(signs, 0.5) < SIGN_GOAL,
        }
        return [words for words, held in goals.items() if not held]

    @property
    def _refused(self) -> Counter[str]:
        return Counter(call.method for call in self.calls if call.error == "ratelimited")

    @property
    def _lost(self) -> int:
        return sum(None in (each.ack, each.sign, each.complete) for each in self.outcomes)

    @property
    def _wrong(self) -> int:
        return sum(each.complete is not None and not each.right for each in self.outcomes)


def share(seconds: Sequence[float | None], part: float) -> float:
    """Return the time within which this part of them came, by nearest rank; None counts as inf."""
    ranked = sorted(math.inf if each is None else each for each in seconds)
    return ranked[math.ceil(part * len(ranked)) - 1]
