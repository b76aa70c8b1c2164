"""`python -m tests.safety.report`: what the rules find in generated texts, and how long it takes.

pygarble and argus-redact are scored on the same texts where they are installed.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from typing import Any

import numpy as np

from safety import load_policy
from safety.detectors import rules
from safety.text.normalise import normalise
from safety.training.metrics import Counts
from tests.safety.generated import evasions, harmless, people
from tests.safety.generated import secrets as secret
from tests.safety.generated.prose import CHINESE_PROSE, ENGLISH_PROSE
from tests.safety.generated.sample import Sample

Span = tuple[int, int]
Find = Callable[[str], list[Span]]

RULES = rules(load_policy(None))
LOOKS = frozenset({"invisible", "link", "slack_markup"})
"""Categories that are no personal data and no secrets."""


def draftsmith(text: str, categories: Iterable[str] = ()) -> list[Span]:
    """Return spans that the rules find: of these categories, or of all but LOOKS."""
    read, wanted = normalise(text), set(categories)
    found = chain.from_iterable(rule.find(read) for rule in RULES)
    return [
        (each.start, each.end)
        for each in found
        if (each.category in wanted if wanted else each.category not in LOOKS)
    ]


def others() -> dict[str, tuple[Find, Find]]:
    """Return by package what finds secrets, and what finds secrets and personal data."""
    found = {}
    if find_spec("pygarble"):
        found["pygarble"] = pygarble()
    if find_spec("argus_redact"):
        found["argus-redact"] = argus_redact()
    return found


def pygarble() -> tuple[Find, Find]:
    package = import_module("pygarble")
    secrets, personal = package.SecretsDetector(), package.PIIDetector()

    def of_secrets(text: str) -> list[Span]:
        return [(found.start, found.end) for found in secrets.detect(text)]

    def of_all(text: str) -> list[Span]:
        return of_secrets(text) + [(found.start, found.end) for found in personal.detect(text)]

    return of_secrets, of_all


def argus_redact() -> tuple[Find, Find]:
    redact = import_module("argus_redact.glue.redact").redact
    # How its kinds of credentials are named.
    words = ("key", "token", "secret", "password", "credential", "jwt", "webhook")

    def found(text: str) -> list[dict[str, Any]]:
        entities: list[dict[str, Any]] = redact(text, lang=["zh", "en"], detailed=True)[2][
            "entities"
        ]
        return entities

    def of_secrets(text: str) -> list[Span]:
        return [
            (one["start"], one["end"])
            for one in found(text)
            if any(word in one["type"] for word in words)
        ]

    return of_secrets, lambda text: [(one["start"], one["end"]) for one in found(text)]


def is_hit(sample: Sample, spans: Sequence[Span]) -> bool:
    return any(start < sample.end and sample.start < end for start, end in spans)


def recall(find: Find, samples: Sequence[Sample]) -> float:
    return sum(is_hit(sample, find(sample.text)) for sample in samples) / len(samples)


def counts(find: Find, samples: Iterable[Sample]) -> Counts:
    """Count samples: one is found if a finding overlaps its value; other findings are false."""
    hits = misses = false_alarms = 0
    for sample in samples:
        spans = find(sample.text)
        hit = is_hit(sample, spans)
        hits, misses = hits + hit, misses + (not hit)
        false_alarms += sum(not is_hit(sample, [span]) for span in spans)
    return Counts(hits, false_alarms, misses, 0)


def parted(find: Find, samples: Iterable[Sample]) -> int:
    """Count findings with a border of the release gate within, wherever the text begins."""
    return sum(
        any(start < border < end for start, end in find(text) for border in normalise(text).borders)
        for sample in samples
        for before in range(520, 601, 20)
        for text in [("word " * 200)[-before:] + sample.text + " word" * 60]
    )


def milliseconds(
    words: int = 200, rounds: int = 300
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the processor time of each of `rounds` readings of a text of that many words."""
    taken = []
    for turn in range(rounds):
        prose = " ".join(ENGLISH_PROSE[turn % 20 :] + ENGLISH_PROSE) * 3
        text = " ".join(prose.split()[:words]) + CHINESE_PROSE[turn % 15] * (turn % 2)
        began = time.thread_time()
        read = normalise(text)
        for rule in RULES:
            list(rule.find(read))
        taken.append(1000 * (time.thread_time() - began))
    return np.array(taken)


def main() -> None:
    of_secrets = list(secret.secrets(each=10, seed=1))
    english = people.samples(people.ENGLISH, each=25, seed=2)
    chinese = people.samples(people.CHINESE, each=45, seed=3)
    packages = {"draftsmith": (lambda text: draftsmith(text, ["secret"]), draftsmith), **others()}
    print_found(packages, of_secrets, english, chinese)
    one_line = [one for one in of_secrets if "\n" not in one.text[one.start : one.end]]
    print_evasions(packages, {"secrets": one_line, "English": english, "Chinese": chinese})
    passwords = [evasions.in_figures(one) for one in of_secrets if one.kind == "password"]
    print("\npasswords announced in figures for letters, recall")
    for name, (_, find) in packages.items():
        print(f"{name:14}{recall(find, passwords):.3f}")
    some = [*of_secrets[::5], *english[::5], *chinese[::5]]
    print(f"\nfindings parted by a border of the release gate: {parted(draftsmith, some)}")
    p50, p99 = np.quantile(milliseconds(), (0.5, 0.99))
    print(f"rules, 200 words, time of one processor: p50 {p50:.2f} ms  p99 {p99:.2f} ms")


def print_found(
    packages: dict[str, tuple[Find, Find]],
    of_secrets: Sequence[Sample],
    english: Sequence[Sample],
    chinese: Sequence[Sample],
) -> None:
    plain = harmless.harmless()
    kinds = len({sample.kind for sample in of_secrets})
    print(f"{len(of_secrets)} texts with secrets of {kinds} kinds, {len(plain)} with none;")
    print(f"{len(english)} English and {len(chinese)} Chinese texts with personal data")
    print(f"\n{'':14}secrets  false   English                  Chinese")
    print(f"{'':14}recall   alarms  precision recall F1      precision recall F1")
    for name, (find_secrets, find_all) in packages.items():
        alarms = sum(bool(find_secrets(text)) for text in plain)
        cells = (f"{figures(counts(find_all, some)):25}" for some in (english, chinese))
        print(f"{name:14}{recall(find_secrets, of_secrets):.3f}{alarms:8}    " + "".join(cells))


def figures(found: Counts) -> str:
    return f"{found.precision.value or 0:.3f}     {found.recall.value:.3f}  {found.f1 or 0:.3f}"


def print_evasions(
    packages: dict[str, tuple[Find, Find]], by_title: dict[str, Sequence[Sample]]
) -> None:
    """Print recall of rewritten values; of private keys, only those on one line."""
    for title, samples in by_title.items():
        print(f"\n{title}: recall as written, and with values rewritten")
        for name, (_, find) in packages.items():
            cells = [f"{recall(find, samples):.3f}"]
            for evasion in evasions.EVASIONS:
                rewritten = [evasions.evasive(sample, evasion) for sample in samples]
                cells.append(f"{evasion} {recall(find, rewritten):.3f}")
            print(f"{name:14}" + "  ".join(cells))


if __name__ == "__main__":
    main()
