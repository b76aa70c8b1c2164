"""Pairs of texts of which the better one is known, made from the texts of a run."""

import random
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bot.drafting.measures.units import CLOSING, plain, sentences_of
from bot.evaluate.results import Run, Text
from bot.messages import Language

FEWEST_SENTENCES = 4
GLUE: Mapping[Language, str] = {"en": " ", "zh": ""}
CONNECTIVE: Mapping[Language, str] = {"en": ", and ", "zh": "，而且"}
KNOT = 3
"""Sentences that are made one."""
END = re.compile(rf"[.!?…。！？；]+{CLOSING}\Z")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts for one brief. `sibling`: another draft of it, for what siblings have in common."""

    kind: str
    case: str
    language: Language
    brief: str
    better: str
    worse: str
    sibling: str | None = None

    def __post_init__(self) -> None:
        assert self.better != self.worse


@dataclass(slots=True)
class Original:
    """What pairs are made of: a text, its siblings, and other texts."""

    text: Text
    siblings: Sequence[Text]
    other: Text | None
    hot: Text | None
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(zlib.crc32(self.text.case.encode()))  # noqa: S311

    @property
    def sentences(self) -> list[str]:
        """The whole sentences of the text, without headings."""
        return whole_sentences(self.text.text)

    @property
    def glue(self) -> str:
        """What stands between two sentences."""
        return GLUE[self.text.language]


def whole_sentences(text: str) -> list[str]:
    """Return the sentences of a text that have an end, without the marks of lists."""
    return [sentence for sentence in sentences_of(plain(text)) if END.search(sentence)]


Maker = Callable[[Original], tuple[str, str] | None]
"""Returns the better and the worse text, or None where the original does not serve."""


def shuffled(original: Original) -> tuple[str, str] | None:
    """Put the sentences in another order."""
    mixed = original.sentences
    original.rng.shuffle(mixed)
    return _joined(original, mixed)


def repeated(original: Original) -> tuple[str, str] | None:
    """Say an earlier sentence again instead of every fourth."""
    said = original.sentences
    for i in range(FEWEST_SENTENCES - 1, len(said), FEWEST_SENTENCES):
        said[i] = said[original.rng.randrange(i)]
    return _joined(original, said)


def knotted(original: Original) -> tuple[str, str] | None:
    """Make one sentence of three."""
    said, knot = original.sentences, CONNECTIVE[original.text.language]
    groups = [said[i : i + KNOT] for i in range(0, len(said), KNOT)]
    loose = [[END.sub("", each) for each in group[:-1]] + group[-1:] for group in groups]
    return _joined(original, [knot.join(group) for group in loose])


def cut(original: Original) -> tuple[str, str] | None:
    """End in the middle of a sentence behind two thirds of the text."""
    said = original.sentences
    last = said[2 * len(said) // 3]
    return _joined(
        original, [*said[: 2 * len(said) // 3], last[: len(last) // 2].rstrip(" .,，。")]
    )


def copied(original: Original) -> tuple[str, str] | None:
    """Say in the first half what a sibling says there."""
    if not original.siblings:
        return None
    said, theirs = original.sentences, whole_sentences(original.siblings[0].text)
    half = len(said) // 2
    return _joined(original, [*theirs[:half], *said[half:]])


def other(original: Original) -> tuple[str, str] | None:
    """Take a text of another brief of the same kind."""
    return (original.text.text, original.other.text) if original.other else None


def hot(original: Original) -> tuple[str, str] | None:
    """Take a text that was written at temperature 2."""
    return (original.text.text, original.hot.text) if original.hot else None


def halved(original: Original) -> tuple[str, str] | None:
    """Take the first half: neither is better, so a measure shall prefer the whole half the time."""
    return _joined(original, original.sentences[: len(original.sentences) // 2])


MAKERS: Mapping[str, Maker] = {
    make.__name__: make for make in (shuffled, repeated, cut, hot, copied, other, knotted, halved)
}


def pairs_of(run: Run, at_two: Run | None, kinds: Sequence[str]) -> Iterator[Pair]:
    """Yield one pair of each kind for each brief that serves. at_two: a run at temperature 2."""
    for original in _originals(run, at_two):
        if len(original.sentences) < FEWEST_SENTENCES:
            continue
        for kind in kinds:
            found = MAKERS[kind](original)
            if found is None or found[0] == found[1]:
                continue
            text, sibling = original.text, next(iter(original.siblings), None)
            theirs = sibling.text if sibling else None
            yield Pair(kind, text.case, text.language, text.brief, *found, theirs)


def _originals(run: Run, at_two: Run | None) -> Iterator[Original]:
    drafts = _first_drafts(run)
    hot_ones = _first_drafts(at_two) if at_two else {}
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case, (text, *_) in drafts.items():
        groups[text.kind, text.language].append(case)
    others = {
        case: drafts[other_case][0]
        for cases in groups.values()
        if len(cases) > 1
        for case, other_case in pairwise([*cases, cases[0]])
    }
    for case, (text, *siblings) in drafts.items():
        yield Original(text, siblings, others.get(case), next(iter(hot_ones.get(case, ())), None))


def _first_drafts(run: Run) -> dict[str, list[Text]]:
    """Return the drafts of each brief, without refinements and what is empty."""
    found: dict[str, list[Text]] = defaultdict(list)
    for text in sorted(run.texts, key=lambda text: text.sample):
        if text.turn == 0 and text.text.strip():
            found[text.case].append(text)
    return found


def _joined(original: Original, worse: Sequence[str]) -> tuple[str, str] | None:
    return original.glue.join(original.sentences), original.glue.join(worse)
