"""Who may know whom, read from the imports themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The domain: it knows neither Slack, nor listeners, nor the rest of the bot's settings.
DRAFTING = [
    *("bot.drafting", "bot.store", "bot.messages", "bot.extraction", "bot.encryption"),
    *(
        "bot.errors",
        "bot.emoji",
        "bot.metrics",
        "inference.telemetry",
        "safety",
        "inference.client",
        "inference.logs",
    ),
]
OURS = {"bot", "inference", "safety"}


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            yield ".".join(filter(None, [base, node.module]))


def files(folder: str) -> list[Path]:
    place = ROOT / folder
    found = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize(
    ("folder", "may_know"),
    [
        ("inference", ["inference"]),
        ("safety", ["safety"]),
        (
            "bot",
            [
                *("bot", "safety", "inference.client", "inference.environment", "inference.logs"),
                *("inference.request_names", "inference.telemetry"),
            ],
        ),
        ("bot/http_server.py", []),
        ("bot/metrics.py", []),
        ("bot/emoji.py", []),
        ("bot/workspace", ["bot.workspace", "bot.http_server", "bot.emoji"]),
        ("bot/store", ["bot.store", "bot.metrics"]),
        ("bot/extraction", ["bot.extraction"]),
        ("bot/messages", ["bot.messages", "safety"]),
        ("bot/errors.py", ["bot.messages", "safety"]),
        ("bot/drafting", DRAFTING),
        ("bot/slack", ["bot.slack", "bot.drafting", "bot.messages", "bot.metrics", "safety"]),
        (
            "bot/listeners",
            ["bot.listeners", "bot.settings", "bot.slack", "bot.background_tasks", *DRAFTING],
        ),
    ],
)
def test_a_part_imports_of_the_project_only_what_it_may_know(
    folder: str, may_know: list[str]
) -> None:
    for path in files(folder):
        for name in imports(path):
            if name.split(".")[0] in OURS:
                known = any(name == part or name.startswith(f"{part}.") for part in may_know)
                assert known, f"{path.relative_to(ROOT)} imports {name}"


def test_only_commands_benchmarks_and_the_evaluation_import_commands() -> None:
    allowed = {
        path
        for place in ("bot/cli", "bot/bench", "bot/evaluate", "bot/__main__.py")
        for path in files(place)
    }
    for path in set(files("bot")) - allowed:
        assert not any(name.startswith("bot.cli") for name in imports(path)), path


def test_only_the_model_imports_megatron() -> None:
    for path in [*files("bot"), *files("inference"), *files("safety")]:
        if path != ROOT / "inference" / "model" / "gpt_model.py":
            assert not any(name.startswith("megatron") for name in imports(path)), path
