"""Counts what a step asks of torch, and how often it waits for the device."""

from collections import Counter

from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

# Reads that a mode over functions does not see, because they are not called from Python.
HIDDEN_READS = frozenset(
    {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal", "is_nonzero"}
)


class Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operators."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


class Reads(TorchFunctionMode):
    """Counts what makes the host wait for numbers from the device."""

    NAMES = frozenset(
        [
            "tolist",
            "item",
            "cpu",
            "numpy",
            "nonzero",
            "unique",
            "masked_select",
            "equal",
            "is_nonzero",
            "__bool__",
            "__int__",
            "__float__",
            "__index__",
            "__contains__",
        ]
    )

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.count += getattr(func, "__name__", "") in self.NAMES
        return func(*args, **(kwargs or {}))
