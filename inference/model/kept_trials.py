"""What the trials of products have shown, kept on disk: the next start need not try again."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist

from inference import rank_log
from inference.kernels import cpp_library
from inference.kernels.machine_cache import NoCache, cache_directory, machine, write_whole
from inference.model.linear import CANDIDATE_SIZES, ParallelLinear

SOURCES = ("linear.py", "quantized.py", "row_sizes.py", "kept_trials.py")


@dataclass(frozen=True, slots=True)
class Trials:
    """For each of CANDIDATE_SIZES, and each kind of layer.

    costs: [2, sizes], seconds of all products, and the same where their bits are right, otherwise
    infinity; picks: for each kind the fastest product of each size.
    """

    costs: torch.Tensor
    picks: list[list[int]]

    def __post_init__(self) -> None:
        sizes = len(CANDIDATE_SIZES)
        assert self.costs.shape == (2, sizes)
        assert not self.costs.isnan().any()
        assert (self.costs > 0).all()
        assert all(len(pick) == sizes for pick in self.picks)


def key_of(
    kinds: Sequence[Sequence[ParallelLinear]], dtype: torch.dtype, deterministic: bool
) -> str:
    """Return a name for all that the trials depend on: machine, threads, ranks, versions, shapes
    and forms of the products.
    """
    room = Path(__file__).parent
    whole = [
        machine(),
        torch.__version__,
        [(room / name).read_text() for name in SOURCES],
        cpp_library.sources(),
        (torch.get_num_threads(), dist.get_world_size(), str(dtype), deterministic),
        [_shape(kind, dtype) for kind in kinds],
    ]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:24]


def read(key: str, kinds: Sequence[Sequence[ParallelLinear]]) -> Trials | None:
    """Return what was kept under this key; None if there is nothing that makes sense."""
    try:
        kept = json.loads(_path(key).read_text())
        costs = torch.tensor(kept["costs"], dtype=torch.float32)
        trials = Trials(costs, [[int(one) for one in pick] for pick in kept["picks"]])
    except (NoCache, OSError, ValueError, KeyError, TypeError, AssertionError):
        return None
    known = [range(len(kind[0].products)) for kind in kinds]
    if len(trials.picks) != len(known):
        return None
    fits = all(set(pick) <= set(have) for pick, have in zip(trials.picks, known, strict=True))
    return trials if fits else None


def write(key: str, trials: Trials) -> None:
    """Keep what the trials have shown, if there is a place for it."""
    whole = {"costs": trials.costs.tolist(), "picks": trials.picks}
    try:
        write_whole(_path(key), json.dumps(whole))
    except (NoCache, OSError) as error:
        rank_log.say("the trials of products are not kept", reason=str(error))


def _path(key: str) -> Path:
    return cache_directory() / f"trials-{key}.json"


def _shape(kind: Sequence[ParallelLinear], dtype: torch.dtype) -> list[object]:
    first = kind[0]
    out = first.products[0](torch.zeros(1, first.columns, dtype=dtype)).shape[1]
    forms = [getattr(one, "__qualname__", type(one).__qualname__) for one in first.products]
    return [len(kind), out, first.columns, forms]
