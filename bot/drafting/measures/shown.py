"""Which measures are shown: those that told the better text of known pairs, by model."""

import json
from collections.abc import Mapping
from pathlib import Path

from bot.messages import Language

MEASURES = ("coherence", "creativity", "relevance", "readability")
KEPT = Path(__file__).with_name("shown.json")


def shown_measures(model: str, language: Language) -> set[str]:
    """Return the names of the measures that mean something with this model; unknown model: none.

    `python -m bot.evaluate measures` finds out which they are.
    """
    kept: Mapping[str, Mapping[str, list[str]]] = json.loads(KEPT.read_text("utf-8"))
    return set(kept.get(model, {}).get(language, ()))
