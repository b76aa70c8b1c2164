"""`python -m inference.describe` says what would be loaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.inference.families import make
from tests.inference.vocabularies import CHATML, byte_level


def describe(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "inference.describe", *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_directory_is_told_as_a_table_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DTYPE", "fp32")
    model = make("qwen3", tmp_path)
    byte_level(tmp_path)
    told = json.loads(describe(str(tmp_path), "--json").stdout)
    assert told["source"] == "Hugging Face"
    assert told["family"] == "qwen3"
    assert told["parameters"] == sum(p.numel() for p in model.parameters())
    assert told["kv_bytes_per_token"] == 2 * 2 * 2 * 32 * 4
    assert told["template"] == CHATML
    assert told["ends"] == ["<0x02>"] or "<|im_end|>" in told["ends"]
    one, two, four = told["shares"]
    assert [share["tp"] for share in told["shares"]] == [1, 2, 4]
    assert one["weights"] == told["disk"]
    assert one["weights"] / 2 < two["weights"] < one["weights"] * 0.55
    # Two key/value heads: four ranks hold each of them twice.
    assert four["kv_bytes_per_token"] == two["kv_bytes_per_token"]
    assert one["tokens"] > 1000
    shown = describe(str(tmp_path)).stdout
    for text in ("qwen3", f"{told['parameters']:,}", "tokens that fit", "<|im_start|>assistant"):
        assert text in shown


def test_what_cannot_be_loaded_is_said_in_a_sentence_with_exit_code_2(tmp_path: Path) -> None:
    done = describe(str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("describe: The model ")
    assert done.stderr.count("\n") == 1
