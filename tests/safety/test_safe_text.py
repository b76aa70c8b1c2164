"""Only the filter makes SafeText: a test over the syntax trees of the project."""

import ast
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mypy import api

from bot.messages import Phrase
from safety import SafeText, fenced, joined, part, safe

ROOT = Path(__file__).parents[2]
MAKERS = {
    "safety/verdict.py",  # says what it is
    "safety/screening/screening.py",  # judges
    "safety/text/safe_text.py",  # cuts and joins what was judged
}
SOURCES = [
    path for folder in ("bot", "safety", "inference") for path in (ROOT / folder).rglob("*.py")
]


def makings(tree: ast.AST, type_: str = "SafeText") -> Iterator[int]:
    """Yield lines that use the type for more than an annotation.

    To call it, to cast or alias it, to hand it on: whatever names it outside an annotation could
    make one. So could a class that is filled from outside, as pydantic's and SQLAlchemy's are.
    """
    allowed = {id(node) for annotation in _annotations(tree) for node in ast.walk(annotation)}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=names):
                allowed |= {id(name) for name in ast.walk(names)}
            case ast.alias(name=name, asname=str()) if name == type_:
                yield node.lineno
            case ast.ClassDef(bases=[base, *_]) if not is_named(base, "Protocol"):
                yield from (field.lineno for field in node.body if _holds(field, type_))
    for node in ast.walk(tree):
        if id(node) not in allowed and isinstance(node, ast.expr) and is_named(node, type_):
            yield node.lineno


def _annotations(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case (
                ast.arg(annotation=ast.expr() as annotation)
                | ast.AnnAssign(annotation=annotation)
                | ast.FunctionDef(returns=ast.expr() as annotation)
                | ast.AsyncFunctionDef(returns=ast.expr() as annotation)
            ):
                yield annotation


def _holds(field: ast.stmt, type_: str) -> bool:
    if not isinstance(field, ast.AnnAssign):
        return False
    return any(is_named(node, type_) for node in ast.walk(field.annotation))


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
        "map(SafeText, texts)",
        "partial(SafeText, x)",
        "TypeAdapter(list[SafeText])",
        "make = {'text': SafeText}",
        "getattr(safety, 'SafeText')",
        "(lambda make=SafeText: make(x))()",
        "class Text(SafeText): ...",
        "class Body(BaseModel): text: SafeText",
        "class LabelledText(Base): text: Mapped[SafeText | None]",
        "def show(text: SafeText = SafeText('')): ...",
    ],
)
def test_every_way_to_make_one_is_seen(source: str) -> None:
    assert list(makings(ast.parse(source))) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "def show(text: SafeText): ...",
        "async def show(*texts: SafeText) -> list[SafeText]: ...",
        "from safety import SafeText",
        "text: SafeText | None = None",
        "class Shown(Protocol):\n    text: SafeText",
        "class Shown:\n    text: 'SafeText'",
        "__all__ = ['SafeText']",
    ],
)
def test_to_name_the_type_is_no_making(source: str) -> None:
    assert not list(makings(ast.parse(source)))


WRONG = (
    "show('words')",
    "show(text + text)",
    "show(text[1:])",
    "show(text.strip())",
    "show(f'{text}')",
    "show(''.join([text]))",
    "show(text if text else 'words')",
    "show(text or 'words')",
    "show(max(text, 'words'))",
    "show(text.replace('a', 'b'))",
    "show(next(iter(text)))",
    "SafeText(5)",
    "joined('words')",
    "part('words')",
    "fenced('words')",
)
RIGHT = ("show(text)", "show(joined(text, text))", "show(part(text, 1))", "show(safe(text))")


def test_mypy_takes_no_other_text_for_safe_text(tmp_path: Path) -> None:
    # Without the rest of the filter, which would take mypy a minute.
    for name in ("verdict.py", "text/safe_text.py"):
        copy = tmp_path / "safety" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "safety" / name, copy)
        (copy.parent / "__init__.py").touch()
    head = [
        "from safety.text.safe_text import fenced, joined, part, safe",
        "from safety.verdict import SafeText",
        "def show(text: SafeText) -> None: ...",
        "text: SafeText",
    ]
    file = tmp_path / "shown.py"
    file.write_text("\n".join([*head, *WRONG, *RIGHT]) + "\n")
    options = ["--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    said, _, _ = api.run([*options, str(file)])
    lines = {int(number) for number in re.findall(r"shown\.py:(\d+): error", said)}
    assert lines == {len(head) + 1 + i for i in range(len(WRONG))}, said


TEXT = SafeText("Of the tram.")


@pytest.mark.parametrize(
    "made",
    [
        safe,
        lambda words: joined(TEXT, words),
        lambda words: part(words, 1),
        lambda words: fenced(words, words),
    ],
)
def test_what_mypy_was_told_nothing_about_is_refused_where_safe_text_is_made_of_it(
    made: Callable[[Any], SafeText],
) -> None:
    assert isinstance(made(TEXT), SafeText)
    for words in ("Of the tram.", TEXT[:], TEXT + "", f"{TEXT}", Phrase("Of the tram.")):
        with pytest.raises(TypeError):
            made(words)


def test_nothing_but_marks_of_a_code_block_is_put_around_what_was_released() -> None:
    assert fenced(TEXT, "```\n", "Of the ", "\n```") == "```\nOf the \n```"
    with pytest.raises(ValueError, match="more than marks"):
        fenced(TEXT, "```\n", "Of a ", "\n```")


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if "inference" not in path.parts],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nothing_hides_from_the_checker_of_types_what_is_no_safe_text(path: Path) -> None:
    ignored = re.findall(r"#\s*type:\s*ignore\S*|#\s*mypy:.*", path.read_text("utf-8"))
    assert set(ignored) <= {"# type: ignore[no-untyped-call]"}


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
