"""Which measures are shown: those that told the better text of known pairs, by model."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bot.messages import Language

MEASURES = ("coherence", "creativity", "relevance", "readability")
KEPT = Path(__file__).with_name("shown.json")


def shown_measures(model: str, language: Language) -> set[str]:
    """Return the names of the measures that mean something with this model; unknown model: none.

    `python -m bot.evaluate measures` finds out which they are. With a judge they are others: ask
    with the name `with_judge`.
    """
    return set(_kept(KEPT).get(model, {}).get(language, ()))


def with_judge(model: str, judge: str) -> str:
    """Return the name under which it is kept what is shown where this model judges too."""
    return f"{model} + {judge}"


@cache
def _kept(place: Path) -> Mapping[str, Mapping[str, list[str]]]:
    kept: Mapping[str, Mapping[str, list[str]]] = json.loads(place.read_text("utf-8"))
    return kept
