"""Where the parameters of a model lie in its tensors, by our names for them.

A format may have other names, other orders of rows, and several parameters in one tensor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RowIndices = NDArray[np.int64]
ParameterRefs = dict[str, "ParameterRef"]


@dataclass(frozen=True, slots=True, eq=False)
class ParameterRef:
    """A parameter: the rows `rows` of the stored tensor `name`, in this order (None: all), or these
    columns, if it is transposed; `plus` is added to its numbers. size: rows and columns that the
    tensor must have.
    """

    name: str
    size: tuple[int, int]
    rows: RowIndices | None = None
    transposed: bool = False
    plus: float = 0.0


def direct_refs(
    names: Mapping[str, str], shapes: Iterable[tuple[str, tuple[int, int]]], plus: float = 0.0
) -> ParameterRefs:
    """Return the refs of parameters that have tensors of their own. names: the tensor of each
    parameter, without .weight and .bias, and with {} for the number of the layer in both; plus: is
    added to norms.
    """
    refs = {}
    for parameter, size in shapes:
        layer, plain, part = split_name(parameter)
        if plain in names:
            name = names[plain].format(layer) + part
            refs[parameter] = ParameterRef(name, size, plus=plus if "norm" in plain else 0.0)
    return refs


def split_name(parameter: str) -> tuple[int, str, str]:
    """Split "layers.7.q.weight" into 7, "layers.{}.q" and ".weight"; no layer counts as 0."""
    plain, dot, part = parameter.rpartition(".")
    if not plain.startswith("layers."):
        return 0, plain, dot + part
    _, layer, name = plain.split(".")
    return int(layer), f"layers.{{}}.{name}", dot + part
