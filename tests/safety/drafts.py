"""Ordinary drafts of every kind, English and Chinese, put together from the parts in drafts.toml.

`python -m tests.safety.drafts > FILE.jsonl` writes them as rows for
`python -m safety.training.evaluate`.
"""

import random
import sys
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from safety.training.dataset import LabelledText
from safety.verdict import Stage

PARTS = tomllib.loads(Path(__file__).with_name("drafts.toml").read_text("utf-8"))


def drafts(language: str) -> Iterator[LabelledText]:
    """Yield one draft of each form of each kind about each topic, the same every time."""
    parts, dice = PARTS[language], random.Random(7)
    for kind, forms in parts["forms"].items():
        for form, topic in product(forms, parts["topics"]):
            yield LabelledText(
                text=form.format(**filled(topic, parts, dice)),
                stage=Stage.OUTPUT,
                lang=language,
                unsafe=False,
                source=f"Draftsmith {kind}",
            )


def filled(topic: dict[str, Any], parts: dict[str, Any], dice: random.Random) -> dict[str, str]:
    facts = dice.sample(topic["facts"], 4)
    return {
        "title": topic["title"],
        "lead": topic["lead"],
        **dict(zip(("one", "two", "three", "four"), facts, strict=True)),
        **{name: dice.choice(parts[f"{name}s"]) for name in ("name", "place", "day")},
    }


if __name__ == "__main__":
    sys.stdout.writelines(row.model_dump_json() + "\n" for lang in PARTS for row in drafts(lang))
