"""`python -m safety.training.evaluate FILE.jsonl ... [--json]`: how well the filter finds
what is labelled.

Measures rules and classifier under the packaged policy or `--policy`. It never prints a text.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from math import inf, log
from pathlib import Path

from safety.classifier.weights import load
from safety.errors import OperatorError
from safety.policy.policy import Policy, Thresholds
from safety.policy.policy_file import load_policy
from safety.screening.filter import Filter
from safety.screening.screening import Screening
from safety.text.normalise import NormalisedText, normalise
from safety.training.dataset import DatasetError, LabelledText, read
from safety.training.report import Judged, lines, report
from safety.training.train import train, with_own


def main() -> int:
    """Return the exit code: 0, or 2 if something cannot be read (a sentence says what)."""
    parser = argparse.ArgumentParser(prog="python -m safety.training.evaluate", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="labelled rows, JSON lines")
    parser.add_argument("--policy", type=Path, help="a policy file; by default the packaged one")
    parser.add_argument("--weights", type=Path, help="weights; by default the packaged ones")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--left-out", action="store_true", help="only fold 0 of the rows")
    part.add_argument(
        "--each-quarter",
        action="store_true",
        help="measure each quarter of the rows by a fit, and thresholds, of the other three",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args()
    try:
        judged = list(_judged(options))
        if not judged:
            raise DatasetError("There is no row to measure: name files of labelled rows.")
    except OperatorError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return error.exit_code
    found = report(judged)
    print(json.dumps(found) if options.json else "\n".join(lines(found)))
    return 0


def _judged(options: argparse.Namespace) -> Iterator[Judged]:
    rows = [(path.name, row) for path in options.files for row in read([path])]
    policy = load_policy(options.policy)
    if options.each_quarter:
        yield from _unseen(rows, policy)
        return
    screening = Filter(policy).screening
    if options.weights:
        weights = load(options.weights)
        screening.classifier.weights = lambda: weights
    for file, row in rows:
        if row.fold == 0 or not options.left_out:
            yield judge(screening, row, file)


def _unseen(rows: Sequence[tuple[str, LabelledText]], policy: Policy) -> Iterator[Judged]:
    """Yield every row, judged by scorers and thresholds that are fitted to the other quarters."""
    everything = with_own([row for _, row in rows])
    for fold in sorted({row.fold for _, row in rows}):
        fits = train([row for row in everything if row.fold != fold])
        limits = {language: limits for language, (_, limits) in fits.items()}
        thresholds = Thresholds.model_validate(limits)
        screening = Screening(policy.model_copy(update={"thresholds": thresholds}))
        weights = {language: heads for language, (heads, _) in fits.items()}
        screening.classifier.weights = partial(dict, weights)
        yield from (judge(screening, row, file, fold) for file, row in rows if row.fold == fold)


def judge(screening: Screening, row: LabelledText, file: str, quarter: int | None = None) -> Judged:
    """Return the row with what the filter finds in it. Raises DetectorError."""
    began = time.perf_counter()
    text = normalise(row.text)
    findings = screening.examine(text)
    ruled = time.perf_counter()
    meant = screening.read_meaning(text)
    done = time.perf_counter()
    return Judged(
        row,
        file,
        quarter,
        (*findings, *meant),
        *score(screening, text),
        1000 * (ruled - began),
        1000 * (done - ruled),
    )


def score(screening: Screening, text: NormalisedText) -> tuple[dict[str, float], dict[str, float]]:
    """Return scores and margins of `Judged`. Raises WeightsError."""
    highest: dict[str, float] = defaultdict(float)
    margins: dict[str, float] = {}
    for (language, category), best in screening.classifier.highest(text).items():
        limit = screening.policy.thresholds.of(language, category)
        highest[category] = max(highest[category], best)
        margin = _log_odds(best) - _log_odds(limit)
        margins[category] = max(margins.get(category, -inf), margin)
    return highest, margins


def _log_odds(probability: float) -> float:
    sure = min(max(probability, 1e-9), 1 - 1e-9)
    return log(sure / (1 - sure))


if __name__ == "__main__":
    sys.exit(main())
