"""Which device, number format and threads a rank uses; the rest follows from these."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from inference.errors import ModelError
from inference.model.device_defaults import DEFAULTS
from inference.model.weight_loader import WeightForm

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class DeviceSettings(Protocol):
    """What a user asks for; see `inference.settings`."""

    @property
    def device(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def weights(self) -> str: ...
    @property
    def deterministic(self) -> bool | None: ...


class LimitSettings(Protocol):
    """What a user asks for; see `inference.settings`."""

    @property
    def kv_fraction(self) -> float | None: ...
    @property
    def max_running(self) -> int | None: ...
    @property
    def max_step_tokens(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Device:
    """The device of a rank."""

    name: str
    dtype: torch.dtype
    threads: int
    form: WeightForm
    deterministic: bool

    def backend(self, tp: int) -> str:
        """Return the transport between `tp` ranks. One rank talks to nobody, and NCCL would take
        seconds and memory to find that out.
        """
        return "cpu:gloo,cuda:nccl" if self.name == "cuda" and tp > 1 else "gloo"

    def memory(self, tp: int) -> int:
        """Return the bytes that one of `tp` ranks can have at most, for everything."""
        if self.name == "cuda":
            return int(torch.cuda.mem_get_info()[1])
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // tp

    def free_memory(self, tp: int) -> int:
        """Return the share of one of `tp` ranks in the bytes that nobody uses now."""
        if self.name == "cuda":
            return int(torch.cuda.mem_get_info()[0])
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024 // tp

    @property
    def description(self) -> str:
        """The number format and the form of the weights, for people."""
        numbers = str(self.dtype).removeprefix("torch.")
        return numbers if self.form == "full" else f"{numbers}, weights as {self.form}"

    @classmethod
    def choose(cls, asked: DeviceSettings, rank: int, tp: int) -> "Device":
        """Choose by the settings, `auto` included. Raises ModelError."""
        name = asked.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name == "cuda":
            if (count := torch.cuda.device_count()) < tp:
                raise ModelError(
                    f"TP={tp} needs {tp} GPUs and {count} can be used; lower TP or set DEVICE=cpu."
                )
            torch.cuda.set_device(rank)
        dtype = DTYPES.get(asked.dtype) or _best_dtype(name)
        form = _form(asked.weights, dtype)
        deterministic = asked.deterministic
        if deterministic is None:
            deterministic = DEFAULTS[name].deterministic
        # The supervisor has set OMP_NUM_THREADS to this rank's share of the cores.
        return cls(name, dtype, torch.get_num_threads(), form, deterministic)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a rank computes at once, and which share of the free memory its cache takes."""

    kv_fraction: float
    max_running: int
    max_step_tokens: int

    @classmethod
    def choose(cls, asked: LimitSettings, device: Device) -> "Limits":
        """Choose by the settings, and by the device where they say nothing. Raises ModelError."""
        default = DEFAULTS[device.name]
        running = asked.max_running or default.max_running
        tokens = asked.max_step_tokens or default.max_step_tokens
        if tokens < running:
            raise ModelError(
                f"MAX_STEP_TOKENS must be at least MAX_RUNNING, and on this device they are "
                f"{tokens} and {running}; set both."
            )
        return cls(asked.kv_fraction or default.kv_fraction, running, tokens)


def pin_to_cores(rank: int, tp: int) -> None:
    """Keep a rank on cores of its own, if there is one for each."""
    cores = sorted(os.sched_getaffinity(0))
    share = len(cores) // tp
    if tp > 1 and share:
        os.sched_setaffinity(0, cores[rank * share : (rank + 1) * share])


def _form(weights: str, dtype: torch.dtype) -> WeightForm:
    # The products with few bits take and give bf16.
    possible = dtype == torch.bfloat16
    if weights == "auto":
        return "file" if possible else "full"
    if weights == "int8" and not possible:
        raise ModelError("WEIGHTS=int8 needs DTYPE=bf16; set WEIGHTS=full instead.")
    return "int8" if weights == "int8" else "full"


def _best_dtype(name: str) -> torch.dtype:
    # bf16 halves what a step reads, but a CPU without instructions for it is slower than in fp32.
    if (
        name == "cuda"
        or torch.cpu._is_avx512_bf16_supported()
        or torch.cpu._is_amx_tile_supported()
    ):
        return torch.bfloat16
    return torch.float32
