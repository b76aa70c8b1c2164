"""Reads a pickle without running any of it.

Checkpoints of torch keep their tables in pickles, which can call any function by its name. Here
every name becomes an Inert, which keeps what it was called with and does nothing.
"""

import io
import pickle
from typing import Any


class Inert:
    """Stands for an object of any class. kind: module and name of the class; args: what it was made
    with; state: what was put into it.
    """

    kind = ""
    args: tuple[Any, ...] = ()
    state: Any = None

    # A pickle may make an object without a call of this.
    def __init__(self, *args: Any) -> None:
        self.args = args

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def get(self, name: str) -> Any:
        """Return a field, or None if it has not been set."""
        return self.state.get(name) if isinstance(self.state, dict) else None

    @property
    def numbers(self) -> tuple[int, ...]:
        """The content of a torch.Size."""
        (content,) = self.args
        return tuple(map(int, content))


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[Inert]:
        return type("Inert", (Inert,), {"kind": f"{module}.{name}"})

    def persistent_load(self, reference: object) -> object:
        return reference


def read_pickle(data: bytes) -> Any:
    """Return plain values as they are, and all else as Inert. Raises pickle.UnpicklingError and
    others.
    """
    return _Unpickler(io.BytesIO(data)).load()
