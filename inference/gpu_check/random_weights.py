"""Weights at random, made on the device: what is measured does not need to know anything."""

from zlib import crc32

import torch

from inference.model.config import ModelConfig, parameter_shapes
from inference.model.weight_loader import CPU, SlotWeights, WeightForm, WeightLoader
from inference.model.weight_slots import WeightSlot


class RandomWeights(WeightLoader):
    """Takes the place of a checkpoint. Every parameter has numbers of its own, the same each time;
    rows keep their size from layer to layer.
    """

    def __init__(self, config: ModelConfig, device: str) -> None:
        super().__init__({}, {})
        self.device = torch.device(device)
        self.shapes = dict(parameter_shapes(config))

    def numbers(self, name: str) -> torch.Tensor:
        """Return a parameter, [rows, columns] in bf16, as checkpoints have it."""
        rows, columns = self.shapes[name]
        random = torch.Generator(self.device).manual_seed(crc32(name.encode()))
        made = torch.empty(rows, columns, dtype=torch.bfloat16, device=self.device)
        made.normal_(generator=random)
        if name.endswith("norm.weight"):
            return made.mul_(0.1).add_(1.0)
        return made if name.startswith("embedding") else made.mul_(columns**-0.5)

    def load(
        self,
        slot: WeightSlot,
        form: WeightForm,
        dtype: torch.dtype = torch.float32,
        device: torch.device = CPU,
    ) -> SlotWeights:
        """Make the weights of a slot where this was told to; they are never in few bits, and there
        are no biases.
        """
        parts = []
        for name, rows in slot.sources:
            part = self.numbers(f"{name}.weight")
            if rows is not None:
                part = part[torch.from_numpy(rows).to(self.device)]
            parts.append(part[:, slot.columns] if slot.columns else part)
        if slot.padding:
            parts.append(parts[0].new_zeros(slot.padding, parts[0].shape[1]))
        weight = torch.cat(parts) if len(parts) > 1 else parts[0].contiguous()
        return SlotWeights(weight.to(dtype) if slot.is_matrix else weight[:, 0].float(), None)
