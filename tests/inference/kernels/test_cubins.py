"""What the compiler makes of the kernels for a card that is not here."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("triton", reason="needs triton: make kernels installs it")

# Half of what a thread may have lets two programs of four warps into each quarter of the registers.
MOST_REGISTERS = {"decode": 128, "rows": 64, "full, 4 rows": 96, "int8, 4 rows": 96}


@pytest.fixture(scope="module")
def launches() -> list[dict[str, Any]]:
    """Compile in a process of its own: the interpreter of this one leaves nothing to compile."""
    env = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "tests.inference.kernels.cubins"]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return [json.loads(line) for line in out.stdout.splitlines()]


def test_no_kernel_spills_registers_on_hopper(launches: list[dict[str, Any]]) -> None:
    assert len(launches) > 20
    assert [launch for launch in launches if launch["stack"]] == []


def test_what_waits_for_memory_leaves_registers_for_more_programs(
    launches: list[dict[str, Any]],
) -> None:
    for name, most in MOST_REGISTERS.items():
        found = [launch for launch in launches if launch["launch"] == name]
        assert found
        assert [launch for launch in found if launch["registers"] > most] == []


def test_decodes_and_prompts_are_summed_in_one_order(launches: list[dict[str, Any]]) -> None:
    attention = [launch for launch in launches if launch["kernel"] == "attend_tile"]
    assert len(attention) == 10
    # Instructions of one kind; four warps that share the tokens, and none the rows.
    assert {json.dumps(launch["mma"]) for launch in attention} == {"[[2, 1, 4]]"}


def test_products_of_few_and_of_many_rows_take_the_same_instructions(
    launches: list[dict[str, Any]],
) -> None:
    found = [launch["mma"] for launch in launches if launch["kernel"] == "multiply"]
    assert len(found) == 9
    # Of warp groups, and the warps share the outputs alone.
    assert all(version == 3 and columns == 1 for ((version, _, columns),) in found)
