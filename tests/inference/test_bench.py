"""The benchmark: what it computes from times, and that it runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inference.bench.__main__ import say_table
from inference.bench.engines import Footprint
from inference.bench.results import Goal
from inference.bench.timing import TimedStream, percentile, rate_of

MACHINE = {"cpu", "cores", "date", "load", "versions", "bandwidth"}
ROW = {"workload", "engine", "rate", "ratio", "ttft_p50", "tpot_p50", "mbu", "weights", "memory"}


def test_the_time_for_a_token_is_that_after_the_first_ones_shared_by_the_rest() -> None:
    stream = TimedStream(prompt_len=10, steps=[(0.5, 1), (0.6, 1), (1.0, 4)])
    assert stream.tpot == pytest.approx(0.1)
    assert TimedStream(10, [(0.5, 2)]).tpot is None
    assert (stream.ttft, stream.seconds, stream.count) == (0.5, 1.0, 6)


def test_what_comes_after_the_end_of_a_text_is_not_measured() -> None:
    stream = TimedStream(10, [(0.5, 1), (0.6, 2), (0.7, 1)], [5, 6, 2, 7])
    assert stream.until(frozenset({2})) == TimedStream(10, [(0.5, 1), (0.6, 2)], [5, 6, 2])
    assert stream.until(frozenset({5})).count == 3
    assert stream.until(frozenset({9})) == stream


def test_the_speed_of_a_batch_is_that_of_all_its_texts_until_the_last_is_done() -> None:
    run = [TimedStream(10, [(0.5, 1), (1.0, 1)]), TimedStream(10, [(1.0, 1), (2.0, 1)])]
    assert rate_of(run) == 2.0


def test_a_step_reads_the_weights_once_and_every_cache_to_its_middle() -> None:
    run = [TimedStream(10, [(0.1, 1), (0.2, 1)]), TimedStream(20, [(0.1, 1), (0.2, 1)])]
    assert Footprint(weights=1000, kv=10).of_step(run) == 1000 + 10 * (11 + 21)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, 0.99), percentile(values[:3], 0.99)] == [99.0, 3.0]


def test_a_goal_is_met_at_its_limit() -> None:
    assert Goal("w", "x", limit=2.5, measured=2.5).met
    assert Goal("w", "x", limit=1.6, measured=1.6, at_least=False).met
    assert not Goal("w", "x", limit=1.6, measured=1.7, at_least=False).met


def test_columns_are_as_wide_as_what_is_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(["a", "b"], [["long", "1"]])
    assert capsys.readouterr().out == "| a    | b |\n| ---- | - |\n| long | 1 |\n\n"


def test_one_workload_runs_and_writes_what_it_has_measured(tiny_gguf: Path, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    command = ["--quick", "--only", "one-stream", "--peers", "none", "--json", str(path)]
    done = subprocess.run(
        [sys.executable, "-m", "inference.bench", *command],
        env=os.environ | {"MODEL": str(tiny_gguf), "DTYPE": "fp32"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())
    assert found["machine"].keys() >= MACHINE
    assert found["machine"]["bandwidth"] > 0
    assert [row["engine"] for row in found["rows"]] == ["ours", "ours, no guesses"]
    row = found["rows"][0]
    assert row.keys() >= ROW
    assert row["workload"] == "one stream"
    assert row["rate"] > 0
    assert 0 < row["ttft_p50"] <= row["ttft_p99"]
    assert "| one stream | ours " in done.stdout


def test_a_model_that_is_not_there_is_said_in_a_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inference.bench", "--quick"],
        env=os.environ | {"MODEL": "/nowhere.gguf"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("bench: The model /nowhere.gguf does not exist")
