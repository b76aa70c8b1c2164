"""Memory through which numbers go from a file to where they are held."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Staging:
    """Two buffers in turn: while the GPU copies one, the next block is read into the other. They
    are pinned, so that it can. To a CPU it takes one buffer, for numbers of another format.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.on_gpu = device, device.type == "cuda"
        self.buffers = [torch.empty(0, dtype=torch.uint8)] * (2 if self.on_gpu else 1)
        self.copied: list[torch.cuda.Event | None] = [None] * len(self.buffers)
        self.turn = 0

    @contextmanager
    def send(self, target: torch.Tensor, stored: torch.dtype) -> Iterator[torch.Tensor]:
        """Give a block of the shape of the target, in the format `stored`; when it has been filled
        it is copied to the target, after what the device does now.
        """
        self.turn = (self.turn + 1) % len(self.buffers)
        if (copied := self.copied[self.turn]) is not None:
            copied.synchronize()
        size = target.numel() * stored.itemsize
        if len(self.buffers[self.turn]) < size:
            self.buffers[self.turn] = torch.empty(size, dtype=torch.uint8, pin_memory=self.on_gpu)
        block = self.buffers[self.turn][:size].view(stored).view(target.shape)
        yield block
        # The GPU changes the format: in a copy from the CPU torch would do it here.
        target.copy_(block.to(self.device, non_blocking=True))
        if self.on_gpu:
            self.copied[self.turn] = torch.cuda.current_stream(self.device).record_event()
