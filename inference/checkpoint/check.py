"""Checks that the tensors of a model are all there, whole and readable."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize

from inference.checkpoint.parameter_ref import ParameterRef
from inference.checkpoint.stored_tensor import StoredTensor, block_of
from inference.errors import ModelError


def check_refs(
    path: Path, tensors: Mapping[str, StoredTensor], refs: Mapping[str, ParameterRef]
) -> None:
    """Raise ModelError for a tensor that is missing, unknown, of a wrong size, cut short or of a
    kind that cannot be read.
    """
    unknown, ends = set(tensors), dict[Path, int]()
    for ref in refs.values():
        if (tensor := tensors.get(ref.name)) is None:
            raise ModelError(f"{path} has no tensor {ref.name!r}.")
        unknown.discard(ref.name)
        _check_size(path, tensor, ref)
        _check_parts(tensor, ends)
    if unknown:
        raise ModelError(
            f"{path} holds tensors that this worker does not understand: "
            f"{', '.join(sorted(unknown)[:3])}."
        )


@lru_cache
def _can_dequantise(kind: int) -> bool:
    try:
        _, size = block_of(kind)
        dequantize(np.zeros((1, size), np.uint8), GGMLQuantizationType(kind))
    except (ValueError, KeyError, NotImplementedError):
        return False
    return True


def _check_size(path: Path, tensor: StoredTensor, ref: ParameterRef) -> None:
    if (tensor.rows, tensor.columns) != ref.size:
        rows, columns = ref.size
        wanted = f"{rows}" if columns == 1 else f"{rows} x {columns}"
        raise ModelError(
            f"{path}: tensor {tensor.name!r} is {' x '.join(map(str, tensor.shape))} numbers large "
            f"where the model's header says {wanted}."
        )
    if not _can_dequantise(tensor.kind):
        raise ModelError(
            f"{path}: tensor {tensor.name!r} has the quantisation number {tensor.kind}, which this "
            "worker does not know; take a file in a common one, such as Q8_0."
        )
    block, _ = block_of(tensor.kind)
    if tensor.columns % block:
        raise ModelError(
            f"{path}: tensor {tensor.name!r} has rows of {tensor.shape[-1]} numbers, which its "
            f"quantisation in blocks of {block} does not divide."
        )


def _check_parts(tensor: StoredTensor, ends: dict[Path, int]) -> None:
    """Check that the parts cover the tensor, and that the files reach to their ends."""
    block, size = block_of(tensor.kind)
    covered = 0
    for part in tensor.parts:
        covered += part.rows * part.columns
        end = part.offset + part.rows * part.columns // block * size
        if part.path not in ends:
            ends[part.path] = part.path.stat().st_size
        if end > ends[part.path]:
            raise ModelError(
                f"{part.path} is cut short: tensor {tensor.name!r} ends at byte {end:,}, "
                f"the file at {ends[part.path]:,}; download it again."
            )
    if covered != tensor.rows * tensor.columns:
        raise ModelError(
            f"{tensor.parts[0].path.parent}: tensor {tensor.name!r} is missing parts; copy the "
            "whole checkpoint."
        )
