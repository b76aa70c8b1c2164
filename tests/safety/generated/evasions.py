"""Ways to write a value so that a person reads it and a pattern does not."""

from collections.abc import Callable

from tests.safety.generated.sample import Sample, placed

_LOOK_ALIKE = str.maketrans("aceijopsxyhdABCEHIKMOPSTXY", "асеіјорѕхуһԁАВСЕНІКМОРЅТХУ")

EVASIONS: dict[str, Callable[[str], str]] = {
    "zero-width": "\u200b".join,
    "full-width": lambda text: "".join(
        chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text
    ),
    "look-alikes": lambda text: text.translate(_LOOK_ALIKE),
    "spelled out": " ".join,
    "soft hyphens": lambda text: "\u00ad".join(
        text[start : start + 3] for start in range(0, len(text), 3)
    ),
}


def evasive(sample: Sample, name: str) -> Sample:
    """The sample with its value rewritten."""
    value = EVASIONS[name](sample.text[sample.start : sample.end])
    frame = sample.text[: sample.start] + "{}" + sample.text[sample.end :]
    return placed(frame, sample.kind, value)


def in_figures(sample: Sample) -> Sample:
    """The sample with figures for letters in the words beside its value."""
    words = sample.text.translate(str.maketrans("aeiost", "431057"))
    value = sample.text[sample.start : sample.end]
    text = words[: sample.start] + value + words[sample.end :]
    return Sample(text, sample.kind, sample.start, sample.end)
