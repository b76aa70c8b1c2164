"""`python -m tests.safety.hidden FILE.jsonl ... [--quarter]`: what is held as material, of safe
rows and of short attacks, alone and with ordinary drafts on both sides. No text is printed.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from safety import Filter, Stage, load_policy
from safety.screening.screening import Screening
from safety.text.normalise import normalise
from safety.training.dataset import DatasetError, LabelledText, has, read
from safety.training.train import train, with_own
from safety.verdict import Finding
from tests.safety.drafts import drafts

SHORT, LONG, MOST = 40, 400, 400
AROUND = (0, 200, 400, 800, 1600)
DRAFTS = [draft.text for draft in drafts("en")]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.safety.hidden", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="labelled rows, JSON lines")
    parser.add_argument("--quarter", action="store_true", help="by fits of the other quarters")
    options = parser.parse_args()
    try:
        rows = [row for row in read(options.files) if row.text]
        by = screenings(rows) if options.quarter else [Filter(load_policy(None)).screening] * 4
    except DatasetError as error:
        parser.error(str(error))
    groups = defaultdict(list)
    for row in rows:
        if not row.unsafe:
            groups[f"safe, {row.source.split()[0]}"].append((by[row.fold], row.text))
    attacks = [r for r in rows if has(r, "prompt_attack") and SHORT <= len(r.text) <= LONG]
    for number, row in enumerate(sorted(attacks, key=lambda row: row.digest)[:MOST]):
        for size in AROUND:
            within = (by[row.fold], hidden(row.text, number, size))
            groups[f"attacks, between {size:,} characters"].append(within)
    print(f"{'held as material':36}{'rows':>6} passages alone   with windows")
    for name, texts in groups.items():
        print(f"{name:36}{len(texts):6}{shares(texts)}")


def screenings(rows: Sequence[LabelledText]) -> list[Screening]:
    """Return for each quarter of the rows a screening by a fit of the other three."""
    made = [Screening(load_policy(None)) for _ in range(4)]
    for fold, screening in enumerate(made):
        fits = train([row for row in with_own(rows) if row.fold != fold])
        weights = {name: heads for name, (heads, _) in fits.items()}
        screening.classifier.weights = partial(dict, weights)
    return made


def hidden(attack: str, number: int, size: int) -> str:
    """Return an attack between so many characters of drafts; each number has other drafts."""
    first = number % len(DRAFTS)
    around = "\n\n".join([*DRAFTS[first:], *DRAFTS[:first]])
    return f"{around[:size]}\n\n{attack}\n\n{around[size : 2 * size]}".strip()


def shares(texts: Sequence[tuple[Screening, str]]) -> str:
    """Return how many are held, and which share: read in passages alone, and with windows."""
    alone = windows = 0
    for screening, text in texts:
        read = normalise(text)
        found = [screening.weigh(read, passage, Stage.MATERIAL) for passage in read.passages]
        alone += stops(screening, chain.from_iterable(found))
        windows += stops(screening, screening.read_meaning(read, Stage.MATERIAL))
    return "".join(f"{held:9} {held / len(texts):.3f}" for held in (alone, windows))


def stops(screening: Screening, found: Iterable[Finding]) -> bool:
    return any(screening.action(each, Stage.MATERIAL).stops for each in found)


if __name__ == "__main__":
    main()
