"""Which device, number format and threads a rank uses; the rest follows from these."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from inference.gguf_file import ModelError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Device:
    """A rank's device."""

    name: str
    dtype: torch.dtype
    threads: int

    @property
    def backend(self) -> str:
        """The transport between ranks."""
        return "nccl" if self.name == "cuda" else "gloo"

    def memory(self, tp: int) -> int:
        """Bytes that one of `tp` ranks can have at most, for everything."""
        if self.name == "cuda":
            return int(torch.cuda.mem_get_info()[1])
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // tp

    @classmethod
    def choose(cls, name: str, dtype: str, rank: int, tp: int) -> Device:
        """From the settings DEVICE and DTYPE, `auto` included. Raises ModelError."""
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name == "cuda":
            _take_gpu(rank, tp)
        # The supervisor has set OMP_NUM_THREADS to this rank's share of the cores.
        return cls(name, DTYPES.get(dtype) or _best_dtype(name), torch.get_num_threads())


def _take_gpu(rank: int, tp: int) -> None:
    if torch.cuda.device_count() < tp:
        raise ModelError(
            f"TP={tp} needs {tp} GPUs and {torch.cuda.device_count()} can be used; "
            "lower TP or set DEVICE=cpu."
        )
    torch.cuda.set_device(rank)


def _best_dtype(name: str) -> torch.dtype:
    # bf16 halves what a step reads; without instructions for it a CPU is slower than in fp32.
    if (
        name == "cuda"
        or torch.cpu._is_avx512_bf16_supported()
        or torch.cpu._is_amx_tile_supported()
    ):
        return torch.bfloat16
    return torch.float32
