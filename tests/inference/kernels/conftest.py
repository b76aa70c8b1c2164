"""Skips what cannot be run here: kernels want a card, or Triton's interpreter."""

import os
from importlib.util import find_spec

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
