"""Reads what is written in a pickle without running any of it.

Checkpoints of torch keep their tables in pickles, which can name any function to be called. Here
every name becomes an Inert: it keeps what it was called with, and does nothing.
"""

import io
import pickle
from typing import cast


class Inert:
    """Stands for an object of any class. kind: module and name of the class; args: what it was made
    with; state: what was put into it.
    """

    kind = ""
    args: tuple[object, ...] = ()
    state: object = None

    # A pickle may make an object without this.
    def __init__(self, *args: object) -> None:
        self.args = args

    def __setstate__(self, state: object) -> None:
        self.state = state

    def get(self, name: str) -> object:
        """A field; None if it has not been set."""
        return self.state.get(name) if isinstance(self.state, dict) else None

    @property
    def numbers(self) -> tuple[int, ...]:
        """The content of a torch.Size."""
        (content,) = cast("tuple[tuple[int, ...]]", self.args)
        return tuple(map(int, content))


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[Inert]:
        return type("Inert", (Inert,), {"kind": f"{module}.{name}"})

    def persistent_load(self, reference: object) -> object:
        return reference


def read_pickle(data: bytes) -> object:
    """Plain values as they are, all else as Inert. Raises pickle.UnpicklingError and others."""
    return _Unpickler(io.BytesIO(data)).load()
