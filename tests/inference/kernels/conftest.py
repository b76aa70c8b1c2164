"""Skips what cannot be run here: kernels want a card, or Triton's interpreter."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.inference.kernels.texts import DEVICE


@pytest.fixture(autouse=True)
def _can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("triton") is None:
        pytest.skip("triton is not installed: `make kernels` brings it")
    if DEVICE.type == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("no card, and no interpreter: `make kernels` sets TRITON_INTERPRET=1")
    if DEVICE.type == "cpu":
        from inference.kernels import triton_kernels  # noqa: PLC0415

        # It interprets all that a card would only mask.
        monkeypatch.setattr(triton_kernels, "MERGED_AHEAD", 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On a card these are what `-m gpu` asks for."""
    for item in items:
        if DEVICE.type == "cuda" and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.gpu)
