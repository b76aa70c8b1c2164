"""`python -m tests.safety.report`: what the rules find in generated texts, and how long it takes.

pygarble and argus-redact are scored on the same texts where they are installed.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from itertools import chain

import numpy as np

from safety import load_policy
from safety.borders import Borders
from safety.detectors import rules
from safety.metrics import Counts
from safety.normalise import normalise
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
    """Spans of what the rules find: of these categories, or of all that can be given away."""
    read, wanted = normalise(text), set(categories)
    found = chain.from_iterable(rule.find(read) for rule in RULES)
    return [
        (each.start, each.end)
        for each in found
        if (each.category in wanted if wanted else each.category not in LOOKS)
    ]


def others() -> dict[str, tuple[Find, Find]]:
    """By package, what finds secrets and what finds all that can be given away."""
    found: dict[str, tuple[Find, Find]] = {}
    try:
        pygarble = import_module("pygarble")
        secrets, personal = pygarble.SecretsDetector(), pygarble.PIIDetector()
        of_secrets = lambda text: [(one.start, one.end) for one in secrets.detect(text)]
        of_persons = lambda text: [(one.start, one.end) for one in personal.detect(text)]
        found["pygarble"] = of_secrets, lambda text: of_secrets(text) + of_persons(text)
    except ImportError:
        pass
    try:
        redact = import_module("argus_redact.glue.redact").redact
        # It takes ids and cards for secrets as little as we do: its kinds of keys are named so.
        named = ("key", "token", "secret", "password", "credential", "jwt", "webhook")
        of_all = lambda text: redact(text, lang=["zh", "en"], detailed=True)[2]["entities"]
        found["argus-redact"] = (
            lambda text: [
                (one["start"], one["end"])
                for one in of_all(text)
                if any(word in one["type"] for word in named)
            ],
            lambda text: [(one["start"], one["end"]) for one in of_all(text)],
        )
    except ImportError:
        pass
    return found


def is_hit(sample: Sample, spans: Sequence[Span]) -> bool:
    return any(start < sample.end and sample.start < end for start, end in spans)


def recall(find: Find, samples: Sequence[Sample]) -> float:
    return sum(is_hit(sample, find(sample.text)) for sample in samples) / len(samples)


def counts(find: Find, samples: Iterable[Sample]) -> Counts:
    """A sample is found where a finding overlaps its value; findings elsewhere are false."""
    hits = misses = false_alarms = 0
    for sample in samples:
        spans = find(sample.text)
        hit = is_hit(sample, spans)
        hits, misses = hits + hit, misses + (not hit)
        false_alarms += sum(not is_hit(sample, [span]) for span in spans)
    return Counts(hits, false_alarms, misses, 0)


def parted(find: Find, samples: Iterable[Sample]) -> int:
    """Samples whose finding has a border of the release gate within, wherever the text begins."""
    return sum(
        any(start < border < end for start, end in find(text) for border in borders(text))
        for sample in samples
        for before in range(520, 601, 20)
        for text in [("word " * 200)[-before:] + sample.text + " word" * 60]
    )


def borders(text: str) -> list[int]:
    scan = Borders()
    return list(iter(lambda: scan.next(text), None))


def milliseconds(
    words: int = 200, rounds: int = 300
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Of each of `rounds` readings of a text of that many words."""
    taken = []
    for turn in range(rounds):
        prose = " ".join(ENGLISH_PROSE[turn % 20 :] + ENGLISH_PROSE) * 3
        text = " ".join(prose.split()[:words]) + CHINESE_PROSE[turn % 15] * (turn % 2)
        began = time.perf_counter()
        read = normalise(text)
        for rule in RULES:
            list(rule.find(read))
        taken.append(1000 * (time.perf_counter() - began))
    return np.array(taken)


def main() -> None:
    secret_samples = list(secret.secrets(each=10, seed=1))
    english = people.samples(people.ENGLISH, each=25, seed=2)
    chinese = people.samples(people.CHINESE, each=45, seed=3)
    plain = harmless.harmless()
    packages: dict[str, tuple[Find, Find]] = {
        "draftsmith": (lambda text: draftsmith(text, ["secret"]), draftsmith),
        **others(),
    }
    kinds = len({sample.kind for sample in secret_samples})
    print(f"{len(secret_samples)} texts with secrets of {kinds} kinds, {len(plain)} with none;")
    print(f"{len(english)} English and {len(chinese)} Chinese texts with personal data\n")
    print(f"{'':14}{'secrets':>16}{'false':>7}{'English':>24}{'Chinese':>24}")
    print(
        f"{'':14}{'recall':>16}{'alarms':>7}{'precision recall   F1':>24}{'precision recall   F1':>24}"
    )
    for name, (of_secrets, of_all) in packages.items():
        alarms = sum(bool(of_secrets(text)) for text in plain)
        cells = "".join(f"{_figures(counts(of_all, some)):>24}" for some in (english, chinese))
        print(f"{name:14}{recall(of_secrets, secret_samples):16.3f}{alarms:7}{cells}")
    for title, samples in (
        ("secrets", [one for one in secret_samples if "\n" not in one.text[one.start : one.end]]),
        ("personal data", english),
        ("个人信息", chinese),
    ):
        print(f"\nrecall of {title}, as written and rewritten")
        for name, (_, find) in packages.items():
            cells = [f"as written {recall(find, samples):.3f}"] + [
                f"{evasion} {recall(find, [evasions.evasive(one, evasion) for one in samples]):.3f}"
                for evasion in evasions.EVASIONS
            ]
            print(f"{name:14}" + "  ".join(cells))
    some = [*secret_samples[::5], *english[::5], *chinese[::5]]
    print(f"\nfindings that a border of the release gate parts: {parted(draftsmith, some)}")
    taken = milliseconds()
    print(
        f"rules, 200 words: p50 {np.quantile(taken, 0.5):.2f} ms  p99 {np.quantile(taken, 0.99):.2f} ms"
    )


def _figures(found: Counts) -> str:
    return f"{found.precision.value or 0:.3f}  {found.recall.value:.3f}  {found.f1 or 0:.3f}"


if __name__ == "__main__":
    main()
