"""Only the filter makes SafeText: a test over the syntax trees of the project."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKERS = {
    "safety/screen.py",  # judges
    "safety/released.py",  # cuts and joins what was judged
    "bot/slack/markup.py",  # cuts it too, and closes the code fences that it cut
}
SOURCES = [
    path for folder in ("bot", "safety", "inference") for path in (ROOT / folder).rglob("*.py")
]


def makings(tree: ast.AST) -> Iterator[int]:
    """Lines that call SafeText, cast to it, or give it another name."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function, args=args):
                target = args[:1] if is_named(function, "cast") else []
                if any(is_named(name, "SafeText") for name in [function, *target]):
                    yield node.lineno
            case ast.alias(name="SafeText", asname=str()):
                yield node.lineno
            case ast.Assign(value=value) if is_named(value, "SafeText"):
                yield node.lineno


def is_named(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Constant):
        return node.value == name
    return getattr(node, "attr", None) == name or getattr(node, "id", None) == name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_outside_the_filter_makes_safe_text(path: Path) -> None:
    made = list(makings(ast.parse(path.read_text("utf-8"))))
    assert not made or path.relative_to(ROOT).as_posix() in MAKERS


@pytest.mark.parametrize(
    "source",
    [
        "SafeText(x)",
        "safety.SafeText(x)",
        "cast(SafeText, x)",
        "typing.cast('SafeText', x)",
        "from safety import SafeText as Text",
        "Text = SafeText",
    ],
)
def test_every_way_to_make_one_is_seen(source: str) -> None:
    assert list(makings(ast.parse(source))) == [1]


@pytest.mark.parametrize("source", ["def show(text: SafeText): ...", "from safety import SafeText"])
def test_to_name_the_type_is_no_making(source: str) -> None:
    assert not list(makings(ast.parse(source)))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "safety").rglob("*.py")), ids=lambda path: path.name
)
def test_the_filter_imports_nothing_of_the_project_but_itself(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    imported = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    ]
    assert not {"bot", "inference", "megatron", "slack_sdk", "torch"} & {
        name.split(".")[0] for name in imported
    }
