"""The rooms of the filter import one way, and the running filter needs no training code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SAFETY = Path(__file__).parents[2] / "safety"
ROOMS = (
    "errors",
    "verdict",
    "text",
    "policy",
    "audit",
    "detectors",
    "classifier",
    "judge",
    "screening",
    "training",
)
"""Each may import those before it and itself."""
FILES = [path for path in SAFETY.rglob("*.py") if path.parent != SAFETY or path.stem in ROOMS]


def imported_rooms(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name.split(".")[1] for name in names if name.startswith("safety."))


def test_every_room_has_its_place_in_the_order() -> None:
    folders = {path.parent.name for path in SAFETY.rglob("*.py") if path.parent != SAFETY}
    files = {path.stem for path in SAFETY.glob("*.py")} - {"__init__"}
    assert folders | files == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SAFETY)))
def test_a_room_imports_only_rooms_before_it(path: Path) -> None:
    room = path.relative_to(SAFETY).with_suffix("").parts[0]
    assert set(imported_rooms(path)) <= set(ROOMS[: ROOMS.index(room) + 1])


def test_nothing_outside_training_imports_it() -> None:
    root = SAFETY.parent
    outside = [
        path for name in ("bot", "inference", "safety") for path in (root / name).rglob("*.py")
    ]
    users = [path for path in outside if "training" in set(imported_rooms(path))]
    assert users
    assert {path.parent for path in users} == {SAFETY / "training"}
