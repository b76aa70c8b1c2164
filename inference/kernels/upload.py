"""From the host to the device without waiting for what the device computes."""

from collections.abc import Sequence

import torch


def upload(
    values: Sequence[object], device: torch.device, dtype: torch.dtype = torch.int64
) -> torch.Tensor:
    """Return numbers, or rows of them, as a tensor on the device. From memory that is not pinned a
    copy to a GPU would wait until all work before it is done.
    """
    if device.type != "cuda":
        return torch.tensor(values, dtype=dtype, device=device)
    return torch.tensor(values, dtype=dtype, pin_memory=True).to(device, non_blocking=True)
