"""Ways to write a value so that a person reads it and a pattern does not."""

import re
from collections.abc import Callable

from tests.safety.generated.sample import Sample, placed

LOOK_ALIKE = str.maketrans("aceijopsxyhdABCEHIKMOPSTXY", "асеіјорѕхуһԁАВСЕНІКМОРЅТХУ")

LONG_NUMBER = re.compile("[A-Z]{2}[0-9]{2}[A-Z0-9]{12,30}|[0-9]{15,}[0-9X]")


def regrouped(text: str) -> str:
    """Return long numbers in groups of four with dashes between, anything else as it is."""
    number = re.sub("[ ./_·-]", "", text)
    if not LONG_NUMBER.fullmatch(number):
        return text
    return " – ".join(number[start : start + 4] for start in range(0, len(number), 4))


EVASIONS: dict[str, Callable[[str], str]] = {
    "zero-width": "\u200b".join,
    "full-width": lambda text: "".join(
        chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text
    ),
    "look-alikes": lambda text: text.translate(LOOK_ALIKE),
    "spelled out": " ".join,
    "regrouped": regrouped,
    "soft hyphens": lambda text: "\u00ad".join(
        text[start : start + 3] for start in range(0, len(text), 3)
    ),
}


def evasive(sample: Sample, name: str) -> Sample:
    """Return the sample with its value rewritten."""
    value = EVASIONS[name](sample.text[sample.start : sample.end])
    frame = sample.text[: sample.start] + "{}" + sample.text[sample.end :]
    return placed(frame, sample.kind, value)


def in_figures(sample: Sample) -> Sample:
    """Return the sample with figures for letters in the words beside its value."""
    words = sample.text.translate(str.maketrans("aeiost", "431057"))
    value = sample.text[sample.start : sample.end]
    text = words[: sample.start] + value + words[sample.end :]
    return Sample(text, sample.kind, sample.start, sample.end)
