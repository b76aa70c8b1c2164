"""What the bot says is made in the catalogue alone, and quotes released text and names of ours.

A test over the syntax trees: mypy holds that the outbox takes Phrase or SafeText and nothing else.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.messages import Named, sentences
from tests.safety.test_safe_text import is_named, makings

ROOT = Path(sentences.__file__).parents[2]
SOURCES = sorted((ROOT / "bot").rglob("*.py"))
MAKERS = {
    "bot/messages/catalogue.py",  # writes sentences in a language
    "bot/slack/render/blocks.py",  # cuts phrases at their lines
    "bot/slack/draft_message.py",  # puts phrases together
}

# What people typed, and where: shown only as far as it can be a name.
TYPED = {
    "unknown_option": {"name"},
    "use_option": {"name"},
    "other_option": {"value"},
    "unknown_kind": {"kind"},
    "use_kind": {"kind"},
    "mute_where": {"word"},
    "bad_option": {"value"},
    "voice_spelled": {"right"},
    "_name": {"typed"},
}
# Ids of Slack's, words of the catalogue and of the policy, names in settings and recipes.
OURS = {
    *("author", "bot", "channel", "reviewer", "requester", "user", "url"),
    *("categories", "code", "decision", "known", "names", "near", "part", "reason", "rules"),
    *(
        "command",
        "emoji",
        "example",
        "kind",
        "limits",
        "model",
        "name",
        "network",
        "options",
        "regenerate",
    ),
    *("stop", "title", "typed", "written"),
    *("first", "meant", "other", "second"),
    *("ahead", "values"),  # by the names of the measures
}


def where(is_found: Callable[[ast.AST], bool]) -> set[str]:
    """Return the files in whose syntax tree it is found."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if is_found(ast.parse(path.read_text("utf-8")))
    }


def test_nothing_else_makes_a_phrase() -> None:
    assert where(lambda tree: bool(set(makings(tree, "Phrase")) - _literals(tree))) == MAKERS


def _literals(tree: ast.AST) -> set[int]:
    """Return the lines with a phrase that is written there and quotes nothing."""
    return {
        n.lineno
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and is_named(n.func, "Phrase") and _is_literal(n)
    }


def _is_literal(call: ast.Call) -> bool:
    return all(isinstance(given, ast.Constant) for given in call.args)


def test_only_the_catalogue_makes_sentences() -> None:
    assert where(lambda tree: _calls(tree, "Sentence")) == {"bot/messages/catalogue.py"}
    assert where(lambda tree: _names(tree, "fill_in")) == {
        "bot/messages/catalogue.py",
        "bot/messages/sentences.py",
    }


def _calls(tree: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Call) and is_named(n.func, name) for n in ast.walk(tree))


def _names(tree: ast.AST, name: str) -> bool:
    """Say whether a function is defined, imported, called or handed on under this name."""
    return any(
        name in (getattr(n, "id", ""), getattr(n, "attr", ""))
        or (isinstance(n, ast.FunctionDef | ast.alias) and n.name == name)
        for n in ast.walk(tree)
    )


def functions() -> Iterator[ast.FunctionDef]:
    tree = ast.parse(Path(sentences.__file__).read_text("utf-8"))
    return (node for node in tree.body if isinstance(node, ast.FunctionDef))


def takes(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield the names and types of its parameters."""
    given = function.args
    for each in (*given.posonlyargs, *given.args, *given.kwonlyargs):
        assert each.annotation is not None
        yield each.arg, ast.unparse(each.annotation)


def test_a_sentence_takes_text_only_as_safe_text() -> None:
    plain = {
        name for function in functions() for name, type_ in takes(function) if _is_plain(type_)
    }
    assert plain <= {*OURS, *TYPED["bad_option"], "word", *TYPED["voice_spelled"]}
    assert {"said", "brief"} <= {
        name for function in functions() for name, type_ in takes(function) if "SafeText" in type_
    }


def _is_plain(type_: str) -> bool:
    return any(
        isinstance(n, ast.Name) and n.id in ("str", "Any", "object")
        for n in ast.walk(ast.parse(type_))
    )


def test_what_is_typed_is_shown_only_as_a_name() -> None:
    for function in functions():
        for name in TYPED.get(function.name, ()):
            if function.name != "_name":
                assert _uses(function, name) == _uses_in_name(function, name) > 0


def _uses(tree: ast.AST, name: str) -> int:
    return sum(isinstance(n, ast.Name) and n.id == name for n in ast.walk(tree))


def _uses_in_name(tree: ast.AST, name: str) -> int:
    return sum(
        isinstance(n, ast.Call) and ast.unparse(n) == f"_name({name})" for n in ast.walk(tree)
    )


@pytest.mark.parametrize("typed", ["<!channel>", "<@U1|ana>", "*bold* `code`", "https://a.b/c?d=e"])
def test_no_markup_of_what_is_typed_lives_in_a_sentence(typed: str) -> None:
    tone = Named("tone", "语气")
    said = str(sentences.unknown_option(typed, [tone]).to("en"))
    said += sentences.use_option(typed, tone).to("en")
    said += sentences.other_option(tone, typed, tone, tone).to("en")
    said += sentences.unknown_kind(typed, [tone]).to("en")
    said += sentences.use_kind(typed, tone).to("en")
    said += sentences.mute_where(typed).to("en")
    said += sentences.bad_option(tone, typed, sentences.choices([tone], None)).to("en")
    assert not set(said) & set("<>*@")
